"""The application: its commands, and how an error becomes one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

from es_hybrid.cli.align import align
from es_hybrid.cli.anomalies import anomalies
from es_hybrid.cli.classify import classify
from es_hybrid.cli.clusters import clusters
from es_hybrid.cli.comparison import compare
from es_hybrid.cli.dead_letters import dead_letters
from es_hybrid.cli.diagnosis import diagnose
from es_hybrid.cli.doctor import doctor
from es_hybrid.cli.embedders import embedders
from es_hybrid.cli.evaluation import evaluate
from es_hybrid.cli.existing import adopt, enrich, rebuild, rollback, status
from es_hybrid.cli.help import Command, Group
from es_hybrid.cli.index import index
from es_hybrid.cli.keys import keys
from es_hybrid.cli.models import models
from es_hybrid.cli.node import down, up
from es_hybrid.cli.output import Interrupted, fail
from es_hybrid.cli.plan import plan
from es_hybrid.cli.recall import recall
from es_hybrid.cli.search import search
from es_hybrid.cli.transform import transform
from es_hybrid.cli.tuning import tune
from es_hybrid.cli.words import words
from es_hybrid.errors import EsHybridError, UsageError

USAGE, FAILURE, INTERRUPTED = 2, 1, 130

# click's root of what a command line can do wrong. typer brings click along since 0.26 and used
# the real one before, so that it has no public name that always holds.
_CommandLineError: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="es-hybrid",
    cls=Group,
    help=(
        "Hybrid search on Elasticsearch: BM25 and kNN, fused by rank, on any licence.\n\n"
        "\b\n"
        "Begin with:\n"
        "  es-hybrid up\n"
        "  es-hybrid index films films.jsonl\n"
        '  es-hybrid search films "a storm at sea"'
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_NODE, _DATA = "The embedded Elasticsearch", "Documents"
_EXISTING = "Indices that exist already"
_MODELS = "Embedders"
_MEASURED = "Measuring, and planning"
for command, panel in (
    (index, _DATA),
    (search, _DATA),
    (classify, _DATA),
    (enrich, _EXISTING),
    (adopt, _EXISTING),
    (rebuild, _EXISTING),
    (rollback, _EXISTING),
    (recall, _MEASURED),
    (plan, _MEASURED),
    (diagnose, _MEASURED),
    (transform, _MEASURED),
    (tune, _MEASURED),
    (anomalies, _MEASURED),
    (clusters, _MEASURED),
    (up, _NODE),
    (down, _NODE),
    (status, _NODE),
    (doctor, "When something does not work"),
):
    app.command(cls=Command, rich_help_panel=panel)(command)
app.command("eval", cls=Command, rich_help_panel=_MEASURED)(evaluate)  # eval is Python's own
app.add_typer(dead_letters, rich_help_panel=_DATA)
app.command(cls=Command, rich_help_panel=_MODELS)(embedders)
for command in (align, compare):
    app.command(cls=Command, rich_help_panel=_MODELS)(command)
app.add_typer(words, rich_help_panel=_MODELS)
app.add_typer(models, rich_help_panel=_MEASURED)
app.add_typer(keys, rich_help_panel="Access")


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


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit; a user's mistake ends in one line and code 1, or 2 for usage.

    Args:
        arguments: what was typed behind ``es-hybrid``; None takes the process's own. Without
            any, the help is shown.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal without Korean letters, say
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given or ["--help"]))


def _run(arguments: Sequence[str]) -> int:
    """The exit code of one command; its errors have been printed."""
    as_json = "--json" in arguments
    try:
        _check_encoding(arguments)
        code = app(list(arguments), prog_name="es-hybrid", standalone_mode=False) or 0
    except _CommandLineError as error:
        return fail("UsageError", _advised(error), code=error.exit_code, as_json=as_json)
    except EsHybridError as error:
        code = USAGE if isinstance(error, UsageError) else FAILURE
        return fail(type(error).__name__, str(error), code=code, as_json=as_json)
    except (Interrupted, typer.Abort, KeyboardInterrupt) as error:
        return _interrupted(str(error), as_json=as_json)
    except OSError as error:
        where = f"{error.filename!r}: " if error.filename else ""
        message = f"{where}{error.strerror or error}: check the path, your rights and the disk"
        return fail(type(error).__name__, message, code=FAILURE, as_json=as_json)
    # typer turns Ctrl-C into this code by itself.
    return _interrupted("", as_json=as_json) if code == INTERRUPTED else int(code)


def _check_encoding(arguments: Sequence[str]) -> None:
    """Bytes that are no UTF-8 may name a file, but cannot be sent to Elasticsearch."""
    for argument in arguments:
        undecoded = any("\udc80" <= letter <= "\udcff" for letter in argument)
        if undecoded and not Path(argument).exists():
            raise UsageError(f"{argument!r} is not UTF-8: type it in a terminal that speaks UTF-8")


def _advised(error: Any) -> str:
    command = error.ctx.command_path if getattr(error, "ctx", None) else "es-hybrid"
    return f"{error.format_message().rstrip('.')}: see {command} --help"


def _interrupted(message: str, *, as_json: bool) -> int:
    return fail("Interrupted", message or "interrupted", code=INTERRUPTED, as_json=as_json)
