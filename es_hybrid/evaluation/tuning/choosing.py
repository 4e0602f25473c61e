"""Which setting is best, and how good that choice is on queries it has not seen.

A few thousand settings tried on some queries have a best one by chance as well. So a share counts
by the mean over its neighbours, whose weights are nearly the same; what is no everyday window or
list of fields has to be better by a standard error; and how good the choice is, is measured on
queries that had no part in it (cross-validation: Stone, "Cross-validatory choice and assessment of
statistical predictions", JRSS B 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from es_hybrid.evaluation.tuning.candidates import Family
from es_hybrid.tuned import Setting

FOLDS = 10
REPEATS = 3
SEED = 7

# Shares on either side that a share is averaged with.
_NEIGHBOURS = 2

Doubles = npt.NDArray[np.float64]


class Choice(NamedTuple):
    """One setting among all.

    Attributes:
        family: its place among the families.
        share: its place among the shares.
    """

    family: int
    share: int


def chosen(values: Doubles, families: Sequence[Family]) -> Choice:
    """The setting to take.

    Args:
        values: nDCG@10, shape (families, shares, queries).
        families: as many.
    """
    means = _smoothed(values.mean(2))
    plain = [number for number, one in enumerate(families) if one.plain]
    best = _best(means, plain)
    other = _best(means, range(len(families)))
    change = values[other] - values[best]
    error = float(change.std()) / max(change.size, 1) ** 0.5
    return other if means[other] - means[best] > error else best


def best_choice(values: Doubles, among: Sequence[int]) -> Choice:
    """The best setting of some families, whatever their windows and fields.

    Args:
        values: as of `chosen`.
        among: places of the families, one or more.
    """
    return _best(_smoothed(values.mean(2)), among)


def _smoothed(means: Doubles) -> Doubles:
    """Each share's mean with those of its neighbours, shape (families, shares)."""
    padded = np.pad(means, ((0, 0), (_NEIGHBOURS, _NEIGHBOURS)), mode="edge")
    width = 2 * _NEIGHBOURS + 1
    found: Doubles = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1).mean(2)
    return found


def _best(means: Doubles, among: Sequence[int]) -> Choice:
    rows = means[list(among)]
    family, share = divmod(int(rows.argmax()), rows.shape[1])
    return Choice(among[family], share)


def setting(choice: Choice, families: Sequence[Family]) -> Setting:
    """The setting that was chosen."""
    return families[choice.family].members()[choice.share]


def held_out(values: Doubles, families: Sequence[Family]) -> Doubles:
    """nDCG@10 of every query by settings that were chosen without it, shape (queries,).

    Each query is held out once in each of `REPEATS` ways to divide the queries; its value is the
    mean of them.

    Args:
        values: as of `chosen`.
        families: likewise.
    """
    count = values.shape[2]
    found = np.zeros(count)
    draw = np.random.default_rng(SEED)
    for _ in range(REPEATS):
        order = draw.permutation(count)
        for fold in range(min(FOLDS, count)):
            out = order[fold :: min(FOLDS, count)]
            seen = np.setdiff1d(order, out)
            found[out] += values[chosen(values[:, :, seen], families)][out]
    return found / REPEATS
