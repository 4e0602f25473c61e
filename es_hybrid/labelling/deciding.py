"""Which label a vector gets, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from es_hybrid.vectors import Vectors

_Scores = npt.NDArray[np.float64]

# Of the weights of neighbours: Wu et al. 2018, https://arxiv.org/abs/1805.01978, section 3.4.
TEMPERATURE = 0.07

_ROWS = 1024  # compared with all examples at a time


class Decided(NamedTuple):
    """What one vector got.

    Attributes:
        label: its name.
        score: 0 to 1; those of all labels add up to 1.
    """

    label: str
    score: float


class Decision(Protocol):
    """Gives each vector a label."""

    def __call__(self, units: Vectors) -> list[Decided]:
        """One for each row; float32, shape (n, dims), of length 1."""
        ...


class ZeroShot:
    """The label whose name is nearest: softmax of the cosines times the model's scale.

    Radford et al. 2021, https://arxiv.org/abs/2103.00020, section 3.1.

    Args:
        labels: their names.
        vectors: of the names, float32, shape (len(labels), dims), of length 1.
        scale: what cosines are multiplied by, above 0.
    """

    def __init__(self, labels: Sequence[str], vectors: Vectors, *, scale: float) -> None:
        self.labels = tuple(labels)
        self._vectors, self._scale = vectors, scale

    def __call__(self, units: Vectors) -> list[Decided]:
        """As `Decision` says."""
        return _best(_softmax((units @ self._vectors.T).astype(np.float64) * self._scale), self)


class Neighbours:
    """The label of the nearest examples: each votes with the weight exp(cosine / 0.07).

    Args:
        vectors: of the examples, float32, shape (n, dims), of length 1; at least one.
        labels: theirs, in the same order.
        k: how many vote, at least 1.
    """

    def __init__(self, vectors: Vectors, labels: Sequence[str], *, k: int) -> None:
        self.labels = tuple(dict.fromkeys(labels))
        place = {label: number for number, label in enumerate(self.labels)}
        self._of = np.array([place[label] for label in labels])
        self._vectors, self._k = vectors, k

    def __call__(self, units: Vectors) -> list[Decided]:
        """As `Decision` says."""
        return [one for some in self._parts(units) for one in _best(self._shares(some), self)]

    @property
    def count(self) -> int:
        """How many examples there are."""
        return len(self._of)

    def agreement(self, *, sample: int) -> float | None:
        """Share of examples whose label the other examples give them; None of a single one.

        Args:
            sample: look at so many of them at most, evenly spread.
        """
        count = len(self._of)
        if count < 2:
            return None
        rows = np.unique(np.linspace(0, count - 1, min(sample, count)).astype(int))
        right = 0
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            cosines = (self._vectors[some] @ self._vectors.T).astype(np.float64)
            cosines[np.arange(len(some)), some] = -np.inf  # nobody votes for oneself
            right += int((self._votes(cosines).argmax(axis=1) == self._of[some]).sum())
        return right / len(rows)

    def _parts(self, units: Vectors) -> list[Vectors]:
        return [units[start : start + _ROWS] for start in range(0, len(units), _ROWS)]

    def _shares(self, units: Vectors) -> _Scores:
        return self._votes((units @ self._vectors.T).astype(np.float64))

    def _votes(self, cosines: _Scores) -> _Scores:
        """Shares of the labels, shape (n, len(labels))."""
        k = min(self._k, cosines.shape[1])
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        weights = _softmax(np.take_along_axis(cosines, nearest, axis=1) / TEMPERATURE)
        shares = np.zeros((len(cosines), len(self.labels)))
        np.add.at(shares, (np.arange(len(cosines))[:, None], self._of[nearest]), weights)
        return shares


def _softmax(values: _Scores) -> _Scores:
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    shares: _Scores = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _best(shares: _Scores, decision: ZeroShot | Neighbours) -> list[Decided]:
    winners = shares.argmax(axis=1)
    scores = np.take_along_axis(shares, winners[:, None], axis=1)[:, 0]
    return [
        Decided(decision.labels[winner], round(float(score), 6))
        for winner, score in zip(winners, scores, strict=True)
    ]
