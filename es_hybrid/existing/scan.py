"""A scan: documents of one index, page by page, from one point in time.

https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, ServerError
from es_hybrid.filters import Clause

# Between two pages all of one is embedded, and the server may be waited for.
KEEP_ALIVE = "15m"

# Documents of the first page, bytes that the following ones are to have, and their limits.
_FIRST, _BYTES, _FEWEST, _MOST = 64, 4 * 1024 * 1024, 8, 1000

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


def pages(client: Elasticsearch, scan: Scan) -> Generator[Page, None, None]:
    """All documents that the index shows at this moment; the next page is read meanwhile.

    Whoever may stop before the end closes it (`contextlib.closing`), and with it the point in
    time.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    with (
        _point_in_time(client, scan) as pit,
        ThreadPoolExecutor(scan.slices, thread_name_prefix="es_hybrid-scan") as pool,
    ):
        cuts = [_Cut(scan, number, pit) for number in range(scan.slices)]
        waiting = deque((cut, pool.submit(cut.next, client)) for cut in cuts)
        totals = [0] * scan.slices
        while waiting:
            cut, future = waiting.popleft()
            hits, totals[cut.number] = future.result()
            if not hits:
                continue
            waiting.append((cut, pool.submit(cut.next, client)))
            yield Page(tuple(map(found, hits)), sum(totals))


@contextmanager
def _point_in_time(client: Elasticsearch, scan: Scan) -> Iterator[str]:
    params = {"keep_alive": KEEP_ALIVE, **on_shard(scan.shard)}
    opened = request(client, "POST", path(scan.index, "_pit"), params=params)
    try:
        yield opened["id"]
    finally:
        with suppress(ServerError):  # it closes by itself, and what went wrong before is told
            request(client, "DELETE", path("_pit"), body={"id": opened["id"]}, ok=(404,))


@dataclass(slots=True)
class _Cut:
    """One slice, and how far it was read."""

    scan: Scan
    number: int
    pit: str
    size: int = _FIRST
    after: list[Any] = field(default_factory=list)

    def next(self, client: Elasticsearch) -> tuple[list[Mapping[str, Any]], int]:
        """The hits of the next page, and how many there are in all."""
        params = {"allow_partial_search_results": "false"}
        answer = request(client, "POST", path("_search"), params=params, body=self._body())
        hits: list[Mapping[str, Any]] = answer["hits"]["hits"]
        self.pit = answer["pit_id"]
        if hits:
            self.after = hits[-1]["sort"]
            read = [(hit.get("_source"), hit.get("fields")) for hit in hits]
            bytes_ = len(orjson.dumps(read))
            self.size = max(_FEWEST, min(_MOST, _BYTES * len(hits) // max(bytes_, 1)))
        return hits, answer["hits"]["total"]["value"]

    def _body(self) -> dict[str, Any]:
        body = self.scan.body() | {"size": self.size}
        body["pit"] = {"id": self.pit, "keep_alive": KEEP_ALIVE}
        if self.scan.slices > 1:
            body["slice"] = {"id": self.number, "max": self.scan.slices}
        return body | ({"search_after": self.after} if self.after else {})


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
