"""What embedders of pictures share: batches, and how weights are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from es_hybrid.embedders.base import library
from es_hybrid.errors import EmbedderError, EsHybridError
from es_hybrid.vectors import Vectors

Precision = Literal["float32", "float16", "bfloat16"]

# Read as mere weights: safetensors, and pickles with weights_only. Nothing else is opened.
WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def in_batches(given: Sequence[Any], embed: Callable[[list[Any]], Any], *, size: int) -> Vectors:
    """What `embed` makes of each batch, a tensor of shape (batch, dims), as float32 (n, dims)."""
    import torch

    with torch.inference_mode():
        parts = [
            embed(list(given[start : start + size])).float().cpu().numpy()
            for start in range(0, len(given), size)
        ]
    vectors: Vectors = np.concatenate(parts)
    return vectors


def needed(name: str, *, wanted_by: str) -> Any:
    """A module of the ``image`` extra."""
    return library(name, extra="image", wanted_by=wanted_by)


def check_weights(file: str, *, of: str) -> None:
    """Refuse a file that is none, or whose format could run code.

    Raises:
        EmbedderError: it is not there, or has another ending.
    """
    if not Path(file).is_file():
        raise EmbedderError(f"there is no file {file!r} with the weights of {of}: check the path")
    if Path(file).suffix.lower() not in WEIGHTS:
        raise EmbedderError(f"{file!r} is no file of weights: {of} reads {', '.join(WEIGHTS)}")


@contextmanager
def reading(name: str, *, way_out: str) -> Iterator[None]:
    """While weights are read: whatever a library raises, in one line and with the way out.

    Raises:
        EmbedderError: they are not there, hold more than weights, or fit another model.
    """
    try:
        yield
    except EsHybridError:
        raise
    except Exception as error:  # hubs, archives and models raise anything
        lines = str(error).strip().splitlines() or [type(error).__name__]
        why = next((line.strip() for line in lines if "GLOBAL" in line), lines[0])
        raise EmbedderError(f"{name} cannot be loaded ({why[:300]}): {way_out}") from error
