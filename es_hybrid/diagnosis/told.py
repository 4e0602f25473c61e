"""A diagnosis as a report: every number with what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from es_hybrid.diagnosis.diagnosis import Diagnosis
from es_hybrid.diagnosis.judged import MEASURE
from es_hybrid.diagnosis.statistics import NEAR_DUPLICATE, NEIGHBOURS, pair_distances
from es_hybrid.reports import Bars, Cell, Figure, Lines, Number, Point, Report, Table, ranged

_BINS = 60
_SHOWN = 5  # documents


def diagnosis_report(found: Diagnosis) -> Report:
    """What was found, what it means, and what to do."""
    tables = [_advice(found), _numbers(found), *_judged(found), *_documents(found)]
    return Report(
        f"What the vectors of {found.name} say",
        (
            ("embedder", found.embedder),
            ("dimensions", Number(found.dims)),
            ("documents with a vector", Number(found.documents)),
            ("vectors looked at", Number(found.sampled)),
        ),
        tables,
        list(_figures(found)),
    )


def _advice(found: Diagnosis) -> Table:
    return Table("What to do", ("do", "because"), [list(one) for one in found.advice])


def _numbers(found: Diagnosis) -> Table:
    lengths, shape, hubs = found.lengths, found.shape, found.hubs
    rows: list[Sequence[Cell]] = [
        ["L2 length, median", Number(lengths.l2_median, 3), "before normalising"],
        ["L2 length, variation", Number(lengths.l2_variation, 3), "0: nothing was thrown away"],
        ["L1 length, median", Number(lengths.l1_median, 3), "before normalising"],
        ["sparsity", Number(lengths.sparsity, 3), "0: all numbers alike, 1: one number alone"],
        ["stays under L1", Number(lengths.l1_overlap, 3), "1: L1 instead of L2 changes nothing"],
        ["length of the mean", Number(shape.mean_length, 3), "0: spread evenly, 1: all the same"],
        ["mean cosine of two", Number(shape.anisotropy, 3), "0: no direction is preferred"],
        ["effective rank", Number(shape.effective_rank, 1), f"{found.dims}: all are used alike"],
        ["intrinsic dimension", Number(shape.intrinsic_dimension, 1), "how neighbours multiply"],
        ["contrast", Number(shape.contrast, 2), "0: the farthest is as near as the nearest"],
        ["hubness", Number(hubs.skewness, 2), "above 1: some are near to very many"],
        ["nearest of nobody", Number(hubs.never, 3), "share of documents that kNN hardly finds"],
        ["twins", Number(found.duplicates.documents, 3), f"share with a cosine ≥ {NEAR_DUPLICATE}"],
        ["stays under dot product", Number(found.agreement.dot, 3), "1: lengths decide nothing"],
        ["stays under Euclidean", Number(found.agreement.euclidean, 3), "1: as above"],
    ]
    note = f"“stays”: share of the {NEIGHBOURS} nearest that are the same as by cosine"
    return Table("What was measured", ("", "value", "to compare"), rows, [note])


def _judged(found: Diagnosis) -> Iterator[Table]:
    if found.judged is None:
        return
    rows: list[Sequence[Cell]] = [
        [name, ranged(one.mean, one.low, one.high)] for name, one in found.judged.items()
    ]
    yield Table(f"{MEASURE} of the judged queries, kNN alone", ("similarity", MEASURE), rows)


def _documents(found: Diagnosis) -> Iterator[Table]:
    if found.hubs.skewness > 1:
        shown = ", ".join(found.hub_ids[:_SHOWN])
        rows = [[f"neighbours of most, one of {found.hubs.largest:,}", shown]]
        yield Table("Hubs", ("", "ids"), rows)
    if found.duplicate_ids:
        twins = [list(pair) for pair in found.duplicate_ids[:_SHOWN]]
        yield Table("Twins", ("id", "id"), twins)


def _figures(found: Diagnosis) -> Iterator[Figure]:
    here, even = pair_distances(found.units)
    edges = np.linspace(0, 2, _BINS + 1)
    shares = [np.histogram(one, edges)[0] / len(one) for one in (here, even)]
    yield Lines(
        "How far two documents are from each other",
        f"distances here have mean {here.mean():.2f} and standard deviation {here.std():.2f}; "
        f"evenly spread directions in {found.dims} dimensions {even.mean():.2f} and "
        f"{even.std():.2f}: the narrower, the less a distance can say",
        "Euclidean distance of unit vectors",
        ((edges[1:] + edges[:-1]) / 2).tolist(),
        {f"{found.name}": shares[0].tolist(), "evenly spread": shares[1].tolist()},
        unit="share of pairs",
    )
    if found.judged:
        points = [Point(one.mean, one.low, one.high) for one in found.judged.values()]
        told = ", ".join(f"{name} {one.mean:.3f}" for name, one in found.judged.items())
        yield Bars(f"{MEASURE} by similarity", told, list(found.judged), {"kNN": points})
