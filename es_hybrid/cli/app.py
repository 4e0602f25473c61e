"""The application: its commands, and how an error becomes one line and an exit code."""

from __future__ import annotations

import sys

import typer

from es_hybrid.cli.doctor import doctor
from es_hybrid.cli.index import index
from es_hybrid.cli.node import down, status, up
from es_hybrid.cli.output import fail
from es_hybrid.cli.search import search
from es_hybrid.errors import EsHybridError, UsageError

USAGE, FAILURE, INTERRUPTED = 2, 1, 130

app = typer.Typer(
    name="es-hybrid",
    help=(
        "Hybrid search on Elasticsearch: BM25 and kNN, fused by rank, on any licence.\n\n"
        "Begin with: es-hybrid up; es-hybrid index films films.jsonl; "
        'es-hybrid search films "a storm at sea"'
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_NODE, _DATA = "The embedded Elasticsearch", "Documents"
for command, panel in (
    (index, _DATA),
    (search, _DATA),
    (up, _NODE),
    (down, _NODE),
    (status, _NODE),
    (doctor, "Help"),
):
    app.command(rich_help_panel=panel)(command)


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(f"es-hybrid {version('es_hybrid')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass


def main() -> None:
    """Run a command; a user's mistake ends in one line and exit code 1, or 2 for usage."""
    try:
        app()
    except UsageError as error:
        sys.exit(fail(error, code=USAGE))
    except EsHybridError as error:
        sys.exit(fail(error, code=FAILURE))
    except BrokenPipeError:  # `es-hybrid search … | head`
        sys.stderr.close()
        sys.exit(FAILURE)
