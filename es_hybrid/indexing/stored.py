"""A document as the index keeps it: the user's own fields, the vectors, and what made them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.vectors import packed


def stored(item: Embedded, *, source: str, base64: bool) -> dict[str, Any]:
    """The body of a document.

    Args:
        item: a document with its vectors.
        source: name of what it was read from.
        base64: whether the server reads vectors in base64.
    """
    vectors = [
        {VECTOR_FIELD: _values(one, base64=base64), "norm": one.norm} for one in item.vectors
    ]
    made = {
        "content_hash": item.document.content_hash,
        "text_hash": item.document.text_hash,
        "source": source,
        "updated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    if not item.passages:
        whole = vectors[0]
        made["norm"] = whole["norm"]
        return {**item.document.source, VECTOR_FIELD: whole[VECTOR_FIELD], META_FIELD: made}
    passages = [
        {"text": passage.text, "start": passage.start, "end": passage.end, **vector}
        for passage, vector in zip(item.passages, vectors, strict=True)
    ]
    return {**item.document.source, PASSAGES_FIELD: passages, META_FIELD: made}


def _values(vector: Vector, *, base64: bool) -> Any:
    values = vector.values
    return packed(values[None, :])[0] if base64 and values is not None else values
