"""Thousands of fusions of legs that were asked once, each as `fusion` and `adaptive` make it.

Every query is a row of numbers, and all weights of a family are tried on all rows at once. What a
score is, and how ties are broken, is that of a live search to the last bit; a test holds both
beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from es_hybrid.adaptive import Leg, column, trusted
from es_hybrid.evaluation.measures import Run
from es_hybrid.evaluation.qrels import Qrels
from es_hybrid.evaluation.tuning.candidates import SHARES, Family, weights
from es_hybrid.evaluation.tuning.legs import LegRun, Legs
from es_hybrid.fusion import linear
from es_hybrid.search.queries import Key
from es_hybrid.tuned import Setting

# nDCG@10: what a first page is worth.
DEPTH = 10

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both legs of all queries, as deep as one window; row: query, column: document by its tie.

    Attributes:
        legs: the two legs of each query, as `adaptive` reads them.
        keys: the documents of each row; shorter than the row where there are fewer.
        there: whether a column holds a document, bool, shape (queries, documents).
        gains: its grade, float64, the same shape.
        ranks: of each leg, from 1; infinite where it does not hold a document, float32.
        relevant: the columns that have a grade, and some that have none where another row has
            more; integers, shape (queries, most of any query).
    """

    legs: Sequence[tuple[Leg[Key], Leg[Key]]]
    keys: Sequence[Sequence[Key]]
    there: npt.NDArray[np.bool_]
    gains: Doubles
    ranks: tuple[Floats, Floats]
    relevant: npt.NDArray[np.intp]


def paired_legs(legs: Mapping[str, Legs], qrels: Qrels, setting: Setting) -> Pair:
    """What a setting fuses, of all queries.

    Args:
        legs: query id -> its legs.
        qrels: query id -> document id -> grade.
        setting: whose window and fields are meant.
    """
    pairs, keys, grades = [], [], []
    for query, one in legs.items():
        bm25, knn = one.bm25[setting.fields], one.knn[setting.window]
        words = _leg(bm25, setting.window, dense=False)
        near = _leg(knn, setting.window, dense=True)
        ties = {key: found.tie for run in (bm25, knn) for key, found in run.found.items()}
        row = sorted(dict.fromkeys([*words.scores, *near.scores]), key=ties.__getitem__)
        pairs.append((words, near))
        keys.append(row)
        grades.append([max(qrels[query].get(identifier, 0), 0) for _, identifier in row])
    shape = len(keys), max((len(row) for row in keys), default=0)
    there, gains = np.zeros(shape, np.bool_), np.zeros(shape)
    for number, graded in enumerate(grades):
        there[number, : len(graded)] = True
        gains[number, : len(graded)] = graded
    ranks = tuple(_ranks([pair[place] for pair in pairs], keys, shape) for place in (0, 1))
    most = int((gains > 0).sum(1).max(initial=0))
    relevant = np.argsort(-gains, axis=1, kind="stable")[:, :most]
    return Pair(pairs, keys, there, gains, (ranks[0], ranks[1]), relevant)


def _ranks(
    legs: Sequence[Leg[Key]], keys: Sequence[Sequence[Key]], shape: tuple[int, int]
) -> Floats:
    made = np.full(shape, np.inf, np.float32)
    for number, (leg, row) in enumerate(zip(legs, keys, strict=True)):
        rank = dict(zip(leg.scores, range(1, len(leg.scores) + 1), strict=True))
        made[number, : len(row)] = [rank.get(key, np.inf) for key in row]
    return made


def _leg(run: LegRun, window: int, *, dense: bool) -> Leg[Key]:
    found = {key: one.score for key, one in islice(run.found.items(), window)}
    ended = not dense and len(found) < window and run.ended
    return Leg(found, dense=dense, ended=ended)


def values(pair: Pair, family: Family, ideal: Doubles) -> Doubles:
    """nDCG@10 of each member of a family for each query, shape (members, queries).

    Args:
        pair: what is fused.
        family: of settings.
        ideal: the best possible DCG of each query, shape (queries,).
    """
    bm25, knn = (_column(pair, family.setting, place) for place in (0, 1))
    found = []
    for share in SHARES:
        factors = _factors(pair, family.setting, weights(share))
        score = factors[0][:, None] * bm25 + factors[1][:, None] * knn
        found.append(_dcg_of_relevant(pair, score) / ideal)
    return np.array(found)


def _dcg_of_relevant(pair: Pair, score: Floats) -> Doubles:
    """DCG@10 of each query, from the ranks of relevant documents alone: nothing is sorted.

    A document's rank is one more than how many have a higher score, or the same and a lower tie.
    """
    score = np.where(pair.there, score, np.float32(-np.inf))
    mine = np.take_along_axis(score, pair.relevant, 1)[:, :, None]
    columns = np.arange(score.shape[1])
    ahead = score[:, None, :] > mine
    ahead |= (score[:, None, :] == mine) & (columns < pair.relevant[:, :, None])
    ranks = 1 + ahead.sum(2)
    gains = np.take_along_axis(pair.gains, pair.relevant, 1)
    made: Doubles = np.where(ranks <= DEPTH, gains / np.log2(1 + ranks), 0.0).sum(1)
    return made


def _dcg(gains: Doubles) -> Doubles:
    """Σ grade / log2(1 + rank): the gain of trec_eval, which has no exponent."""
    made: Doubles = gains @ (1 / np.log2(np.arange(gains.shape[1]) + 2))
    return made


def alone(pair: Pair, place: int, ideal: Doubles) -> Doubles:
    """nDCG@10 of one leg without the other for each query, shape (queries,).

    Args:
        pair: both legs.
        place: 0 for bm25, 1 for knn.
        ideal: as of `values`.
    """
    ranks = pair.ranks[place]
    order = np.argsort(ranks, axis=1, kind="stable")[:, :DEPTH]
    found = np.where(np.isfinite(np.take_along_axis(ranks, order, 1)), 1.0, 0.0)
    made: Doubles = _dcg(np.take_along_axis(pair.gains, order, 1) * found) / ideal
    return made


def ideals(qrels: Qrels, queries: Sequence[str]) -> Doubles:
    """The best possible DCG@10 of each query; 1 where nothing is relevant."""
    best = [sorted(qrels[query].values(), reverse=True)[:DEPTH] for query in queries]
    found = [float(_dcg(np.array([[max(g, 0) for g in one]], np.float64))[0]) for one in best]
    return np.array([one if one > 0 else 1.0 for one in found])


def _column(pair: Pair, setting: Setting, place: int) -> Floats:
    """What a leg gives to each document at weight 1, as `fusion` computes it."""
    if setting.method == "rrf":
        found: Floats = np.float32(1) / (np.float32(setting.rank_constant) + pair.ranks[place])
        return found
    made = np.zeros(pair.there.shape, np.float32)
    for number, (legs, keys) in enumerate(zip(pair.legs, pair.keys, strict=True)):
        leg = legs[place]
        kind = column(leg, 1.0)[1] if setting.method == "adaptive" else setting.normalizer
        fused = linear([list(leg.scores.items())], normalizers=kind)
        alone = {one.key: one.score for one in fused}
        made[number, : len(keys)] = [alone.get(key, 0.0) for key in keys]
    return made


def _factors(pair: Pair, setting: Setting, given: tuple[float, float]) -> tuple[Floats, Floats]:
    """What the columns of each query are multiplied by, shape (queries,) each."""
    if setting.method != "adaptive":
        rows = len(pair.legs)
        return np.full(rows, given[0], np.float32), np.full(rows, given[1], np.float32)
    both = [_shares(legs, given, earned=setting.earned) for legs in pair.legs]
    found = np.array(both, np.float32).reshape(len(both), 2)
    return found[:, 0], found[:, 1]


def _shares(legs: Sequence[Leg[Key]], given: Sequence[float], *, earned: bool) -> list[float]:
    trust = trusted(legs, weights=given, earned=earned)
    return [column(leg, one.weight)[0] for leg, one in zip(legs, trust, strict=True)]


def run(legs: Mapping[str, Legs], qrels: Qrels, setting: Setting) -> Run:
    """Query id -> the first documents, as one setting orders them."""
    pair = paired_legs(legs, qrels, setting)
    factors = _factors(pair, setting, setting.weights)
    score = sum(factors[place][:, None] * _column(pair, setting, place) for place in (0, 1))
    order = np.argsort(np.where(pair.there, -np.asarray(score), np.inf), axis=1, kind="stable")
    return {
        query: [keys[place][1] for place in row[:DEPTH] if place < len(keys)]
        for query, keys, row in zip(legs, pair.keys, order, strict=True)
    }
