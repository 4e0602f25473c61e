"""Evaluations as reports: the same numbers that their JSON has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from es_hybrid.evaluation.agreement import Agreement
from es_hybrid.evaluation.evaluate import Change, Evaluation, System
from es_hybrid.evaluation.searching import Latency
from es_hybrid.evaluation.significance import CONFIDENCE, Interval
from es_hybrid.reports import Bars, Cell, Changes, Figure, Number, Point, Report, Table, ranged

_LIKELY = f"[…] holds the true mean with {CONFIDENCE:.0%} confidence: other queries, other numbers"
_TIMES = ("p50", "p95")


def evaluation_report(found: Evaluation, *, shown: int = 3) -> Report:
    """An evaluation: each system, each pair, and the queries that changed most.

    Args:
        found: the evaluation.
        shown: so many queries that win, and as many that lose.
    """
    queries = len(found.collection.qrels)
    tables = [_systems(found)]
    if found.comparisons:
        tables.append(_comparisons(found))
    if (pair := _shown_pair(found)) and shown:
        won, lost = found.changes(*pair, most=shown)
        tables += [
            _changes(part, pair, found.measures[0], title)
            for title, part in (("won", won), ("lost", lost))
            if part
        ]
    return Report(
        f"How good: {found.name or 'runs'} on {queries:,} judged queries",
        (
            ("searched", found.name or "nothing: runs were judged"),
            ("judged queries", Number(queries)),
            ("documents found for each query, at most", Number(found.depth)),
        ),
        tables,
        list(_figures(found, pair)),
        found.notes,
    )


def _systems(found: Evaluation) -> Table:
    timed = any(one.latency for one in found.systems.values())
    rows: list[Sequence[Cell]] = [
        [
            name,
            *(_mean(one.intervals[measure]) for measure in found.measures),
            Number(one.judged, 2),
            Number(one.without_results),
            *(_times(one.latency) if timed else ()),
        ]
        for name, one in found.systems.items()
    ]
    notes = [
        _LIKELY,
        "judged: share of the first ten that somebody judged; the others count as not relevant",
        "a query without results counts as 0",
    ]
    if timed:
        searches = max(one.latency.searches for one in found.systems.values() if one.latency)
        notes.append(f"p50, p95: milliseconds of {searches} single searches, one after the other")
    columns = ["mode", *found.measures, "judged", "no results", *(_TIMES if timed else ())]
    return Table("How good each mode is", columns, rows, notes)


def _mean(one: Interval) -> Cell:
    return ranged(one.mean, one.low, one.high)


def _times(latency: Latency | None) -> tuple[Cell, Cell]:
    if latency is None:
        return "–", "–"
    return Number(latency.p50, 1), Number(latency.p95, 1)


def _comparisons(found: Evaluation) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            f"{one.first} → {one.second}",
            one.measure,
            ranged(one.paired.difference, one.paired.low, one.paired.high, signed=True),
            Number(one.paired.p_value, 4),
            Number(one.paired.wins),
            Number(one.paired.losses),
            Number(one.paired.ties),
        ]
        for one in found.comparisons
    ]
    several = len(found.comparisons)
    notes = [
        "p: how often chance alone makes so large a difference (Fisher's randomization test)",
        "wins, losses, ties: queries that are better, worse and equal",
    ]
    if several > 1:
        notes.append(
            f"{several} differences are tested: call one real where p is below "
            f"{0.05 / several:.4f} (0.05 / {several}, Bonferroni)"
        )
    columns = ["pair", "measure", "difference", "p", "wins", "losses", "ties"]
    return Table("How sure the differences are", columns, rows, notes)


def _shown_pair(found: Evaluation) -> tuple[str, str] | None:
    """The last system, and the best of the others."""
    *others, last = found.systems
    measure = found.measures[0]
    if not others:
        return None
    return max(others, key=lambda name: found.systems[name].intervals[measure].mean), last


def _changes(part: Sequence[Change], pair: tuple[str, str], measure: str, what: str) -> Table:
    first, second = pair
    rows: list[Sequence[Cell]] = [
        [
            f"{one.query}: {one.text}",
            Number(one.first, 3),
            Number(one.second, 3),
            _ranking(one.rankings[0]),
            _ranking(one.rankings[1]),
        ]
        for one in part
    ]
    return Table(
        f"Queries that {what} most from {first} to {second}, by {measure}",
        ["query", first, second, f"found by {first}", f"found by {second}"],
        rows,
        ["(n) is a document's grade; without one it was not judged"],
    )


def _ranking(found: Sequence[tuple[str, int | None]]) -> str:
    lines = [name if grade is None else f"{name} ({grade})" for name, grade in found]
    return "\n".join(lines) or "nothing"


def _figures(found: Evaluation, pair: tuple[str, str] | None) -> Iterator[Figure]:
    yield Bars(
        "Measures, with their confidence intervals",
        "; ".join(f"{name}: {_told(one, found)}" for name, one in found.systems.items()),
        found.measures,
        {
            name: [_point(one.intervals[measure]) for measure in found.measures]
            for name, one in found.systems.items()
        },
    )
    if pair is not None:
        measure = found.measures[0]
        before, after = (found.systems[one].values[measure] for one in pair)
        yield Changes(
            f"What {pair[1]} does to each query of {pair[0]}",
            f"difference in {measure} of each query, sorted; the table counts wins and losses",
            [after[query] - before[query] for query in before],
            f"difference in {measure}",
        )


def _told(one: System, found: Evaluation) -> str:
    return ", ".join(f"{name} {one.intervals[name].mean:.3f}" for name in found.measures)


def _point(one: Interval) -> Point:
    return Point(one.mean, one.low, one.high)


def agreement_report(found: Agreement) -> Report:
    """How alike ways to search are."""
    timed = bool(found.latencies)
    ways: list[Sequence[Cell]] = [
        [
            way,
            Number(found.without_results(way)),
            *(_times(found.latencies.get(way)) if timed else ()),
        ]
        for way in found.rankings
    ]
    pairs: list[Sequence[Cell]] = [
        [f"{one.first}, {one.second}", _mean(one.overlap), Number(one.same_first, 3)]
        for one in found.pairs
    ]
    return Report(
        f"How alike: modes in {found.name} on {found.queries:,} queries that nobody judged",
        (("searched", found.name), ("queries", Number(found.queries))),
        [
            Table(
                "How alike the modes are",
                ["pair", "overlap@10", "same first"],
                pairs,
                [
                    "overlap@10: share of the first ten that both find",
                    "which of them is better, only judgements say (--qrels)",
                ],
            ),
            Table("The modes", ["mode", "no results", *(_TIMES if timed else ())], ways),
        ],
        notes=found.notes,
    )
