"""The embedder: words are looked up, and their vectors averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from es_hybrid.embedders.base import EmbedderInfo, check_above_zero
from es_hybrid.embedders.spec import written
from es_hybrid.embedders.words.averages import A, weights, without
from es_hybrid.embedders.words.files import Words, read
from es_hybrid.embedders.words.tokens import Tokenizer, tokenizer
from es_hybrid.errors import UsageError, VectorError
from es_hybrid.vectors import Vectors

Weighting = Literal["sif", "mean"]

_KIND = "words"
_PROBES, _PROBE_WORDS = 3, 8
_SHOWN = 60  # characters of a text in a message


class WordVectors:
    """Vectors of words from a file; a text is the mean of those that it has.

    Args:
        name: path of the file: word2vec's text or binary format, or GloVe's text format.
        tokenizer: how texts are cut into words; None takes what the file was trained with,
            ``"simple"`` where nothing says it.
        weighting: ``"sif"`` weighs rare words more, and takes away what all texts have in
            common; it needs counts. None takes it where there are counts, else ``"mean"``.
        a: the parameter of these weights; None takes the file's.
    """

    def __init__(
        self,
        name: str,
        *,
        tokenizer: Tokenizer | None = None,
        weighting: Weighting | None = None,
        a: float | None = None,
    ) -> None:
        check_above_zero(_KIND, a=a)
        self.path = Path(name).expanduser()
        self._given = {"tokenizer": tokenizer, "weighting": weighting, "a": a}
        self._name = name
        self._tokenizer = tokenizer
        self._weighting = weighting
        self._a = a

    @cached_property
    def _words(self) -> Words:
        return read(self.path)

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the file; its revision is a hash of what it holds."""
        return EmbedderInfo(
            id=written(_KIND, self._name, **self._given),
            dims=self._words.vectors.shape[1],
            revision=self._words.revision,
            pooling="sif" if self._weights is not None else "mean",
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims).

        Raises:
            VectorError: a text has no word that has a vector.
        """
        return self._embed(texts, way_out="train on more text, or with a smaller --min-count")

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As documents.

        Raises:
            VectorError: a text has no word that has a vector.
        """
        return self._embed(texts, way_out="search by its words alone with --mode bm25")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text, known or not; there is no limit."""
        return [len(self._cut(text)) for text in texts]

    @cached_property
    def probe_texts(self) -> tuple[str, ...]:
        """Three texts of the most frequent words: those of a contract may hold none of them."""
        known = (word for word in self._words.places if self._cut(word) == [word])
        found = list(islice(known, _PROBES * _PROBE_WORDS)) or list(self._words.places)[:_PROBES]
        return tuple(" ".join(found[start::_PROBES] or found) for start in range(_PROBES))

    def _embed(self, texts: Sequence[str], *, way_out: str) -> Vectors:
        means = [self._mean(text, way_out) for text in texts]
        rows = np.array(means, np.float32).reshape(len(texts), self.info.dims)
        return without(rows, self._direction)

    def _mean(self, text: str, way_out: str) -> Vectors:
        """The weighted mean of the words that have a vector, shape (dims,)."""
        places = [
            self._words.places[word] for word in self._cut(text) if word in self._words.places
        ]
        if not places:
            raise VectorError(
                f"none of the words of {_shortened(text)!r} is among the "
                f"{len(self._words.places):,} of {self._name!r}: {way_out}"
            )
        vectors = self._words.vectors[places]
        if self._weights is not None:
            vectors = vectors * self._weights[places][:, None]
        mean: Vectors = vectors.mean(axis=0)
        return mean

    @cached_property
    def _cut(self) -> Callable[[str], list[str]]:
        sidecar = self._words.sidecar
        return tokenizer(self._tokenizer or (sidecar.tokenizer if sidecar else "simple"))

    @cached_property
    def _weights(self) -> Vectors | None:
        """Of each word, shape (words,); None weighs all alike.

        Raises:
            UsageError: there are no counts to make weights of.
        """
        sidecar = self._words.sidecar
        if self._weighting == "mean" or (not self._weighting and not (sidecar and sidecar.counts)):
            return None
        if sidecar is None or not sidecar.counts:
            raise UsageError(
                f"weighting=sif of {self._name!r} needs to know how often each word came, and no "
                f"{self.path.name}.json says it: take weighting=mean, or train with es-hybrid "
                "words train"
            )
        return weights(np.array(sidecar.counts), a=self._a or sidecar.a or A)

    @cached_property
    def _direction(self) -> Vectors | None:
        sidecar = self._words.sidecar
        if self._weights is None or sidecar is None or sidecar.direction is None:
            return None
        return np.array(sidecar.direction, np.float32)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
