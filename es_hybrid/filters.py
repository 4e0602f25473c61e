"""Filters: ``field=value`` and structured clauses, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from es_hybrid.documents import EXACT_SUBFIELD
from es_hybrid.errors import InvalidFilter
from es_hybrid.json_values import shown

Clause = Mapping[str, Any]
Filters = str | Clause | Sequence[str | Clause] | None

# Clauses that only select. Anything that parses user text or runs code (query_string, regexp,
# script, wildcard with a leading *) is left to the caller's own code.
_LEAVES = frozenset({"term", "terms", "range", "exists", "prefix", "ids", "match_all"})
_GEO = frozenset({"geo_distance", "geo_bounding_box"})
_BOOL_PARTS = frozenset({"filter", "must", "must_not", "should", "minimum_should_match"})
_MAX_DEPTH = 20

# What a clause about one field holds, and how that is written.
_VALUES: dict[str, tuple[Any, str]] = {
    "term": ((str, int, float, dict), "give one field and one value"),
    "terms": (list, "give one field and a list of values"),
    "range": (dict, 'give one field and an object, such as {"gte": 2000}'),
    "prefix": ((str, dict), "give one field and a text"),
}
_BESIDE = frozenset({"boost", "_name", "case_insensitive"})


def parse_filter(text: str, *, fields: Mapping[str, str] | None = None) -> Clause:
    """One filter from the command line: ``field=value``, or a clause as JSON.

    Args:
        text: such as ``lang=ko`` or ``{"range": {"year": {"gte": 2000}}}``.
        fields: the index's fields and their types, to check names and to pick the exact
            sub-field of an analysed text; None checks no names.

    Raises:
        InvalidFilter: neither of both, an unknown field, or a clause that may not be used here.

    >>> parse_filter("lang=ko")
    {'term': {'lang': 'ko'}}
    """
    if text.lstrip().startswith(("{", "[")):
        clause = _checked(_json(text), depth=0)
    else:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InvalidFilter(f"filter {shown(text)}: write field=value, or a clause as JSON")
        clause = {"term": {name.strip(): value.strip()}}
    return clause if fields is None else _on_fields(clause, fields)


def clauses(filters: Filters, *, fields: Mapping[str, str] | None) -> tuple[Clause, ...]:
    """One filter or several, of texts as for `parse_filter` and of ready clauses.

    Raises:
        InvalidFilter: one is none.
    """
    if filters is None:
        return ()
    given = [filters] if isinstance(filters, str | Mapping) else filters
    if not isinstance(given, list | tuple):  # what can be read once would be gone the next time
        raise InvalidFilter(
            f"filter {shown(filters)} is no filter: give a text such as 'lang=ko', a clause, or a "
            "list of them"
        )
    return tuple(_clause(one, fields=fields) for one in given)


def _clause(given: str | Clause, *, fields: Mapping[str, str] | None) -> Clause:
    if isinstance(given, str):
        return parse_filter(given, fields=fields)
    if not is_clause(given):
        raise InvalidFilter(
            f"filter {shown(given)} is no clause: give one mapping with one key, such as "
            '{"term": {"lang": "ko"}}, or a text such as "lang=ko"'
        )
    return given


def is_clause(given: Any) -> bool:
    """Whether it looks like a query clause: one name, and what that holds."""
    if not isinstance(given, Mapping) or len(given) != 1:
        return False
    kind, body = next(iter(given.items()))
    return isinstance(kind, str) and isinstance(body, Mapping)


def combined(filters: Sequence[Clause]) -> Clause | None:
    """All filters at once; None where there is none."""
    if len(filters) < 2:
        return next(iter(filters), None)
    return {"bool": {"filter": list(filters)}}


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidFilter(
            f"filter {shown(text)} is not JSON ({error}): mind the quotes"
        ) from None


def _checked(clause: Any, *, depth: int) -> Clause:
    if depth > _MAX_DEPTH:
        raise InvalidFilter(f"filter is nested deeper than {_MAX_DEPTH}: simplify it")
    if isinstance(clause, list):
        return {"bool": {"filter": [_checked(part, depth=depth + 1) for part in clause]}}
    if not isinstance(clause, dict) or len(clause) != 1:
        raise InvalidFilter(
            f"filter {shown(clause)} is no clause: write one object with one key, "
            'such as {"term": {"lang": "ko"}}'
        )
    kind, body = next(iter(clause.items()))
    if kind == "bool":
        return {"bool": _checked_bool(body, depth=depth + 1)}
    if kind not in _LEAVES | _GEO:
        known = ", ".join(sorted({"bool"} | _LEAVES | _GEO))
        raise InvalidFilter(f"filter clause {kind!r} is not one of {known}")
    if (fault := _fault(kind, body)) is not None:
        raise InvalidFilter(f"filter clause {kind!r} holds {shown(body)}: {fault}")
    return {kind: body}


def _fault(kind: str, body: Any) -> str | None:
    """What Elasticsearch would refuse in a clause, as far as its form shows it."""
    if not isinstance(body, dict):
        return "give an object"
    if kind == "terms" and (lookup := _lookup(body)):
        return f"it looks up {lookup!r} in another document; give a list of values"
    if kind == "exists":
        return None if isinstance(body.get("field"), str) else 'give {"field": NAME}'
    if kind == "ids":
        return None if isinstance(body.get("values"), list) else 'give {"values": [ID, …]}'
    if kind not in _VALUES:
        return None
    named = [value for name, value in body.items() if name not in _BESIDE]
    fits = len(named) == 1 and isinstance(named[0], _VALUES[kind][0])
    return None if fits else _VALUES[kind][1]


def _lookup(body: Mapping[str, Any]) -> str | None:
    """The field whose terms would be read from any index the credentials may read."""
    return next((name for name, value in body.items() if isinstance(value, dict)), None)


def _checked_bool(body: Any, *, depth: int) -> dict[str, Any]:
    if not isinstance(body, dict) or (unknown := set(body) - _BOOL_PARTS):
        wrong = sorted(unknown) if isinstance(body, dict) else body
        raise InvalidFilter(f"bool holds {wrong!r}: allowed are {', '.join(sorted(_BOOL_PARTS))}")
    return {
        part: value
        if part == "minimum_should_match"
        else [_checked(v, depth=depth) for v in (value if isinstance(value, list) else [value])]
        for part, value in body.items()
    }


def _on_fields(clause: Clause, fields: Mapping[str, str]) -> Clause:
    """Point each clause at a field that exists and can be compared as a whole."""
    kind, body = next(iter(clause.items()))
    if kind == "bool":
        return {
            "bool": {
                part: value
                if part == "minimum_should_match"
                else [_on_fields(v, fields) for v in value]
                for part, value in body.items()
            }
        }
    if kind == "exists":
        _known(str(body.get("field")), fields)
        return clause
    if kind not in {"term", "terms", "range", "prefix"}:
        return clause
    return {kind: {_comparable(name, fields): value for name, value in body.items()}}


def _known(name: str, fields: Mapping[str, str]) -> None:
    if name != "_id" and name not in fields and not any(f.startswith(name + ".") for f in fields):
        own = sorted(field for field in fields if not field.startswith("es_hybrid."))
        raise InvalidFilter(f"no field {name!r} in this index: it has {', '.join(own)}")


def _comparable(name: str, fields: Mapping[str, str]) -> str:
    if name == "boost":
        return name
    _known(name, fields)
    exact = f"{name}.{EXACT_SUBFIELD}"
    return exact if fields.get(name) == "text" and exact in fields else name
