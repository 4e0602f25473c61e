"""How sure a mean over queries is, and a difference of two; by SciPy (extra: ``eval``).

Queries are a sample of what people will ask: with others the mean would be another. An interval
says how far, by drawing the same queries again with replacement (the bootstrap). Whether one way
to search is better than another is asked query by query (paired), since queries differ from each
other far more than ways do.

Sakai, "Evaluating evaluation metrics based on the bootstrap", SIGIR 2006.
Smucker, Allan and Carterette, "A comparison of statistical significance tests for information
retrieval evaluation", CIKM 2007.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from es_hybrid.errors import UsageError
from es_hybrid.optional import library
from es_hybrid.texts import counted

CONFIDENCE = 0.95
RESAMPLES = 9_999
SEED = 7

# A difference that rounding alone can make.
_SAME = 1e-9

# Numbers of one batch of resamples: 16 MB.
_BATCH = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries, and where the true one lies with `CONFIDENCE`.

    Attributes:
        mean: over all queries.
        low, high: the interval; None of a single query, which says nothing of others.
    """

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Paired:
    """What `second` does to the queries of `first`.

    Attributes:
        difference: mean of second less that of first.
        low, high: its confidence interval; None of a single query.
        p_value: how likely so large a difference is where the two are equally good, 0 to 1,
            two-sided, by Fisher's randomization test; None of a single query.
        wins, losses, ties: queries that are better, worse and equal with `second`.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    wins: int
    losses: int
    ties: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def interval(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """Mean and percentile bootstrap interval of one value for each query.

    Args:
        values: one or more.
        resamples: how often they are drawn again.
        seed: the same seed gives the same interval.

    Raises:
        EsHybridError: SciPy is not installed.
        UsageError: there is no value.
    """
    data = np.asarray(values, np.float64)
    if not data.size:
        raise UsageError("there is no query: nothing can be measured")
    mean = float(data.mean())
    if data.size < 2:
        return Interval(mean, None, None)
    if np.ptp(data) < _SAME:
        return Interval(mean, mean, mean)
    found = (
        _stats()
        .bootstrap(
            (data,),
            np.mean,
            n_resamples=resamples,
            batch=_batch(data),
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
        .confidence_interval
    )
    return Interval(mean, float(found.low), float(found.high))


def paired(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Paired:
    """How much better `second` is than `first` on the same queries.

    Args:
        first: query id -> value, as `measured` gives it.
        second: of the same queries.
        resamples: of the bootstrap, and of the randomization test.
        seed: the same seed gives the same answer.

    Raises:
        EsHybridError: SciPy is not installed.
        UsageError: they are not of the same queries, or of none.
    """
    if first.keys() != second.keys():
        other = sorted(first.keys() ^ second.keys())
        raise UsageError(
            f"{counted(len(other), 'query', 'queries')} of one of the two alone, such as "
            f"{other[0]!r}: compare values of the same queries"
        )
    change = np.array([second[query] - first[query] for query in first], np.float64)
    change[np.abs(change) < _SAME] = 0.0
    found = interval(change.tolist(), resamples=resamples, seed=seed)
    return Paired(
        found.mean,
        found.low,
        found.high,
        _p_value(change, resamples=resamples, seed=seed),
        wins=int((change > 0).sum()),
        losses=int((change < 0).sum()),
        ties=int((change == 0).sum()),
    )


def _p_value(
    change: np.ndarray[Any, np.dtype[np.float64]], *, resamples: int, seed: int
) -> float | None:
    """How often random signs make a mean as far from 0; all signs where they are few."""
    if change.size < 2:
        return None
    if not change.any():
        return 1.0
    found = _stats().permutation_test(
        (change,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=_batch(change),
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _batch(data: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    return max(1, _BATCH // data.size)


def _stats() -> Any:
    return library("scipy.stats", extra="eval", needs="evaluation needs")
