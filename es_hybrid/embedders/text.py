"""Text embedders that run on sentence-transformers (extra: ``text``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from es_hybrid.embedders.base import EmbedderInfo
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors


class SentenceTransformerEmbedder:
    """Any sentence-transformers model: a hub name, or the folder of a saved one.

    Prompts for queries and documents come from the model's own configuration.
    """

    def __init__(self, name: str, *, device: str | None = None) -> None:
        self.name = name
        self.device = device

    @cached_property
    def _model(self) -> Any:
        _check_folder(self.name)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise EmbedderError(
                f"sentence-transformers:{self.name} needs the text extra: "
                "pip install 'es_hybrid[text]'"
            ) from None
        try:
            return SentenceTransformer(self.name, device=self.device)
        except (OSError, ValueError) as error:
            raise EmbedderError(
                f"{self.name!r} is neither a folder with a sentence-transformers model nor a name "
                f"the hub gives: {str(error).splitlines()[0]}"
            ) from error

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the loaded model."""
        model = self._model
        config = getattr(model[0], "auto_model", None)
        return EmbedderInfo(
            id=f"sentence-transformers:{self.name}",
            dims=_dims(model),
            revision=str(getattr(getattr(config, "config", None), "_commit_hash", None) or "local"),
            precision=str(next(model.parameters()).dtype).removeprefix("torch."),
            pooling="model",
            query_prefix=model.prompts.get("query") or "",
            document_prefix=model.prompts.get("document") or model.prompts.get("passage") or "",
            max_tokens=model.max_seq_length,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return np.asarray(self._model.encode_document(list(texts), show_progress_bar=False))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims)."""
        return np.asarray(self._model.encode_query(list(texts), show_progress_bar=False))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with its prefix, before the model cuts it."""
        prompted = [self.info.document_prefix + text for text in texts]
        ids = self._model.tokenizer(prompted, truncation=False, verbose=False)["input_ids"]
        return [len(one) for one in ids]


def _check_folder(name: str) -> None:
    """Refuse a wrong folder at once: loading the library that would refuse it takes long."""
    folder = Path(name)
    meant = folder.exists() or name.startswith((".", "/", "~"))
    if meant and not any((folder / file).is_file() for file in ("modules.json", "config.json")):
        raise EmbedderError(
            f"{name!r} is no folder with a sentence-transformers model (it has no modules.json): "
            "name the folder that model.save() wrote, or a model of the hub"
        )


def _dims(model: Any) -> int:
    # Renamed in sentence-transformers 6.
    named = getattr(model, "get_embedding_dimension", None)
    return int((named or model.get_sentence_embedding_dimension)())
