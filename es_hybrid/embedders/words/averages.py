"""The vector of a text as the mean of its words' vectors.

Frequent words say little: with weights a / (a + p(w)), p(w) being a word's share of all words, and
without the direction that all means have in common, the mean is a strong baseline (SIF: Arora,
Liang, Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", ICLR 2017).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
import numpy.typing as npt

from es_hybrid.vectors import Vectors

A = 1e-3  # the parameter a; the paper found anything from 1e-4 to 1e-3 alike
_SUMMED = 4096  # means that are summed at a time


def weights(counts: npt.NDArray[np.int64], *, a: float = A) -> Vectors:
    """The weight of each word, above 0 and below 1, shape (words,).

    >>> weights(np.array([3, 1]), a=0.25).round(2).tolist() == [
    ...     np.float32(0.25), np.float32(0.5)]
    True
    """
    shares = counts / max(1, counts.sum())
    found: Vectors = (a / (a + shares)).astype(np.float32)
    return found


def common_direction(means: Iterable[Vectors]) -> Vectors:
    """The first right singular vector of many means, shape (dims,), at length 1.

    It is the first eigenvector of the sum of their outer products, so that they need not be kept.

    Raises:
        ValueError: there are none.
    """
    total: npt.NDArray[np.float64] | None = None
    means = iter(means)
    while rows := list(islice(means, _SUMMED)):
        part = np.array(rows, np.float64)
        total = part.T @ part if total is None else total + part.T @ part
    if total is None:
        raise ValueError("no means")
    first: Vectors = np.linalg.eigh(total)[1][:, -1].astype(np.float32)
    return first


def without(vectors: Vectors, direction: Vectors | None) -> Vectors:
    """Each row less its projection on a direction of length 1; None takes nothing away.

    >>> without(np.array([[1, 2]], np.float32), np.array([1, 0], np.float32)).tolist()
    [[0.0, 2.0]]
    """
    if direction is None:
        return vectors
    return vectors - np.outer(vectors @ direction, direction)
