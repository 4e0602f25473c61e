"""A leg's answer as a ranking: what it found, in which order, out of how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from es_hybrid.fusion import Fused
from es_hybrid.hits import Hit, LegHit, PassageHit, Total
from es_hybrid.search.nested import best_norm, best_passage
from es_hybrid.search.queries import NORM_FIELD, Key, LegSearch
from es_hybrid.similarity import raw_and_cosine


@dataclass(frozen=True)
class Ranking:
    """What one leg answered.

    Attributes:
        leg: what was asked.
        found: key -> Elasticsearch's hit, best first.
        total: how many documents the leg matches.
    """

    leg: LegSearch
    found: Mapping[Key, Mapping[str, Any]]
    total: Total

    @cached_property
    def ranks(self) -> dict[Key, int]:
        """Key -> rank, from 1."""
        return dict(zip(self.found, range(1, len(self.found) + 1), strict=True))

    @property
    def whole(self) -> bool:
        """Whether it holds all that the leg matches."""
        return self.total == Total(len(self.found), "eq")

    def leg_hit(self, key: Key, *, contribution: float | None) -> LegHit:
        """How this leg saw the document `key`, which it must hold."""
        found = self.found[key]
        raw, cosine = self.compared(found)
        score = found["_score"]
        return LegHit(self.leg.kind, self.ranks[key], score, cosine, contribution, raw)

    def passage(self, key: Key) -> PassageHit | None:
        """The passage that this leg found the document `key` by, if it did."""
        if not self.leg.in_passages or (found := self.found.get(key)) is None:
            return None
        return best_passage(found, cosine=self.compared(found)[1])

    def compared(self, found: Mapping[str, Any]) -> tuple[float | None, float | None]:
        """What a kNN leg compared of a hit, and its cosine; nothing in other legs."""
        if self.leg.kind != "knn":
            return None, None
        near = self.leg.similarity
        if near.scaled:  # no lengths are needed
            raw = near.raw(found["_score"])
            return raw, raw
        norm = best_norm(found) or (found.get("fields", {}).get(NORM_FIELD) or [None])[0]
        return raw_and_cosine(near, found["_score"], query_norm=self.leg.query_norm, norm=norm)


def ranking(leg: LegSearch, answer: Mapping[str, Any]) -> Ranking:
    """Read the answer to `leg`."""
    hits = answer["hits"]
    found = {(hit["_index"], hit["_id"]): hit for hit in hits["hits"]}
    if leg.kind == "knn":  # its k nearest are all that it matches, however they were found
        return Ranking(leg, found, Total(len(found), "eq"))
    return Ranking(leg, found, Total(hits["total"]["value"], hits["total"]["relation"]))


def tie(hit: Mapping[str, Any]) -> int:
    """`_shard_doc`, the second sort value in every leg."""
    place: int = hit["sort"][1]
    return place


# What Elasticsearch gives a fused hit of score 0: the smallest float32 above it.
SMALLEST_SCORE = 2.0**-149


def hit(
    entry: Fused[Key], rankings: Sequence[Ranking], raw: Mapping[str, Any], *, alone: bool
) -> Hit:
    """One fused entry with all that its legs know about it.

    Args:
        entry: of the fused list.
        rankings: what was fused; none where Elasticsearch did it.
        raw: one of Elasticsearch's hits of this document.
        alone: whether a single leg was asked for, whose own scores remain.
    """
    legs: dict[str, LegHit] = {}
    passage = None
    for one, contribution in zip(rankings, entry.contributions, strict=True):
        if contribution is not None:
            gave = None if alone else contribution
            legs[one.leg.name] = one.leg_hit(entry.key, contribution=gave)
            passage = passage or one.passage(entry.key)
    index, identifier = entry.key
    score = raw["_score"] if alone else max(entry.score, SMALLEST_SCORE)
    return Hit(identifier, index, score, raw.get("_source", {}), legs, passage)


def union(rankings: Sequence[Ranking], *, found: int) -> Total:
    """How many documents match any leg, as far as one request tells.

    A kNN leg matches its k hits; another all that it counted. Where every leg was seen to its
    end, the union is the `found` different documents; otherwise it is at least the largest leg.
    """
    if len(rankings) == 1:
        return rankings[0].total
    if all(one.whole for one in rankings):
        return Total(found, "eq")
    return Total(max(found, *(one.total.value for one in rankings)), "gte")
