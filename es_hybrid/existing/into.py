"""A copy with vectors, where an index cannot or should not get them in place."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import DEFAULT_TEXT_FIELDS
from es_hybrid.embedders import Embedder
from es_hybrid.errors import UsageError
from es_hybrid.existing.additions import OWN_ANALYSIS, check_room
from es_hybrid.existing.copy import Copy, CopyJob
from es_hybrid.existing.enrich import Making, new_contract
from es_hybrid.existing.handover import BUILDING, mark_whole
from es_hybrid.existing.index import Existing, check_readable, existing_index
from es_hybrid.existing.rebuild import (
    Rebuilt,
    copy_job,
    next_contract,
    report,
    reporting,
    version_to_build,
)
from es_hybrid.existing.run import OnProgress, waiting
from es_hybrid.existing.verify import copied_and_verified
from es_hybrid.indexing.limit import LIMIT, Limit, limit
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.live import reading
from es_hybrid.mapping import check_index_name
from es_hybrid.passages import PassageSize
from es_hybrid.steps import run


def enrich_into(
    client: Elasticsearch,
    name: str,
    into: str,
    *,
    text_fields: Iterable[str] | None = None,
    embedder: str | Embedder | None = None,
    vector_index: str | None = None,
    similarity: str | None = None,
    passages: str | PassageSize | None = None,
    vector_field: str | None = None,
    slices: int = 1,
    dead_letters: Path | None = None,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
    max_rejected: int | str | Limit | None = LIMIT,
) -> Rebuilt:
    """Copy an index, with the vectors of its texts, to ``INTO-000001`` behind the alias `into`.

    Mapping, analysis, settings and documents are those of the source, which stays as it is. What
    is written to it meanwhile is caught up with until the alias is there; an interrupted copy
    goes on where it was.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one; also an index of a data stream.
        into: the new alias.
        text_fields: full names; None takes the contract's, or title and text.
        embedder: a name, or an object; None takes the contract's, or the default.
        vector_index: vector index type.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``.
        vector_field: name of the field; None is ``embedding``.
        slices: readers at a time.
        dead_letters: file for documents that the new index refuses; None keeps none.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached; then it stops.
        max_rejected: stop when more documents than this are refused by the copy or get no vector,
            as of `Indexer`; one that lacks a document never gets the alias.

    Raises:
        TooManyRejected: more than `max_rejected`; it has the report up to there, and there is no
            alias yet.
        UsageError: `into` is taken, a field that is not there, or an option that can never work.
        NotVerified: the copy lacks documents; there is no alias yet.
        ContractError: the index has fields of the names that are to be added.
        ServerError: the server refused, or cannot be reached; run it again to go on.
    """
    began = time.perf_counter()
    most = limit(max_rejected)
    client = waiting(client, patience, progress)
    source = existing_index(client, name, stream=True)
    check_index_name(into)
    _check_free(client, into, source)
    making = Making.asked(
        embedder=embedder,
        text_fields=text_fields,
        vector_index=vector_index,
        similarity=similarity,
        passages=passages,
        vector_field=vector_field,
    )
    told = {"dead_letters": dead_letters, "progress": progress, "slices": slices, "limit": most}
    job = _job(client, source, into, making, told)
    with closing(Copy(job)) as copy, reporting(copy, into, began=began):
        agreed, _ = copied_and_verified(copy)
        _add(client, into, job.target)
        mark_whole(client, job.target)
        return report(copy, into, agreed=agreed, began=began)


def _check_free(client: Elasticsearch, into: str, source: Existing) -> None:
    if run(client, reading(into)) is None:
        return
    there = existing_index(client, into)
    what = ""
    if there.notes.get(BUILDING) == source.index:  # ended between its last two requests
        mark_whole(client, there.index)
        what = f", and is a whole copy of {source.index!r}"
    raise UsageError(
        f"{into!r} is there already{what}: copy into another name, or run es-hybrid enrich {into}"
    )


def _job(
    client: Elasticsearch, source: Existing, into: str, making: Making, told: Mapping[str, Any]
) -> CopyJob:
    model: Embedder | None
    names = making.text_fields or DEFAULT_TEXT_FIELDS
    if source.contract is None:
        check_readable(source, names)
        contract, model = new_contract(client, making, names, analysis=OWN_ANALYSIS)
        check_room(source, contract)
    else:
        check_readable(source, making.text_fields or source.contract.text_fields)
        contract, model = next_contract(client, source, _as_before(source, making), None)
    target, resumed = version_to_build(client, into, source, contract)
    return copy_job(client, source, target, contract, model, resumed=resumed, **told)


def _as_before(source: Existing, making: Making) -> Making:
    """What is not said is as the source has it."""
    old = source.promised
    return Making(
        embedder=making.embedder,
        text_fields=making.text_fields,
        vector_index=making.vector_index or old.vector_index,
        similarity=making.similarity or old.similarity,
        passages=making.passages or old.passages,
    )


def _add(client: Elasticsearch, into: str, target: str) -> None:
    add = {"index": target, "alias": into, "is_write_index": True}
    request(client, "POST", path("_aliases"), body={"actions": [{"add": add}]})
