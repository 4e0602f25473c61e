"""All queries of a collection are searched, in several ways, through the public search path."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import numpy as np

from es_hybrid.evaluation.runs import Rankings, Scored
from es_hybrid.search import Options, Query, Searcher

# A name for each way to search -> what `Searcher.search` is asked beside the words.
Ways = Mapping[str, Options]
Progress = Callable[[int, int], None]

# Queries of one round trip, each asked in all ways: their words are embedded together.
_BATCH = 32

# How many are found for each query: enough for recall within 100, and as deep as fusion looks.
DEPTH = 100

# Hits of the searches that are timed, and how many queries are.
_PAGE, TIMED = 10, 50
_SEED = 7


# Hybrid search as it is without what `es-hybrid tune` wrote into the index.
UNTUNED = "untuned"


def ways(modes: Sequence[str]) -> dict[str, Options]:
    """The ways to search that modes are: each is called as its mode."""
    return {mode: _options(mode) for mode in modes}


def _options(mode: str) -> Options:
    if mode == UNTUNED:
        return {"mode": "hybrid", "tuned": False}
    return cast("Options", {"mode": mode})


# What is compared unless something else is asked.
DEFAULT_WAYS = ways(("bm25", "knn", "hybrid"))


def usual_ways(searcher: Searcher) -> Ways:
    """The modes; of a tuned index also hybrid search as it was before.

    Raises:
        EsHybridError: as `Searcher.searched`.
    """
    tuned = searcher.searched().tuned is not None
    return DEFAULT_WAYS | ways([UNTUNED]) if tuned else DEFAULT_WAYS


def search_all(
    searcher: Searcher,
    queries: Mapping[str, str],
    *,
    ways: Ways,
    depth: int = DEPTH,
    progress: Progress | None = None,
) -> dict[str, Rankings]:
    """Way -> query id -> what it finds, best first.

    Args:
        searcher: of the index.
        queries: query id -> words.
        ways: name -> options of the search.
        depth: hits for each query, 1 to 10,000.
        progress: told how many queries are done, and of how many.

    Raises:
        EsHybridError: as `Searcher.search`, for the first search that fails.
    """
    found: dict[str, dict[str, list[Scored]]] = {way: {} for way in ways}
    waiting = iter(queries.items())
    while batch := list(islice(waiting, _BATCH)):
        asked = [
            (way, query, cast("Query", {**options, **_deep(options, depth), "query": words}))
            for query, words in batch
            for way, options in ways.items()
        ]
        results = searcher.search_many([one for _, _, one in asked])
        for (way, query, _), result in zip(asked, results, strict=True):
            found[way][query] = [Scored(hit.id, hit.score) for hit in result]
        if progress is not None:
            progress(len(next(iter(found.values()))), len(queries))
    return dict(found)


def _deep(options: Options, depth: int) -> Options:
    """So many hits, and no more of each than its id."""
    deep: Options = {"size": depth, "source": False}
    if options.get("window") is not None:
        deep["window"] = max(options["window"] or 0, depth)
    return deep


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one search takes, from the call to the result, embedding included.

    Attributes:
        p50, p95: milliseconds that half, and 95 of 100 searches need at most.
        searches: so many were timed, one after the other.
    """

    p50: float
    p95: float
    searches: int


def timed(
    searcher: Searcher, queries: Mapping[str, str], *, ways: Ways, searches: int = TIMED
) -> dict[str, Latency]:
    """Way -> how long single searches for 10 hits take, of a sample of the queries.

    All ways take turns, so that what else the machine does slows none of them alone.
    """
    words = list(queries.values())
    sample = random.Random(_SEED).sample(words, min(searches, len(words)))  # noqa: S311 - no secret
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for text in [*sample[:1], *sample]:  # the first once more: it warms up
        for way, took in _one_each(searcher, text, ways):
            taken[way].append(took)
    return {way: _latency(values[1:]) for way, values in taken.items()}


def _one_each(searcher: Searcher, text: str, ways: Ways) -> Iterator[tuple[str, float]]:
    for way, options in ways.items():
        sized: Options = {**options, "size": _PAGE}
        yield way, searcher.search(text, **sized).took_ms


def _latency(values: Sequence[float]) -> Latency:
    p50, p95 = np.percentile(values, (50, 95))
    return Latency(float(p50), float(p95), len(values))
