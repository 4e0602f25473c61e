"""A scan: which documents of an index are read, and the states that they are found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied
from es_hybrid.filters import Clause

_HAS = "has_vector"


@dataclass(frozen=True, slots=True)
class Found:
    """One document, and the state of it that was read.

    Attributes:
        id: its ``_id``.
        source: what was asked of its fields.
        seq_no: which change of the index made this state.
        primary_term: beside it.
        routing: that it was written with; None without.
        has_vector: whether it matches `Scan.vector`.
        fields: field -> its values, of those that the scan asks for.
    """

    id: str
    source: Mapping[str, Any]
    seq_no: int
    primary_term: int
    routing: str | None = None
    has_vector: bool = False
    fields: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def guarded(self) -> dict[str, Any]:
        """The metadata of a bulk operation that fails if the document changed since it was read.

        https://www.elastic.co/docs/reference/elasticsearch/rest-apis/optimistic-concurrency-control
        """
        state = {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}
        return {"_id": self.id, **state, **self.routed}

    @property
    def routed(self) -> dict[str, Any]:
        """Its routing, where it has one, as metadata of a bulk operation."""
        return {} if self.routing is None else {"routing": self.routing}


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents.

    Attributes:
        documents: at least one.
        total: how many the whole scan has.
    """

    documents: tuple[Found, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Scan:
    """Which documents are read, and what of them.

    Attributes:
        index: one index.
        source: ``_source`` of the search.
        vector: which documents have a vector; None asks nothing.
        filters: all must hold.
        slices: readers at a time, at least 1.
        shard: only this one; None is all.
        fields: ``fields`` of the search.
        docvalues: its ``docvalue_fields``: names, or objects with a format.
    """

    index: str
    source: Any = True
    vector: Clause | None = None
    filters: tuple[Clause, ...] = ()
    slices: int = 1
    shard: int | None = None
    fields: tuple[str, ...] = ()
    docvalues: tuple[Any, ...] = ()

    def body(self) -> dict[str, Any]:
        """What all its searches share."""
        query: dict[str, Any] = {"filter": list(self.filters) or [{"match_all": {}}]}
        if self.vector is not None:
            # Of a clause with a name it is told which hits match it; nothing is scored here.
            query["should"] = [{"bool": {"filter": [self.vector], "_name": _HAS}}]
        return {
            "query": {"bool": query},
            "sort": ["_shard_doc"],
            "_source": self.source,
            "seq_no_primary_term": True,
            "track_total_hits": True,
            **({"fields": list(self.fields)} if self.fields else {}),
            **({"docvalue_fields": list(self.docvalues)} if self.docvalues else {}),
        }


def found(hit: Mapping[str, Any]) -> Found:
    """A hit of a scan, or a document of ``_mget``."""
    return Found(
        id=hit["_id"],
        source=hit.get("_source") or {},
        seq_no=hit["_seq_no"],
        primary_term=hit["_primary_term"],
        routing=hit.get("_routing"),
        has_vector=_HAS in hit.get("matched_queries", ()),
        fields=hit.get("fields") or {},
    )


def read_again(
    client: Elasticsearch,
    index: str,
    documents: Sequence[Found],
    *,
    includes: Sequence[str] = (),
    vectors: bool = False,
) -> list[Found | None]:
    """The same documents as they are now, refreshed or not; None of those that are gone.

    `Found.has_vector` stays as it was; what is in their source is up to the caller.

    Args:
        client: whose cluster is asked.
        index: one index.
        documents: of this index, or of one with the same ids.
        includes: fields of their source; without any, only the state is read.
        vectors: whether to ask for vectors, which servers since 9.2 leave out otherwise.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    asked = [
        {"_id": one.id, **({} if one.routing is None else {"routing": one.routing})}
        for one in documents
    ]
    params = {"_source_includes": ",".join(includes)} if includes else {"_source": "false"}
    if vectors:
        params["_source_exclude_vectors"] = "false"
    answer = request(client, "POST", path(index, "_mget"), params=params, body={"docs": asked})
    return [
        replace(found(told), has_vector=one.has_vector) if told.get("found") else None
        for one, told in zip(documents, answer["docs"], strict=True)
    ]


def on_shard(shard: int | None) -> dict[str, str]:
    """The parameter that limits a search to one shard; none for all."""
    return {} if shard is None else {"preference": f"_shards:{shard}"}


def refresh(client: Elasticsearch, index: str) -> None:
    """Make all that was written searchable, as far as these credentials may.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    try:
        request(client, "POST", path(index, "_refresh"))
    except AccessDenied:
        return  # without `maintenance`: Elasticsearch refreshes by itself, within a second
