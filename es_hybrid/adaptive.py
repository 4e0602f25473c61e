"""How far each leg of a search can be trusted, from what the legs themselves return.

Nobody says whether BM25 or kNN is right for a query, but their scores do, a little. Of documents
that have nothing to do with a query, the best scores fall off like an exponential (Manmatha, Rath
and Feng, "Modeling score distributions for combining the outputs of search engines", SIGIR 2001):
then the spacings i · (s_i − s_{i+1}) are all alike (Rényi, "On the theory of order statistics",
1953). A leg that found something has a first score many such spacings above its last one:

    standing Z = (s_1 − s_n) / mean of i · (s_i − s_{i+1}) over the ranks i = 11 … n − 1, n ≤ 100

It is a score gap in units of the background, as of NQC (Shtok et al., "Predicting query
performance by query-drift estimation", TOIS 2012), without that one's dependence on how large the
scores of a leg are in general. And a leg that is right is not right alone: what it has first
stands high in another leg as well (Shtok, Kurland and Carmel, "Query performance prediction using
reference lists", TOIS 2016). BM25 hardly ever fails altogether, dense models do outside of what
they were trained on (Thakur et al., "BEIR", NeurIPS 2021), so that kNN is asked for support:

    support S = what BM25 gives to the first 3 of kNN / what it gives to its own first 3

    weight of BM25 ∝ Z²        weight of kNN ∝ 2.5 · √S · Z²

Scores are then added, each leg's from 0 (its last) to 1 (its first), times its weight. CONTRIBUTING
tells how this was chosen among others, and what it gained and lost.

Pure functions on numbers and keys, as in `fusion`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, NamedTuple, TypeVar

from es_hybrid.fusion import Fused, Ties, check_weights, linear

K = TypeVar("K", bound=Hashable)

# Ranks that may hold what was looked for; those behind them, up to BACKGROUND, are background.
HEAD = 10
BACKGROUND = 100

# First documents of a kNN leg that another leg is asked about.
WITNESSED = 3

# How much kNN weighs where it stands out as far as BM25 and has all support. Cosines of texts
# stand out less than BM25 scores do, even where both are equally right.
KNN_ODDS = 2.5

# With fewer scores there is no background to stand out from.
FEWEST = 20

# Of the range of the scores: spacings below are no scale, as where BM25 matches a handful.
_LEAST_SPACING = 0.02

# What is weighed nothing would be found nowhere.
_LEAST_SUPPORT = 1e-4


@dataclass(frozen=True, slots=True)
class Leg(Generic[K]):
    """One ranking, and what its scores mean.

    Attributes:
        scores: key -> score, best first; float32 values, at least 0.
        dense: whether they are of kNN, which ranks whatever there is.
        ended: whether nothing else matches: then all other documents have the score 0.
    """

    scores: Mapping[K, float]
    dense: bool = False
    ended: bool = False


class Trust(NamedTuple):
    """How far one leg is trusted, and why.

    Attributes:
        weight: its share, 0 to 1; those of all legs add up to 1.
        standing: how many spacings its first score lies above its last, 0 and up; None where it
            has too few scores to tell.
        support: what another leg gives to its first documents, 0 to 1; None where none is asked.
    """

    weight: float
    standing: float | None
    support: float | None


def adaptive(
    legs: Sequence[Leg[K]],
    *,
    weights: Sequence[float] | None = None,
    earned: bool = True,
    ties: Ties[K] | None = None,
    size: int | None = None,
) -> tuple[list[Fused[K]], list[Trust]]:
    """Fuse legs by the weights that they earn in this query.

    Args:
        legs: what was found.
        weights: one per leg, finite and at least 0, by which its own is multiplied; None is 1.
        earned: whether legs have weights of their own; otherwise `weights` are all.
        ties: as of `fusion.linear`.
        size: how many entries to return; None returns all.

    Returns:
        The fused list, best first, and what each leg was trusted.

    Raises:
        UsageError: a weight that is negative or not finite, or not one per leg.
    """
    trust = trusted(legs, weights=weights, earned=earned)
    columns = [column(leg, one.weight) for leg, one in zip(legs, trust, strict=True)]
    fused = linear(
        [list(leg.scores.items()) for leg in legs],
        weights=[weight for weight, _ in columns],
        normalizers=[normalizer for _, normalizer in columns],
        ties=ties,
        size=size,
    )
    return fused, trust


def column(leg: Leg[K], share: float) -> tuple[float, str]:
    """Weight and normalizer that take scores from 0, of what is last or not there, to `share`.

    Args:
        leg: whose scores are normalized.
        share: what its first document is to have.
    """
    if not leg.ended:
        return share, "minmax"
    first = next(iter(leg.scores.values()), 0.0)
    return (share / first if first > 0 else 0.0), "none"


def trusted(
    legs: Sequence[Leg[K]], *, weights: Sequence[float] | None = None, earned: bool = True
) -> list[Trust]:
    """What each leg is trusted; see the formulas above.

    Where one has too few scores to tell, its standing is that of the others. A leg without hits
    is trusted nothing.

    Args:
        legs: what was found.
        weights: as of `adaptive`.
        earned: likewise.

    Raises:
        UsageError: as of `adaptive`.
    """
    given = check_weights(weights, len(legs))
    standings = [standing(leg) for leg in legs]
    supports = _supports(legs)
    tell = None not in [one for one, leg in zip(standings, legs, strict=True) if leg.scores]
    odds = [
        weight * (_odds(leg, far if tell else 1.0, support) if earned else bool(leg.scores))
        for weight, leg, far, support in zip(given, legs, standings, supports, strict=True)
    ]
    total = sum(odds)
    shares = [one / total if total else 0.0 for one in odds]
    return [Trust(*one) for one in zip(shares, standings, supports, strict=True)]


def _odds(leg: Leg[K], far: float | None, support: float | None) -> float:
    if not leg.scores or far is None:
        return 0.0
    asked = 1.0 if support is None else KNN_ODDS * sqrt(max(support, _LEAST_SUPPORT))
    return asked * far * far


def standing(leg: Leg[K]) -> float | None:
    """How many spacings the first score of a leg lies above its last; None of too few scores.

    The sum of i · (s_i − s_{i+1}) over i = 11 … n − 1 is 10 · s_11 + s_11 + … + s_{n−1}
    − (n − 1) · s_n, which is how it is computed here.

    >>> round(standing(Leg({n: 5 - n / 100 for n in range(100)})), 2)
    1.8
    """
    scores = list(leg.scores.values())[:BACKGROUND]
    if leg.ended and scores:
        scores += [0.0] * (BACKGROUND - len(scores))
    count = len(scores)
    if count < FEWEST:
        return None
    last, span = scores[-1], scores[0] - scores[-1]
    if span <= 0:
        return 0.0
    spacing = HEAD * scores[HEAD] + sum(scores[HEAD:-1]) - (count - 1) * last
    return span / max(spacing / (count - 1 - HEAD), _LEAST_SPACING * span)


def _supports(legs: Sequence[Leg[K]]) -> list[float | None]:
    """Of each kNN leg, its support by the first other leg that found something."""
    witness = next((leg for leg in legs if not leg.dense and leg.scores), None)
    return [support(leg, witness) if leg.dense and witness else None for leg in legs]


def support(leg: Leg[K], witness: Leg[K]) -> float:
    """What `witness` gives to the first documents of `leg`, of what it gives to its own, 0 to 1.

    >>> words = Leg({"a": 4.0, "d": 3.0, "e": 1.0}, ended=True)
    >>> support(Leg({"a": 0.9, "b": 0.8, "c": 0.7}, dense=True), words)
    0.5
    """
    first = list(leg.scores)[:WITNESSED]
    low = 0.0 if witness.ended else min(witness.scores.values())
    best = list(witness.scores.values())[: len(first)]
    most = sum(best) - low * len(best)
    given = sum(witness.scores[key] - low for key in first if key in witness.scores)
    return min(1.0, given / most) if most > 0 else 0.0
