"""How well vectors keep labels apart, each picture asked for among all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from es_hybrid.vectors import Vectors, unit

AT = (1, 5, 10)
_VOTERS = 5


@dataclass(frozen=True, slots=True)
class Separation:
    """Measures of one embedder, 0 to 1.

    Attributes:
        accuracy: share of pictures that their 5 nearest others give the right label.
        mean_average_precision: of rankings of all others, those of the same label being right.
        recall: k -> share of pictures with one of the same label among the k nearest.
    """

    accuracy: float
    mean_average_precision: float
    recall: dict[int, float]


def separation(vectors: Vectors, labels: Sequence[str]) -> Separation:
    """Measure by cosine, each picture left out of its own neighbours.

    Args:
        vectors: float32, shape (n, dims); n is at least 2.
        labels: n of them; each belongs to two pictures at least.

    >>> vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
    >>> separation(vectors, ["a", "a", "b", "b"]).mean_average_precision
    1.0
    """
    names, numbers = np.unique(np.array(labels), return_inverse=True)
    order, cosines = _ranked(vectors)
    same = numbers[order] == numbers[:, None]
    votes = _votes(numbers[order[:, :_VOTERS]], cosines[:, :_VOTERS], len(names))
    return Separation(
        accuracy=float((votes.argmax(axis=1) == numbers).mean()),
        mean_average_precision=float(_average_precisions(same).mean()),
        recall={k: float(same[:, :k].any(axis=1).mean()) for k in AT},
    )


def _ranked(vectors: Vectors) -> tuple[npt.NDArray[np.int64], Vectors]:
    """Places of all others, the nearest first, and their cosines; both of shape (n, n - 1)."""
    units = unit(vectors).vectors
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :-1]
    return order, np.take_along_axis(cosines, order, axis=1)


def _votes(numbers: npt.NDArray[np.int64], weights: Vectors, count: int) -> Vectors:
    """The weights of each label's voters, shape (n, count)."""
    votes = np.zeros((len(numbers), count), np.float32)
    for column in range(numbers.shape[1]):
        votes[np.arange(len(numbers)), numbers[:, column]] += np.maximum(weights[:, column], 0)
    return votes


def _average_precisions(same: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Of each row (Manning, Raghavan and Schuetze 2008, section 8.4)."""
    found = same.cumsum(axis=1)
    precision = found / np.arange(1, same.shape[1] + 1)
    averages: npt.NDArray[np.float64] = (precision * same).sum(axis=1) / same.sum(axis=1)
    return averages
