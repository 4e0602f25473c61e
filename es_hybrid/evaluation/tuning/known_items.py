"""Tuning without judgements: each document is looked for by its own title.

Whoever looks for a document by its title wants that document, so that no person has to judge
(known-item search: Azzopardi and de Rijke, "Automatic construction of known-item finding test
beds", SIGIR 2006). Words of a document find it by BM25 nearly always, whatever kNN can do: legs
are not compared by who wins, which BM25 would by construction, but kNN is trusted the less the
more it falls behind where BM25 shows that the document can be found:

    known = mean 1 / rank of the document by kNN / the same by BM25
    weight of kNN = 3 · known³ times that of BM25

Titles are sentences that a person wrote, as queries are. Pieces cut out of a text do not serve:
among them MiniLM looks as bad as a model with half its worth on real queries. CONTRIBUTING has the
figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from es_hybrid.evaluation.searching import search_all, ways
from es_hybrid.evaluation.significance import Interval, interval
from es_hybrid.evaluation.tuning.legs import Progress
from es_hybrid.evaluation.tuning.tune import FEWEST, record
from es_hybrid.search import Searcher
from es_hybrid.texts import counted
from es_hybrid.tuned import Setting, Tuned

# Documents that are looked for.
DRAWN = 200

# How far down a document still counts as found.
_DEPTH = 10

# Words of a query; people type no more.
_LONGEST = 12

_KNN_ODDS = 3.0
_EXPONENT = 3

# Where BM25 finds next to nothing, kNN is not trusted without bound.
_MOST_KNOWN = 2.0

_SEED = 20260301
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s|\n")


@dataclass(frozen=True, slots=True)
class KnownItems:
    """How well the legs find documents by their own titles.

    Attributes:
        tuned: the setting that follows.
        field: whose words were the queries.
        intervals: of ``bm25`` and ``knn``: the mean reciprocal rank, 0 to 1, and where it lies;
            beyond rank 10 a document counts as 0.
    """

    tuned: Tuned
    field: str
    intervals: Mapping[str, Interval]

    @property
    def bm25(self) -> float:
        """Mean reciprocal rank by that leg."""
        return self.intervals["bm25"].mean

    @property
    def knn(self) -> float:
        """Mean reciprocal rank by that leg."""
        return self.intervals["knn"].mean

    @property
    def worth_it(self) -> bool:
        """Whether a search should use it: nothing speaks against it."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tuned": asdict(self.tuned),
            "field": self.field,
            **{leg: one.mean for leg, one in self.intervals.items()},
            "intervals": {leg: [one.low, one.high] for leg, one in self.intervals.items()},
        }


def tune_by_itself(
    searcher: Searcher, *, count: int = DRAWN, progress: Progress | None = None
) -> KnownItems:
    """Find how far kNN can be trusted, from the documents of the index alone.

    Args:
        searcher: of the index.
        count: documents to look for.
        progress: told how many are done, and of how many.

    Raises:
        UsageError: there are fewer than `FEWEST` documents with words.
        EsHybridError: as `Searcher.search`.
    """
    searched = searcher.searched()
    field = searched.text_fields[0]
    queries = {one: words for one, words in _drawn(searcher, field, count).items() if words}
    if len(queries) < FEWEST:
        few = counted(len(queries), "document")
        raise UsageError(
            f"{few} of {searcher.name!r} with words in {field!r}: too few to tell anything, there "
            f"have to be {FEWEST}"
        )
    found = search_all(
        searcher, queries, ways=ways(("bm25", "knn")), depth=_DEPTH, progress=progress
    )
    intervals = {
        leg: interval([_reciprocal([hit.id for hit in hits], one) for one, hits in rows.items()])
        for leg, rows in found.items()
    }
    weights = trust(intervals["bm25"].mean, intervals["knn"].mean)
    setting = Setting(method="adaptive", weights=weights, earned=False)
    tuned = record(setting, searched, source="self", queries=len(queries))
    return KnownItems(tuned, field, intervals)


def trust(bm25: float, knn: float) -> tuple[float, float]:
    """Weights of both legs, adding up to 2, by their reciprocal ranks.

    >>> trust(1.0, 1.0)
    (0.5, 1.5)
    >>> trust(1.0, 0.5)
    (1.4545, 0.5455)
    """
    known = min(knn / bm25, _MOST_KNOWN) if bm25 > 0 else _MOST_KNOWN
    share = 1 - 1 / (1 + _KNN_ODDS * known**_EXPONENT)
    return round(2 * (1 - share), 4), round(2 * share, 4)


def query_of(text: str) -> str:
    """The first sentence of a text, no longer than people type.

    >>> query_of("Of storms at sea. They were feared.")
    'Of storms at sea.'
    """
    first = _SENTENCE_END.split(text.strip(), maxsplit=1)[0]
    return " ".join(first.split()[:_LONGEST])


def _drawn(searcher: Searcher, field: str, count: int) -> dict[str, str]:
    """Document id -> its query, of documents drawn at random but always the same."""
    body = {
        "size": count,
        "query": {
            "function_score": {
                "query": {"exists": {"field": field}},
                "random_score": {"seed": _SEED, "field": "_seq_no"},
                "boost_mode": "replace",
            }
        },
        "_source": [field],
    }
    answer = request(searcher.client, "POST", path(searcher.name, "_search"), body=body)
    return {
        hit["_id"]: query_of(_words(hit.get("_source") or {}, field))
        for hit in answer["hits"]["hits"]
    }


def _words(source: Mapping[str, Any], field: str) -> str:
    value: Any = source
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return " ".join(map(str, cast("Sequence[Any]", value)))
    return "" if value is None else str(value)


def _reciprocal(found: Sequence[str], wanted: str) -> float:
    return 1 / (1 + found.index(wanted)) if wanted in found else 0.0
