"""Tuning by judged queries: legs once, fusions offline, a choice, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from es_hybrid.errors import UsageError
from es_hybrid.evaluation.collection import Collection
from es_hybrid.evaluation.qrels import Qrels
from es_hybrid.evaluation.significance import Interval, Paired, interval, paired
from es_hybrid.evaluation.tuning.candidates import SHARES, Family, boosted, families
from es_hybrid.evaluation.tuning.choosing import Doubles, chosen, held_out, setting
from es_hybrid.evaluation.tuning.kinds import Kind, kinds
from es_hybrid.evaluation.tuning.legs import Legs, Progress, all_legs
from es_hybrid.evaluation.tuning.offline import alone, ideals, paired_legs, values
from es_hybrid.search import Searcher
from es_hybrid.search.searched import Searched
from es_hybrid.texts import counted
from es_hybrid.tuned import Setting, Tuned

# With fewer queries, the best setting is the best by chance.
FEWEST = 20

Leg = Literal["bm25", "knn"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was tried, and what came out.

    Attributes:
        tuned: the setting that was chosen by all queries.
        tried: how many settings were.
        by_query: nDCG@10 of each query by ``bm25`` and ``knn`` alone, by an ``untuned`` search, and
            ``held_out``: by settings that were chosen without the query they are measured on.
        intervals: of these four, the mean and where it lies.
        kinds: the best of each kind of fusion, by all queries.
        gain: of these over an untuned search, query by query.
        over_leg: of these over the better leg.
        better_leg: which that is.
        worth_it: whether there is a gain; otherwise a search should stay as it is.
    """

    tuned: Tuned
    tried: int
    by_query: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, Interval]
    kinds: Sequence[Kind]
    gain: Paired
    over_leg: Paired
    better_leg: Leg

    @property
    def bm25(self) -> float:
        """Mean nDCG@10 of that leg alone."""
        return self.intervals["bm25"].mean

    @property
    def knn(self) -> float:
        """Mean nDCG@10 of that leg alone."""
        return self.intervals["knn"].mean

    @property
    def untuned(self) -> float:
        """Mean nDCG@10 of an untuned search."""
        return self.intervals["untuned"].mean

    @property
    def held_out(self) -> float:
        """Mean nDCG@10 of settings that were chosen without the queries they are measured on."""
        return self.intervals["held_out"].mean

    @property
    def worth_it(self) -> bool:
        """Whether held-out queries gained."""
        return self.gain.difference > 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``by_share`` goes with ``shares``, what kNN weighs of both legs together."""
        return {
            "tuned": asdict(self.tuned),
            "tried": self.tried,
            **{name: one.mean for name, one in self.intervals.items()},
            "intervals": {name: [one.low, one.high] for name, one in self.intervals.items()},
            "gain": self.gain.to_dict(),
            "over_leg": self.over_leg.to_dict(),
            "better_leg": self.better_leg,
            "worth_it": self.worth_it,
            "shares": list(SHARES),
            "kinds": [asdict(one) for one in self.kinds],
            "per_query": {
                query: {name: row[query] for name, row in self.by_query.items()}
                for query in self.by_query["untuned"]
            },
        }


def tune(
    searcher: Searcher,
    collection: Collection,
    *,
    untuned: Setting,
    progress: Progress | None = None,
) -> Report:
    """Find the best setting for an index by judged queries.

    Args:
        searcher: of the index.
        collection: queries and what answers them.
        untuned: what a search does without it.
        progress: told how many queries are done, and of how many.

    Raises:
        UsageError: there are fewer than `FEWEST` judged queries.
        EsHybridError: as `Searcher.search`.
    """
    check_enough(len(collection.queries))
    searched = searcher.searched()
    lexical = boosted(searched.text_fields, searched.lexical_fields)
    legs = all_legs(searcher, collection.queries, lexical=lexical, progress=progress)
    tried = families(lexical)
    found = tabled(legs, collection.qrels, tried)
    tuned = record(
        setting(chosen(found, tried), tried), searched, source="judged", queries=len(legs)
    )
    rows = _legs_alone(legs, collection.qrels) | {
        "untuned": found[_place(tried, untuned)],
        "held_out": held_out(found, tried),
    }
    by_query = {name: dict(zip(legs, row.tolist(), strict=True)) for name, row in rows.items()}
    return _told(by_query, tuned, best=kinds(found, tried))


def _legs_alone(legs: Mapping[str, Legs], qrels: Qrels) -> dict[str, Doubles]:
    pair, best = paired_legs(legs, qrels, Setting()), ideals(qrels, list(legs))
    return {"bm25": alone(pair, 0, best), "knn": alone(pair, 1, best)}


def check_enough(count: int) -> None:
    """Refuse to tune by queries that are too few to say anything.

    Raises:
        UsageError: they are fewer than `FEWEST`.
    """
    if count < FEWEST:
        few = counted(count, "judged query is", "judged queries are")
        raise UsageError(
            f"{few} too few to tell a better setting from a lucky one: judge "
            f"{FEWEST} and more (100 tell it well), or tune without judgements by --self"
        )


def tabled(legs: Mapping[str, Legs], qrels: Qrels, tried: Sequence[Family]) -> Doubles:
    """nDCG@10 of all settings, shape (families, shares, queries)."""
    best = ideals(qrels, list(legs))
    found, last, pair = [], None, None
    for family in tried:
        one = (family.setting.fields, family.setting.window)
        if pair is None or one != last:
            last, pair = one, paired_legs(legs, qrels, family.setting)
        found.append(values(pair, family, best))
    return np.array(found)


def record(
    setting: Setting, searched: Searched, *, source: Literal["judged", "self"], queries: int
) -> Tuned:
    """A setting as it is written into the index."""
    contract = searched.contract
    return Tuned(
        setting=setting,
        source=source,
        queries=queries,
        embedder=contract.embedder.id,
        text_fields=contract.text_fields,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _told(
    by_query: Mapping[str, Mapping[str, float]], tuned: Tuned, *, best: Sequence[Kind]
) -> Report:
    intervals = {name: interval(list(row.values())) for name, row in by_query.items()}
    better: Leg = "bm25" if intervals["bm25"].mean >= intervals["knn"].mean else "knn"
    return Report(
        tuned=tuned,
        tried=sum(one.tried for one in best),
        by_query=by_query,
        intervals=intervals,
        kinds=best,
        gain=paired(by_query["untuned"], by_query["held_out"]),
        over_leg=paired(by_query[better], by_query["held_out"]),
        better_leg=better,
    )


def _place(tried: Sequence[Family], wanted: Setting) -> tuple[int, int]:
    """Where a setting stands in the table; the scale of weights does not matter."""
    total = sum(wanted.weights)
    scaled = 2 * wanted.weights[0] / total, 2 * wanted.weights[1] / total
    for row, family in enumerate(tried):
        for column, member in enumerate(family.members()):
            if member == replace(wanted, weights=scaled):
                return row, column
    raise LookupError(f"{wanted} is not among what is tried")
