"""What the index keeps of a document beside the user's fields: vectors, and what made them."""

from __future__ import annotations

import time
from binascii import b2a_base64
from datetime import UTC, datetime

import orjson

from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.passages import Passage

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

    def beside(self, item: Embedded) -> bytes:
        """The members of a JSON object, without its braces."""
        document = item.document
        made = b'"content_hash":"%b","text_hash":"%b","source":%b,"updated_at":"%b"' % (
            document.content_hash.encode(),
            document.text_hash.encode(),
            self._source,
            self._moment(),
        )
        if item.passages:
            pairs = zip(item.passages, item.vectors, strict=True)
            passages = b",".join([b"{%b}" % self._passage(*pair) for pair in pairs])
            return b'"%b":[%b],"%b":{%b}' % (_PASSAGES, passages, _META, made)
        [vector] = item.vectors
        norm = orjson.dumps(vector.norm)
        return b'"%b":%b,"%b":{%b,"norm":%b}' % (_VECTOR, self._values(vector), _META, made, norm)

    def _passage(self, passage: Passage, vector: Vector) -> bytes:
        return b'"text":%b,"start":%d,"end":%d,"%b":%b,"norm":%b' % (
            orjson.dumps(passage.text),
            passage.start,
            passage.end,
            _VECTOR,
            self._values(vector),
            orjson.dumps(vector.norm),
        )

    def _values(self, vector: Vector) -> bytes:
        """Base64 of big-endian float32, or a list of numbers.

        https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
        """
        if vector.values is None:
            return b"null"
        if not self.base64:
            return orjson.dumps(vector.values, option=orjson.OPT_SERIALIZE_NUMPY)
        return b'"%b"' % b2a_base64(vector.values.astype(">f4").data, newline=False)

    def _moment(self) -> bytes:
        """Now, in UTC, to the millisecond; the same for a while, as it costs more than a hash."""
        if (now := time.monotonic()) >= self._until:
            self._until = now + _FRESH
            self._now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        return self._now


_VECTOR, _PASSAGES, _META = VECTOR_FIELD.encode(), PASSAGES_FIELD.encode(), META_FIELD.encode()
