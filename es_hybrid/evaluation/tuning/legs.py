"""The legs of every query, asked once: what is fused afterwards needs no server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from es_hybrid.evaluation.tuning.candidates import WINDOWS, Fields
from es_hybrid.search import Searcher
from es_hybrid.search.queries import Key

# Queries of one round trip.
_BATCH = 16

Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """A document as one leg found it.

    Attributes:
        score: the leg's own.
        tie: its number among documents of equal score.
    """

    score: float
    tie: int


@dataclass(frozen=True, slots=True)
class LegRun:
    """What one leg found for one query, best first.

    Attributes:
        found: key -> score and tie.
        ended: whether nothing else matches.
    """

    found: Mapping[Key, Found]
    ended: bool


@dataclass(frozen=True, slots=True)
class Legs:
    """All legs of one query.

    Attributes:
        bm25: list of fields -> the leg as deep as the largest window.
        knn: window -> the leg, since an approximate one looks deeper for more.
    """

    bm25: Mapping[Fields, LegRun]
    knn: Mapping[int, LegRun]


def all_legs(
    searcher: Searcher,
    queries: Mapping[str, str],
    *,
    lexical: Sequence[Fields],
    windows: Sequence[int] = WINDOWS,
    progress: Progress | None = None,
) -> dict[str, Legs]:
    """Query id -> its legs.

    Args:
        searcher: of the index.
        queries: query id -> words.
        lexical: lists of fields that BM25 searches.
        windows: how deep kNN looks.
        progress: told how many queries are done, and of how many.

    Raises:
        EsHybridError: as `Searcher.search`, for the first search that fails.
    """
    asked: list[Any] = [_bm25(fields, max(windows)) for fields in lexical]
    asked += [{"mode": "knn", "size": window, "source": False} for window in windows]
    made: dict[str, Legs] = {}
    waiting = iter(queries.items())
    while batch := list(islice(waiting, _BATCH)):
        searches: list[Any] = [
            {**options, "query": words} for _, words in batch for options in asked
        ]
        answers = iter(searcher.rankings(searches))
        for query, _ in batch:
            runs = [_run(next(answers), options["size"]) for options in asked]
            bm25, knn = runs[: len(lexical)], runs[len(lexical) :]
            made[query] = Legs(
                dict(zip(lexical, bm25, strict=True)), dict(zip(windows, knn, strict=True))
            )
        if progress is not None:
            progress(len(made), len(queries))
    return made


def _bm25(fields: Fields, window: int) -> dict[str, Any]:
    named = {} if fields is None else {"fields": list(fields)}
    return {"mode": "bm25", "size": window, "source": False, **named}


def _run(rankings: Sequence[Any], size: int) -> LegRun:
    [ranking] = rankings
    found = {key: Found(hit["_score"], hit["sort"][1]) for key, hit in ranking.found.items()}
    return LegRun(found, ended=len(found) < size)
