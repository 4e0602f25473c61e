"""Stands where an embedder stands, for vectors that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from es_hybrid.embedders.base import GIVEN, EmbedderInfo
from es_hybrid.errors import EmbedderError, UsageError


class Given:
    """The model behind ready vectors: it has a name and a number of dimensions, nothing else.

    Args:
        label: what the model is called; every later writer has to say the same.
        dims: number of dimensions of its vectors.

    Raises:
        UsageError: the label is empty.
    """

    def __init__(self, label: str, *, dims: int) -> None:
        if not label.strip():
            raise UsageError(f"label {label!r} is empty: name the model that made the vectors")
        self.info = EmbedderInfo(id=GIVEN + label, dims=dims, revision="given", pooling="model")

    def embed_documents(self, texts: Sequence[str]) -> Any:
        """There is no model.

        Raises:
            EmbedderError: always.
        """
        raise EmbedderError(
            f"{self.info.id} cannot embed {len(texts)} texts: its vectors were made elsewhere, "
            "so give a vector with each record"
        )

    def embed_queries(self, texts: Sequence[str]) -> Any:
        """As `embed_documents`."""
        return self.embed_documents(texts)
