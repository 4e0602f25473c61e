"""Any encoder of Hugging Face's transformers, pooled here (extra: ``hf``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from es_hybrid.embedders.base import (
    EmbedderInfo,
    check_above_zero,
    check_dims,
    library,
    shortened,
)
from es_hybrid.embedders.spec import written
from es_hybrid.embedders.text import check_folder
from es_hybrid.embedders.torch_models import (
    Weights,
    device_of,
    dtype,
    loading,
    revision,
    weight_arguments,
)
from es_hybrid.errors import UsageError
from es_hybrid.vectors import Vectors

Pooling = Literal["mean", "cls", "last"]
Precision = Literal["float32", "float16", "bfloat16"]

_KIND = "hf"
_UNLIMITED = 10**6  # tokenizers without a limit say 10**30
_LAST_LAYER = -1
_OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert", "mpnet")  # counted from padding on


class HuggingFaceEncoder:
    """A transformer whose token vectors become one: a hub name, or the folder of a saved one.

    Args:
        name: of the hub, or a folder.
        pooling: ``"mean"`` over the text's own tokens, ``"cls"`` the first token's vector,
            ``"last"`` that of the last one that is no padding.
        layer: whose token vectors are pooled, as an index of the hidden states: -1 is the last
            layer, -2 the one before, 0 the embeddings below the first.
        query_prefix: put before a query.
        document_prefix: put before a document.
        dims: keep the first so many dimensions and bring them to length 1; None keeps all.
        max_tokens: longer texts are cut; None takes what tokenizer and model say.
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: texts that are computed together, those of like length.
        weights: the file format that may be read; ``"bin"`` is read with ``weights_only``.
    """

    def __init__(
        self,
        name: str,
        *,
        pooling: Pooling = "mean",
        layer: int = _LAST_LAYER,
        query_prefix: str = "",
        document_prefix: str = "",
        dims: int | None = None,
        max_tokens: int | None = None,
        precision: Precision = "float32",
        device: str | None = None,
        batch_size: int = 32,
        weights: Weights = "safetensors",
    ) -> None:
        check_above_zero(_KIND, dims=dims, max_tokens=max_tokens, batch_size=batch_size)
        self.name = name
        self._pooling: Pooling = pooling
        self._layer = layer
        self._prefixes = query_prefix, document_prefix
        self._dims = dims
        self._max_tokens = max_tokens
        self._precision: Precision = precision
        self._wanted_device = device
        self._batch_size = batch_size
        self._weights: Weights = weights
        self._revision = ""

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the loaded model."""
        config = self._model.config
        query, document = self._prefixes
        return EmbedderInfo(
            id=self._id,
            dims=check_dims(_KIND, self._dims, most=int(config.hidden_size)),
            revision=self._revision,
            precision=self._precision,
            pooling=self._pooling,
            query_prefix=query,
            document_prefix=document,
            max_tokens=self._limit,
        )

    @property
    def _id(self) -> str:
        query, document = self._prefixes
        return written(
            _KIND,
            self.name,
            pooling=self._pooling,
            layer=None if self._layer == _LAST_LAYER else self._layer,
            query_prefix=query or None,
            document_prefix=document or None,
            dims=self._dims,
            max_tokens=self._max_tokens,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._embed([self.info.document_prefix + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._embed([self.info.query_prefix + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with its prefix, before it is cut."""
        prompted = [self.info.document_prefix + text for text in texts]
        ids = self._tokenizer(prompted, truncation=False, verbose=False)["input_ids"]
        return [len(one) for one in ids]

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), int(self._model.config.hidden_size)), np.float32)
        for batch in self._batches(texts):
            vectors[batch] = self._pooled([texts[place] for place in batch])
        return shortened(vectors, self._dims)

    def _batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Places of texts, the longest first, so that little of a batch is padding."""
        places = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        for start in range(0, len(places), self._batch_size):
            yield places[start : start + self._batch_size]

    def _pooled(self, texts: Sequence[str]) -> Vectors:
        import torch

        given = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._limit,
            return_tensors="pt",
        ).to(self._device)
        with torch.inference_mode():
            tokens = self._tokens(given)
            pooled = _POOLING[self._pooling](tokens.float(), given["attention_mask"])
        vectors: Vectors = pooled.cpu().numpy()
        return vectors

    def _tokens(self, given: Any) -> Any:
        """Token vectors, shape (texts, tokens, hidden)."""
        if self._layer == _LAST_LAYER:
            return self._model(**given).last_hidden_state
        states = self._model(**given, output_hidden_states=True).hidden_states
        if not -len(states) <= self._layer < len(states):
            raise UsageError(
                f"option layer={self._layer} of {_KIND!r}: this model has {len(states) - 1} "
                f"layers, so that it goes from {-len(states)} to {len(states) - 1}"
            )
        return states[self._layer]

    @cached_property
    def _model(self) -> Any:
        check_folder(self.name, library="transformers")
        transformers = library("transformers", extra="hf", wanted_by=f"{_KIND}:{self.name}")
        library("torch", extra="hf", wanted_by=f"{_KIND}:{self.name}")
        arguments = weight_arguments(self._weights)
        model = self._loaded(transformers.AutoModel, **arguments)
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        self._revision = revision(model)
        return model.eval().to(device=self._device, dtype=dtype(self._precision))

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = self._loaded(
            library("transformers", extra="hf", wanted_by=f"{_KIND}:{self.name}").AutoTokenizer
        )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def _loaded(self, kind: Any, **arguments: Any) -> Any:
        with loading(self.name, library="transformers"):
            return kind.from_pretrained(self.name, **arguments)

    @cached_property
    def _device(self) -> str:
        return device_of(self._wanted_device)

    @cached_property
    def _limit(self) -> int | None:
        """The most tokens of a text; None where neither tokenizer nor model has a limit."""
        if self._max_tokens is not None:
            return self._max_tokens
        config = self._model.config
        positions = getattr(config, "max_position_embeddings", None) or _UNLIMITED
        if config.model_type in _OFFSET_POSITIONS:
            positions -= (config.pad_token_id or 0) + 1
        limit = min(int(self._tokenizer.model_max_length), int(positions))
        return limit if limit < _UNLIMITED else None


def _mean(tokens: Any, mask: Any) -> Any:
    kept = mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * kept).sum(1) / kept.sum(1).clamp(min=1)


def _cls(tokens: Any, mask: Any) -> Any:
    """The first token that is no padding: some tokenizers pad on the left."""
    return tokens[range(len(tokens)), mask.argmax(1)]


def _last(tokens: Any, mask: Any) -> Any:
    places = mask.shape[1] - 1 - mask.flip(1).argmax(1)
    return tokens[range(len(tokens)), places]


_POOLING = {"mean": _mean, "cls": _cls, "last": _last}
