"""What a caller gave, if it can ever work: words, numbers, fields, vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.texts import composed, is_blank
from es_hybrid.vector_index import MAX_OVERSAMPLE
from es_hybrid.vectors import Vectors, check_query, usable_query, vector

Fields = str | Sequence[str]

# title, or title^2.5.
_FIELD = re.compile(r"[^^\s]+(\^\d+(\.\d+)?)?")


def words(query: str) -> str:
    """What a person typed, as documents are written: composed, and something to see of it.

    Raises:
        UsageError: it is blank, or no Unicode.
    """
    if not isinstance(query, str):
        raise UsageError(f"query {query!r} is no text: give some words, or a vector as vector=…")
    if is_blank(query):
        raise UsageError(f"query {query!r} is empty: type some words")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"query {query!r} has half of a surrogate pair, which is no Unicode: take it out"
        ) from None
    return composed(query)


def given_vector(values: Any) -> Vectors:
    """A vector to look for: float32, shape (dims,), neither zero, NaN nor infinite.

    Raises:
        VectorError: it is none.
    """
    row = vector(values, maker="the query vector")
    if not 0 < row.dot(row) < inf:  # which is quick, and sees no fault in most
        check_query(row, maker="the caller")
    return row


def query_row(row: Vectors, *, dims: int | None, scaled: bool) -> Vectors:
    """The caller's vector as the index compares it.

    Raises:
        VectorError: it has another number of dimensions than the index, or is too long.
    """
    if dims is not None and len(row) != dims:
        raise VectorError(
            f"the query vector has {len(row)} numbers, the index has {dims} dimensions: make it "
            "with the model that made the index"
        )
    return usable_query(row, maker="the caller", scaled=scaled)


def number(what: str, value: Any, *, least: float, most: float = inf) -> float:
    """A finite number between `least` and `most`.

    Raises:
        UsageError: it is another, or none; says `what`.
    """
    if not (is_finite(value) and least <= value <= most):
        between = f"from {least:g} upwards" if most == inf else f"between {least:g} and {most:g}"
        raise UsageError(f"{what} {value!r} is no number {between}")
    return float(value)


def is_finite(value: Any) -> bool:
    """Whether it is a number that is no NaN and not infinite; True and False are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # an integer of some hundred digits
        return False


def whole(what: str, value: Any, *, least: int, most: int) -> int:
    """A whole number between `least` and `most`.

    Raises:
        UsageError: it is another, or none; says `what`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise UsageError(f"{what} {value!r} is no whole number")
    number = int(value)
    if not least <= number <= most:
        raise UsageError(f"{what} {number} is not between {least} and {most}")
    return number


def oversampling(what: str, value: Any) -> float:
    """How many candidates per hit are scored again: 0 for none, or 1 to 10.

    Elasticsearch allows the same in a mapping:
    https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector

    Raises:
        UsageError: it is another number, or none; says `what`.
    """
    if not (is_finite(value) and (value == 0 or 1 <= value <= MAX_OVERSAMPLE)):
        raise UsageError(
            f"{what} {value!r} is neither 0, which scores nothing again, nor a number from 1 to "
            f"{MAX_OVERSAMPLE}"
        )
    return float(value)


def choice(what: str, value: Any, among: Sequence[str]) -> Any:
    """`value`, if it is one of those that there are.

    Raises:
        UsageError: it is not; names them.
    """
    if value not in among:
        raise UsageError(f"unknown {what} {value!r}: choose one of {', '.join(among)}")
    return value


def field_list(fields: Fields) -> tuple[str, ...]:
    """Names of fields, each with its boost if it has one.

    Raises:
        UsageError: one is no name, or its boost no number.

    >>> field_list("title^2, text")
    ('title^2', 'text')
    """
    given = [name.strip() for name in fields.split(",")] if isinstance(fields, str) else fields
    for name in given:
        if not isinstance(name, str) or not _FIELD.fullmatch(name):
            raise UsageError(f"field {name!r}: write its name, or name^boost as in title^2")
    if not given:
        raise UsageError("fields are an empty list: name one, or leave it out")
    return tuple(given)


def plain(field: str) -> str:
    """A field without its boost.

    >>> plain("title^2")
    'title'
    """
    return field.partition("^")[0]
