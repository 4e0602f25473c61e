"""What the index keeps of a document beside the user's fields: vectors, and what made them."""

from __future__ import annotations

import time
from binascii import b2a_base64
from datetime import UTC, datetime

import orjson

from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.passages import Passage

_VECTOR = b'"%b":' % VECTOR_FIELD.encode()
_PASSAGES = PASSAGES_FIELD.encode()
_META = (  # left open, as a norm may follow
    b'"%b":{"content_hash":"%%b","text_hash":"%%b","source":%%b,"updated_at":"%%b"'
    % META_FIELD.encode()
)

_FRESH = 0.05  # seconds that a moment is written for


class Stored:
    """Writes what stands beside a document's own fields.

    Args:
        source: name of what the documents were read from.
        base64: whether the server reads vectors in base64 (9.3 and later).
    """

    def __init__(self, *, source: str, base64: bool) -> None:
        self.base64 = base64
        self._source = orjson.dumps(source)
        self._until = 0.0
        self._now = b""

    def beside(self, item: Embedded) -> tuple[bytes, ...]:
        """The members of a JSON object, without its braces, in parts; a vector is copied once."""
        made = _META % (
            item.document.content_hash.encode(),
            item.document.text_hash.encode(),
            self._source,
            self._moment(),
        )
        if item.passages:
            pairs = zip(item.passages, item.vectors, strict=True)
            passages = b",".join([self._passage(*pair) for pair in pairs])
            return (b'"%b":[' % _PASSAGES, passages, b"],", made, b"}")
        [vector] = item.vectors
        norm = b',"norm":%b}' % orjson.dumps(vector.norm)
        return (_VECTOR, *self._values(vector), b",", made, norm)

    def _passage(self, passage: Passage, vector: Vector) -> bytes:
        text = orjson.dumps(passage.text)
        head = b'{"text":%b,"start":%d,"end":%d,' % (text, passage.start, passage.end)
        norm = b',"norm":%b}' % orjson.dumps(vector.norm)
        return b"".join((head, _VECTOR, *self._values(vector), norm))

    def _values(self, vector: Vector) -> tuple[bytes, ...]:
        """Base64 of big-endian float32, or a list of numbers.

        https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
        """
        if vector.values is None:
            return (b"null",)
        if not self.base64:
            return (orjson.dumps(vector.values, option=orjson.OPT_SERIALIZE_NUMPY),)
        return (b'"', b2a_base64(vector.values.astype(">f4").data, newline=False), b'"')

    def _moment(self) -> bytes:
        """Now, in UTC, to the millisecond; the same for a while, as it costs more than a hash."""
        if (now := time.monotonic()) >= self._until:
            self._until = now + _FRESH
            self._now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        return self._now
