"""Fusion of ranked lists, equal to Elasticsearch's own to the last bit.

Pure functions on numbers and keys; nothing here knows Elasticsearch.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from es_hybrid.errors import UsageError

# The value of Cormack, Clarke and Büttcher, SIGIR 2009, and Elasticsearch's default.
RANK_CONSTANT = 60

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Fused(Generic[K]):
    """One entry of a fused list.

    Attributes:
        key: what was ranked.
        score: the fused score, a float32 value.
        contributions: what each ranking gave, in the order of the rankings; None where the
            key is missing from it.
    """

    key: K
    score: float
    contributions: tuple[float | None, ...]


def rrf(
    rankings: Sequence[Sequence[K]],
    *,
    rank_constant: int = RANK_CONSTANT,
    weights: Sequence[float] | None = None,
    ties: dict[K, int] | None = None,
) -> list[Fused[K]]:
    """Reciprocal rank fusion: score(d) = Σ weight · 1 / (rank_constant + rank of d).

    Ranks start at 1; a ranking without d adds nothing (Cormack, Clarke and Büttcher: Reciprocal
    Rank Fusion outperforms Condorcet and individual rank learning methods, SIGIR 2009). Every
    step is rounded to float32 and the rankings are added in their order, as Elasticsearch does;
    in float64 some orders differ.

    Args:
        rankings: lists of keys, best first, no key twice in one list.
        rank_constant: at least 1.
        weights: one per ranking, at least 0; None weighs all with 1.
        ties: equal scores are ordered by this number (Elasticsearch: ``_shard_doc``), smallest
            first; None keeps the order of first appearance.

    Returns:
        Every key once, best first.

    Raises:
        UsageError: a rank constant below 1, a negative weight, or not one weight per ranking.

    >>> [fused.key for fused in rrf([["a", "b"], ["c", "b"]])]
    ['b', 'a', 'c']
    """
    check_rank_constant(rank_constant)
    factors = _weights(weights, len(rankings))
    columns = [
        weight
        * (
            np.float32(1)
            / np.arange(rank_constant + 1, rank_constant + 1 + len(ranking)).astype(np.float32)
        )
        for ranking, weight in zip(rankings, factors, strict=True)
    ]
    return _fused(rankings, columns, ties)


def check_rank_constant(value: int) -> int:
    """`value`, if it can be the rank constant.

    Raises:
        UsageError: it is below 1.
    """
    if value < 1:
        raise UsageError(f"rank_constant {value} is below 1: the usual value is {RANK_CONSTANT}")
    return value


def _weights(weights: Sequence[float] | None, count: int) -> list[np.float32]:
    given = [1.0] * count if weights is None else list(weights)
    if len(given) != count:
        raise UsageError(f"{len(given)} weights for {count} rankings: give one for each")
    if negative := [weight for weight in given if not weight >= 0]:
        raise UsageError(f"weight {negative[0]} is below 0: use 0 to ignore a ranking")
    return [np.float32(weight) for weight in given]


def _fused(
    rankings: Sequence[Sequence[K]],
    columns: Sequence[npt.NDArray[np.float32]],
    ties: dict[K, int] | None,
) -> list[Fused[K]]:
    """Add the columns up in their order and sort: score descending, then tie ascending."""
    place = {key: i for i, key in enumerate(dict.fromkeys(k for r in rankings for k in r))}
    parts = np.full((len(rankings), len(place)), np.nan, np.float32)
    for row, ranking, column in zip(parts, rankings, columns, strict=True):
        row[[place[key] for key in ranking]] = column
    scores = np.zeros(len(place), np.float32)
    for row in np.nan_to_num(parts):
        scores += row
    second = np.array([ties[key] for key in place] if ties else range(len(place)), np.int64)
    keys, cells, totals = list(place), parts.T.tolist(), scores.tolist()
    return [
        Fused(keys[i], totals[i], tuple(None if cell != cell else cell for cell in cells[i]))
        for i in np.lexsort((second, -scores)).tolist()
    ]
