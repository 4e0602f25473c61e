"""Embedding: texts sorted by length, vectors checked, and one bad text at a time set aside.

What is embedded is a document's whole text, or each of its passages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from es_hybrid.documents import Document
from es_hybrid.embedders import LONGEST_TEXT, Embedder, document_vectors, token_counts
from es_hybrid.errors import EmbedderError, EmbedderUnavailable
from es_hybrid.passages import Passage, Splitter
from es_hybrid.vectors import Vectors, usable

# Texts of one batch are padded to the longest: sorted by length, little is wasted.
BATCH = 64

# Of long texts a batch has fewer, so that somebody who waits sees it go on: 32 texts of 2,000
# characters take five seconds on two cores.
_CHARACTERS = 64_000
_FEWEST = 32

# Texts that are sorted together. Long documents have many passages, and all wait for the last.
TOGETHER = 512


@dataclass(slots=True)
class Vector:
    """What the embedder made of one text.

    Attributes:
        values: float32, shape (dims,), as the index keeps it; None where there is a `fault`.
        norm: the L2 norm before normalisation; 0 where there is a `fault`.
        fault: why there is no vector.
    """

    values: Vectors | None
    norm: float = 0.0
    fault: str | None = None


_Maker = Callable[[Sequence[str]], list[Vector]]
_T = TypeVar("_T")  # what is embedded: a text or a picture


@dataclass(slots=True)
class Embedded:
    """A document with its vectors, or with the reason why it has none.

    Attributes:
        document: the document.
        vectors: of its whole text, or of each passage; empty where there is a `fault`.
        passages: as many as `vectors`, in order; empty where the whole text has the vector.
        fault: why it cannot be indexed: of the first text that has no vector.
        error: the class of that.
        thumbnail: of its picture, a JPEG in base64; empty where it has none.
    """

    document: Document
    vectors: Sequence[Vector] = ()
    passages: Sequence[Passage] = ()
    fault: str | None = None
    error: str = EmbedderError.__name__
    thumbnail: str = ""


def embedded(
    embedder: Embedder,
    documents: Sequence[Document],
    *,
    splitter: Splitter | None = None,
    scaled: bool = True,
) -> Iterator[Embedded]:
    """Embed all documents, longest text first; each comes back exactly once.

    Args:
        embedder: makes the vectors.
        documents: no id twice, and none that came with a vector.
        splitter: cuts them into passages; None embeds each text as a whole.
        scaled: whether vectors are brought to length 1.
    """
    read = partial(document_vectors, embedder)
    make = partial(checked_vectors, read, maker=embedder.info.id, scaled=scaled)
    together: list[_Waiting] = []
    texts = 0
    for document in documents:
        try:
            passages = splitter.passages(document.text, title=document.title) if splitter else []
        except EmbedderError as error:
            yield Embedded(document, fault=str(error))
            continue
        together.append(_Waiting(document, passages))
        texts += len(together[-1].texts)
        if texts >= TOGETHER:
            yield from _together(make, together)
            together, texts = [], 0
    yield from _together(make, together)


@dataclass(slots=True)
class _Waiting:
    """A document until the last of its texts is embedded."""

    document: Document
    passages: list[Passage]
    vectors: dict[int, Vector] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        return [passage.read for passage in self.passages] or [self.document.text]

    def embedded(self) -> Embedded:
        vectors = [self.vectors[place] for place in range(len(self.vectors))]
        for place, vector in enumerate(vectors):
            if vector.fault is not None:
                return Embedded(self.document, fault=self._where(place) + vector.fault)
        return Embedded(self.document, vectors, self.passages)

    def _where(self, place: int) -> str:
        if not self.passages:
            return ""
        return f"passage at character {self.passages[place].start}: "


def _together(make: _Maker, documents: Sequence[_Waiting]) -> Iterator[Embedded]:
    texts = [(one, place, text) for one in documents for place, text in enumerate(one.texts)]
    texts.sort(key=lambda each: len(each[2]), reverse=True)
    while texts:
        count = _size(longest=len(texts[0][2]))
        batch, texts = texts[:count], texts[count:]
        vectors = make([text for _, _, text in batch])
        for (one, place, _), vector in zip(batch, vectors, strict=True):
            one.vectors[place] = vector
            if len(one.vectors) == len(one.texts):
                yield one.embedded()


def _size(*, longest: int) -> int:
    """Texts of a batch, by the characters of its longest."""
    return min(BATCH, max(_FEWEST, _CHARACTERS // max(longest, 1)))


def checked_vectors(
    make: Callable[[Sequence[_T]], Vectors], given: Sequence[_T], *, maker: str, scaled: bool
) -> list[Vector]:
    """One for each of what is embedded, in order; where all fail together, each on its own.

    Args:
        make: the embedder's vectors, float32, shape (len(given), dims).
        given: texts, or pictures.
        maker: its name.
        scaled: whether vectors are brought to length 1.

    Raises:
        EmbedderUnavailable: a service is down, which none of them is to blame for.
    """
    try:
        made = make(given)
    except EmbedderUnavailable:  # the run ends, and can be gone on with
        raise
    except EmbedderError as error:
        if len(given) == 1:
            return [Vector(None, fault=str(error))]
        # One spoils a batch: find out which.
        alone = (checked_vectors(make, [one], maker=maker, scaled=scaled) for one in given)
        return [vector for [vector] in alone]
    return _checked(made, maker=maker, scaled=scaled)


def _checked(vectors: Vectors, *, maker: str, scaled: bool) -> list[Vector]:
    result = usable(vectors, scaled=scaled)
    rows = map(Vector, result.vectors, result.norms.tolist())
    if not result.faults:
        return list(rows)
    faults = {row: f"{maker} gave {why}" for row, why in result.faults.items()}
    return [
        Vector(None, fault=faults[row]) if row in faults else vector
        for row, vector in enumerate(rows)
    ]


def too_long(embedder: Embedder, texts: Sequence[str]) -> int | None:
    """How many of the texts are longer than the model reads at once; None if it cannot say."""
    limit = embedder.info.max_tokens
    if limit is None:
        return sum(len(text) > LONGEST_TEXT for text in texts)
    # Most tokens are two letters and more: what is sure to be short needs no counting.
    perhaps = [text[:LONGEST_TEXT] for text in texts if len(text.encode()) > limit // 2]
    try:
        counts = token_counts(embedder, perhaps)
    except EmbedderError:  # it will say so when it is to embed them
        return None
    return None if counts is None else sum(count > limit for count in counts)
