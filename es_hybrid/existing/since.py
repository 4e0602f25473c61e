"""The newest value of a date or number that documents have, to go on from in the next run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from es_hybrid.existing.index import Existing
from es_hybrid.filters import Clause

_DATES = {"date", "date_nanos"}
_NUMBERS = {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float"}
_FORMAT = "strict_date_optional_time_nanos"


def check_since(index: Existing, name: str) -> None:
    """Refuse a field that has no order of time.

    Raises:
        UsageError: it is missing, or no date or number.
    """
    kind = index.fields.get(name)
    if kind not in _DATES | _NUMBERS | {"unsigned_long"}:
        have = [f for f, k in index.fields.items() if k in _DATES and not f.startswith("es_hybrid")]
        raise UsageError(
            f"--since {name}: {'no such field' if kind is None else f'a field of type {kind}'} in "
            f"{index.index!r}; name a date or a number that grows with each change"
            f"{': ' + ', '.join(have) if have else ''}"
        )


def newest(client: Elasticsearch, index: Existing, name: str) -> Any:
    """The highest value that any document has; None where none has one.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    order: dict[str, Any] = {"order": "desc"}
    if index.fields[name] in _DATES:
        order["format"] = _FORMAT
    body = {
        "size": 1,
        "sort": [{name: order}],
        "_source": False,
        "query": {"exists": {"field": name}},
    }
    answer = request(client, "POST", path(index.index, "_search"), body=body)
    hits = answer["hits"]["hits"]
    return hits[0]["sort"][0] if hits else None


def from_mark(index: Existing, name: str) -> tuple[Clause, ...]:
    """The filter for documents from the last run's newest value on; none before the first run.

    Those with the same value are read again, as others may have got it since.
    """
    mark = marks(index).get(name)
    if mark is None:
        return ()
    limits: dict[str, Any] = {"gte": mark}
    if index.fields[name] in _DATES:
        limits["format"] = _FORMAT
    return ({"range": {name: limits}},)


def marks(index: Existing) -> Mapping[str, Any]:
    """Field -> the newest value that the last complete run had seen."""
    kept = index.notes.get("since")
    return kept if isinstance(kept, dict) else {}
