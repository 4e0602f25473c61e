"""What commands print: JSON for machines on stdout, tables for people, problems on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

# A table that goes into a pipe or a file is not cut to the width of any screen.
_UNLIMITED = 10_000


class Interrupted(Exception):
    """Ctrl-C, and what the user should know about what was done until then."""


@contextmanager
def interruptible(told: Callable[[], str]) -> Iterator[None]:
    """Let Ctrl-C end this with a line for the user.

    Args:
        told: makes that line, of what was done until then.

    Raises:
        Interrupted: at Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(told()) from None


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    escaped = "utf" not in (sys.stdout.encoding or "").lower()
    typer.echo(json.dumps(value, ensure_ascii=escaped, indent=2, default=str))


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def fail(kind: str, message: str, *, code: int, as_json: bool) -> int:
    """Print an error as one line on stderr, with `as_json` also as JSON on stdout."""
    line = printable(" ".join(message.split()))
    say(styled("error: ", fg="red", bold=True) + line)
    if as_json:
        print_json({"error": {"kind": kind, "message": line}})
    return code


def stop(code: int) -> NoReturn:
    """Leave with this exit code; what had to be said has been said."""
    raise typer.Exit(code)


def styled(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """`text` in a style, unless the user wants none; what is no terminal gets it plain anyway."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, fg=fg, bold=bold)


def printable(text: str) -> str:
    r"""`text` without what a terminal would obey instead of showing it.

    >>> printable("red: \x1b[31m")
    'red:  [31m'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width() -> int:
    """Columns that a line on stdout may have."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return typer.get_terminal_size().columns
    return _UNLIMITED


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; numbers (columns that end in ``#``) are set to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for column in columns:
        number = column.endswith("#")
        made.add_column(
            column.removesuffix("#"), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*(Text("\n".join(map(printable, cell.split("\n")))) for cell in row))
    console = Console(width=width())
    with console.capture() as captured:
        console.print(made)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())
