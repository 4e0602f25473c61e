"""What a search returns: results that never change, and say why each hit is there.

Hits are named tuples, since many are made in each search: a frozen dataclass takes three times
as long to make.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

LegKind = Literal["bm25", "knn", "query"]
Mode = Literal["hybrid", "bm25", "knn", "query"]
KnnWay = Literal[
    "approximate", "exact:flat", "exact:script_score", "exact:rescored", "exact:scanned"
]
# What a caller may choose; ``query`` is a single leg of one's own.
MODES: tuple[Mode, ...] = ("hybrid", "bm25", "knn")

# Why a leg does not hold a document that another one found.
MissingReason = Literal[
    "outside the window", "no match", "no vector", "below the minimum", "leg failed"
]


class LegHit(NamedTuple):
    """A hit as one leg saw it.

    Attributes:
        kind: what the leg ranks by.
        rank: place in the leg, from 1.
        score: the leg's own score. BM25: 0 and up. kNN: (1 + cosine) / 2; under
            max_inner_product v + 1, or 1 / (1 - v) of a negative v; under l2_norm 1 / (1 + d^2).
        cosine: cosine of query and document, -1 to 1; None in a BM25 leg, and where another
            similarity than cosine lacks the length of the document's vector.
        contribution: what the leg added to the fused score; None where nothing was fused.
        similarity: what a kNN leg compared: the cosine, the inner product v or the distance d;
            None in a BM25 leg.
    """

    kind: LegKind
    rank: int
    score: float
    cosine: float | None = None
    contribution: float | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a leg does not hold a hit that another leg found.

    Attributes:
        reason: ``"outside the window"``: it matches, but others are better, or an approximate kNN
            overlooked it; ``"no match"``: it has none of the words, or does not pass the leg's
            own filter; ``"no vector"``;
            ``"below the minimum"`` of the leg; ``"leg failed"``: see `SearchResult.degraded`.
        score: what the leg would score it, as in `LegHit`; None where it does not match.
        cosine: what its cosine is, in a kNN leg.
    """

    reason: MissingReason
    score: float | None = None
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class PassageHit:
    """The passage by which a document was found: the best of its passages in the kNN leg.

    Attributes:
        text: the passage.
        start: where it begins in the document's text (its text fields, joined by spaces), in
            characters from 0.
        end: the first character behind it.
        cosine: cosine of query and passage, as in `LegHit`.
    """

    text: str
    start: int
    end: int
    cosine: float | None


class Hit(NamedTuple):
    """One document found.

    Attributes:
        id: its ``_id``.
        index: the index it lies in (not the alias).
        score: what the results are sorted by: fused, or the only leg's own.
        source: the user's own fields.
        legs: leg name -> how that leg saw it; a leg that did not find it is missing.
        passage: the part of the text that a kNN leg found it by; None where none did, or where
            each text has one vector.
        missing: leg name -> why that leg does not hold it, where ``explain`` was asked for.
        highlight: field -> pieces of text around the words found, where that was asked for.
        rerank_score: the reranker's, where there was one: then hits are sorted by it.
    """

    id: str
    index: str  # type: ignore[assignment]  # the method of tuples gives way to it
    score: float
    source: Mapping[str, Any]
    legs: Mapping[str, LegHit]
    passage: PassageHit | None = None
    missing: Mapping[str, Missing] = MappingProxyType({})
    highlight: Mapping[str, Sequence[str]] = MappingProxyType({})
    rerank_score: float | None = None

    @property
    def bm25(self) -> LegHit | None:
        """The best BM25 leg that found it."""
        return self._best("bm25")

    @property
    def knn(self) -> LegHit | None:
        """The best kNN leg that found it."""
        return self._best("knn")

    def _best(self, kind: LegKind) -> LegHit | None:
        legs = [leg for leg in self.legs.values() if leg.kind == kind]
        return min(legs, key=lambda leg: leg.rank, default=None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        bm25, knn = self.bm25, self.knn
        return {
            "id": self.id,
            "index": self.index,
            "score": self.score,
            "source": dict(self.source),
            "bm25": bm25 and {"rank": bm25.rank, "score": bm25.score},
            "knn": knn and {"rank": knn.rank, "score": knn.score, "cosine": knn.cosine},
            "passage": self.passage and asdict(self.passage),
            "legs": {name: leg._asdict() for name, leg in self.legs.items()},
            "missing": {name: asdict(one) for name, one in self.missing.items()},
            "highlight": {name: list(texts) for name, texts in self.highlight.items()},
            "rerank_score": self.rerank_score,
        }


@dataclass(frozen=True, slots=True)
class Total:
    """How many documents match.

    Attributes:
        value: the number.
        relation: ``"eq"`` exactly so many, ``"gte"`` at least so many.
    """

    value: int
    relation: Literal["eq", "gte"]


@dataclass(frozen=True, slots=True)
class Fusing:
    """How the legs of a search were fused, and who said so.

    Attributes:
        method: ``"rrf"``, ``"linear"`` or ``"adaptive"``.
        settled_by: ``"default"``, the caller (``"given"``), or what `es-hybrid tune` wrote into
            the index, by judged queries (``"tuned"``) or by its documents (``"self-tuned"``).
        weights: leg name -> its weight; of adaptive, its share of all in this query.
        window: how many of each leg were fused.
        rank_constant: of rrf.
        normalizer: of linear; legs may have others of their own.
        standing: leg name -> how far its first hit stands out, where weights were earned; None
            where there were too few hits to tell.
        support: leg name -> what another leg gives to its first hits, 0 to 1, likewise.
    """

    method: Literal["rrf", "linear", "adaptive"]
    settled_by: Literal["default", "given", "tuned", "self-tuned"]
    weights: Mapping[str, float]
    window: int
    rank_constant: int | None = None
    normalizer: str | None = None
    standing: Mapping[str, float | None] = field(default_factory=dict)
    support: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search: iterate over it for the hits; `result[0]` is the best.

    Attributes:
        hits: best first.
        total: how many documents match.
        mode: which legs ran.
        fusion: who fused the legs; None where only one leg ran.
        took_ms: milliseconds from the call to the result, embedding included.
        knn: how the kNN leg was answered, and whether that is exact; None where none ran.
        aggregations: as Elasticsearch answers them, over all documents that any leg matches.
        degraded: what is missing, leg by leg, where ``allow_partial`` let the search go on
            without it; empty where all is there.
        notes: what a person should know about this answer.
        fusing: how the legs were fused; None where only one ran.
    """

    hits: tuple[Hit, ...]
    total: Total
    mode: Mode
    fusion: Literal["native", "client"] | None
    took_ms: float
    knn: KnnWay | None = None
    aggregations: Mapping[str, Any] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fusing: Fusing | None = None

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, place: int) -> Hit:
        return self.hits[place]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "took_ms": round(self.took_ms, 3),
            "mode": self.mode,
            "fusion": self.fusion,
            "fusing": self.fusing and asdict(self.fusing),
            "knn": self.knn,
            "total": asdict(self.total),
            "aggregations": dict(self.aggregations),
            "degraded": list(self.degraded),
            "notes": list(self.notes),
            "hits": [hit.to_dict() for hit in self.hits],
        }
