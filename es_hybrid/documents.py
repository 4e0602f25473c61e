"""Documents: what is indexed. A record becomes a Document or is rejected with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isnan
from typing import Any

import orjson

from es_hybrid.errors import RecordError

Record = Mapping[str, Any]

DEFAULT_ID_FIELD = "_id"
DEFAULT_TEXT_FIELDS = ("title", "text")

# Elasticsearch's own limit: "id is too long, must be no longer than 512 bytes".
MAX_ID_BYTES = 512

# Fields that es_hybrid writes beside the user's own.
VECTOR_FIELD = "embedding"
META_FIELD = "es_hybrid"
_RESERVED = (VECTOR_FIELD, META_FIELD)

# Sub-field of every text field that holds the whole value, for filters.
EXACT_SUBFIELD = "exact"


@dataclass(frozen=True, slots=True)
class Document:
    """One document, ready to be planned.

    Attributes:
        id: Elasticsearch `_id`, 1 to 512 bytes.
        source: the user's own fields, without the id field when that is ``_id``.
        text: what the embedder reads: the text fields, joined by a space.
        content_hash: changes when any field changes; 32 hex digits.
        text_hash: changes when `text` changes; 32 hex digits.
        where: where it was read, for messages (``"docs.jsonl line 3"``).
    """

    id: str
    source: Mapping[str, Any]
    text: str
    content_hash: str
    text_hash: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a record mean what.

    Attributes:
        text: the fields that are searched and embedded, in this order.
        id: the field that holds the id; None takes ``_id`` where a record has one and
            otherwise derives the id from the content, so that the same record keeps its id.
    """

    text: tuple[str, ...] = DEFAULT_TEXT_FIELDS
    id: str | None = None


def document(record: Record, fields: Fields, *, where: str = "") -> Document:
    """Make a Document of a record.

    Raises:
        RecordError: no text, an unusable id, a reserved field, or a value that is not JSON.

    >>> document({"_id": 7, "title": "Tea", "text": "hot"}, Fields()).text
    'Tea hot'
    """
    _refuse_reserved(record)
    source = {name: value for name, value in record.items() if name != DEFAULT_ID_FIELD}
    content_hash = _digest(_json(source))
    text = _text(record, fields.text)
    return Document(
        id=_id(record, fields.id, content_hash),
        source=source,
        text=text,
        content_hash=content_hash,
        text_hash=_digest(text.encode()),
        where=where,
    )


def _refuse_reserved(record: Record) -> None:
    for name in record:
        if name.partition(".")[0] in _RESERVED:  # Elasticsearch reads a dot as a path
            raise RecordError(f"field {name!r} is written by es_hybrid itself: rename it")


def _text(record: Record, names: Sequence[str]) -> str:
    text = " ".join(part for name in names if (part := _text_of(name, record.get(name))))
    if not text:
        found = ", ".join(sorted(map(str, record))) or "nothing"
        raise RecordError(
            f"no text in {', '.join(names)} (the record has {found}): name the fields that hold "
            "the text with --text-fields"
        )
    return text


def _text_of(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None or (isinstance(value, float) and isnan(value)):  # NaN: missing in a data frame
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return " ".join(filter(None, (_text_of(name, item) for item in value)))
    raise RecordError(f"text field {name!r} holds {_shown(value)}: give a string or a list of them")


def _id(record: Record, field: str | None, content_hash: str) -> str:
    name = field or DEFAULT_ID_FIELD
    if name not in record:
        if field is None:
            return content_hash
        raise RecordError(f"no id field {field!r}: name another with --id-field, or leave it out")
    value = record[name]
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise RecordError(f"id {_shown(value)} in field {name!r}: an id is a string or an integer")
    identifier = str(value)
    try:
        size = len(identifier.encode())
    except UnicodeEncodeError:
        raise RecordError(
            f"id {_shown(value)} in field {name!r}: an id is Unicode, not half a surrogate pair"
        ) from None
    if size > MAX_ID_BYTES:
        raise RecordError(
            f"id {_shown(identifier)} has {size} bytes: Elasticsearch allows {MAX_ID_BYTES}"
        )
    return identifier


def _json(source: Record) -> bytes:
    try:
        return orjson.dumps(source, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # orjson.JSONEncodeError is a TypeError
        raise RecordError(f"not JSON: {error}") from None


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _shown(value: Any, *, limit: int = 60) -> str:  # noqa: ANN401 - any JSON value
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
