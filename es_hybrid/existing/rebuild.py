"""A new version of an index beside the old one, from its documents; then the alias is moved."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.contract import Contract, same_model
from es_hybrid.documents import field_names
from es_hybrid.embedders import Embedder
from es_hybrid.errors import (
    ContractError,
    ContractMismatch,
    IndexNotFound,
    RequestRefused,
    TooManyRejected,
    UsageError,
)
from es_hybrid.existing.body import copied_body, refused_settings, without_settings
from es_hybrid.existing.changes import count
from es_hybrid.existing.copy import Copy, CopyJob
from es_hybrid.existing.enrich import Making, new_contract
from es_hybrid.existing.handover import BUILDING, HANDOVER, go_on, hand_over, mark_whole
from es_hybrid.existing.index import Existing, existing_index
from es_hybrid.existing.run import OnProgress, waiting
from es_hybrid.existing.verify import Gate, copied_and_verified
from es_hybrid.existing.versions import aliased, next_version, versions
from es_hybrid.indexing.creation import put_index
from es_hybrid.indexing.limit import LIMIT, Limit, limit
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import plain
from es_hybrid.indexing.report import Problem
from es_hybrid.indexing.scan import refresh
from es_hybrid.live import index_embedder, way
from es_hybrid.mapping import check_analysis
from es_hybrid.passages import passage_size
from es_hybrid.tuned import tuned_of

_EXISTS = "resource_already_exists_exception"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a rebuild.

    Attributes:
        name: the alias.
        index: the index that it stands for now; of a run that stopped, the one that was begun.
        previous: the one before, which stays.
        embedder: id of the embedder.
        documents: how many the new index has.
        written: documents written, those included that changed meanwhile and were written again.
        embedded: of these, those whose vectors were computed.
        kept: of these, those whose vectors were taken over, as model and text are the same.
        without_vector: of these, those without text, or with one that cannot be embedded.
        deleted: documents taken away again, as somebody deleted them meanwhile.
        conflicts: documents changed in the old index at the last moment and in the new one as
            well; what is in the new one stays.
        agreed: share of sampled vectors that the embedder makes again, 0 to 1; None where they
            could not be compared.
        measured: what the gate measured; None without one.
        seconds: wall time.
        problems: the first of the documents that were refused, or whose text cannot be embedded.
        untuned: whether the old version was tuned, which says nothing of the new model.
        stopped: why the run ended before it had copied all; None where it did not.
    """

    name: str
    index: str
    previous: str | None
    embedder: str
    documents: int
    written: int
    embedded: int
    kept: int
    without_vector: int
    deleted: int
    conflicts: int
    agreed: float | None
    measured: float | None
    seconds: float
    problems: tuple[Problem, ...]
    untuned: bool
    stopped: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def rebuild(
    client: Elasticsearch,
    name: str,
    *,
    embedder: str | Embedder | None = None,
    text_fields: Iterable[str] | None = None,
    analysis: str | None = None,
    vector_index: str | None = None,
    similarity: str | None = None,
    passages: str | None = None,
    gate: Gate | None = None,
    at_least: float = 0.0,
    dead_letters: Path | None = None,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
    max_rejected: int | str | Limit | None = LIMIT,
) -> Rebuilt:
    """Make the index behind an alias anew, while it is searched and written to.

    The documents are those of the old version; no source is needed. What is written or deleted
    meanwhile is caught up with, before the alias is moved and after it. Vectors are computed
    again only where the model or the text is another. An interrupted rebuild goes on where it
    was, also one that had moved the alias already.

    The old version stays, for `rollback`, and is closed to writers (``index.blocks.write``): a
    run of `Indexer` that had begun before stops with `AliasMoved`, and another program that
    writes to the old index by its own name is refused, instead of writing where nobody searches.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: the alias.
        embedder: a name, or an object with the `Embedder` methods; None takes the contract's.
        text_fields: full names; None takes the contract's.
        analysis: an analysis profile; None takes the index's own.
        vector_index: a vector index type; None takes the contract's.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``; None as before.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``, or ``"none"``; None as before.
        gate: measures the new version, such as by nDCG; called with its name and embedder.
        at_least: what the gate must measure.
        dead_letters: file for documents that the new version refuses; None keeps none.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached; then it stops.
        max_rejected: stop when more documents than this are refused by the new version or get no
            vector, as of `Indexer`; one that lacks a document never takes over.

    Raises:
        TooManyRejected: more than `max_rejected`; it has the report up to there, and the alias
            was not moved.
        UsageError: `name` is no alias, or an option that can never work.
        NotVerified: the new version lacks documents, or finds less; the alias was not moved.
        ContractError: the old one has no contract, or another embedder made it.
        EmbedderError: the embedder cannot be loaded.
        ServerError: the server refused, or cannot be reached; run it again to go on.
    """
    began = time.perf_counter()
    most = limit(max_rejected)
    client = waiting(client, patience, progress)
    source = aliased(client, name)
    old = source.promised
    making = Making(
        embedder=embedder,
        text_fields=field_names(text_fields),
        vector_index=vector_index or old.vector_index,
        similarity=similarity or old.similarity,
        passages=_passages(passages, old),
        vector_field=None,
    )
    told = {"dead_letters": dead_letters, "progress": progress, "limit": most}
    ended = None
    if source.notes.get(HANDOVER):
        ended = _ended(client, source, embedder, told, began=began)
        source = aliased(client, name)
    contract, model = next_contract(client, source, making, analysis)
    if ended and contract == source.promised:
        return ended
    target, resumed = version_to_build(client, name, source, contract)
    job = copy_job(client, source, target, contract, model, resumed=resumed, **told)
    with closing(Copy(job)) as copy, reporting(copy, name, began=began):
        agreed, measured = copied_and_verified(copy, gate=gate, at_least=at_least)
        hand_over(copy, name)
        return report(copy, name, agreed=agreed, measured=measured, began=began)


def copy_job(
    client: Elasticsearch,
    source: Existing,
    target: Existing,
    contract: Contract,
    model: Embedder | None,
    *,
    resumed: bool,
    **told: Any,
) -> CopyJob:
    """What is to be copied to a version; `told` are members of `CopyJob`."""
    keeps = keeps_vectors(source.contract, contract)
    alias = target.write_alias
    return CopyJob(
        client, source, target.index, contract, model, keeps, resumed, alias=alias, **told
    )


def _ended(
    client: Elasticsearch,
    new: Existing,
    embedder: str | Embedder | None,
    told: Mapping[str, Any],
    *,
    began: float,
) -> Rebuilt | None:
    """What a rebuild was killed before, when the alias stood for the new version already.

    None where the old version is gone, so that nothing is left to be done.
    """
    contract = new.promised
    try:
        source = existing_index(client, str(new.notes.get(BUILDING)))
    except IndexNotFound:
        mark_whole(client, new.index)
        return None
    model = _embedder_of(client, new, embedder)
    job = copy_job(client, source, new, contract, model, resumed=True, **told)
    with closing(Copy(job)) as copy:
        go_on(copy, new.notes[HANDOVER])
        return report(copy, new.name, began=began)


def _embedder_of(
    client: Elasticsearch, new: Existing, asked: str | Embedder | None
) -> Embedder | None:
    """That of an interrupted rebuild; None where its vectors came ready-made.

    Raises:
        ContractError: another one is asked for, and its own is not loaded on the word of an index.
    """
    contract = new.promised
    if _made_elsewhere(contract):
        return None
    try:
        return index_embedder(contract, asked, index=new.index, send=way(plain(client)))
    except ContractMismatch:  # that of the rebuild that is asked for now
        pass
    try:
        return index_embedder(contract, None, index=new.index, send=way(plain(client)))
    except ContractError as error:
        raise ContractError(
            f"the rebuild that made {new.index!r} was interrupted: end it first with --embedder "
            f"{contract.embedder.id}, then run this one ({error})"
        ) from error


def _made_elsewhere(contract: Contract) -> bool:
    """Whether vectors are copied, as they came ready-made, or are those of pictures."""
    return contract.embedder.label is not None or contract.embedder.modality == "image"


def _passages(said: str | None, old: Contract) -> Any:
    if said is None:
        return old.passages
    return None if said == "none" else passage_size(said)


def next_contract(
    client: Elasticsearch, source: Existing, making: Making, analysis: str | None
) -> tuple[Contract, Embedder | None]:
    """The contract of a new version, and what makes its vectors.

    That is None where they came ready-made.

    Raises:
        UsageError: an option that can never work.
        ContractError: the embedder that is named made other vectors.
        EmbedderError: the embedder cannot be loaded.
    """
    old = source.promised
    names = making.text_fields or old.text_fields
    profile = old.analysis if analysis is None else check_analysis(analysis)
    if making.embedder is None and _made_elsewhere(old):
        contract = replace(old, analysis=profile, vector_index=str(making.vector_index))
        if making.similarity != old.similarity or making.passages or names != old.text_fields:
            raise UsageError(
                f"{source.name!r} holds vectors that are not made of its texts, "
                f"{old.embedder.id}: name an --embedder to have them made in another way"
            )
        return contract, None
    if making.embedder is None:
        making = replace(
            making, embedder=index_embedder(old, None, index=source.index, send=way(plain(client)))
        )
    contract, model = new_contract(client, making, names, analysis=profile)
    same = contract.passages is None and contract.embedder.dims == old.embedder.dims
    field = old.vector_field if same else contract.vector_field
    return replace(contract, vector_field=field), model


def keeps_vectors(old: Contract | None, new: Contract) -> bool:
    """Whether a text has the same vectors under both."""
    return (
        old is not None
        and same_model(old, new)
        and all(
            getattr(old, part) == getattr(new, part)
            for part in ("text_fields", "passages", "normalisation")
        )
    )


def version_to_build(
    client: Elasticsearch, name: str, source: Existing, contract: Contract
) -> tuple[Existing, bool]:
    """A new version of `name`, made just now, or one that was begun; and whether it was.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    notes = {BUILDING: source.index}
    for index in reversed(versions(client, name)):
        if index == source.index:
            break
        begun = existing_index(client, index)
        if _is_begun(begun, source, contract):
            return begun, True
    target = next_version(client, name)
    try:
        _create(client, target, source, contract, notes=notes)
    except RequestRefused as error:  # it may be made, and nobody was told
        made = existing_index(client, target) if error.kind == _EXISTS else None
        if made is None or not _is_begun(made, source, contract):
            raise
        return made, True
    return existing_index(client, target), False


def _is_begun(made: Existing, source: Existing, contract: Contract) -> bool:
    """Whether a version is one of this source and contract that is not finished."""
    return made.notes.get(BUILDING) == source.index and made.contract == contract


def _create(
    client: Elasticsearch,
    target: str,
    source: Existing,
    contract: Contract,
    *,
    notes: dict[str, Any],
) -> None:
    if source.adopted and keeps_vectors(source.contract, contract):
        notes = {**notes, "adopted": True}
    body = copied_body(source, contract, notes=notes)
    try:
        put_index(client, target, body)
    except RequestRefused as error:
        if not (names := refused_settings(str(error))):
            raise
        put_index(client, target, without_settings(body, names))


def report(
    copy: Copy,
    name: str,
    *,
    began: float,
    agreed: float | None = None,
    measured: float | None = None,
) -> Rebuilt:
    """What a copy has done.

    Args:
        copy: to the index that the alias stands for now, or that was begun for it.
        name: the alias.
        began: when all of it began, by `perf_counter`.
        agreed: share of sampled vectors that the embedder makes again.
        measured: what the gate measured.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    job, numbers = copy.job, copy.copied
    refresh(job.client, job.target)
    return Rebuilt(
        name=name,
        index=job.target,
        previous=job.source.index,
        embedder=job.contract.embedder.id,
        documents=count(job.client, job.target),
        written=numbers.written,
        embedded=numbers.embedded,
        kept=numbers.kept,
        without_vector=numbers.without_vector,
        deleted=numbers.deleted,
        conflicts=numbers.conflicts,
        agreed=agreed,
        measured=measured,
        seconds=round(time.perf_counter() - began, 3),
        problems=tuple(numbers.problems),
        untuned=_untuned(job),
    )


@contextmanager
def reporting(copy: Copy, name: str, *, began: float) -> Iterator[None]:
    """Let a run that stops say what it has done: arguments as of `report`.

    Raises:
        TooManyRejected: with that report.
    """
    try:
        yield
    except TooManyRejected as error:
        done = replace(report(copy, name, began=began), stopped=str(error))
        raise TooManyRejected(str(error), report=done) from error


def _untuned(job: CopyJob) -> bool:
    tuned = tuned_of({"mappings": job.source.mappings}, job.source.contract)
    return tuned is not None and not tuned.fits(job.contract)
