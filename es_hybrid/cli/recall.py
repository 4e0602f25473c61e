"""``es-hybrid recall``: how much approximate kNN misses, and how many candidates it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Embedder, Name
from es_hybrid.cli.output import interruptible
from es_hybrid.cli.reporting import (
    Json,
    ReportFile,
    check_report,
    counting,
    deliver,
    listed,
)
from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from es_hybrid.recall import Sampled
    from es_hybrid.vector_stream import VectorIndex


@with_client
def recall(
    client: Any,
    name: Name,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="What people type: a BEIR folder, JSON Lines (_id, text), or id, tab, text. "
            "Without it documents are asked for their neighbours.",
            metavar="PATH",
        ),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Queries to ask.")] = 200,
    k: Annotated[int, typer.Option("--k", "-k", help="Nearest documents to look for.")] = 10,
    candidates: Annotated[
        str, typer.Option(help="Numbers of candidates to try.", metavar="NUMBERS")
    ] = "15,50,100,200,500,1000",
    oversample: Annotated[
        str | None,
        typer.Option(
            help="Candidates per hit to score again exactly, such as 1,2,5; of quantised indices. "
            "Default: what searches do.",
            metavar="NUMBERS",
        ),
    ] = None,
    filter: Annotated[  # noqa: A002 - Elasticsearch's own word
        list[str] | None,
        typer.Option(help="field=value, or a clause as JSON; each is measured by itself."),
    ] = None,
    selectivity: Annotated[
        str | None,
        typer.Option(
            help="Measure filters that let these shares of the documents through: 0.1,0.01.",
            metavar="SHARES",
        ),
    ] = None,
    target: Annotated[float, typer.Option(help="Recall that is wanted, up to 1.")] = 0.95,
    embedder: Embedder = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Measure how much of the nearest documents kNN finds.

    All vectors are read and compared here, with and without filters, and set against what
    Elasticsearch finds with more and more candidates. The index is not changed.

    Example: es-hybrid recall films --selectivity 0.1,0.01 --target 0.98
    """
    from es_hybrid.filters import clauses
    from es_hybrid.recall.sweep import measure
    from es_hybrid.recall.told import recall_report
    from es_hybrid.vector_stream import vector_index

    check_report(report)
    numbers = [int(one) for one in _numbers("--candidates", candidates, whole=True)]
    factors = _numbers("--oversample", oversample)
    shares = _numbers("--selectivity", selectivity)
    index = vector_index(client, name)
    limits = {one: clauses(one, fields=index.fields) for one in filter or ()}
    with _stoppable() as progress:
        found = measure(
            client,
            index,
            _sampled(client, index, queries, most=sample, embedder=embedder),
            k=k,
            candidates=numbers,
            oversamples=factors,
            filters=limits,
            shares=shares,
            target=target,
            progress=progress,
        )
    deliver(found, lambda: recall_report(found), file=report, as_json=as_json)


def _numbers(option: str, text: str | None, *, whole: bool = False) -> list[float]:
    if text is None:
        return []
    try:
        return [int(part) if whole else float(part) for part in listed(option, text)]
    except ValueError:
        kind = "whole numbers" if whole else "numbers"
        raise UsageError(f"{option} {text!r}: write {kind} with commas in between") from None


def _sampled(
    client: Any, index: VectorIndex, queries: Path | None, *, most: int, embedder: str | None
) -> Sampled:
    from es_hybrid.evaluation.queries import read_queries
    from es_hybrid.recall.queries import of_documents, of_words

    if queries is None:
        return of_documents(client, index, most=most)
    file = queries / "queries.jsonl" if queries.is_dir() else queries
    words = [one.text for one in read_queries(file).values()]
    return of_words(client, index, words, most=most, embedder=embedder)


@contextmanager
def _stoppable() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar; Ctrl-C says what was being done."""
    doing = "reading"

    def update(what: str, done: int, of: int) -> None:
        nonlocal doing
        doing = what
        draw(done, of)

    def told() -> str:
        return f"interrupted while {doing}: nothing was changed"

    with counting("measuring") as draw, interruptible(told):
        yield update
