"""An embedder whose vectors pass a transform that is kept on the cluster.

Named as ``e5-small?transform=HASH``: as the hash is part of the name, it stands in the contract of
an index, and queries pass the same transform as the documents did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from es_hybrid.embedders.base import Embedder, EmbedderInfo, Send
from es_hybrid.errors import EmbedderError, RecordError
from es_hybrid.model_references import MODELS_INDEX
from es_hybrid.transforms import Transform, from_document
from es_hybrid.vectors import Vectors, matrix, unit

OPTION = "transform"


def spec_with(spec: str, transform: str) -> str:
    """The spec of an embedder with a transform.

    >>> spec_with("e5-small", "0f"), spec_with("hf:a?layer=-2", "0f")
    ('e5-small?transform=0f', 'hf:a?layer=-2&transform=0f')
    """
    return f"{spec}{'&' if '?' in spec else '?'}{OPTION}={transform}"


class Transformed:
    """Makes the vectors of another embedder, of length 1, and transforms them.

    Each keeps the length that the embedder gave it: a transform changes directions.

    Args:
        base: makes the vectors.
        name: hash of the transform.
    """

    def __init__(self, base: Embedder, name: str) -> None:
        self.base = base
        self.name = name
        self._send: Send | None = None
        for method in ("count_tokens", "probe_texts"):
            if hasattr(base, method):
                setattr(self, method, getattr(base, method))
        if hasattr(base, "embed_images"):
            self.embed_images = self._through(base.embed_images)

    def bind(self, send: Send) -> None:
        """Take the way to the cluster, where the transform is read once."""
        self._send = send
        bind = getattr(self.base, "bind", None)
        if bind is not None:
            bind(send)

    @cached_property
    def info(self) -> EmbedderInfo:
        """That of the base, with the transform in its name and the dimensions that come out."""
        base = self.base.info
        return replace(
            base, id=spec_with(base.id, self.name), dims=self._transform.dims, packaged=False
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._through(self.base.embed_documents)(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._through(self.base.embed_queries)(texts)

    def _through(self, embed: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Vectors]:
        def embedded(given: Sequence[Any]) -> Vectors:
            info = self.base.info
            made = unit(matrix(embed(given), rows=len(given), dims=info.dims, maker=info.id))
            moved = unit(self._transform.apply(made.vectors))
            lengths = np.where(np.isfinite(made.norms), made.norms, 0)
            found: Vectors = (moved.vectors * lengths[:, None]).astype(np.float32)
            found[list(made.faults)] = 0  # no direction before, none after
            return found

        return embedded

    @cached_property
    def _transform(self) -> Transform:
        if self._send is None:
            raise EmbedderError(
                f"transform {self.name!r} is kept on the cluster that is indexed or searched: name "
                "it to an Indexer or a Searcher, or give it the way with .bind(send)"
            )
        answer = self._send("GET", f"/{MODELS_INDEX}/_doc/{self.name}", ok=(404,))
        if not answer.get("found"):
            raise EmbedderError(
                f"the cluster has no transform {self.name!r} (in index {MODELS_INDEX!r}): fit it "
                "again with es-hybrid transform, or give it back"
            )
        try:
            return from_document(answer["_source"], name=self.name)
        except RecordError as error:
            raise EmbedderError(str(error)) from None
