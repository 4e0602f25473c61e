"""A recall as a report: the same numbers that its JSON has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from es_hybrid.recall.settings import Recall, Setting
from es_hybrid.reports import Cell, Figure, Lines, Number, Report, Table, ranged


def recall_report(found: Recall) -> Report:
    """Each setting, and the smallest that reaches the target."""
    return Report(
        f"Recall@{found.k} of kNN in {found.name}, against every vector compared",
        (
            ("index", found.name),
            ("vector index", found.type),
            ("documents with vectors", Number(found.vectors)),
            ("queries", Number(found.queries)),
            ("target", Number(found.target, 3)),
        ),
        [_smallest(found), _settings(found)],
        list(_figures(found)),
        found.notes,
    )


def _smallest(found: Recall) -> Table:
    rows: list[Sequence[Cell]] = []
    for where in found.filters:
        one = found.smallest(where)
        cells = _cells(one) if one else ("none of these", "–", "–", "–")
        rows.append([where, *cells, one.flags(found.type) if one else "–"])
    return Table(
        f"The smallest setting that reaches {found.target:g}",
        ["filter", "num_candidates", "oversample", f"recall@{found.k}", "ms", "options"],
        rows,
        [_advice(found)],
    )


def _advice(found: Recall) -> str:
    """What to do with it; a setting that compared all vectors says nothing of a larger index."""
    best = [found.smallest(where) for where in found.filters]
    if any(one is not None and not one.exhaustive for one in best):
        return f"search with it: es-hybrid search {found.name} QUERY, and its options"
    return "leave the options of searches as they are: these prove nothing for a larger index"


def _settings(found: Recall) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            one.filter,
            Number(one.share, 4),
            *_cells(one),
            " ".join(_marks(one)),
        ]
        for one in found.settings
    ]
    return Table(
        "All settings",
        ["filter", "share", "num_candidates", "oversample", f"recall@{found.k}", "ms", ""],
        rows,
        [
            "[…] holds the true mean with 95% confidence; ms: for one query, many in a request",
            "default: what searches do by themselves",
        ],
    )


def _cells(one: Setting) -> tuple[Cell, Cell, Cell, Cell]:
    return (
        Number(one.num_candidates),
        "–" if one.oversample is None else Number(one.oversample, 1),
        ranged(one.recall.mean, one.recall.low, one.recall.high, digits=4),
        Number(one.ms, 1),
    )


def _marks(one: Setting) -> Iterator[str]:
    if one.usual:
        yield "default"
    if one.exhaustive:
        yield "* proves nothing"


def _figures(found: Recall) -> Iterator[Figure]:
    places = sorted({one.num_candidates for one in found.settings})
    series: dict[str, list[float | None]] = {}
    for one in found.settings:
        name = one.filter if one.oversample is None else f"{one.filter}, ×{one.oversample:g}"
        line = series.setdefault(name, [None] * len(places))
        line[places.index(one.num_candidates)] = one.recall.mean
    yield Lines(
        f"Recall@{found.k}, the more candidates are looked at",
        "; ".join(f"{name}: {_told(places, line)}" for name, line in series.items()),
        "num_candidates",
        places,
        series,
        f"recall@{found.k}",
        mark=found.target,
        log=True,
    )


def _told(places: Sequence[int], line: Sequence[float | None]) -> str:
    known = [(place, value) for place, value in zip(places, line, strict=True) if value is not None]
    return ", ".join(f"{value:.3f} with {place}" for place, value in known)
