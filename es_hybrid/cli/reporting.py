"""Reports on a terminal, in a file, or as JSON; and how far a measurement is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.output import print_json, printable, say, table

if TYPE_CHECKING:
    from es_hybrid.reports import Report, Table

ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Write a page with figures, such as out.html.", metavar="FILE"),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def listed(option: str, text: str) -> list[str]:
    """The parts of ``bm25,knn``; each once.

    Raises:
        UsageError: one is empty, or there twice.
    """
    from es_hybrid.errors import UsageError

    found = [part.strip() for part in text.split(",")]
    if not all(found) or len(set(found)) < len(found):
        raise UsageError(f"{option} {text!r} has an empty or doubled part: write it like a,b,c")
    return found


def check_report(file: Path | None) -> None:
    """Refuse a page that cannot be written before anything is measured.

    Raises:
        UsageError: its folder is missing, or it is one.
        EsHybridError: what draws figures is not installed.
    """
    if file is None:
        return
    from importlib.util import find_spec

    from es_hybrid.errors import EsHybridError, UsageError

    if file.is_dir() or not file.resolve().parent.is_dir():
        raise UsageError(f"--report {file}: name a file in a folder that exists")
    if missing := [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]:
        raise EsHybridError(f"--report needs {missing[0]}: pip install 'es_hybrid[report]'")


def deliver(result: Any, report: Callable[[], Report], *, file: Path | None, as_json: bool) -> None:
    """Print a result, and write its page where one is wanted.

    Args:
        result: has ``to_dict``.
        report: makes its report.
        file: of the page.
        as_json: print JSON instead of tables.
    """
    if as_json:
        print_json(result.to_dict())
    else:
        show(report())
    write_page(report, file)


def write_page(report: Callable[[], Report], file: Path | None) -> None:
    """Write the page of a report, and say where it is; nothing without a file."""
    if file is not None:
        from es_hybrid.reports import page

        file.write_text(page(report()), "utf-8")
        say(f"the page is in {file}")


def show(report: Report) -> None:
    """Print a report's tables and notes."""
    typer.echo(printable(report.title))
    for one in report.tables:
        show_table(one)
    for note in report.notes:
        typer.echo(printable(f"note: {note}"))


def show_table(one: Table) -> None:
    """Print a table with its title and notes, a line apart from what is above."""
    typer.echo(f"\n{printable(one.title)}")
    columns = [f"{name}#" if one.numeric(at) else name for at, name in enumerate(one.columns)]
    table(columns, [[str(cell) for cell in row] for row in one.rows])
    for note in one.notes:
        typer.echo(printable(note))


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for a measurement, on stderr and only at a terminal: told how many of how many."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as drawing:
        task = drawing.add_task(title, total=None)
        yield lambda done, total: drawing.update(task, completed=done, total=total)
