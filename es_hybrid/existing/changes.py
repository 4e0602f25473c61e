"""What changed in an index since a moment: by sequence numbers, which each shard counts by itself.

https://www.elastic.co/docs/reference/elasticsearch/rest-apis/optimistic-concurrency-control
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.scan import Page, Scan, on_shard, refresh

# A change of each shard; -1 is before the first.
Marks = Sequence[int]

# Too few rights, or no such request, as on serverless.
_NOT_TOLD = (400, 403, 404, 405, 410)


def marks(client: Elasticsearch, index: str) -> Marks:
    """Up to where all changes can be seen now: what is seen later has a higher number.

    Numbers are given before documents can be found: while 5 is there already, 4 may be on its way.
    Up to the global checkpoint none is. Where that is not told, it is the last that can be seen.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    known = _checkpoints(client, index)  # before the refresh, which shows them all
    seen = last_changes(client, index)
    return [min(last, known.get(shard, last)) for shard, last in enumerate(seen)]


def _checkpoints(client: Elasticsearch, index: str) -> Mapping[int, int]:
    params = {
        "level": "shards",
        "filter_path": "indices.*.shards.*.seq_no,indices.*.shards.*.routing.primary",
    }
    where = path(index, "_stats")
    told = request(client, "GET", where, params=params, ok=_NOT_TOLD)
    shards = told.get("indices", {}).get(index, {}).get("shards", {})
    return {
        int(number): int(copy["seq_no"]["global_checkpoint"])
        for number, copies in shards.items()
        for copy in copies
        if copy["routing"]["primary"]
    }


def last_changes(client: Elasticsearch, index: str) -> Marks:
    """The last change of each shard that can be seen, once all that was written is.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    refresh(client, index)
    # Settings need not tell the number of shards, as on serverless; each search does.
    shards = int(request(client, "GET", path(index, "_count"))["_shards"]["total"])
    return [_last(client, index, shard) for shard in _shards(shards)]


def _shards(number: int) -> list[int | None]:
    """Of an index with one shard none has to be named."""
    return [None] if number == 1 else list(range(number))


def _last(client: Elasticsearch, index: str, shard: int | None) -> int:
    body: dict[str, Any] = {"size": 1, "sort": [{"_seq_no": "desc"}], "_source": False}
    where = path(index, "_search")
    answer = request(client, "POST", where, params=on_shard(shard), body=body)
    hits = answer["hits"]["hits"]
    return int(hits[0]["sort"][0]) if hits else -1


def changed(client: Elasticsearch, scan: Scan, since: Marks) -> Generator[Page, None, None]:
    """Documents that were written after `since`; of those that were deleted nothing is told.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    yield from _by_shard(client, scan, since, "gt")


def untouched(client: Elasticsearch, scan: Scan, since: Marks) -> Generator[Page, None, None]:
    """Documents that nobody has written to after `since`.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    yield from _by_shard(client, scan, since, "lte")


def _by_shard(
    client: Elasticsearch, scan: Scan, since: Marks, how: str
) -> Generator[Page, None, None]:
    for shard, mark in zip(_shards(len(since)), since, strict=True):
        limit = {"range": {"_seq_no": {how: mark}}}
        one = replace(scan, shard=shard, filters=(*scan.filters, limit), slices=1)
        yield from pages(client, one)


def count(client: Elasticsearch, index: str) -> int:
    """How many documents an index shows.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    return int(request(client, "GET", path(index, "_count"))["count"])
