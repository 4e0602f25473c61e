"""``es-hybrid compare``: which picture embedder suits one's own pictures; asks no server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from es_hybrid.cli.reporting import Json, ReportFile, check_report, counting, deliver, listed


def compare(
    folder: Annotated[
        Path, typer.Argument(help="Holds a folder of pictures for each label.", metavar="FOLDER")
    ],
    embedders: Annotated[
        str, typer.Option(help="For pictures, with commas in between.", metavar="A,B,C")
    ] = "efficientnet-lite2",
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Compare picture embedders on labelled folders.

    Each picture is asked for among all others: do those of its own label come first?

    Example: es-hybrid compare photos --embedders efficientnet-lite2,dinov2:vits14
    """
    from es_hybrid.comparison import compare as compared
    from es_hybrid.comparison import labelled
    from es_hybrid.comparison.told import comparison_report

    check_report(report)
    specs = listed("--embedders", embedders)
    with counting("pictures embedded") as counted:
        found = compared(labelled(folder), specs, counted=counted)
    deliver(found, lambda: comparison_report(found), file=report, as_json=as_json)
