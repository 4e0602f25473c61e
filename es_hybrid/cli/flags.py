"""Arguments and options that several commands have, written once."""

from __future__ import annotations

from typing import Annotated

import typer

# Told by `search` as well, in a panel of its own.
FILTER = "field=value, or a clause as JSON; several must all hold."
EMBEDDER = "Needed only if the index was made with one of your own."

Name = Annotated[str, typer.Argument(help="An index, or an alias of one.", metavar="NAME")]
Filter = Annotated[list[str] | None, typer.Option(help=FILTER)]
Embedder = Annotated[str | None, typer.Option(help=EMBEDDER)]
NodeName = Annotated[
    str | None,
    typer.Option("--name", help="Which node, if you keep several.", envvar="ES_HYBRID_NODE"),
]
ShowPassword = Annotated[
    bool, typer.Option("--show-password", help="Print the password of a secured node.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
