"""What the index keeps of a document: the user's fields, vectors, and what made them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from es_hybrid.documents import (
    META_FIELD,
    PASSAGES_FIELD,
    THUMBNAIL_FIELD,
    VECTOR_FIELD,
    Document,
)
from es_hybrid.indexing.bulk import Prepared, prepared
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.indexing.given import Checked
from es_hybrid.json_values import dumped
from es_hybrid.objects import with_value
from es_hybrid.passages import Passage
from es_hybrid.vectors import Vectors, encoded

_PASSAGES, _THUMBNAIL = PASSAGES_FIELD.encode(), THUMBNAIL_FIELD.encode()
_META = b'"%b":{"content_hash":"' % META_FIELD.encode()

_FRESH = 0.05  # seconds that a moment is written for


class Stored:
    """Writes documents as the index keeps them.

    Args:
        source: name of what the documents were read from.
        base64: whether the server reads vectors in base64 (9.3 and later).
        vector_field: full name of the field that holds them; it may lie inside an object.
    """

    def __init__(self, *, source: str, base64: bool, vector_field: str = VECTOR_FIELD) -> None:
        self.base64 = base64
        self._field = vector_field
        self._inside = "." in vector_field
        self._vector = orjson.dumps(vector_field) + b":"
        self._source = orjson.dumps(source)
        self._until = 0.0
        self._origin = b""

    def prepared(self, item: Embedded, more: bytes = b"") -> Prepared:
        """One document.

        Args:
            item: with its vectors.
            more: members of a JSON object that it gets as well, each with a comma behind it.
        """
        return prepared(self._own(item), (more, *self._beside(item)))

    def prepared_each(self, given: Checked) -> Iterator[Prepared]:
        """Documents that came with their vectors, in order."""
        if self._inside:
            return map(self.prepared, given.embedded())
        return map(prepared, given.documents, self._beside_each(given))

    def _own(self, item: Embedded) -> Document:
        """The document, with its vector where that lies inside an object of its own."""
        if not self._inside or item.passages:
            return item.document
        [vector] = item.vectors
        value = orjson.Fragment(self._value(vector))
        source = with_value(item.document.source, self._field, value)
        return replace(item.document, json=dumped(source))

    def _beside(self, item: Embedded) -> Sequence[bytes]:
        """Members of a JSON object, in parts."""
        made = self._made(item.document)
        if item.thumbnail:
            made = (b'"%b":"%b",' % (_THUMBNAIL, item.thumbnail.encode()), *made)
        if item.passages:
            pairs = zip(item.passages, item.vectors, strict=True)
            passages = b",".join([self._passage(*pair) for pair in pairs])
            return (b'"%b":[' % _PASSAGES, passages, b"],", *made, b"}")
        [vector] = item.vectors
        if self._inside:
            return (*made, *_norm(vector))
        return (self._vector, self._value(vector), b",", *made, *_norm(vector))

    def _beside_each(self, given: Checked) -> Iterator[Sequence[bytes]]:
        """As `_beside`, with all vectors and norms written at once."""
        norms = _json(given.norms)[1:-1].split(b",")
        values = self._values(given.vectors)
        for document, value, norm in zip(given.documents, values, norms, strict=True):
            yield (self._vector, value, b",", *self._made(document), b',"norm":', norm, b"}")

    def _made(self, document: Document) -> Sequence[bytes]:
        """Left open, as a norm may follow."""
        content, text = document.content_hash.encode(), document.text_hash.encode()
        return (_META, content, b'","text_hash":"', text, self._from_now())

    def _passage(self, passage: Passage, vector: Vector) -> bytes:
        text = orjson.dumps(passage.text)
        head = b'{"text":%b,"start":%d,"end":%d,' % (text, passage.start, passage.end)
        return b"".join((head, self._vector, self._value(vector), *_norm(vector)))

    def _value(self, vector: Vector) -> bytes:
        return b"null" if vector.values is None else self._values(vector.values[None])[0]

    def _values(self, vectors: Vectors) -> list[bytes]:
        """Each row as the server reads it: in base64, or as a list of numbers."""
        if self.base64:
            return [b'"%b"' % row for row in encoded(vectors)]
        return list(map(_json, vectors))

    def _from_now(self) -> bytes:
        """Source and time, in UTC to the millisecond; kept for a while, as it is slow to write."""
        if (now := time.monotonic()) >= self._until:
            self._until = now + _FRESH
            moment = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
            self._origin = b'","source":%b,"updated_at":"%b"' % (self._source, moment)
        return self._origin


def _norm(vector: Vector) -> Sequence[bytes]:
    """The last member, and the end of its object."""
    return (b',"norm":', _json(vector.norm), b"}")


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
