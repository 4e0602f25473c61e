"""Text embedders that run on sentence-transformers (extra: ``text``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
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
from es_hybrid.embedders.torch_models import Weights, dtype, loading, revision, weight_arguments
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.vectors import Vectors

Precision = Literal["float32", "float16", "bfloat16", "int8"]
Backend = Literal["torch", "onnx"]

_KIND = "sentence-transformers"
_ON = {"torch": ("float32", "float16", "bfloat16"), "onnx": ("float32", "int8")}


class SentenceTransformerEmbedder:
    """Any sentence-transformers model: a hub name, or the folder of a saved one.

    Prompts for queries and documents come from the model's own configuration, unless they are
    given here.

    Args:
        name: of the hub, or a folder.
        backend: ``"torch"``, or ``"onnx"``: the encoder runs on ONNX Runtime (extra: ``onnx``).
        precision: of the weights: float32, float16 and bfloat16 with torch, float32 and int8
            with onnx.
        dims: keep the first so many dimensions and bring them to length 1; None keeps all.
        device: such as ``"cuda"``; None takes the best that torch finds.
        batch_size: texts that are computed together.
        query_prefix: put before a query; None takes the model's own.
        document_prefix: put before a document; None takes the model's own.
        weights: the file format that may be read; ``"bin"`` is read with ``weights_only``.
    """

    def __init__(
        self,
        name: str,
        *,
        backend: Backend = "torch",
        precision: Precision = "float32",
        dims: int | None = None,
        device: str | None = None,
        batch_size: int = 32,
        query_prefix: str | None = None,
        document_prefix: str | None = None,
        weights: Weights = "safetensors",
    ) -> None:
        check_above_zero(_KIND, dims=dims, batch_size=batch_size)
        if precision not in _ON[backend]:
            raise UsageError(
                f"precision={precision} of {_KIND!r} does not run on backend={backend}, which "
                f"has {', '.join(_ON[backend])}"
            )
        if backend == "onnx" and device not in (None, "cpu"):
            raise UsageError(f"device={device} of {_KIND!r}: backend=onnx runs on the cpu")
        self.name = name
        self.device = "cpu" if backend == "onnx" else device
        self._backend: Backend = backend
        self._precision: Precision = precision
        self._dims = dims
        self._batch_size = batch_size
        self._prefixes = query_prefix, document_prefix
        self._weights: Weights = weights
        self._revision = ""

    @cached_property
    def _model(self) -> Any:
        check_folder(self.name, library="sentence-transformers", files=("modules.json",))
        wanted_by = f"{_KIND}:{self.name}"
        package = library("sentence_transformers", extra="text", wanted_by=wanted_by)
        with loading(self.name, library="sentence-transformers"):
            model = package.SentenceTransformer(
                self.name, device=self.device, model_kwargs=weight_arguments(self._weights)
            )
        self._revision = revision(model[0])  # before the precision changes the weights
        return self._prepared(model.eval())

    def _prepared(self, model: Any) -> Any:
        """The model in its precision, on its backend."""
        if self._backend == "torch":
            return model.to(dtype=dtype(self._precision))
        from es_hybrid.embedders.onnx_encoder import run_on_onnx

        run_on_onnx(model.float(), int8=self._precision == "int8")
        return model

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the loaded model."""
        model = self._model
        query, document = self._prefixes
        return EmbedderInfo(
            id=written(
                _KIND, self.name, dims=self._dims, query_prefix=query, document_prefix=document
            ),
            dims=check_dims(_KIND, self._dims, most=_dims(model)),
            revision=self._revision,
            precision=self._precision,
            pooling="model",
            query_prefix=_prompt(model, query, "query"),
            document_prefix=_prompt(model, document, "document", "passage", "corpus"),
            max_tokens=model.max_seq_length,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._embed(self._model.encode_document, texts, self.info.document_prefix)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return self._embed(self._model.encode_query, texts, self.info.query_prefix)

    def _embed(self, encode: Any, texts: Sequence[str], prefix: str) -> Vectors:
        vectors = encode(
            list(texts), prompt=prefix, batch_size=self._batch_size, show_progress_bar=False
        )
        return shortened(np.asarray(vectors, np.float32), self._dims)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with its prefix, before the model cuts it."""
        prompted = [self.info.document_prefix + text for text in texts]
        ids = self._model.tokenizer(prompted, truncation=False, verbose=False)["input_ids"]
        return [len(one) for one in ids]


def check_folder(name: str, *, library: str, files: Sequence[str] = ()) -> None:
    """Refuse a wrong folder at once: loading the library that would refuse it takes long."""
    folder = Path(name)
    meant = folder.exists() or name.startswith((".", "/", "~"))
    if meant and not any((folder / file).is_file() for file in (*files, "config.json")):
        raise EmbedderError(
            f"{name!r} is no folder with a {library} model (it has no "
            f"{(*files, 'config.json')[0]}): name the folder that a saved model is in, or a model "
            "of the hub"
        )


def _prompt(model: Any, given: str | None, *names: str) -> str:
    """What is put before a text: what was given, else the first that the model has."""
    if given is not None:
        return given
    return next((str(model.prompts[name]) for name in names if model.prompts.get(name)), "")


def _dims(model: Any) -> int:
    # Renamed in sentence-transformers 6.
    named = getattr(model, "get_embedding_dimension", None)
    return int((named or model.get_sentence_embedding_dimension)())
