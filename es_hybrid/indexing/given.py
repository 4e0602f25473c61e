"""Given: documents that came with their vectors, which are looked at all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from es_hybrid.documents import Document
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.vectors import Vectors, usable


@dataclass(frozen=True, slots=True)
class Checked:
    """Documents whose vectors can be used, and those whose cannot.

    Attributes:
        documents: n of them, in order.
        vectors: float32, shape (n, dims), as the index keeps them.
        norms: float64, shape (n,): the L2 norms before normalisation.
        refused: each other document, and why.
    """

    documents: Sequence[Document]
    vectors: Vectors
    norms: npt.NDArray[np.float64]
    refused: Sequence[tuple[Document, str]] = ()

    def embedded(self) -> Iterator[Embedded]:
        """The documents one by one, as if their vectors were made now."""
        vectors = map(Vector, self.vectors, self.norms.tolist())
        for document, vector in zip(self.documents, vectors, strict=True):
            yield Embedded(document, (vector,))


def checked(documents: Sequence[Document], *, maker: str, scaled: bool) -> Checked:
    """Look at the vectors of all documents.

    Args:
        documents: at least one; each has a vector, all of one length.
        maker: who made the vectors, for messages.
        scaled: whether they are brought to length 1.
    """
    result = usable(np.array([one.vector for one in documents]), scaled=scaled)
    if not result.faults:
        return Checked(documents, result.vectors, result.norms)
    faults = result.faults
    good = [row for row in range(len(documents)) if row not in faults]
    refused = [(documents[row], f"{maker} gave {why}") for row, why in sorted(faults.items())]
    return Checked(
        [documents[row] for row in good], result.vectors[good], result.norms[good], refused
    )
