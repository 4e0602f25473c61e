"""How good ways to search are on judged queries, how sure that is, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Any

from es_hybrid.client import path, request
from es_hybrid.errors import SourceError, UsageError
from es_hybrid.evaluation.collection import Collection
from es_hybrid.evaluation.measures import MEASURES, all_measured, measured
from es_hybrid.evaluation.runs import Rankings, ids
from es_hybrid.evaluation.searching import (
    DEFAULT_WAYS,
    DEPTH,
    TIMED,
    Latency,
    Progress,
    Ways,
    search_all,
    timed,
)
from es_hybrid.evaluation.significance import Interval, Paired, interval, paired
from es_hybrid.search import Searcher

# Ids of one request that asks which of them an index holds.
_IDS = 5_000

_JUDGED = "Judged@10"

# Documents of a ranking that is shown for one query.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class System:
    """One way to search, and how it did.

    Attributes:
        rankings: query id -> what it found, best first.
        values: measure -> query id -> value, of every judged query.
        intervals: measure -> mean and confidence interval.
        judged: share of the first ten that somebody judged, 0 to 1, mean over the queries that
            found any; the others count as not relevant, whatever they are. None if nothing was
            found.
        latency: None of a run that somebody else made.
    """

    rankings: Rankings
    values: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, Interval]
    judged: float | None
    latency: Latency | None = None

    @property
    def without_results(self) -> int:
        """Judged queries that found nothing; they count as 0."""
        judged = next(iter(self.values.values()))
        return sum(not self.rankings.get(query) for query in judged)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `second` does to the queries of `first`, by one measure."""

    first: str
    second: str
    measure: str
    paired: Paired


@dataclass(frozen=True, slots=True)
class Change:
    """One query that two systems answer differently.

    Attributes:
        query: its id.
        text: its words.
        first, second: the measure of either system.
        rankings: the best documents of either, each with its grade; None is not judged.
    """

    query: str
    text: str
    first: float
    second: float
    rankings: tuple[Sequence[tuple[str, int | None]], Sequence[tuple[str, int | None]]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good each system is on the judged queries.

    Attributes:
        collection: what was asked, and what answers it.
        measures: as ir-measures writes them; the first one decides.
        systems: name -> how it did.
        comparisons: of each pair of systems, by each measure.
        depth: so many documents were found for each query at most.
        name: what was searched; None where only runs were judged.
        notes: what a person should know before believing it.
    """

    collection: Collection
    measures: Sequence[str]
    systems: Mapping[str, System]
    comparisons: Sequence[Comparison]
    depth: int
    name: str | None = None
    notes: Sequence[str] = field(default=())

    @property
    def rankings(self) -> Mapping[str, Rankings]:
        """System -> query id -> what it found."""
        return {name: one.rankings for name, one in self.systems.items()}

    def changes(self, first: str, second: str, *, most: int) -> tuple[list[Change], list[Change]]:
        """The queries that win most and that lose most with `second`, by the first measure."""
        measure = self.measures[0]
        before, after = (self.systems[one].values[measure] for one in (first, second))
        order = sorted(before, key=lambda query: after[query] - before[query])
        lost = [query for query in order if after[query] < before[query]][:most]
        won = [query for query in reversed(order) if after[query] > before[query]][:most]
        one, two = ([self._change(query, first, second) for query in part] for part in (won, lost))
        return one, two

    def _change(self, query: str, first: str, second: str) -> Change:
        grades = self.collection.qrels[query]
        before, after = self.systems[first], self.systems[second]
        rankings = tuple(
            [(one.id, grades.get(one.id)) for one in list(system.rankings.get(query, ()))[:_SHOWN]]
            for system in (before, after)
        )
        return Change(
            query,
            self.collection.queries[query],
            before.values[self.measures[0]][query],
            after.values[self.measures[0]][query],
            (rankings[0], rankings[1]),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``ci`` is the confidence interval of the first measure."""
        return {
            "index": self.name,
            "queries": len(self.collection.qrels),
            "measures": list(self.measures),
            "depth": self.depth,
            "modes": {name: self._system(one) for name, one in self.systems.items()},
            "comparisons": [
                {"from": one.first, "to": one.second, "measure": one.measure} | one.paired.to_dict()
                for one in self.comparisons
            ],
            "per_query": {
                query: {
                    name: {measure: one.values[measure][query] for measure in self.measures}
                    for name, one in self.systems.items()
                }
                for query in self.collection.qrels
            },
            "notes": list(self.notes),
        }

    def _system(self, one: System) -> dict[str, Any]:
        intervals = {name: [found.low, found.high] for name, found in one.intervals.items()}
        return {
            **{name: found.mean for name, found in one.intervals.items()},
            "ci": intervals[self.measures[0]],
            "intervals": intervals,
            "judged": one.judged,
            "without_results": one.without_results,
            "latency_ms": one.latency and asdict(one.latency),
        }


def evaluate(
    searcher: Searcher | None,
    collection: Collection,
    *,
    ways: Ways = DEFAULT_WAYS,
    runs: Mapping[str, Rankings] | None = None,
    measures: Sequence[str] = MEASURES,
    depth: int = DEPTH,
    searches: int = TIMED,
    progress: Progress | None = None,
) -> Evaluation:
    """Search the queries in each way, and measure what was found.

    Args:
        searcher: of the index; None judges `runs` alone.
        collection: judged queries.
        ways: name -> options of the search.
        runs: name -> what somebody else found.
        measures: in ir-measures' notation, https://ir-measur.es; the first one decides.
        depth: documents that are found for each query.
        searches: how many are timed, one after the other; 0 times none.
        progress: told how many queries are done, and of how many.

    Raises:
        EsHybridError: as `Searcher.search`, or what measures need is not installed.
        SourceError: the collection has no query, the index holds none of the documents that are
            relevant, or a run none of the queries.
        UsageError: there is no such measure, or two systems have one name.
    """
    if not collection.qrels:
        raise SourceError("the collection has no judged query: nothing can be measured with it")
    found: dict[str, Rankings] = dict(_checked(runs or {}, collection))
    latencies: Mapping[str, Latency] = {}
    notes = list(collection.notes)
    if searcher is not None:
        if same := sorted(found.keys() & ways.keys()):
            raise UsageError(f"a run is called {same[0]!r} as a mode is: give its file a new name")
        notes += [*_missing(searcher, collection), *_tuned(searcher, ways, depth)]
        queries = {query: collection.queries[query] for query in collection.qrels}
        if searches:
            latencies = timed(searcher, queries, ways=ways, searches=searches)
        found = search_all(searcher, queries, ways=ways, depth=depth, progress=progress) | found
    systems = {
        name: _system(rankings, collection, measures, latencies.get(name))
        for name, rankings in found.items()
    }
    named = tuple(next(iter(systems.values())).values)
    return Evaluation(
        collection,
        named,
        systems,
        list(_comparisons(systems, named)),
        depth,
        None if searcher is None else searcher.name,
        tuple(notes),
    )


def _checked(
    runs: Mapping[str, Rankings], collection: Collection
) -> Iterator[tuple[str, Rankings]]:
    for name, rankings in runs.items():
        if not rankings.keys() & collection.qrels.keys():
            raise SourceError(
                f"run {name!r} has none of the judged queries: it begins with "
                f"{next(iter(rankings), None)!r}, the judgements with "
                f"{next(iter(collection.qrels))!r}"
            )
        yield name, rankings


def _missing(searcher: Searcher, collection: Collection) -> Iterator[str]:
    """What is said of relevant documents that the index does not hold."""
    wanted = {
        document
        for judged in collection.qrels.values()
        for document, grade in judged.items()
        if grade > 0
    }
    missing = len(wanted) - _held(searcher, sorted(wanted))
    if missing == len(wanted):
        raise SourceError(
            f"{searcher.name!r} holds none of the {len(wanted):,} relevant documents, such as "
            f"{min(wanted)!r}: index the documents that were judged, under the same ids"
        )
    if missing > 0:
        yield (
            f"{missing:,} of {len(wanted):,} relevant documents are not in {searcher.name!r}, and "
            "cannot be found: all measures are the lower for it"
        )


def _tuned(searcher: Searcher, ways: Ways, depth: int) -> Iterator[str]:
    """What is said of an index that was tuned, as searches go by it."""
    by_it = [
        way
        for way, asked in ways.items()
        if asked.get("mode") in (None, "hybrid") and asked.get("tuned", True)
    ]
    tuned = searcher.searched().tuned
    if not by_it or tuned is None:
        return
    yield (
        f"{searcher.name!r} was tuned, and {', '.join(by_it)} goes by it: the queries that it was "
        "tuned with say too much good of it; measure with others"
    )
    if tuned.setting.window < depth:
        yield (
            f"its window of {tuned.setting.window} is widened to the depth of {depth}: --depth 10 "
            "measures what a page of ten shows"
        )


def _held(searcher: Searcher, documents: Sequence[str]) -> int:
    """How many of the documents the index holds."""
    counted = 0
    for start in range(0, len(documents), _IDS):
        query = {"ids": {"values": documents[start : start + _IDS]}}
        where = path(searcher.name, "_count")
        counted += request(searcher.client, "POST", where, body={"query": query})["count"]
    return counted


def _system(
    rankings: Rankings, collection: Collection, measures: Sequence[str], latency: Latency | None
) -> System:
    run = ids(rankings)
    values = all_measured(run, collection.qrels, measures=measures)
    intervals = {name: interval(list(found.values())) for name, found in values.items()}
    answered = {query: judged for query, judged in collection.qrels.items() if run.get(query)}
    judged = measured(run, answered, measure=_JUDGED)
    return System(rankings, values, intervals, fmean(judged.values()) if judged else None, latency)


def _comparisons(systems: Mapping[str, System], measures: Sequence[str]) -> Iterator[Comparison]:
    for first, second in combinations(systems, 2):
        for measure in measures:
            values = (systems[one].values[measure] for one in (first, second))
            yield Comparison(first, second, measure, paired(*values))
