"""``es-hybrid eval``: how good bm25, knn and hybrid are on queries of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from es_hybrid.cli.connection import with_settings
from es_hybrid.cli.flags import Embedder, Filter
from es_hybrid.cli.output import interruptible, say
from es_hybrid.cli.reporting import Json, ReportFile, check_report, counting, deliver, listed
from es_hybrid.errors import UsageError
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.evaluation.agreement import Agreement
    from es_hybrid.evaluation.evaluate import Evaluation
    from es_hybrid.evaluation.runs import Rankings
    from es_hybrid.evaluation.searching import Ways
    from es_hybrid.reports import Report
    from es_hybrid.search import Searcher

    _Found: TypeAlias = tuple[Evaluation | Agreement, Callable[[], Report]]


@with_settings
def evaluate(
    settings: Any,
    queries: Annotated[
        Path,
        typer.Option(
            help="A BEIR folder, or a file of queries: JSON Lines (_id, text), or id, tab, text.",
            metavar="PATH",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(help="The alias, index or pattern to search.", metavar="NAME"),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option(
            help="Which documents answer them: TREC's or BEIR's qrels. Without judgements it is "
            "told how alike the modes are.",
            metavar="FILE",
        ),
    ] = None,
    modes: Annotated[
        str | None,
        typer.Option(
            help="Default: bm25,knn,hybrid, and of a tuned index untuned.", metavar="MODES"
        ),
    ] = None,
    measures: Annotated[
        str,
        typer.Option(help="As ir-measures writes them; the first one decides.", metavar="NAMES"),
    ] = "nDCG@10,RR@10,R@100,AP",
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="A TREC run to judge as well, or alone.", metavar="FILE"),
    ] = None,
    run_out: Annotated[
        Path | None,
        typer.Option(
            help="Write what was found as a TREC run; of several modes, each to a file with its "
            "name in it.",
            metavar="FILE",
        ),
    ] = None,
    filter: Filter = None,  # noqa: A002 - Elasticsearch's own word
    depth: Annotated[
        int, typer.Option(min=1, max=10_000, help="Documents to find for each query.")
    ] = 100,
    show: Annotated[
        int, typer.Option(min=0, help="Queries to show that won most, and that lost most.")
    ] = 2,
    timed: Annotated[int, typer.Option(min=0, help="Single searches to time in each mode.")] = 50,
    embedder: Embedder = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Measure how good search is, on queries of your own.

    With judgements: nDCG@10, RR@10, R@100 and AP of each mode with confidence intervals, whether
    differences are more than chance, and the queries that win and lose. Without: how alike the
    modes are.

    Example: es-hybrid eval films --queries films-queries.jsonl --qrels films.qrels
    """
    from es_hybrid.client import connect
    from es_hybrid.search import Searcher

    _check(name, runs, run_out)
    check_report(report)
    with ExitStack() as stack:
        searcher = None
        if name is not None:
            client = stack.enter_context(connect(settings))
            searcher = Searcher(client, name, embedder=embedder, filter=filter)
        asked = _Asked(
            queries=queries,
            qrels=qrels,
            ways=_ways(modes, searcher),
            runs=runs or (),
            measures=listed("--measures", measures),
            depth=depth,
            timed=timed,
        )
        found, told = _measured(searcher, asked, shown=show)
    if run_out is not None:
        _write(run_out, {way: found.rankings[way] for way in asked.ways})
    deliver(found, told, file=report, as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is to be measured: the options of the command, checked."""

    queries: Path
    qrels: Path | None
    ways: Ways
    runs: Sequence[Path]
    measures: Sequence[str]
    depth: int
    timed: int

    @property
    def judged(self) -> bool:
        """Whether anybody says what is relevant."""
        return self.qrels is not None or self.queries.is_dir()


def _check(name: str | None, runs: list[Path] | None, run_out: Path | None) -> None:
    if name is None and not runs:
        raise UsageError("there is nothing to measure: give the NAME of an index, or --runs FILE")
    if name is None and run_out is not None:
        raise UsageError("--run-out writes what was searched: give the NAME of an index")


def _ways(modes: str | None, searcher: Searcher | None) -> Ways:
    from es_hybrid.evaluation.searching import DEFAULT_WAYS, UNTUNED, usual_ways, ways
    from es_hybrid.hits import MODES
    from es_hybrid.search.checks import choice

    if modes is None:
        return DEFAULT_WAYS if searcher is None else usual_ways(searcher)
    known = (*MODES, UNTUNED)
    return ways([choice("--modes", mode, known) for mode in listed("--modes", modes)])


def _measured(searcher: Searcher | None, asked: _Asked, *, shown: int) -> _Found:
    from es_hybrid.evaluation import read_collection
    from es_hybrid.evaluation.evaluate import evaluate as evaluated
    from es_hybrid.evaluation.told import evaluation_report

    if not asked.judged:
        return _alike(searcher, asked)
    collection = read_collection(asked.queries, asked.qrels)
    with _stoppable() as progress:
        found = evaluated(
            searcher,
            collection,
            ways=asked.ways,
            runs=_runs(asked.runs),
            measures=asked.measures,
            depth=asked.depth,
            searches=asked.timed,
            progress=progress,
        )
    return found, lambda: evaluation_report(found, shown=shown)


def _alike(searcher: Searcher | None, asked: _Asked) -> _Found:
    from es_hybrid.evaluation.agreement import agreement
    from es_hybrid.evaluation.queries import read_queries
    from es_hybrid.evaluation.told import agreement_report

    if searcher is None or asked.runs:
        raise UsageError("--runs are judged: say with --qrels FILE what is relevant")
    queries = {query: one.text for query, one in read_queries(asked.queries).items()}
    with _stoppable() as progress:
        found = agreement(
            searcher,
            queries,
            ways=asked.ways,
            depth=asked.depth,
            searches=asked.timed,
            progress=progress,
        )
    return found, lambda: agreement_report(found)


@contextmanager
def _stoppable() -> Iterator[Callable[[int, int], None]]:
    """A progress bar; Ctrl-C says how far it came."""
    done = total = 0

    def update(now: int, of: int) -> None:
        nonlocal done, total
        done, total = now, of
        draw(now, of)

    def told() -> str:
        came = "before the first queries"
        if total:
            came = f"after {done:,} of {counted(total, 'query', 'queries')}"
        return f"interrupted {came}: nothing was changed, and a part of them says nothing"

    with counting("searching") as draw, interruptible(told):
        yield update


def _runs(files: Sequence[Path]) -> dict[str, Rankings]:
    from es_hybrid.evaluation.runs import read_run

    found: dict[str, Rankings] = {}
    for file in files:
        if file.stem in found:
            raise UsageError(f"two runs are called {file.stem!r}: give one file another name")
        found[file.stem] = read_run(file)
    return found


def _write(file: Path, rankings: Mapping[str, Rankings]) -> None:
    from es_hybrid.evaluation.runs import write_run

    for way, found in rankings.items():
        target = file if len(rankings) == 1 else file.with_name(f"{file.stem}.{way}{file.suffix}")
        write_run(target, found, tag=f"es_hybrid-{way}")
        say(f"the run of {way} is in {target}")
