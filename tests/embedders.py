"""Embedders whose geometry can be worked out by hand, and some that fail on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2s
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import es_hybrid.embedders
from es_hybrid.embedders import Embedder, EmbedderInfo, kinds
from es_hybrid.vectors import Vectors

if TYPE_CHECKING:
    from PIL.Image import Image


def ships(patch: pytest.MonkeyPatch, name: str, make: Callable[[], Embedder]) -> None:
    """Let `name` mean an embedder of the tests, as if its weights shipped in a package."""
    others = [kind for kind in kinds.OWN if kind.name != name]
    ours = kinds.Kind(name, lambda: lambda: make(), packaged=True)
    for module in (kinds, es_hybrid.embedders):
        patch.setattr(module, "OWN", (*others, ours))


class WordEmbedder:
    """A text is the sum of its words; each word is one axis, chosen by the word's hash.

    Texts that share words are near each other, texts that share none are orthogonal (unless two
    words fall on one axis), a text without words has length zero. The length of a text of n
    different words is sqrt(n). Every call is kept in `calls`.
    """

    name = "words"
    salt = ""

    def __init__(self, dims: int = 64) -> None:
        self.info = EmbedderInfo(id=f"{self.name}-{dims}", dims=dims, revision="1")
        self.calls: list[list[str]] = []

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        return np.array([self._vector(text) for text in texts], np.float32)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_documents(texts)

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.info.dims, np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[self._axis(word)] += 1
        return vector

    def _axis(self, word: str) -> int:
        digest = blake2s((self.salt + word).encode()).digest()
        return int.from_bytes(digest[:4], "big") % self.info.dims


class OtherModel(WordEmbedder):
    """As many dimensions, but each word lies on another axis."""

    name = "other"
    salt = "other "


class Requantised(WordEmbedder):
    """The words model after rounding: each vector has exactly `cosine` with the true one."""

    name = "requantised"

    def __init__(self, dims: int = 64, *, cosine: float) -> None:
        super().__init__(dims)
        self.cosine = cosine

    def _vector(self, text: str) -> Vectors:
        unit = super()._vector(text) / np.linalg.norm(super()._vector(text))
        alien = np.random.default_rng(7).normal(size=self.info.dims)
        alien -= (alien @ unit) * unit
        aside = np.sqrt(1 - self.cosine**2) / np.linalg.norm(alien)
        return (self.cosine * unit + aside * alien).astype(np.float32)


class NanFor(WordEmbedder):
    """One NaN in the vector of each text that holds `word`."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def _vector(self, text: str) -> Vectors:
        vector = super()._vector(text)
        vector[0] = np.nan if self.word in text else vector[0]
        return vector


class NothingFor(NanFor):
    """A vector of length zero for each text that holds `word`."""

    def _vector(self, text: str) -> Vectors:
        return WordEmbedder._vector(self, text) * (self.word not in text)


class FailsOn(WordEmbedder):
    """Raises, for the whole batch, if one of its texts holds `word`."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if any(self.word in text for text in texts):
            raise RuntimeError(f"cannot read {self.word!r}")
        return super().embed_documents(texts)


class FewerRows(WordEmbedder):
    """Loses the last text of every batch."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return super().embed_documents(texts)[:-1]


class CountingEmbedder(WordEmbedder):
    """Reads `limit` tokens: each word is one, and two more stand around every text."""

    name = "counting"

    def __init__(self, dims: int = 64, *, limit: int | None = None) -> None:
        super().__init__(dims)
        self.info = replace(self.info, max_tokens=limit)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(text.split()) for text in texts]


class Colours:
    """A picture is the histogram of its colours, 4 levels of each, turned by `seed`: 64-d.

    The text side knows the names of a few colours: a text is what a picture of the colours that
    it names is, in equal parts.
    """

    NAMES = MappingProxyType(
        {
            "red": (255, 0, 0),
            "green": (0, 255, 0),
            "blue": (0, 0, 255),
            "white": (255, 255, 255),
            "black": (0, 0, 0),
        }
    )

    def __init__(self, seed: int = 0) -> None:
        self.info = EmbedderInfo(f"colours-{seed}", dims=64, revision="1", modality="image")
        self._axes = np.random.default_rng(seed).permutation(64)

    def embed_images(self, pictures: Sequence[Image]) -> Vectors:
        return np.array([self._histogram(np.asarray(one)) for one in pictures], np.float32)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._histogram(self._painted(text)) for text in texts], np.float32)

    embed_documents = embed_queries

    def _painted(self, text: str) -> Any:
        named = [self.NAMES[word] for word in text.lower().split() if word in self.NAMES]
        return np.array(named or [(128, 128, 128)])[None]

    def _histogram(self, pixels: Any) -> Vectors:
        levels = (pixels.reshape(-1, 3) // 64).astype(np.int64) @ [16, 4, 1]
        counts: Vectors = np.bincount(levels, minlength=64)[self._axes] / len(levels)
        return counts
