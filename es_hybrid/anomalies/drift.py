"""Whether a window of time differs from what was before: a permutation test on two means.

Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 3rd edition, Springer 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from es_hybrid.optional import library
from es_hybrid.vectors import Vectors

RESAMPLES = 999
MOST = 2_000  # documents of each side: more make the test slower, hardly sharper

_SEED = 7


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a window is from what was before.

    Attributes:
        distance: Euclidean, between the mean vectors of both, 0 to 2.
        by_chance: mean of this distance where documents are dealt out to both at random.
        p_value: how likely at least such a distance is then, 0 to 1.
        window: documents of the window that were compared.
        reference: documents of before that were compared.
    """

    distance: float
    by_chance: float
    p_value: float
    window: int
    reference: int


def shift(
    window: Vectors, reference: Vectors, *, resamples: int = RESAMPLES, seed: int = _SEED
) -> Shift:
    """Compare the means of two sets of vectors.

    Args:
        window: float32, shape (n, dims), of length 1; at least 2 rows.
        reference: shape (m, dims); at least 2 rows.
        resamples: how often documents are dealt out at random.
        seed: the same seed gives the same answer.

    Raises:
        EsHybridError: SciPy is not installed.
    """
    rows = np.concatenate([window, reference])
    total = rows.sum(axis=0, dtype=np.float64)
    count = len(reference)

    def distance(ours: npt.NDArray[np.int64], _theirs: npt.NDArray[np.int64]) -> float:
        part = rows[ours].sum(axis=0, dtype=np.float64)
        return float(np.linalg.norm(part / len(ours) - (total - part) / count))

    places = np.arange(len(rows))
    stats = library("scipy.stats", extra="eval", needs="a permutation test needs")
    found = stats.permutation_test(
        (places[: len(window)], places[len(window) :]),
        distance,
        permutation_type="independent",
        alternative="greater",
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    by_chance = float(np.mean(found.null_distribution))
    return Shift(float(found.statistic), by_chance, float(found.pvalue), len(window), count)
