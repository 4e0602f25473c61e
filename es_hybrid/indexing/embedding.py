"""Embedding a batch: sorted by length, checked, and one bad text at a time set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from es_hybrid.documents import Document
from es_hybrid.embedders import Embedder, document_vectors
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors, unit

# Texts of one batch are padded to the longest: sorted by length, little is wasted.
BATCH = 64


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document with its vector, or with the reason why it has none.

    Attributes:
        document: the document.
        vector: float32, shape (dims,), length 1; None where there is a `fault`.
        norm: the vector's L2 norm before normalisation; 0 where there is a `fault`.
        fault: why there is no vector.
    """

    document: Document
    vector: Vectors | None
    norm: float = 0.0
    fault: str | None = None


def embedded(embedder: Embedder, documents: Sequence[Document]) -> Iterator[Embedded]:
    """Embed all documents, longest first; each comes back exactly once."""
    ordered = sorted(documents, key=lambda document: len(document.text), reverse=True)
    for start in range(0, len(ordered), BATCH):
        yield from _batch(embedder, ordered[start : start + BATCH])


def _batch(embedder: Embedder, documents: Sequence[Document]) -> Iterator[Embedded]:
    try:
        result = unit(document_vectors(embedder, [document.text for document in documents]))
    except EmbedderError as error:
        if len(documents) == 1:
            yield Embedded(documents[0], None, fault=str(error))
            return
        for document in documents:  # one text spoils a batch: find out which
            yield from _batch(embedder, [document])
        return
    for row, document in enumerate(documents):
        if fault := result.faults.get(row):
            yield Embedded(document, None, fault=f"{embedder.info.id} gave {fault}")
        else:
            yield Embedded(document, result.vectors[row], float(result.norms[row]))
