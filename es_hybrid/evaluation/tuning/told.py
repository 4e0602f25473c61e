"""What tuning found as a report: the same numbers that its JSON has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from es_hybrid.evaluation.significance import CONFIDENCE, Interval, Paired
from es_hybrid.evaluation.tuning.candidates import SHARES
from es_hybrid.evaluation.tuning.known_items import KnownItems
from es_hybrid.evaluation.tuning.tune import Report as Judged
from es_hybrid.reports import (
    Bars,
    Cell,
    Changes,
    Figure,
    Lines,
    Number,
    Point,
    Report,
    Table,
    ranged,
)
from es_hybrid.tuned import LEGS, Tuned

_LIKELY = f"[…] holds the true mean with {CONFIDENCE:.0%} confidence: other queries, other numbers"
_ROWS = {
    "bm25": "bm25 alone",
    "knn": "knn alone",
    "untuned": "untuned",
    "held_out": "tuned, on queries held out",
}


def judged_report(found: Judged, *, name: str) -> Report:
    """Tuning by judged queries: what it is worth, the best of each kind, and what weights do.

    Args:
        found: what came out.
        name: of the index, for people.
    """
    queries = len(found.by_query["untuned"])
    return Report(
        f"{name}: {queries:,} judged queries, {found.tried:,} ways to fuse legs that were asked "
        "once",
        (*_facts(found.tuned, name), ("settings tried", Number(found.tried))),
        [_searches(found), _gains(found), _kinds(found)],
        list(_figures(found)),
        list(_doubts(found)),
    )


def _facts(tuned: Tuned, name: str) -> Sequence[tuple[str, Cell]]:
    """What both reports say of the setting that came out."""
    weights = zip(LEGS, tuned.setting.weights, strict=True)
    return (
        ("index", name),
        ("queries", Number(tuned.queries)),
        ("setting that was chosen", str(tuned.setting)),
        *((f"weight of {leg}", Number(weight, 2)) for leg, weight in weights),
    )


def _searches(found: Judged) -> Table:
    rows: list[Sequence[Cell]] = [
        [row, _mean(found.intervals[name])] for name, row in _ROWS.items()
    ]
    notes = [_LIKELY, "held out: each query is searched with a setting that was chosen without it"]
    return Table("How good each search is", ["search", "nDCG@10"], rows, notes)


def _gains(found: Judged) -> Table:
    rows: list[Sequence[Cell]] = [
        ["over an untuned search", *_gain(found.gain)],
        [f"over the better leg, {found.better_leg}", *_gain(found.over_leg)],
    ]
    return Table(
        "What tuning gains, on queries held out",
        ["gain", "nDCG@10", "p", "wins", "losses", "ties"],
        rows,
        ["p: how often chance alone makes so large a difference (Fisher's randomization test)"],
    )


def _gain(one: Paired) -> tuple[Cell, ...]:
    change = ranged(one.difference, one.low, one.high, signed=True)
    counts = (Number(count) for count in (one.wins, one.losses, one.ties))
    return (change, Number(one.p_value, 4), *counts)


def _kinds(found: Judged) -> Table:
    rows: list[Sequence[Cell]] = [
        [one.name, Number(one.tried), str(one.setting), _mean(one.ndcg)] for one in found.kinds
    ]
    return Table(
        "The best of each kind of fusion that was tried",
        ["kind", "tried", "best setting", "nDCG@10"],
        rows,
        [
            "by the queries that they were chosen by: they look better than they are",
            "a setting is the best by the mean of itself and those with nearly the same weights",
        ],
    )


def _figures(found: Judged) -> Iterator[Figure]:
    yield Bars(
        "How good each search is, with its confidence interval",
        "; ".join(f"{row} {found.intervals[name].mean:.3f}" for name, row in _ROWS.items()),
        list(_ROWS.values()),
        {"nDCG@10": [_point(found.intervals[name]) for name in _ROWS]},
        "nDCG@10",
    )
    yield Lines(
        f"The weights of the legs; dashed: the better leg alone, {found.better_leg}",
        "; ".join(f"{one.name}: {_along(one.by_share)}" for one in found.kinds),
        "weight of knn, of both legs together",
        SHARES,
        {one.name: one.by_share for one in found.kinds},
        "nDCG@10",
        mark=found.intervals[found.better_leg].mean,
    )
    before, after = found.by_query["untuned"], found.by_query["held_out"]
    yield Changes(
        "What tuning does to each query, held out",
        "difference in nDCG@10 of each query, sorted; the table counts wins and losses",
        [after[query] - before[query] for query in before],
        "difference in nDCG@10",
    )


def _along(values: Sequence[float]) -> str:
    best = max(range(len(values)), key=values.__getitem__)
    return (
        f"{values[0]:.3f} with bm25 alone, {values[best]:.3f} at {SHARES[best]:g}, "
        f"{values[-1]:.3f} with knn alone"
    )


def _doubts(found: Judged) -> Iterator[str]:
    if not found.worth_it:
        yield "no gain on held-out queries: a search stays as it is"
    elif found.gain.low is not None and found.gain.low <= 0:
        yield "this gain may be chance: more judged queries would tell"


def known_items_report(found: KnownItems, *, name: str) -> Report:
    """Tuning by titles: how well each leg finds documents by them, and the weights that follow.

    Args:
        found: what came out.
        name: of the index, for people.
    """
    weights = dict(zip(LEGS, found.tuned.setting.weights, strict=True))
    shares = {leg: weight / sum(weights.values()) for leg, weight in weights.items()}
    rows: list[Sequence[Cell]] = [
        [leg, _mean(found.intervals[leg]), Number(weights[leg], 2)] for leg in LEGS
    ]
    return Report(
        f"{name}: {found.tuned.queries:,} documents were looked for by their own words of "
        f"{found.field!r}",
        _facts(found.tuned, name),
        [
            Table(
                "How well each leg finds them", ["leg", "mean 1 / rank", "weight"], rows, [_LIKELY]
            )
        ],
        [
            Bars(
                "How well each leg finds them, with its confidence interval",
                "; ".join(f"{leg} {found.intervals[leg].mean:.3f}" for leg in LEGS),
                LEGS,
                {"mean 1 / rank": [_point(found.intervals[leg]) for leg in LEGS]},
                "mean 1 / rank",
            ),
            Bars(
                "The weights that follow, of both legs together",
                "; ".join(f"{leg} {share:.0%}" for leg, share in shares.items()),
                LEGS,
                {"weight": [Point(share) for share in shares.values()]},
                "share of the weight",
            ),
        ],
        [f"knn gets {shares['knn']:.0%} of the weight. Judged queries would tell it better"],
    )


def _mean(one: Interval) -> Cell:
    return ranged(one.mean, one.low, one.high)


def _point(one: Interval) -> Point:
    return Point(one.mean, one.low, one.high)
