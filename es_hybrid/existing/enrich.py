"""Vectors for the documents of an index that exists already."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.contract import Contract, probe
from es_hybrid.documents import DEFAULT_TEXT_FIELDS, VECTOR_FIELD, field_names
from es_hybrid.embedders import DEFAULT_EMBEDDER, Embedder
from es_hybrid.errors import ContractMismatch, TooManyRejected, UsageError
from es_hybrid.existing.additions import OWN_ANALYSIS, check_room, has_vector, properties
from es_hybrid.existing.handover import check_open
from es_hybrid.existing.index import Existing, check_text_fields, existing_index, write_meta
from es_hybrid.existing.report import Count, Enriched
from es_hybrid.existing.run import Job, OnProgress, Run, text_source, waiting
from es_hybrid.existing.since import check_since, from_mark, newest
from es_hybrid.filters import Clause, Filters, clauses
from es_hybrid.indexing.limit import LIMIT, Limit, limit
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import plain
from es_hybrid.indexing.scan import Scan, refresh
from es_hybrid.live import index_embedder, reached, way
from es_hybrid.model_references import references
from es_hybrid.passages import PassageSize, passage_size
from es_hybrid.similarity import DEFAULT_SIMILARITY, similarity
from es_hybrid.vector_index import DEFAULT_VECTOR_INDEX, check_server, vector_index_type


@dataclass(frozen=True, slots=True)
class Making:
    """How vectors are made; None leaves it to the index, or to the default.

    Attributes:
        embedder: a name or an object.
        text_fields: what is embedded and searched, full names.
        vector_index: a vector index type.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        passages: the size of passages.
        vector_field: the field that is added for the vectors.
    """

    embedder: str | Embedder | None = None
    text_fields: tuple[str, ...] | None = None
    vector_index: str | None = None
    similarity: str | None = None
    passages: PassageSize | None = None
    vector_field: str | None = None

    @classmethod
    def asked(
        cls,
        *,
        text_fields: Iterable[str] | None,
        passages: str | PassageSize | None,
        **said: Any,
    ) -> Making:
        """What a caller says, in any of the ways that he may say it.

        Raises:
            UsageError: passages of a size that can never work.
        """
        size = None if passages is None else passage_size(passages)
        return cls(text_fields=field_names(text_fields), passages=size, **said)


def enrich(
    client: Elasticsearch,
    name: str,
    *,
    text_fields: Iterable[str] | None = None,
    embedder: str | Embedder | None = None,
    vector_index: str | None = None,
    similarity: str | None = None,
    passages: str | PassageSize | None = None,
    vector_field: str | None = None,
    filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
    since: str | None = None,
    slices: int = 1,
    dead_letters: Path | None = None,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
    max_rejected: int | str | Limit | None = LIMIT,
) -> Enriched:
    """Give every document of an index the vector of its text, in place, while others write to it.

    The first run adds the vector field, the object ``es_hybrid`` and the contract to the mapping,
    and touches nothing else. Each run embeds what has no vector, or another text than its vector
    was made of; run it again whenever others have written, or after it was interrupted.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        text_fields: full names of the fields that are embedded and searched, such as
            ``("title", "body.text")``; None takes the contract's, or title and text.
        embedder: a name such as ``"e5-small"``, or an object with the `Embedder` methods; None
            takes the contract's, or the default.
        vector_index: vector index type of the new field.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``; None embeds each text as a whole.
        vector_field: name of the new field; None is ``embedding``.
        filter: only documents that match, as for a search.
        since: a date or number field that grows with each change: only documents are read from
            the newest value on that the last complete run with the same field had seen. What
            came late with an older value needs a run without.
        slices: readers at a time; embedding is the bottleneck, so that 1 is mostly enough.
        dead_letters: file for documents that get no vector; None keeps none.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached; then it stops.
        max_rejected: stop when more documents than this get no vector, as of `Indexer`.

    Raises:
        TooManyRejected: more than `max_rejected` get no vector; it has the report up to there.
        UsageError: a field that is not there, or an option that can never work.
        ContractError: the index was made with another model, or has fields of these names.
        EmbedderError: the embedder cannot be loaded.
        IndexNotFound: the index was deleted while it was written to.
        AliasMoved: `name` stands for another index by the end.
        ServerError: the server refused, or cannot be reached; run it again to go on.
    """
    began = time.perf_counter()
    if slices < 1:
        raise UsageError(f"slices {slices}: give 1 or more")
    most = limit(max_rejected)
    making = Making.asked(
        embedder=embedder,
        text_fields=text_fields,
        vector_index=vector_index,
        similarity=similarity,
        passages=passages,
        vector_field=vector_field,
    )
    client = waiting(client, patience, progress)
    index = existing_index(client, name)
    check_open(index)
    contract, model = _agreed(client, index, making)
    limits = clauses(filter, fields=index.fields)
    if since is not None:
        check_since(index, since)
    if index.contract is None:
        added = properties(contract)
        write_meta(client, index.index, contract=contract, properties=added)
    refresh(client, index.index)
    mark = None if since is None else newest(client, index, since)
    job = Job(
        client,
        index.index,
        contract,
        model,
        _scan(index, contract, limits, since=since, slices=slices),
        adopted=index.adopted,
        dead_letters=dead_letters,
        progress=progress,
        alias=index.write_alias,
        name=index.name,
        index_id=index.id,
        models=references(index.mappings),
        limit=most,
    )
    run = Run(job)
    count = run.go()
    whole = not (limits or count.dead_lettered or run.stopped)
    seen = {since: mark} if since is not None and whole else {}
    if seen:
        kept = index.notes.get("since")
        write_meta(client, index.index, notes={"since": {**(kept or {}), **seen}})
    took = time.perf_counter() - began
    report = _report(index, contract, count, since=seen, seconds=took, notes=run.scoring.notes)
    if run.stopped:
        raise TooManyRejected(run.stopped, report=replace(report, stopped=run.stopped))
    return report


def _scan(
    index: Existing,
    contract: Contract,
    limits: tuple[Clause, ...],
    *,
    since: str | None,
    slices: int,
) -> Scan:
    newer = () if since is None else from_mark(index, since)
    source = text_source(contract)
    return Scan(index.index, source, has_vector(contract), (*limits, *newer), slices)


def _agreed(client: Elasticsearch, index: Existing, making: Making) -> tuple[Contract, Embedder]:
    """The contract that the index has, or is to get, and its embedder."""
    contract = index.contract
    names = making.text_fields or (contract.text_fields if contract else DEFAULT_TEXT_FIELDS)
    check_text_fields(index, names)
    if contract is None:
        contract, embedder = new_contract(client, making, names, analysis=OWN_ANALYSIS)
        check_room(index, contract)
        return contract, embedder
    _compare(index, contract, making)
    model = index_embedder(contract, making.embedder, index=index.index, send=way(plain(client)))
    return contract, reading_texts(model)


def reading_texts(embedder: Embedder) -> Embedder:
    """The embedder, if documents that are texts can get its vectors.

    Raises:
        UsageError: it sees pictures, which the index does not hold.
    """
    if embedder.info.modality == "image":
        raise UsageError(
            f"{embedder.info.id} sees pictures, and an index holds none to make vectors of: index "
            "their folder with es-hybrid index NAME FOLDER --mapping images"
        )
    return embedder


def new_contract(
    client: Elasticsearch, making: Making, text_fields: tuple[str, ...], *, analysis: str
) -> tuple[Contract, Embedder]:
    """The contract of vectors that are to be made, and what makes them.

    Raises:
        UsageError: a similarity, vector index or passages that can never work.
        EmbedderError: the embedder cannot be loaded.
    """
    embedder = reading_texts(reached(making.embedder or DEFAULT_EMBEDDER, way(plain(client))))
    kind = vector_index_type(making.vector_index or DEFAULT_VECTOR_INDEX, dims=embedder.info.dims)
    if kind.demanding:
        can = capabilities.read(client)
        check_server(kind, release=can.release, licence=can.license_in_force)
    if making.passages and making.vector_field not in (None, VECTOR_FIELD):
        raise UsageError(
            f"--vector-field {making.vector_field}: vectors of passages lie in passages."
            f"{VECTOR_FIELD}; leave it out, or --passages"
        )
    near = similarity(making.similarity or DEFAULT_SIMILARITY)
    contract = Contract(
        embedder=embedder.info,
        text_fields=text_fields,
        analysis=analysis,
        vector_index=kind.name,
        probes=probe(embedder),
        similarity=near.name,
        normalisation=near.normalisation,
        passages=making.passages,
        vector_field=making.vector_field or VECTOR_FIELD,
    )
    return contract, embedder


def _compare(index: Existing, contract: Contract, making: Making) -> None:
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("--vector-index", contract.vector_index, making.vector_index),
        ("--similarity", contract.similarity, making.similarity),
        ("--passages", contract.passages, making.passages),
        ("--vector-field", contract.vector_field, making.vector_field),
    )
    for option, has, asked in pairs:
        if asked is not None and asked != has:
            made = f"with {option} {has}" if has else f"without {option}"
            raise ContractMismatch(
                f"index {index.index!r} was made {made}, not with {option} {asked}: "
                f"leave {option} out, or make the index anew with "
                "es-hybrid rebuild"
            )


def _report(
    index: Existing,
    contract: Contract,
    count: Count,
    *,
    since: dict[str, Any],
    seconds: float,
    notes: tuple[str, ...],
) -> Enriched:
    return Enriched(
        name=index.name,
        index=index.index,
        embedder=contract.embedder.id,
        read=count.read,
        enriched=count.enriched,
        unchanged=count.unchanged,
        without_text=count.without_text,
        deleted=count.deleted,
        dead_lettered=count.dead_lettered,
        conflicts=count.conflicts,
        added=index.contract is None,
        since=since,
        seconds=round(seconds, 3),
        embedding_seconds=round(count.embedding_seconds, 3),
        problems=tuple(count.problems),
        notes=notes,
    )
