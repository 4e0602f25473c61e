"""``--patience``: how long a command that writes waits for its cluster."""

from __future__ import annotations

from typing import Annotated

import typer

Patience = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Wait so long for a cluster that is busy, blocked or not there, then stop; the same "
        "command goes on later. Default: 300.",
        metavar="SECONDS",
        rich_help_panel="Runs",
    ),
]


def patiently(patience: float | None) -> dict[str, float]:
    """The argument of what writes; it has its own default."""
    return {} if patience is None else {"patience": patience}
