"""``es-hybrid align``: queries in words for pictures, without a CLIP model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from es_hybrid.cli.output import say
from es_hybrid.cli.reporting import Json, counting, deliver
from es_hybrid.errors import UsageError
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.alignment.making import Made
    from es_hybrid.reports import Report


def align(
    captions: Annotated[
        Path,
        typer.Argument(
            help="JSON, file name -> captions, or CSV: file name, caption.", metavar="CAPTIONS"
        ),
    ],
    images: Annotated[Path, typer.Option(help="Folder of the pictures.", metavar="FOLDER")],
    out: Annotated[
        Path, typer.Option(help="File for the map; FILE.json comes beside it.", metavar="FILE")
    ],
    text: Annotated[str, typer.Option(help="Embedder of the captions.")] = "e5-small",
    image: Annotated[str, typer.Option(help="Embedder of the pictures.")] = "efficientnet-lite2",
    as_json: Json = False,
) -> None:
    """Fit a linear map from pictures to words, for --embedder aligned:FILE.

    Every fifth picture is held out, and its captions are asked for it.

    Example: es-hybrid align captions.json --images photos --out photos.map
    """
    from es_hybrid.alignment import read_captions
    from es_hybrid.alignment.making import make

    if out.is_dir() or not out.resolve().parent.is_dir():
        raise UsageError(f"--out {out}: name a file in a folder that exists")
    pictures = read_captions(captions, images)
    with counting("pictures embedded") as draw:
        made = make(pictures, out, text=text, image=image, counted=draw)
    deliver(made, lambda: _told(made), file=None, as_json=as_json)
    for name, reason in list(made.left_out.items())[:10]:
        say(f"{name} was left out: {reason}")


def _told(made: Made) -> Report:
    from es_hybrid.reports import Cell, Number, Report, Table

    found = made.alignment
    rows: list[list[Cell]] = [
        [name, *(Number(recall[k], 3) for k in recall)]
        for name, recall in (
            ("every fifth held out", found.recall),
            (f"mean of {len(found.splits)} random splits", found.mean),
            ("by chance", {k: min(1.0, k / found.held_out) for k in found.recall}),
        )
    ]
    chosen = found.fitted
    how = f"lambda {chosen.strength:g}, queries {'' if chosen.centred else 'not '}centred"
    title = f"{made.file}: {counted(found.pairs, 'picture')}, {counted(made.captions, 'caption')}"
    table = Table(
        title=f"captions that find their picture among {found.held_out:,} never seen",
        columns=["", *(f"R@{k}" for k in found.recall)],
        rows=rows,
        notes=(
            f"{how}: chosen by cross-validation inside the pictures that were fitted",
            f"use it: --embedder aligned:{made.file}",
        ),
    )
    return Report(title, tables=[table])
