"""Field types: what a value becomes before it is indexed, and how the index maps it.

A type is written ``number``, or ``date:%d.%m.%Y`` with the format that the input has. What does
not fit is refused here, with its reason, instead of by Elasticsearch in the middle of a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite, isnan
from typing import Any

from es_hybrid.errors import RecordError, UsageError

# Under this key the mapping of a field remembers the type that it was given.
META_KEY = "es_hybrid"
_MAX_SPEC = 50  # characters that Elasticsearch keeps under such a key

_INTEGER = re.compile(r"[+-]?\d{1,25}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_YEAR_OR_MONTH = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_JSON_INTEGERS = range(-(2**63), 2**64)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_EPOCHS = {"epoch_s": 1.0, "epoch_ms": 0.001}  # seconds in one unit


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of one field.

    Attributes:
        name: one of `FIELD_TYPES`.
        format: of a date that is not ISO 8601: as in Python's strptime, ``epoch_s`` or
            ``epoch_ms``; empty for all others.
    """

    name: str
    format: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.format}" if self.format else self.name

    def mapping(self) -> dict[str, Any]:
        """The field in an index body."""
        return {**FIELD_TYPES[self.name], "meta": {META_KEY: str(self)}}

    def converted(self, value: Any) -> Any:
        """`value` as it is indexed; None stays None, of a list each part is converted.

        Raises:
            RecordError: it is no such value.
        """
        if value is None or (isinstance(value, float) and isnan(value)):
            return None  # NaN: missing in a data frame
        if isinstance(value, list) and not (self.name == "geo" and _is_pair(value)):
            return [self.converted(part) for part in value]
        if self.name == "date":
            return _date(value, self.format)
        return _CONVERTERS[self.name](value)


# What each type is in Elasticsearch. A number is a double, as nobody knows at its first value
# whether all the others are integers.
# https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/field-data-types
FIELD_TYPES: Mapping[str, Mapping[str, Any]] = {
    "keyword": {"type": "keyword", "ignore_above": 1024},
    "number": {"type": "double"},
    "integer": {"type": "long"},
    "date": {"type": "date"},
    "boolean": {"type": "boolean"},
    "geo": {"type": "geo_point"},
}


def field_type(spec: str) -> FieldType:
    """Read a type.

    Raises:
        UsageError: unknown, or a format where none belongs.

    >>> field_type("date:%d.%m.%Y")
    FieldType(name='date', format='%d.%m.%Y')
    """
    name, _, form = spec.partition(":")
    if name not in FIELD_TYPES:
        raise UsageError(f"field type {spec!r} is not one of {', '.join(FIELD_TYPES)}")
    if form and name != "date":
        raise UsageError(f"field type {spec!r}: only a date has a format, write {name}")
    if form and form not in _EPOCHS and "%" not in form:
        raise UsageError(
            f"date format {form!r}: write it like %d.%m.%Y, or {' or '.join(_EPOCHS)}; "
            "ISO 8601 needs none"
        )
    if len(spec) > _MAX_SPEC:
        raise UsageError(f"field type {spec!r} is longer than {_MAX_SPEC} characters: shorten it")
    return FieldType(name, form)


def retyped(record: Mapping[str, Any], types: Iterable[tuple[str, FieldType]]) -> Mapping[str, Any]:
    """The record with each typed field converted; a dotted name reaches into objects.

    Raises:
        RecordError: a value does not fit; names the field.

    >>> retyped({"shop": {"open": "yes"}}, [("shop.open", field_type("boolean"))])
    {'shop': {'open': True}}
    """
    for name, kind in types:
        whole = (name,) if name in record else tuple(name.split("."))
        try:
            record = _at(record, whole, kind.converted)
        except RecordError as error:
            raise RecordError(f"field {name!r} holds {error}") from None
    return record


def _at(value: Any, path: Sequence[str], convert: Callable[[Any], Any]) -> Any:
    if not path:
        return convert(value)
    if isinstance(value, list):
        return [_at(part, path, convert) for part in value]
    if isinstance(value, Mapping) and path[0] in value:
        return {**value, path[0]: _at(value[path[0]], path[1:], convert)}
    return value


def _refused(value: Any, wanted: str) -> RecordError:
    shown = repr(value)
    return RecordError(f"{shown if len(shown) <= 60 else shown[:59] + '…'}: {wanted}")


def _keyword(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    raise _refused(value, "a keyword is a string, a number or a boolean")


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            value = int(text)
        elif _NUMBER.fullmatch(text):
            value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(value, "a number is written like 12 or -3.5e2, without unit or separators")
    if isinstance(value, float) and not isfinite(value):
        raise _refused(value, "a number is finite")
    return value if isinstance(value, float) or value in _JSON_INTEGERS else float(value)


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise _refused(value, "an integer has no fraction; type the field as number")
    if int(number) not in _INT64:
        raise _refused(value, "an integer has at most 64 bits; type the field as keyword")
    return int(number)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | int | str):
        found = _BOOLEANS.get(str(value).strip().lower())
        if found is not None:
            return found
    raise _refused(value, f"a boolean is one of {', '.join(_BOOLEANS)}")


def _date(value: Any, form: str) -> str:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    try:
        if form in _EPOCHS:
            return datetime.fromtimestamp(_number(value) * _EPOCHS[form], UTC).isoformat()
        if isinstance(value, str):
            return _iso(value.strip()) or _in_format(value.strip(), form)
    except (ValueError, OverflowError, OSError, RecordError):
        pass
    raise _refused(value, f"a date is written like 2024-05-31{f' or {form}' if form else ''}")


def _iso(text: str) -> str | None:
    """The date as Elasticsearch reads it; None where it is not ISO 8601.

    Python also reads 20240531 and weeks, which Elasticsearch does not, hence the way there
    and back.
    """
    if _YEAR_OR_MONTH.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat() if _has_time(text) else moment.date().isoformat()


def _in_format(text: str, form: str) -> str:
    if not form:
        raise ValueError(text)
    moment = datetime.strptime(text, form)
    has_time = any(letter in form for letter in ("%H", "%I", "%T", "%X", "%c", "%f"))
    return moment.isoformat() if has_time else moment.date().isoformat()


def _has_time(text: str) -> bool:
    return "T" in text or ":" in text


def _is_pair(value: Sequence[Any]) -> bool:
    return len(value) == 2 and all(
        isinstance(part, int | float) and not isinstance(part, bool) for part in value
    )


def _geo(value: Any) -> dict[str, float]:
    lat, lon = _coordinates(value)
    try:
        point = {"lat": float(_number(lat)), "lon": float(_number(lon))}
    except RecordError:
        raise _not_geo(value) from None
    if abs(point["lat"]) > 90 or abs(point["lon"]) > 180:
        raise _refused(value, "a latitude is within 90 degrees, a longitude within 180")
    return point


def _coordinates(value: Any) -> Sequence[Any]:
    if isinstance(value, str) and value.count(",") == 1:
        return value.split(",")
    if isinstance(value, list) and _is_pair(value):
        return value[::-1]
    if isinstance(value, Mapping) and {"lat", "lon"} == set(value):
        return value["lat"], value["lon"]
    if isinstance(value, Mapping) and value.get("type") == "Point":  # GeoJSON
        return _coordinates(value.get("coordinates"))
    raise _not_geo(value)


def _not_geo(value: Any) -> RecordError:
    return _refused(value, 'a place is "lat,lon", {"lat": …, "lon": …} or [lon, lat]')


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "keyword": _keyword,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "geo": _geo,
}
