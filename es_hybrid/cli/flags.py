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
