"""A comparison as tables and a figure."""

from __future__ import annotations

from es_hybrid.comparison.comparing import Compared, Comparison
from es_hybrid.comparison.measured import AT
from es_hybrid.reports import Bars, Cell, Number, Point, Report, Table

# How the families differ that people choose among; said of those that were compared.
_FAMILIES = {
    "open_clip:ViT-B-32": "CLIP ViT-B/32 looks at 7 x 7 patches and reads texts: 512-d, about what "
    "a picture is, little of fine detail",
    "open_clip:RN50": "CLIP RN50 is a convolutional net with a side for texts: 1024-d, twice the "
    "room for what is seldom better than ViT-B/32",
    "dinov2:": "DINOv2 learned from pictures alone: near in looks, parts and texture, often best "
    "from picture to picture, and reads no texts",
}


def comparison_report(found: Comparison) -> Report:
    """All measures, and how often each embedder is right, as bars."""
    return Report(
        f"{len(found.embedders)} embedders on {found.pictures:,} pictures of "
        f"{len(found.labels):,} labels",
        tables=[_table(found)],
        figures=[_figure(found)],
        notes=[*_families(found), *(f"{file}: {why}" for file, why in found.left_out.items())],
    )


def _table(found: Comparison) -> Table:
    columns = ["embedder", "kNN accuracy", "mAP", *(f"R@{k}" for k in AT)]
    return Table(
        title="each picture asked for among all others",
        columns=[*columns, "dims", "MB per million", "pictures/s"],
        rows=[_row(one) for one in found.embedders],
        notes=["kNN accuracy: the 5 nearest others vote; R@k: one of the k nearest is right"],
    )


def _row(one: Compared) -> list[Cell]:
    measured = one.separation
    return [
        one.name,
        Number(measured.accuracy, 3),
        Number(measured.mean_average_precision, 3),
        *(Number(measured.recall[k], 3) for k in AT),
        Number(one.dims),
        Number(one.megabytes),
        Number(one.per_second, 1),
    ]


def _figure(found: Comparison) -> Bars:
    best = max(found.embedders, key=lambda one: one.separation.accuracy)
    return Bars(
        title="How often the neighbours' label is right",
        told=f"{best.name} is right most often, {best.separation.accuracy:.0%} of the time.",
        groups=[one.name for one in found.embedders],
        series={
            "kNN accuracy": [Point(one.separation.accuracy) for one in found.embedders],
            "mAP": [Point(one.separation.mean_average_precision) for one in found.embedders],
        },
    )


def _families(found: Comparison) -> list[str]:
    names = [one.name for one in found.embedders]
    return [
        said for begin, said in _FAMILIES.items() if any(name.startswith(begin) for name in names)
    ]
