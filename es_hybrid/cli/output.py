"""What commands print: JSON for machines on stdout, tables for people, problems on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer


def print_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can say
    """One JSON value on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def fail(error: Exception, *, code: int) -> int:
    """Print an error as one line on stderr, and as JSON on stdout where --json asked for it."""
    line = " ".join(str(error).split())
    say(typer.style("error: ", fg="red", bold=True) + line)
    if "--json" in sys.argv:
        print_json({"error": {"kind": type(error).__name__, "message": line}})
    return code


def stop(code: int) -> NoReturn:
    """Leave with this exit code; what had to be said has been said."""
    raise typer.Exit(code)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """A table on stdout; numbers (columns that end in ``#``) are set to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        number = column.endswith("#")
        made.add_column(column.removesuffix("#"), justify="right" if number else "left")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    Console(soft_wrap=False).print(made)
