"""Clusters as a report, and as a map."""

from __future__ import annotations

from collections.abc import Sequence

from es_hybrid.clusters.clusters import Found
from es_hybrid.reports import Cell, Dot, Number, Report, Scatter, Table

_ON_MAP = 2  # words of a label


def clusters_report(found: Found) -> Report:
    """What was found; with the map where there is one."""
    return Report(
        f"Clusters of {found.name}",
        (
            ("embedder", found.embedder),
            ("documents", Number(found.documents)),
            ("clusters", Number(len(found.clusters))),
            ("silhouette", Number(found.silhouettes[len(found.clusters)], 3)),
        ),
        [_clusters(found), *_tried(found), *_written(found)],
        [drawn(found)] if found.places else [],
        _notes(found),
    )


def drawn(found: Found) -> Scatter:
    """The map."""
    dots = [
        Dot(
            one.x, one.y, one.cluster, f"{one.text}\n{one.id} · {found.clusters[one.cluster].label}"
        )
        for one in found.places
    ]
    names = [", ".join(one.words[:_ON_MAP]) or one.label for one in found.clusters]
    sizes = "; ".join(f"{one.label} ({one.documents:,})" for one in found.clusters)
    return Scatter(
        "What lies together",
        f"{len(dots):,} documents in {len(names)} clusters: {sizes}. Neighbours on the map are "
        "neighbours by meaning; distances between groups mean nothing (t-SNE)",
        dots,
        names,
    )


def _clusters(found: Found) -> Table:
    rows: list[Sequence[Cell]] = [
        [str(one.id), one.label, Number(one.documents), "\n".join(one.texts)]
        for one in sorted(found.clusters, key=lambda one: -one.documents)
    ]
    note = "the label has the words that a cluster has more of than the others (c-TF-IDF)"
    return Table("Clusters", ("id", "label", "documents", "nearest to the centre"), rows, [note])


def _tried(found: Found) -> list[Table]:
    if len(found.silhouettes) < 2:
        return []
    rows: list[Sequence[Cell]] = [
        [str(number), Number(value, 3)] for number, value in found.silhouettes.items()
    ]
    note = "-1 to 1: the higher, the better the clusters are apart; the best number was taken"
    return [Table("How many clusters", ("clusters", "silhouette"), rows, [note])]


def _written(found: Found) -> list[Table]:
    one = found.written
    if one is None:
        return []
    rows: list[Sequence[Cell]] = [
        ["written", Number(one.written)],
        ["unchanged", Number(one.unchanged)],
        ["gone meanwhile", Number(one.gone)],
        ["refused", Number(one.refused)],
        ["changed by others meanwhile, and read again", Number(one.conflicts)],
    ]
    return [Table("Written back", ("documents", "count"), rows)]


def _notes(found: Found) -> Sequence[str]:
    notes = []
    tried = list(found.silhouettes)
    if len(tried) > 1 and len(found.clusters) == max(tried):
        notes.append(
            f"{max(tried)} clusters were the most that was tried, and the best: more may be better "
            "still (--clusters)"
        )
    if found.silhouettes[len(found.clusters)] < 0.1:
        notes.append(
            f"the silhouette is {found.silhouettes[len(found.clusters)]:.3f}: the clusters run "
            "into each other, and another number of them may serve as well (--clusters)"
        )
    if found.written is None:
        notes.append("nothing was written: --write-back adds number and label to the documents")
    return notes
