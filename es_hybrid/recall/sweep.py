"""kNN with one setting after another, against the truth: what each finds, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.client import path, request
from es_hybrid.documents import PASSAGES_FIELD
from es_hybrid.errors import PartialAnswer, SourceError, UsageError
from es_hybrid.evaluation.significance import interval
from es_hybrid.filters import Clause
from es_hybrid.json_values import shown
from es_hybrid.recall.nearest import TIE, Truth, nearest
from es_hybrid.recall.queries import Sampled
from es_hybrid.recall.segments import Segments, read_segments
from es_hybrid.recall.settings import Recall, Setting
from es_hybrid.search.checks import number, whole
from es_hybrid.search.queries import Frame, body, knn_leg
from es_hybrid.similarity import Similarity, similarity
from es_hybrid.vector_index import (
    MAX_CANDIDATES,
    MAX_OVERSAMPLE,
    VECTOR_INDEX_TYPES,
    VectorIndexType,
)
from es_hybrid.vector_stream import VectorIndex, batches, count
from es_hybrid.vectors import Vectors

CANDIDATES = (15, 50, 100, 200, 500, 1000)
TARGET = 0.95

_MOST = 1000  # nearest documents
_TOGETHER = 50  # searches of one request
_SEED = 20261124
_EVERYTHING = "no filter"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Limit:
    """What documents are limited to."""

    told: str
    clauses: tuple[Clause, ...] = ()


def measure(
    client: Elasticsearch,
    index: VectorIndex,
    queries: Sampled,
    *,
    k: int = 10,
    candidates: Sequence[int] = CANDIDATES,
    oversamples: Sequence[float] = (),
    filters: Mapping[str, Sequence[Clause]] | None = None,
    shares: Sequence[float] = (),
    target: float = TARGET,
    progress: Progress | None = None,
) -> Recall:
    """Recall of approximate kNN, for each filter, oversampling and number of candidates.

    All vectors are read once for each filter, and compared here.

    Args:
        client: whose cluster is asked.
        index: which.
        queries: what is looked for.
        k: nearest documents, 1 to 1000.
        candidates: numbers of candidates, 1 to 10,000; those below `k` are left out.
        oversamples: of a quantised index, 1 to 10; none takes that of its type. With 0, which
            a search may have, hits carry rounded scores, that say nothing of what was missed.
        filters: words for people -> clauses that must hold; measured beside no filter.
        shares: of the documents, drawn at random, that a filter lets through, above 0 to 1.
        target: recall that is wanted, above 0 to 1.
        progress: told what is done, how far, and of how much.

    Raises:
        UsageError: a number that can never work.
        SourceError: the index has no vector.
        PartialAnswer: a shard failed.
        ServerError: the server refused, or cannot be reached.
    """
    _check(k=k, candidates=candidates, oversamples=oversamples, shares=shares, target=target)
    kind = VECTOR_INDEX_TYPES[index.contract.vector_index]
    every = count(client, index)
    if not every:
        raise SourceError(f"{index.name!r} has no vector: there is nothing to find")
    limits = [_Limit(_EVERYTHING)]
    limits += [_Limit(told, tuple(clauses)) for told, clauses in (filters or {}).items()]
    limits += [_Limit(f"{share:.2%} at random", (_at_random(share),)) for share in shares]
    asked = _Asked(client, index, queries, k, progress)
    ways = list(_combinations(kind, oversamples, candidates, k=k))
    settings: list[Setting] = []
    segments: Segments | None = None
    for place, limit in enumerate(limits):
        truth = asked.truth(limit)
        if place == 0:
            segments = _segments(client, index, kind, truth.vectors)
        settings += asked.settings(limit, truth, ways, every=every, segments=segments)
    notes = tuple(_notes(index, kind, queries, settings, told=segments is not None))
    return Recall(index.name, kind.name, k, every, len(queries), target, settings, notes)


def _segments(
    client: Elasticsearch, index: VectorIndex, kind: VectorIndexType, vectors: int
) -> Segments | None:
    release = capabilities.read(client).release
    return read_segments(client, index.index, kind=kind, vectors=vectors, release=release)


def _check(
    *,
    k: int,
    candidates: Sequence[int],
    oversamples: Sequence[float],
    shares: Sequence[float],
    target: float,
) -> None:
    whole("k", k, least=1, most=_MOST)
    for one in candidates:
        whole("num_candidates", one, least=1, most=MAX_CANDIDATES)
    for factor in oversamples:
        number("oversample", factor, least=1, most=MAX_OVERSAMPLE)
    if max(candidates, default=0) < k:
        raise UsageError(f"num_candidates {shown(list(candidates))} are all below k {k}: give more")
    for share in (*shares, target):
        if not 0 < share <= 1:
            raise UsageError(f"{share} is no share: give one above 0, up to 1")


def _at_random(share: float) -> Clause:
    """A filter that this share of the documents passes, by a random number for each."""
    score = {"random_score": {"seed": _SEED, "field": "_seq_no"}, "boost_mode": "replace"}
    return {"function_score": {**score, "min_score": 1 - share}}


def _combinations(
    kind: VectorIndexType, oversamples: Sequence[float], candidates: Sequence[int], *, k: int
) -> Iterator[tuple[VectorIndexType, int]]:
    """Each oversampling with each number of candidates, and what searches do by themselves."""
    kinds = [kind]
    if kind.quantised and oversamples:
        kinds = [replace(kind, oversample=factor) for factor in dict.fromkeys(oversamples)]
    numbers = sorted({one for one in candidates if one >= k} | {kind.num_candidates(k)})
    return ((one, deep) for one in kinds for deep in numbers)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stays the same from setting to setting."""

    client: Elasticsearch
    index: VectorIndex
    queries: Sampled
    k: int
    progress: Progress | None

    @property
    def _near(self) -> Similarity:
        return similarity(self.index.contract.similarity)

    def truth(self, limit: _Limit) -> Truth:
        """What every setting is compared with."""
        progress = self.progress
        return nearest(
            batches(self.client, self.index, filters=limit.clauses),
            self.queries.vectors,
            k=self.k,
            similarity=self._near.name,
            own=self.queries.own,
            progress=progress and (lambda done, of: progress("reading all vectors", done, of)),
        )

    def settings(
        self,
        limit: _Limit,
        truth: Truth,
        ways: Sequence[tuple[VectorIndexType, int]],
        *,
        every: int,
        segments: Segments | None,
    ) -> Iterator[Setting]:
        """Each way to ask under one filter."""
        usual = VECTOR_INDEX_TYPES[self.index.contract.vector_index]
        share = count(self.client, self.index, limit.clauses) / every
        for done, (kind, candidates) in enumerate(ways, start=1):
            near, seconds = self.found(limit, kind, candidates)
            if self.progress is not None:
                self.progress(f"asking, {limit.told}", done, len(ways))
            yield Setting(
                filter=limit.told,
                share=share,
                num_candidates=candidates,
                oversample=kind.oversample,
                recall=interval(_recalls(near, truth)),
                ms=1000 * seconds / len(self.queries),
                exhaustive=segments is not None and segments.exhaustive(candidates, share=share),
                usual=kind == usual and candidates == usual.num_candidates(self.k),
            )

    def found(
        self, limit: _Limit, kind: VectorIndexType, num_candidates: int
    ) -> tuple[list[list[float]], float]:
        """Nearness of what each query finds, at most k, and the seconds that it took."""
        size = self.k + bool(self.queries.own)
        bodies = [
            body(self._leg(vector, limit, kind, num_candidates, size), Frame(source=False))
            for vector in self.queries.vectors
        ]
        began = time.perf_counter()
        answers = list(searches(self.client, self.index.index, bodies))
        seconds = time.perf_counter() - began
        own: Sequence[str | None] = self.queries.own or [None] * len(answers)
        near = [
            [self._nearness(hit) for hit in hits if hit["_id"] != one][: self.k]
            for hits, one in zip(answers, own, strict=True)
        ]
        return near, seconds

    def _leg(
        self, vector: Vectors, limit: _Limit, kind: VectorIndexType, candidates: int, size: int
    ) -> Any:
        contract = self.index.contract
        inside = f"{PASSAGES_FIELD}." if contract.passages else ""
        return knn_leg(
            vector,
            size=size,
            kind=kind,
            num_candidates=candidates,
            field=inside + contract.vector_field,
            shared=limit.clauses,
            similarity=self._near,
        )

    def _nearness(self, hit: Mapping[str, Any]) -> float:
        """From the score; candidates are scored again with the exact vectors, so it is exact."""
        raw = self._near.raw(hit["_score"])
        return -(raw**2) if self._near.name == "l2_norm" else raw


def searches(
    client: Elasticsearch, index: str, bodies: Sequence[Mapping[str, Any]]
) -> Iterator[list[Mapping[str, Any]]]:
    """The hits of each search; many go out in one request.

    Raises:
        PartialAnswer: a shard failed or was late.
        ServerError: the server refused, or cannot be reached.
    """
    for start in range(0, len(bodies), _TOGETHER):
        part = bodies[start : start + _TOGETHER]
        lines = [line for one in part for line in ({"index": index}, one)]
        answer = request(client, "POST", path("_msearch"), body=lines, ndjson=True)
        for response in answer["responses"]:
            if response.get("error") or response["_shards"].get("failed") or response["timed_out"]:
                raise PartialAnswer(
                    f"a search in {index!r} was answered with {shown(response)}: measure again "
                    "when the cluster is well"
                )
            yield response["hits"]["hits"]


def _recalls(found: Sequence[Sequence[float]], truth: Truth) -> list[float]:
    """Share of the true nearest that each query found; 1 where there is none to find."""
    return [
        min(sum(one >= least - TIE * max(1.0, abs(least)) for one in near) / wanted, 1.0)
        if wanted
        else 1.0
        for near, least, wanted in zip(found, truth.least, truth.counts.tolist(), strict=True)
    ]


def _notes(
    index: VectorIndex,
    kind: VectorIndexType,
    queries: Sampled,
    settings: Sequence[Setting],
    *,
    told: bool,
) -> Iterator[str]:
    if kind.name == "flat":
        yield f"{index.name!r} is flat: the server compares all vectors, and misses nothing"
    if any(one.exhaustive for one in settings):
        every = "everywhere" if all(one.exhaustive for one in settings) else "where * stands"
        yield (
            f"{every}, segments are so small that the server compares all their vectors: such a "
            "recall proves nothing for an index that grows"
        )
    if not told:
        yield "the server does not tell its segments: small ones prove nothing, and may be there"
    if queries.own:
        yield (
            "documents were asked for their neighbours: what people type is harder to find; give "
            "--queries"
        )
