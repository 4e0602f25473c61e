"""``es-hybrid tune``: how the legs of an index are best fused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Embedder
from es_hybrid.cli.output import interruptible, print_json, printable
from es_hybrid.cli.reporting import Json, ReportFile, check_report, counting, show, write_page
from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from es_hybrid.evaluation.tuning import KnownItems, Report
    from es_hybrid.reports import Report as Told
    from es_hybrid.search import Searcher
    from es_hybrid.tuned import Tuned

_INTERRUPTED = "interrupted: nothing was written, searches are as before"


@with_client
def tune(
    client: Any,
    name: Annotated[
        str, typer.Argument(help="The alias, index or pattern to tune.", metavar="NAME")
    ],
    queries: Annotated[
        Path | None,
        typer.Option(
            help="A BEIR folder, or a file of queries: JSON Lines (_id, text), or id, tab, text.",
            metavar="PATH",
        ),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option(help="Which documents answer them: TREC's or BEIR's.", metavar="FILE"),
    ] = None,
    itself: Annotated[
        bool,
        typer.Option("--self", help="Without judgements: by titles drawn from the documents."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what came out, and write nothing.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Take away what was tuned; searches are as before.")
    ] = False,
    embedder: Embedder = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Find how BM25 and kNN are best fused for an index, and let searches use it.

    By judged queries: both legs are asked once, thousands of ways to fuse them are tried, and
    what that gains is measured on queries that had no part in the choice. Without judgements:
    each of some documents is looked for by its own title.

    Example: es-hybrid tune films --queries judged/
    """
    from es_hybrid.search import Searcher

    _check(queries, qrels, itself=itself, forget=forget)
    _check_page(report, forget=forget)
    searcher = Searcher(client, name, embedder=embedder, fusion="client")
    if forget:
        _store(searcher, None)
        typer.echo(f"{name}: searches fuse both legs as if nothing had been tuned")
        return
    found = _by_itself(searcher) if queries is None else _judged(searcher, queries, qrels)
    writes = found.worth_it and not dry_run
    if writes:
        _store(searcher, found.tuned)
    told = partial(_told, found, name=f"{name} ({searcher.searched().index})")
    if as_json:
        print_json({**found.to_dict(), "written": writes})
    else:
        show(told())
        where = f"written to {searcher.searched().index}" if writes else "not written"
        typer.echo(f"{where}: {printable(str(found.tuned.setting))}")
        if writes:
            typer.echo(f"es-hybrid search {name} uses it; --no-tuned leaves it aside")
    write_page(told, report)


def _check(queries: Path | None, qrels: Path | None, *, itself: bool, forget: bool) -> None:
    given = [
        name
        for name, wanted in (("--queries", queries), ("--self", itself), ("--forget", forget))
        if wanted
    ]
    if not given:
        raise UsageError(
            "nothing says what is good: give --queries and --qrels, or --self, which draws "
            "queries from the documents"
        )
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} are different ways: give one of them")
    if qrels is not None and queries is None:
        raise UsageError("--qrels are of --queries: give both")


def _check_page(file: Path | None, *, forget: bool) -> None:
    if forget and file is not None:
        raise UsageError(f"--forget measures nothing: leave --report {file} out")
    check_report(file)


def _judged(searcher: Searcher, queries: Path, qrels: Path | None) -> Report:
    from es_hybrid.evaluation import read_collection
    from es_hybrid.evaluation.tuning import tune as tuned
    from es_hybrid.tuned import UNTUNED

    collection = read_collection(queries, qrels)
    with counting("asking both legs") as progress, interruptible(lambda: _INTERRUPTED):
        return tuned(searcher, collection, untuned=UNTUNED, progress=progress)


def _by_itself(searcher: Searcher) -> KnownItems:
    from es_hybrid.evaluation.tuning import tune_by_itself

    with counting("looking for documents") as progress, interruptible(lambda: _INTERRUPTED):
        return tune_by_itself(searcher, progress=progress)


def _store(searcher: Searcher, tuned: Tuned | None) -> None:
    from es_hybrid.evaluation.tuning import store

    for index in searcher.searched().contracts:
        store(searcher.client, index, tuned)


def _told(found: Report | KnownItems, *, name: str) -> Told:
    from es_hybrid.evaluation.tuning import Report
    from es_hybrid.evaluation.tuning.told import judged_report, known_items_report

    if isinstance(found, Report):
        return judged_report(found, name=name)
    return known_items_report(found, name=name)
