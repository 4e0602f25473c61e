"""Rerankers: models that read query and text together, and so sort a short list better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from es_hybrid.embedders.base import LONGEST_TEXT
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.optional import library


class Reranker(Protocol):
    """Says how well each text answers a query."""

    @property
    def id(self) -> str:
        """Which model this is, for messages and reports."""
        ...

    def scores(self, query: str, texts: Sequence[str]) -> Any:
        """len(texts) numbers, one for each text in its order; higher is better."""
        ...


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder that gives one number for a pair of texts.

    The model is loaded when this is made, so that a wrong name fails here. The library sorts the
    texts by length, so that a batch holds little padding.

    Args:
        name: a hub name, or the folder of a saved model.
        batch_size: texts in one run of the model, 1 and up.
        max_length: tokens of query and text together, 1 and up; what is longer is cut. None
            takes the model's own.
        device: such as ``"cpu"`` or ``"cuda"``; None takes the fastest there is.

    Raises:
        EmbedderError: sentence-transformers is not installed, or the model cannot be loaded, or
            was never trained to score pairs of texts.
        UsageError: a batch size or length below 1.
    """

    def __init__(
        self,
        name: str | Path,
        *,
        batch_size: int = 32,
        max_length: int | None = None,
        device: str | None = None,
    ) -> None:
        _check_positive(batch_size=batch_size, max_length=max_length)
        self.id = f"cross-encoder:{name}"
        self.batch_size = batch_size
        self._model = _loaded(str(name), max_length=max_length, device=device)
        _check_head(str(name), self._model)

    def scores(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Float32, shape (len(texts),), as the model's own activation leaves them."""
        pairs = [(query, text) for text in texts]
        predicted = self._model.predict(pairs, batch_size=self.batch_size, show_progress_bar=False)
        return np.asarray(predicted, np.float32)


def reranked(reranker: Reranker, query: str, texts: Sequence[str]) -> list[tuple[int, float]]:
    """Sort texts by the reranker's scores.

    Args:
        reranker: the model; it is not asked where there are no texts.
        query: what was searched for; query and texts are cut at `LONGEST_TEXT` characters.
        texts: n texts, best first as found.

    Returns:
        n pairs (position in `texts`, score), highest score first; equal scores stand as given.

    Raises:
        EmbedderError: the model failed, or did not give one finite number for each text.
    """
    if not texts:
        return []
    scores = _checked(reranker, _called(reranker, query, texts), count=len(texts))
    order = np.argsort(-scores, kind="stable")
    return [(int(place), float(scores[place])) for place in order]


def _called(reranker: Reranker, query: str, texts: Sequence[str]) -> Any:
    try:
        scores = reranker.scores(query[:LONGEST_TEXT], [text[:LONGEST_TEXT] for text in texts])
        return np.asarray(scores)
    except EmbedderError:
        raise
    except Exception as error:  # a model may raise anything; whose it is must be said
        raise EmbedderError(f"{reranker.id} failed: {type(error).__name__}: {error}") from error


def _checked(
    reranker: Reranker, scores: npt.NDArray[Any], *, count: int
) -> npt.NDArray[np.float64]:
    if scores.dtype.kind not in "fiu":
        raise EmbedderError(f"{reranker.id} gave values of type {scores.dtype}, not numbers")
    if scores.shape != (count,):
        raise EmbedderError(
            f"{reranker.id} gave scores of shape {scores.shape} for {count} texts, "
            "not one number for each"
        )
    wrong = np.flatnonzero(~np.isfinite(scores))
    if wrong.size:
        raise EmbedderError(
            f"{reranker.id} gave the score {scores[wrong[0]]} to text {wrong[0]} of {count}, "
            "which cannot be sorted"
        )
    return scores.astype(np.float64)


def _check_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise UsageError(f"{name} {number} is below 1")


def _loaded(name: str, *, max_length: int | None, device: str | None) -> Any:
    _check_folder(name)
    needs = f"cross-encoder:{name} needs the text extra"
    package = library("sentence_transformers", extra="text", needs=needs, raised=EmbedderError)
    try:
        return package.CrossEncoder(name, max_length=max_length, device=device)
    except Exception as error:  # a broken model may raise anything
        raise EmbedderError(
            f"{name!r} cannot be loaded ({type(error).__name__}: {_first_line(error)}): "
            "name the folder of a saved cross-encoder, or one of the hub"
        ) from error


def _check_folder(name: str) -> None:
    """Refuse a wrong folder at once: loading the library that would refuse it takes long."""
    folder = Path(name)
    meant = folder.exists() or name.startswith((".", "/", "~"))
    if meant and not (folder / "config.json").is_file():
        raise EmbedderError(
            f"{name!r} is no folder with a cross-encoder (it has no config.json): "
            "name the folder that save_pretrained() wrote, or a model of the hub"
        )


def _check_head(name: str, model: Any) -> None:
    """Refuse a mere encoder of texts: the library would score by a head of random numbers."""
    from transformers import PreTrainedModel

    head = "ForSequenceClassification"
    for part in model.modules():
        if not isinstance(part, PreTrainedModel) or not type(part).__name__.endswith(head):
            continue
        saved = part.config.architectures
        if saved and not any(one.endswith(head) for one in saved):
            raise EmbedderError(
                f"{name!r} holds a {saved[0]}, which encodes texts but scores no pairs: "
                "name a cross-encoder"
            )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
