"""``es-hybrid index``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.groups import with_groups
from es_hybrid.cli.index_flags import Flags, RunFlags
from es_hybrid.cli.index_options import IndexOptions
from es_hybrid.cli.output import fail, interruptible, print_json, printable, say, stop
from es_hybrid.errors import TooManyRejected, UsageError
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.indexing import Report
    from es_hybrid.sources import Source

_FAILED = 1
_SHOWN = 10  # problems; the dead letters have them all


@with_client
@with_groups
def index(
    client: Any,
    name: Annotated[
        str, typer.Argument(help="The alias to write through, such as films.", metavar="NAME")
    ],
    paths: Annotated[
        list[str],
        typer.Argument(
            help="JSON Lines, CSV, TSV (also gzipped), Parquet, text, Markdown and HTML files, "
            "folders, patterns; - reads stdin. With --mapping images: a folder of pictures.",
            metavar="PATH",
        ),
    ],
    *,
    flags: Flags,
    run: RunFlags,
) -> None:
    """Index documents with their vectors.

    Run it again with the same or newer files: what did not change is neither embedded nor
    written, and where only other fields than the text did, nothing is embedded. A run that was
    stopped, even by kill -9, is gone on with by the same command: what it settled is noted in
    $XDG_STATE_HOME/es-hybrid. What cannot be indexed is kept with its reason: see es-hybrid
    dead-letters.

    Example: es-hybrid index films films.jsonl --analysis english
    """
    options = flags.options()
    if run.prune and options.source is None:
        check_one_name(paths)
    letters = run.dead_letters or Path(f"{name}.dead-letters.ndjson")
    indexer = indexer_of(client, name, options, letters=letters, **run.arguments())
    source = source_of(paths, options, allow_urls=run.allow_urls)
    try:
        report = _written(indexer, source)
    except TooManyRejected as error:
        _tell(error.report, letters, as_json=run.as_json)
        stop(fail(type(error).__name__, str(error), code=_FAILED, as_json=False))
    _tell(report, letters, as_json=run.as_json)
    if report.not_pruned or not (report.complete or run.allow_failures):
        stop(_FAILED)


def source_of(paths: list[str], options: IndexOptions, *, allow_urls: bool = False) -> Source:
    """What is to be read.

    Raises:
        UsageError: several folders of pictures, or captions of what are none.
        SourceError: a path is missing, empty, or not what it claims.
    """
    from es_hybrid.sources import open_source

    mapping = options.mapping or "documents"
    if mapping not in ("documents", "images"):
        raise UsageError(f"mapping {mapping!r} is not one of documents, images")
    if mapping == "images":
        return _pictures(paths, options, allow_urls=allow_urls)
    if allow_urls:
        raise UsageError("--allow-urls is about pictures: add --mapping images, or leave it out")
    if options.captions is not None:
        raise UsageError("--captions are of pictures: add --mapping images, or leave them out")
    return open_source(paths, delimiter=options.delimiter, encoding=options.encoding)


def _pictures(paths: list[str], options: IndexOptions, *, allow_urls: bool) -> Source:
    """A folder of pictures, or a file of records that name some."""
    from es_hybrid.pictures import SUFFIXES
    from es_hybrid.sources import PictureRecords, Pictures, open_source

    if len(paths) != 1:
        raise UsageError(
            f"{len(paths)} paths, and ids of pictures are their paths below one folder: name "
            "that folder"
        )
    path = Path(paths[0])
    if path.suffix.lower() in SUFFIXES or not path.is_file():
        return Pictures(path, captions=options.captions)
    if options.captions is not None:
        raise UsageError("--captions are for a folder of pictures; records bring theirs along")
    records = open_source(paths, delimiter=options.delimiter, encoding=options.encoding)
    return PictureRecords(records, folder=path.parent, allow_urls=allow_urls)


def check_one_name(paths: list[str]) -> None:
    """Refuse to prune by a name that may be another one tomorrow.

    Raises:
        UsageError: the input is not one file or folder.
    """
    if len(paths) != 1 or not Path(paths[0]).exists():
        raise UsageError(
            f"--prune deletes what one source has no more, and {' '.join(paths)!r} is called "
            "after its files: give it a name that stays, as --source films"
        )


def indexer_of(client: Any, name: str, options: IndexOptions, *, letters: Path, **more: Any) -> Any:
    """The indexer that was asked for; `more` are arguments that no settings file has."""
    from es_hybrid.indexing import Indexer

    return Indexer(client, name, dead_letters=letters, **options.arguments(), **more)


def _written(indexer: Any, source: Any) -> Report:
    from es_hybrid.cli.progress import progress_bar

    with (
        progress_bar("indexing", shown=sys.stderr.isatty()) as bar,
        _drained(),
        interruptible(
            lambda: (
                f"interrupted after {counted(bar.done, 'record')}: all that Elasticsearch "
                "confirmed is in the index; run the same command again, and it goes on from there"
            )
        ),
    ):
        report: Report = indexer.write(source, progress=bar.update)
    return report


@contextmanager
def _drained() -> Iterator[None]:
    """A process that is asked to end does so like one at Ctrl-C: what is on its way arrives."""
    if current_thread() is not main_thread():  # no other may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(report: Report, letters: Path, *, as_json: bool) -> None:
    """The report, on stdout; what else is to be known, on stderr."""
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    for note in (*report.notes, *_seen(report)):
        say(printable(note))
    _complain(report, letters)


def _print(report: Report) -> None:
    new = ", new" if report.created else ""
    rate = report.embedded / max(report.embedding_seconds, 0.001)
    pace = f" ({rate:,.0f} a second)" if report.embedded else ""
    pieces = f" in {counted(report.passages, 'passage')}" if report.passages else ""
    detected = " (detected)" if report.analysis_detected else ""
    near = "" if report.similarity == "cosine" else f", {report.similarity}"
    superseded = f" ({report.superseded:,} superseded)" if report.superseded else ""
    rewritten = f", {report.rewritten:,} with the vectors that they had" if report.rewritten else ""
    pruned = f"{report.pruned:,} of {report.gone:,} gone ones pruned\n" if report.gone else ""
    typer.echo(
        f"{report.name} ({report.index}{new}): {report.analysis}{detected} analysis, "
        f"{report.embedder} embeddings, {report.vector_index} vectors{near}\n"
        f"{report.read:,} read = {report.indexed:,} indexed + "
        f"{report.unchanged:,} unchanged{superseded} + "
        f"{report.dead_lettered:,} dead-lettered + {report.rejected:,} rejected\n"
        f"{pruned}"
        f"{report.embedded:,} embedded{pieces}{pace}{rewritten}, {report.seconds:,.1f} s in all"
    )
    if report.indexed or report.unchanged:
        typer.echo(f"search it: es-hybrid search {report.name} {_search_for(report.embedder)}")


def _search_for(embedder: str) -> str:
    """What can be looked for: models that see pictures alone read no words."""
    from es_hybrid.embedders.kinds import reads_texts

    if embedder.startswith("given:"):
        return '"some words" --mode bm25'
    if not reads_texts(embedder):
        return '--image FILE, or "words of captions" --mode bm25'
    return '"some words"'


def _seen(report: Report) -> Iterator[str]:
    """What the input had that is not in the index under its own name, or not whole."""
    if report.resumed:
        yield (
            "an interrupted run was gone on with: it had settled "
            f"{counted(report.resumed, 'record')} (--restart begins anew)"
        )
    if report.not_pruned:
        more = "; see that the source is whole, then add --yes" if report.gone else ""
        yield f"not pruned: {report.not_pruned}{more}"
    for column, stored in report.renamed.items():
        yield f"column {column!r} is kept as {stored!r}: Elasticsearch has the first for itself"
    if report.created and report.unseen:
        names = ", ".join(map(repr, report.unseen))
        yield f"no record has {names}: check --map, --field and --text-fields"
    if report.created and report.made_ids:
        yield (
            f"without an _id: {report.made_ids:,} of {counted(report.read, 'record')}. It is made "
            "from the content, so that one that changes is indexed beside its old self; if a field "
            "holds ids, index under another name with --id-field"
        )
    if report.truncated:
        long = counted(report.truncated, "text is", "texts are")
        yield (
            f"{long} longer than {report.embedder} reads at once, so that vectors miss or blur "
            "what comes later: index under another name with --passages 256:32"
        )
    if report.left_out:
        told = ", ".join(f"{count:,} {kind}" for kind, count in report.left_out.items())
        yield f"left out: {told}"


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
            f"not indexed: {lost:,} of {counted(report.read, 'record')}; {letters} has them all, "
            f"with reasons: es-hybrid dead-letters show {letters}"
        )
