"""Vectors that the index keeps: read back for documents that changed, but not in their text.

The contract of an index says which model made all its vectors, so that an equal text has equal
ones; a document is written whole, hence what is read belongs together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from es_hybrid.capabilities import Capabilities
from es_hybrid.client import path
from es_hybrid.contract import Contract
from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, THUMBNAIL_FIELD, Document
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.indexing.patience import Requests
from es_hybrid.objects import value_at
from es_hybrid.passages import Passage
from es_hybrid.vectors import unpacked

# Documents that are read together: with passages each may have dozens of vectors.
TOGETHER = 64


def kept(
    requests: Requests,
    index: str,
    documents: Sequence[Document],
    *,
    contract: Contract,
    can: Capabilities,
) -> Iterator[tuple[Document, Embedded | None]]:
    """Each document with its vectors as the index keeps them, bit by bit, in order.

    None stands for those whose vectors cannot be taken over: somebody else wrote the document,
    or deleted it just now.

    Raises:
        ServerError: the server refused, or cannot be reached for longer than the patience lasts.
    """
    includes = (
        contract.vector_field,
        f"{META_FIELD}.norm",
        PASSAGES_FIELD,
        contract.text_fields[0],
        THUMBNAIL_FIELD,
    )
    params = {"_source_includes": ",".join(includes)}
    if can.leaves_vectors_out:
        params["_source_exclude_vectors"] = "false"
    for start in range(0, len(documents), TOGETHER):
        some = documents[start : start + TOGETHER]
        body = {"ids": [document.id for document in some]}
        answer = requests.ask("POST", path(index, "_mget"), params=params, body=body)
        for document, found in zip(some, answer["docs"], strict=True):
            yield document, _embedded(document, found.get("_source", {}), contract)


def _embedded(document: Document, source: Mapping[str, Any], contract: Contract) -> Embedded | None:
    try:
        if contract.passages is None:
            vector = _vector(source, source[META_FIELD], contract)
            return Embedded(document, [vector], thumbnail=_thumbnail(document, source))
        if _title(source, contract) != _title(document.source, contract):
            return None  # the same words, but others of them are embedded with each passage
        pieces = source[PASSAGES_FIELD]
        passages = [Passage(one["text"], one["start"], one["end"]) for one in pieces]
        vectors = [_vector(one, one, contract) for one in pieces]
    except (KeyError, TypeError, ValueError):
        return None
    return Embedded(document, vectors, passages) if passages else None


def _thumbnail(document: Document, source: Mapping[str, Any]) -> str:
    """That of the same picture."""
    return "" if document.picture is None else str(source.get(THUMBNAIL_FIELD, ""))


def _title(source: Mapping[str, Any], contract: Contract) -> Any:
    return value_at(source, contract.text_fields[0])


def _vector(source: Mapping[str, Any], beside: Mapping[str, Any], contract: Contract) -> Vector:
    values = unpacked(value_at(source, contract.vector_field))
    if values.shape != (contract.embedder.dims,) or not np.isfinite(values).all():
        raise ValueError(f"no vector of {contract.embedder.dims} dimensions: {values.shape}")
    return Vector(values, float(beside["norm"]))
