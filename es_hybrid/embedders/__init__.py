"""Embedders by name: ``e5-small``, ``usem3``, ``sentence-transformers:NAME_OR_FOLDER`` and more."""

from __future__ import annotations

from es_hybrid.embedders.base import (
    LONGEST_TEXT,
    Embedder,
    EmbedderInfo,
    PictureEmbedder,
    document_vectors,
    image_vectors,
    query_vector,
    query_vectors,
    token_counts,
)
from es_hybrid.embedders.kinds import OWN, installed, maker
from es_hybrid.embedders.spec import made, parsed
from es_hybrid.embedders.transformed import OPTION, Transformed
from es_hybrid.errors import UnknownEmbedder

__all__ = [
    "DEFAULT_EMBEDDER",
    "LONGEST_TEXT",
    "Embedder",
    "EmbedderInfo",
    "PictureEmbedder",
    "document_vectors",
    "image_vectors",
    "is_packaged",
    "load_embedder",
    "query_vector",
    "query_vectors",
    "token_counts",
]

# Chosen by measurement: the table stands in CONTRIBUTING.md.
DEFAULT_EMBEDDER = "e5-small"


def is_packaged(spec: str) -> bool:
    """Whether the weights ship in a package, so that the name alone may load it.

    A transform changes nothing of that: it is mere numbers, and its hash is checked.
    """
    return any(kind.packaged and kind.name == _apart(spec)[0] for kind in OWN)


def load_embedder(spec: str | Embedder) -> Embedder:
    """The embedder called `spec`; an embedder object is returned as it is.

    Args:
        spec: such as ``"e5-small"``, or ``"sentence-transformers:NAME?backend=onnx&dims=256"``.
            With ``?transform=HASH`` at the end its vectors pass a transform of the cluster.

    Raises:
        UnknownEmbedder: nothing is registered under this name.
        UsageError: an option is unknown, or has a value that it cannot have.
        EmbedderError: its package is not installed.

    >>> load_embedder("e5-small").info.dims
    384
    """
    if not isinstance(spec, str):
        return spec
    spec, transform = _apart(spec)
    if transform:
        return Transformed(load_embedder(spec), transform)
    asked = parsed(spec)
    found = maker(asked.kind)
    if found is None:
        known = [kind.name if kind.packaged else f"{kind.name}:{kind.called}" for kind in OWN]
        others = [point.name for point in installed()]
        raise UnknownEmbedder(
            f"unknown embedder {spec.partition('?')[0]!r}: choose one of "
            f"{', '.join([*known, *others])}"
        )
    embedder: Embedder = made(found, asked)
    compose = getattr(embedder, "compose", None)
    if compose is not None:
        compose(load_embedder)
    return embedder


def _apart(spec: str) -> tuple[str, str]:
    """A spec without the transform that may end it, and its hash.

    >>> _apart("hf:a?layer=-2&transform=0f"), _apart("e5-small")
    (('hf:a?layer=-2', '0f'), ('e5-small', ''))
    """
    for mark in "?&":
        before, found, name = spec.rpartition(f"{mark}{OPTION}=")
        if found and name.isalnum():
            return before, name
    return spec, ""
