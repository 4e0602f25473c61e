"""What JSON cannot say, found by the field that holds it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from math import isfinite
from typing import Any

import orjson

from es_hybrid.errors import RecordError

_SHOWN = 60  # characters of a value

# A record of nothing else holds no NaN; most are, and need not be searched for one.
_FINITE = frozenset({str, int, bool, type(None)})


def dumped(source: Mapping[str, Any]) -> bytes:
    """The fields as JSON, in the order of their names.

    Raises:
        RecordError: a value, however deep, is none that JSON has; names the field.

    >>> dumped({"b": [1.5], "a": None})
    b'{"a":null,"b":[1.5]}'
    """
    try:
        data = orjson.dumps(source, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # orjson.JSONEncodeError is a TypeError
        raise RecordError(_fault(source, error)) from None
    if _FINITE.issuperset(map(type, source.values())):
        return data
    # orjson writes NaN and infinity as null, which nobody asked for.
    if b"null" in data and (lost := next(not_finite(source), None)):
        name, value = lost
        raise RecordError(
            f"field {name!r} holds {value}, and JSON has only finite numbers: give null (None) "
            "for a missing one, or leave the field out"
        )
    return data


def _fault(source: Mapping[str, Any], error: TypeError) -> str:
    """Which field is at fault, where one alone is."""
    for name, value in source.items():
        try:
            orjson.dumps({name: value})
        except TypeError as own:
            return (
                f"field {name!r} holds {shown(value)}, which is not JSON ({own}): make it text, "
                "a number, a boolean, a date, or a list or object of them"
            )
    return f"not JSON: {error}"


def not_finite(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Dotted name and value of each number that is NaN or infinite, in any depth."""
    if isinstance(value, float):
        if not isfinite(value):
            yield name, value
    elif isinstance(value, Mapping):
        for inner, part in value.items():
            yield from not_finite(part, f"{name}.{inner}" if name else str(inner))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from not_finite(part, name)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from not_finite(asdict(value), name)


def shown(value: Any, *, limit: int = _SHOWN) -> str:
    """A value as messages quote it: its repr, cut after `limit` characters."""
    try:
        text = repr(value)
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= limit else text[: limit - 1] + "…"
