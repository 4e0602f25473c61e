"""The newest window of time, and what was before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from es_hybrid.anomalies.options import Options, span
from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from es_hybrid.filters import Clause
from es_hybrid.vector_stream import VectorIndex, count

_FEWEST = 20  # documents of each side

_Filters = tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """Two parts of the documents.

    Attributes:
        window: filters for the newest, up to the newest of all.
        reference: filters for those before.
        start: of the window, ISO 8601 in UTC.
        end: the newest date that any document has.
    """

    window: _Filters
    reference: _Filters
    start: str
    end: str


def windows(
    client: Elasticsearch, index: VectorIndex, options: Options, filters: _Filters
) -> Windows:
    """Cut the documents in two, by the newest date among them; those without a date are left out.

    Raises:
        UsageError: one side has too few documents.
        ServerError: the server refused, or cannot be reached.
    """
    name = str(options.time_field)
    newest = _newest(client, index, name, filters)
    if newest is None:
        raise UsageError(f"no document that is looked at has a date in {name!r}: name another one")
    start = newest - int(span(options.window).total_seconds() * 1000)
    found = Windows(
        window=(*filters, _range(name, "gte", start)),
        reference=(*filters, _range(name, "lt", start)),
        start=_written(start),
        end=_written(newest),
    )
    inside, before = (count(client, index, part) for part in (found.window, found.reference))
    if min(inside, before) < _FEWEST:
        raise UsageError(
            f"the window of {options.window} up to {found.end} has {inside} documents, and "
            f"{before} are older: both need {_FEWEST} and more, choose another --window"
        )
    return found


def _newest(client: Elasticsearch, index: VectorIndex, name: str, filters: _Filters) -> int | None:
    """Milliseconds since 1970."""
    body = {
        "size": 0,
        "query": {"bool": {"filter": list(filters)}},
        "aggs": {"newest": {"max": {"field": name}}},
    }
    answer = request(client, "POST", path(index.index, "_search"), body=body)
    value = answer["aggregations"]["newest"]["value"]
    return None if value is None else int(value)


def _range(name: str, how: str, moment: int) -> Clause:
    return {"range": {name: {how: moment, "format": "epoch_millis"}}}


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="seconds")
