"""What a search may be asked beside its words: one list, for callers that wait or await."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from es_hybrid.filters import Filters
from es_hybrid.hits import Mode
from es_hybrid.rerank import Reranker
from es_hybrid.search.checks import Fields
from es_hybrid.search.legs import Leg
from es_hybrid.search.point_in_time import PointInTime

Fusion = Literal["auto", "native", "client"]
Method = Literal["rrf", "linear", "adaptive"]


class Options(TypedDict, total=False):
    """How to search; all may be left out.

    What is looked for:

    - ``vector``: what the kNN leg looks for, instead of the embedded query; as many numbers as
      the index has dimensions.
    - ``image``: a picture (a file, its bytes, or one of Pillow's) that kNN looks for instead.
    - ``like``: id of a document whose vector kNN looks for instead; it is not found itself.
    - ``mode``: ``"hybrid"`` fuses BM25 and kNN; ``"bm25"`` and ``"knn"`` run one. Without it,
      hybrid where there are words, and knn where there are none.
    - ``legs``: ranked lists of one's own (`Leg.bm25`, `Leg.knn`, `Leg.query`) instead of a mode.
    - ``fields``: of the BM25 leg, with boosts: ``["title^2", "text"]``.
    - ``filter``: ``"field=value"``, a filter clause, or several of them; of all legs.
    - ``min_cosine``, ``min_bm25``: what is worse is not found, -1 to 1, and 0 and up.
    - ``exact``: the kNN leg misses nothing; `SearchResult.knn` says how.
    - ``num_candidates``: how many vectors each shard looks at for an approximate kNN leg, up to
      10,000; more find more, slower. Without it, what reaches a recall of 0.97.
    - ``oversample``: of a quantised index, how many candidates per hit are scored again with the
      exact vectors: 1 to 10, or 0 for none; `es-hybrid recall` tells what a recall takes.

    How legs are fused:

    - ``method``: ``"rrf"`` (the default), ``"linear"``, or ``"adaptive"``: weights that the legs
      earn in each query by their scores (`es_hybrid.adaptive`).
    - ``tuned``: False leaves aside what `es-hybrid tune` wrote into the index, which holds
      wherever a search says nothing of method, weights, rank_constant, normalizer and fields.
    - ``window``: how many of each leg are fused, `size` to 10,000; the default is max(100, size).
    - ``rank_constant``: of rrf, at least 1; the default is 60.
    - ``normalizer``: of linear: ``"minmax"`` (the default), ``"l2_norm"`` or ``"none"``.
    - ``weights``: leg name -> weight, 0 and up; the default is 1. What legs earn in adaptive
      fusion is multiplied by it.
    - ``min_score``: of linear: what scores less is left out.
    - ``fusion``: ``"native"`` is Elasticsearch's own retriever, which needs a licence;
      ``"client"`` is es_hybrid's, equal to it; ``"auto"`` (the default) takes the native one
      where the licence allows it and it can do what is asked.

    Which hits, and what of them:

    - ``size``: number of hits, 0 to 10,000; the default is 10.
    - ``from_``: hits to skip; at most the window. Keep a point in time from page to page.
    - ``pit``: a point in time of this searcher, which all legs and pages see alike; it keeps to
      the same copies of the shards, as ``preference`` would.
    - ``collapse``: a keyword or number field: only the best hit for each of its values.
    - ``source``: fields of the source to return, or False for none; thumbnails of pictures come
      only where they are named: ``["title", "thumbnail"]``.
    - ``highlight``: True for all fields that BM25 legs search, fields, or Elasticsearch's own
      ``highlight`` object; a hit that kNN alone found has none.
    - ``aggs``: Elasticsearch's aggregations, over all documents that any leg matches.
    - ``exact_totals``: count them all, however many.
    - ``explain``: say of each hit why a leg does not hold it.
    - ``rerank``: a reranker for the first `rerank_window` hits (100 by default).
    - ``mmr``: 0 to 1; makes hits differ from one another, the more the lower. Relevance is the
      cosine with the query (of the first kNN leg), or the reranker's score where there is one.

    How it is sent:

    - ``allow_partial``: a leg or shard that fails or is late is left out, and
      `SearchResult.degraded` says so; by default it is an error.
    - ``timeout``: how long each shard may search, such as ``"500ms"``.
    - ``preference``: searches with the same text see the same copies of the shards.
    - ``opaque_id``: sent as X-Opaque-Id, to be found in the server's logs and tasks.
    - ``headers``: sent as well, such as ``{"traceparent": …}``.
    """

    vector: Any
    image: Any
    like: str | None
    mode: Mode | None
    legs: Sequence[Leg] | None
    fields: Fields | None
    filter: Filters
    min_cosine: float | None
    min_bm25: float | None
    exact: bool
    num_candidates: int | None
    oversample: float | None
    method: Method
    tuned: bool
    window: int | None
    rank_constant: int
    normalizer: str
    weights: Mapping[str, float] | None
    min_score: float | None
    fusion: Fusion
    size: int
    from_: int
    pit: PointInTime | None
    collapse: str | None
    source: bool | Sequence[str]
    highlight: bool | Sequence[str] | Mapping[str, Any]
    aggs: Mapping[str, Any] | None
    exact_totals: bool
    explain: bool
    rerank: Reranker | None
    rerank_window: int
    mmr: float | None
    allow_partial: bool
    timeout: str | None
    preference: str | None
    opaque_id: str | None
    headers: Mapping[str, str] | None


class Query(Options, total=False):
    """One of several searches in one round trip: its words, and its options."""

    query: str | None
