"""Without judgements: how alike ways to search are, and how many queries find nothing.

That says nothing of which way is better, but where ways hardly differ there is nothing to choose,
and where they differ somebody should look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from es_hybrid.errors import SourceError
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
from es_hybrid.evaluation.significance import Interval, interval
from es_hybrid.search import Searcher
from es_hybrid.texts import is_blank

# Documents of either ranking that are compared: what a person sees at once.
PAGE = 10


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike two ways to search are.

    Attributes:
        first, second: their names.
        overlap: share of the first `PAGE` documents that both find, 0 to 1, mean over queries.
        same_first: share of the queries where both put the same document first.
    """

    first: str
    second: str
    overlap: Interval
    same_first: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike ways to search are on queries that nobody judged.

    Attributes:
        name: what was searched.
        queries: so many were asked.
        rankings: way -> query id -> what was found.
        pairs: of all ways.
        latencies: way -> how long a search takes.
        notes: what a person should know.
    """

    name: str
    queries: int
    rankings: Mapping[str, Rankings]
    pairs: Sequence[Alike]
    latencies: Mapping[str, Latency]
    notes: Sequence[str] = ()

    def without_results(self, way: str) -> int:
        """Queries for which a way finds nothing."""
        return sum(not found for found in self.rankings[way].values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "index": self.name,
            "queries": self.queries,
            "modes": {
                way: {
                    "without_results": self.without_results(way),
                    "latency_ms": asdict(self.latencies[way]) if way in self.latencies else None,
                }
                for way in self.rankings
            },
            "pairs": [
                {
                    "from": one.first,
                    "to": one.second,
                    "overlap@10": one.overlap.mean,
                    "ci": [one.overlap.low, one.overlap.high],
                    "same_first": one.same_first,
                }
                for one in self.pairs
            ],
            "notes": list(self.notes),
        }


def agreement(
    searcher: Searcher,
    queries: Mapping[str, str],
    *,
    ways: Ways = DEFAULT_WAYS,
    depth: int = DEPTH,
    searches: int = TIMED,
    progress: Progress | None = None,
) -> Agreement:
    """Search the queries in each way, and compare what is found.

    Args:
        searcher: of the index.
        queries: query id -> words; blank ones are left out.
        ways: name -> options of the search.
        depth: documents that are found for each query.
        searches: how many are timed, one after the other; 0 times none.
        progress: told how many queries are done, and of how many.

    Raises:
        EsHybridError: as `Searcher.search`, or SciPy is not installed.
        SourceError: there is no query with words.
    """
    asked = {query: words for query, words in queries.items() if not is_blank(words)}
    if not asked:
        raise SourceError(f"none of the {len(queries)} queries has words: nothing can be searched")
    latencies = timed(searcher, asked, ways=ways, searches=searches) if searches else {}
    found = search_all(searcher, asked, ways=ways, depth=depth, progress=progress)
    blank = len(queries) - len(asked)
    notes = (f"{blank:,} of {len(queries):,} queries are blank, and left out",) if blank else ()
    pairs = [_alike(found, *names) for names in combinations(ways, 2)]
    return Agreement(searcher.name, len(asked), found, pairs, latencies, notes)


def _alike(found: Mapping[str, Rankings], first: str, second: str) -> Alike:
    one, two = ids(found[first]), ids(found[second])
    overlaps = [_overlap(one[query][:PAGE], two[query][:PAGE]) for query in one]
    same = [list(one[query][:1]) == list(two[query][:1]) for query in one]
    return Alike(first, second, interval(overlaps), sum(same) / len(same))


def _overlap(one: Sequence[str], two: Sequence[str]) -> float:
    """Share of the documents of the longer list that the other holds too; 1 if both are empty.

    >>> _overlap(["a", "b"], ["b", "c", "d"])
    0.3333333333333333
    """
    return len(set(one) & set(two)) / max(len(one), len(two)) if one or two else 1.0
