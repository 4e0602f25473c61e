"""Anomalies as a report: which documents are odd, how odd, and odd against what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from es_hybrid.anomalies.anomalies import Anomalies
from es_hybrid.reports import Cell, Figure, Lines, Number, Report, Table

_BINS = 40

_AGAINST = {
    "mean": "distance to the mean vector of all documents",
    "clusters": "distance to the nearest of several cluster centres",
    "recent": "distance to the mean of what was before the window",
    "neighbours": "distance to the k-th nearest other document",
}


def anomalies_report(found: Anomalies) -> Report:
    """What was found."""
    return Report(
        f"Anomalies of {found.name}: {_AGAINST[found.method]}",
        tuple(_facts(found)),
        [*_shift(found), _odd(found), *_written(found)],
        [_figure(found)],
        tuple(_notes(found)),
    )


def _facts(found: Anomalies) -> Iterator[tuple[str, Cell]]:
    yield "method", found.method
    yield "embedder", found.embedder
    yield "documents", Number(found.documents)
    for name, value in found.facts.items():
        shown = value if isinstance(value, str) else Number(value, 0 if value > 1 else 3)
        yield name.replace("_", " "), shown
    yield f"threshold (oddest {found.contamination:.2%})", Number(found.threshold, 4)
    yield "flagged", Number(found.flagged)
    for at, value in found.quantiles.items():
        yield f"score, quantile {at}", Number(value, 4)


def _odd(found: Anomalies) -> Table:
    rows: list[list[Cell]] = [[one.id, Number(one.score, 4), one.text] for one in found.odd]
    return Table("The oddest documents", ("id", "score", "begins"), rows)


def _shift(found: Anomalies) -> Iterator[Table]:
    one = found.shift
    if one is None:
        return
    rows: list[list[Cell]] = [
        ["distance of the means", Number(one.distance, 4)],
        ["the same by chance", Number(one.by_chance, 4)],
        ["p", Number(one.p_value, 4)],
        ["documents of the window", Number(one.window)],
        ["documents of before", Number(one.reference)],
    ]
    note = (
        "p: how likely so large a distance is where the window is like what was before "
        "(permutation test). A small p says that it differs; the distance, by how much."
    )
    yield Table("Whether the window differs", ("", "value"), rows, [note])


def _written(found: Anomalies) -> Iterator[Table]:
    one = found.written
    if one is None:
        return
    rows: list[list[Cell]] = [
        ["written", Number(one.written)],
        ["unchanged", Number(one.unchanged)],
        ["gone meanwhile", Number(one.gone)],
        ["refused", Number(one.refused)],
        ["changed by others meanwhile, and read again", Number(one.conflicts)],
    ]
    yield Table("Written back", ("documents", "count"), rows)


def _notes(found: Anomalies) -> Iterator[str]:
    yield (
        f"flagged: {found.flagged:,} of {found.documents:,} documents, those of a score above "
        f"{found.threshold:.4f}"
    )
    if found.written is None:
        yield "nothing was written: --write-back adds score and flag to the documents"
    else:
        flag = f"{found.field}.flag"
        yield f"find them: --filter {flag}=true in a search, {flag}: true in Kibana"
    if found.method == "neighbours":
        yield (
            f"a group of {found.facts['k']} or more documents that are alike is not odd: --k, or "
            "--contamination, says how large a group may be"
        )


def _figure(found: Anomalies) -> Figure:
    counts, edges = np.histogram(found.scores, _BINS)
    shares = counts / max(len(found.scores), 1)
    return Lines(
        "How odd the documents are",
        f"half of {found.documents:,} documents have a score of {found.quantiles['0.5']:.3f} or "
        f"less, the oddest has {found.quantiles['1']:.3f}; flagged above {found.threshold:.3f}",
        "score",
        ((edges[1:] + edges[:-1]) / 2).tolist(),
        {"documents": shares.tolist()},
        unit="share of documents",
    )
