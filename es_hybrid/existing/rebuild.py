"""A new version of an index beside the old one, from its documents; then the alias is moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.contract import Contract, same_model
from es_hybrid.documents import field_names
from es_hybrid.embedders import Embedder
from es_hybrid.errors import NotVerified, UsageError
from es_hybrid.existing.body import copied_body
from es_hybrid.existing.changes import count, marks
from es_hybrid.existing.copy import Copy, CopyJob
from es_hybrid.existing.enrich import Making, new_contract
from es_hybrid.existing.index import Existing, existing_index, write_meta
from es_hybrid.existing.run import OnProgress
from es_hybrid.existing.sample import agreement, sample
from es_hybrid.existing.versions import aliased, move, next_version, versions
from es_hybrid.indexing.creation import put_index
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.report import Problem
from es_hybrid.live import index_embedder
from es_hybrid.mapping import check_analysis
from es_hybrid.passages import passage_size

# Passes over what was written meanwhile, before and after the alias is moved. A write that is on
# its way in that moment arrives within the pause.
_PASSES, _PASSES_AFTER, _PAUSE = 10, 3, 0.5

BUILDING = "building"  # a note in the ``_meta`` of a version that is not finished

Gate = Callable[[Elasticsearch, str, Embedder], float]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a rebuild.

    Attributes:
        name: the alias.
        index: the index that it stands for now.
        previous: the one before, which stays; None where there was no alias.
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
        problems: the first of the documents whose text cannot be embedded.
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
) -> Rebuilt:
    """Make the index behind an alias anew, while it is searched and written to.

    The documents are those of the old version; no source is needed. What is written or deleted
    meanwhile is caught up with, before the alias is moved and after it. Vectors are computed
    again only where the model or the text is another. The old version stays, for `rollback`. An
    interrupted rebuild goes on where it was.

    Programs that write to the old version by its own name go on doing so: let a run of `Indexer`
    end first, or run it again afterwards.

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

    Raises:
        UsageError: `name` is no alias, or an option that can never work.
        NotVerified: the new version lacks documents, or finds less; the alias was not moved.
        ContractError: the old one has no contract, or another embedder made it.
        EmbedderError: the embedder cannot be loaded.
        ServerError: the server refused, or cannot be reached; run it again to go on.
    """
    began = time.perf_counter()
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
    contract, model = next_contract(client, source, making, analysis)
    target, resumed = version_to_build(client, name, source, contract)
    job = CopyJob(
        client,
        source,
        target.index,
        contract,
        model,
        keeps=keeps_vectors(old, contract),
        resumed=resumed,
        dead_letters=dead_letters,
        progress=progress,
        alias=target.write_alias,
        patience=patience,
    )
    take = partial(move, client, name, source=source, target=target.index)
    return finished(job, take, gate=gate, at_least=at_least, began=began)


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
    if making.embedder is None and old.embedder.label is not None:
        contract = replace(old, analysis=profile, vector_index=str(making.vector_index))
        if making.similarity != old.similarity or making.passages or names != old.text_fields:
            raise UsageError(
                f"{source.name!r} holds ready vectors, {old.embedder.id}: name an --embedder to "
                "have them made in another way"
            )
        return contract, None
    if making.embedder is None:
        making = replace(making, embedder=index_embedder(old, None, index=source.index))
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
        if begun.notes.get(BUILDING) == source.index and begun.contract == contract:
            return begun, True
    target = next_version(client, name)
    _create(client, target, source, contract, notes=notes)
    return existing_index(client, target), False


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
    put_index(client, target, copied_body(source, contract, notes=notes))


def finished(
    job: CopyJob,
    take: Callable[[], None],
    *,
    began: float,
    name: str | None = None,
    gate: Gate | None = None,
    at_least: float = 0.0,
) -> Rebuilt:
    """Copy, verify, let the alias stand for the copy, and catch up.

    Args:
        job: what is copied.
        take: lets the alias stand for the copy.
        began: when all of it began, by `perf_counter`.
        name: the alias; None is that of the source.
        gate: measures the copy.
        at_least: what the gate must measure.

    Raises:
        NotVerified: the copy lacks documents, or finds less; the alias is where it was.
        ServerError: the server refused, or cannot be reached.
    """
    client, target = job.client, job.target
    copy = Copy(job)
    try:
        copy.all()
        _settle(copy)
        agreed = _verified(copy)
        measured = _gated(job, gate, at_least)
        _settle(copy)
        write_meta(client, target, notes={BUILDING: None})
        copy.take_over()
        take()
        for _ in range(_PASSES_AFTER):
            time.sleep(_PAUSE)
            copy.catch_up()
    finally:
        copy.close()
    marks(client, target)
    done = _report(copy, agreed=agreed, measured=measured, seconds=time.perf_counter() - began)
    return done if name is None else replace(done, name=name)


def _settle(copy: Copy) -> None:
    """Catch up until hardly anything is left to do."""
    for _ in range(_PASSES):
        if copy.catch_up() == 0:
            return


def _verified(copy: Copy) -> float | None:
    """The share of sampled vectors that the embedder makes again.

    Raises:
        NotVerified: documents are missing, or the vectors are others.
    """
    job = copy.job
    if copy.copied.lost:
        first = next(iter(copy.copied.problems))
        raise NotVerified(
            f"{len(copy.copied.lost)} documents cannot be written to {job.target!r}, so that "
            f"{job.source.name!r} was left as it is; the first: {first.where}: {first.reason}"
        )
    for _ in range(_PASSES):
        marks(job.client, job.target)
        has, needs = count(job.client, job.target), count(job.client, job.source.index)
        if has == needs:
            break
        copy.catch_up()
    else:
        raise NotVerified(
            f"{job.target!r} has {has} documents and {job.source.index!r} {needs}: "
            f"{job.source.name!r} was left as it is; run it again, best when less is written"
        )
    return _agreed(job)


def _agreed(job: CopyJob) -> float | None:
    if job.embedder is None or job.contract.passages:
        return None
    names = job.contract.text_fields
    field = job.contract.vector_field
    found = sample(job.client, job.target, vector_field=field, text_fields=names)
    if not found.dims:
        return None
    shown = agreement(found, job.embedder, names)
    if shown.sampled and not shown.proven:
        raise NotVerified(
            f"only {shown.agreed} of {shown.sampled} sampled vectors of {job.target!r} are those "
            f"of {job.embedder.info.id!r}: {job.source.name!r} was left as it is; look for "
            "another program that writes to it"
        )
    return shown.agreed / shown.sampled if shown.sampled else None


def _gated(job: CopyJob, gate: Gate | None, at_least: float) -> float | None:
    if gate is None or job.embedder is None:
        return None
    measured = gate(job.client, job.target, job.embedder)
    if measured < at_least:
        raise NotVerified(
            f"{job.target!r} measures {measured:.4f}, and at least {at_least:g} is asked for: "
            f"{job.source.name!r} was left as it is; look at {job.target!r}, then delete it"
        )
    return measured


def _report(copy: Copy, *, agreed: float | None, measured: float | None, seconds: float) -> Rebuilt:
    """What a copy that took over has done."""
    job, numbers = copy.job, copy.copied
    return Rebuilt(
        name=job.source.name,
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
        seconds=round(seconds, 3),
        problems=tuple(numbers.problems),
    )
