"""What a search found, before a page is made of it: fused here, or by Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from es_hybrid.adaptive import Leg, Trust, adaptive
from es_hybrid.errors import UsageError
from es_hybrid.fusion import Fused, linear, rrf_of_ranks
from es_hybrid.hits import Total
from es_hybrid.search.answers import Answers
from es_hybrid.search.asked import Asked
from es_hybrid.search.queries import Key, LegSearch
from es_hybrid.search.rankings import Ranking, RawHit, Together, tie, union


@dataclass(kw_only=True, slots=True)
class Found:
    """The fused list, and all that is known of it.

    Attributes:
        fused: best first, no more than the window.
        rankings: of the legs that answered; empty where Elasticsearch fused.
        raw: key -> one of Elasticsearch's hits.
        total: how many documents match.
        trust: leg name -> what it was trusted, where weights are adaptive.
        native: whether Elasticsearch fused.
        failed: legs that did not answer.
        degraded: what is missing, in words.
        aggregations: where Elasticsearch fused, and was asked for them.
        highlights: likewise; key -> field -> fragments.
    """

    fused: Sequence[Fused[Key]]
    rankings: tuple[Ranking, ...]
    raw: Mapping[Key, RawHit]
    total: Total
    trust: Sequence[tuple[str, Trust]] = ()
    native: bool = False
    failed: tuple[LegSearch, ...] = ()
    degraded: tuple[str, ...] = ()
    aggregations: Mapping[str, Any] = field(default_factory=dict)
    highlights: Mapping[Key, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    @property
    def indices(self) -> set[str]:
        """In which hits lie."""
        keys: list[Iterable[Key]] = [one.ranks for one in self.rankings] or [self.raw]
        return set(map(itemgetter(0), chain.from_iterable(keys)))


def fused_here(answers: Answers, asked: Asked) -> Found:
    """Fuse what the legs answered."""
    rankings = answers.rankings
    raw = Together(rankings)
    total = union(rankings, found=raw)
    fused, trust = _fuse(rankings, asked, lambda key: tie(raw[key]))
    if asked.min_score is not None:
        least = np.float32(asked.min_score)
        fused = [entry for entry in fused if entry.score >= least]
        total = Total(len(fused), "eq")
    if asked.collapse is not None:
        fused = collapsed(fused, raw, asked.collapse)
    return Found(
        fused=fused,
        rankings=rankings,
        raw=raw,
        total=Total(total.value, "gte") if answers.degraded else total,
        trust=trust,
        failed=answers.failed,
        degraded=answers.degraded,
    )


def _fuse(
    rankings: Sequence[Ranking], asked: Asked, ties: Callable[[Key], int]
) -> tuple[list[Fused[Key]], Sequence[tuple[str, Trust]]]:
    """The fused list, cut at the window and no longer than it is looked at; and leg -> trust."""
    cut = any(one is not None for one in (asked.min_score, asked.collapse, asked.rerank, asked.mmr))
    size = asked.window if cut else min(asked.window, asked.start + asked.size)
    weights = [one.leg.weight for one in rankings]
    if asked.method == "rrf" or not asked.fused:
        ranks = [one.ranks for one in rankings]
        constant = asked.rank_constant
        fused = rrf_of_ranks(ranks, rank_constant=constant, weights=weights, ties=ties, size=size)
        return fused, ()
    if asked.method == "adaptive":
        legs = [_scores(one, asked.window) for one in rankings]
        fused, trust = adaptive(legs, weights=weights, earned=asked.earned, ties=ties, size=size)
        return fused, [(one.leg.name, far) for one, far in zip(rankings, trust, strict=True)]
    scored = [[(key, hit["_score"]) for key, hit in one.found.items()] for one in rankings]
    normalizers = [one.leg.normalizer for one in rankings]
    return linear(scored, weights=weights, normalizers=normalizers, ties=ties, size=size), ()


def _scores(one: Ranking, window: int) -> Leg[Key]:
    """A ranking as adaptive fusion reads it."""
    scores = {key: hit["_score"] for key, hit in one.found.items()}
    dense = one.leg.kind == "knn"
    ended = not dense and one.leg.minimum is None and len(scores) < window and one.whole
    return Leg(scores, dense=dense, ended=ended)


def collapsed(fused: Sequence[Fused[Key]], raw: Mapping[Key, RawHit], by: str) -> list[Fused[Key]]:
    """The best entry of each value of a field; those without one are together one group.

    Raises:
        UsageError: a document has several values, as Elasticsearch's own collapse says.
    """
    first: dict[Any, Fused[Key]] = {}
    for entry in fused:
        values = raw[entry.key].get("fields", {}).get(by) or [None]
        if len(values) > 1:
            raise UsageError(
                f"cannot collapse by {by!r}: document {entry.key[1]!r} has {len(values)} values; "
                "take a field that has one"
            )
        first.setdefault(values[0], entry)
    return list(first.values())


def fused_there(answer: Mapping[str, Any]) -> Found:
    """Read the answer of a native retriever."""
    hits = answer["hits"]
    raw = {(hit["_index"], hit["_id"]): hit for hit in hits["hits"]}
    total = hits.get("total") or {"value": len(raw), "relation": "gte"}
    return Found(
        fused=[Fused(key, hit["_score"], ()) for key, hit in raw.items()],
        rankings=(),
        raw=raw,
        total=Total(total["value"], total["relation"]),
        native=True,
        aggregations=answer.get("aggregations", {}),
        highlights={key: hit["highlight"] for key, hit in raw.items() if "highlight" in hit},
    )
