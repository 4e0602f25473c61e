"""A leg's answer as a ranking: what it found, in which order, out of how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from es_hybrid.fusion import Fused
from es_hybrid.hits import Hit, LegHit, PassageHit, Total
from es_hybrid.search.nested import best_norm, best_passage
from es_hybrid.search.queries import NORM_FIELD, Leg
from es_hybrid.similarity import raw_and_cosine

# One document, wherever it lies: (index, _id).
Key = tuple[str, str]


@dataclass(frozen=True)
class Ranking:
    """What one leg answered.

    Attributes:
        leg: what was asked.
        found: key -> Elasticsearch's hit, best first.
        total: how many documents the leg matches.
    """

    leg: Leg
    found: Mapping[Key, Mapping[str, Any]]
    total: Total

    @property
    def ties(self) -> dict[Key, int]:
        """Key -> `_shard_doc`, the second sort value of every leg."""
        return {key: hit["sort"][1] for key, hit in self.found.items()}

    @cached_property
    def ranks(self) -> dict[Key, int]:
        """Key -> rank, from 1."""
        return {key: rank for rank, key in enumerate(self.found, start=1)}

    def leg_hit(self, key: Key, *, contribution: float | None) -> LegHit:
        """How this leg saw the document `key`, which it must hold."""
        found = self.found[key]
        raw, cosine = self._compared(found) if self.leg.kind == "knn" else (None, None)
        return LegHit(
            kind=self.leg.kind,
            rank=self.ranks[key],
            score=found["_score"],
            cosine=cosine,
            contribution=contribution,
            similarity=raw,
        )

    def passage(self, key: Key) -> PassageHit | None:
        """The passage that this leg found the document `key` by, if it did."""
        found = self.found.get(key)
        if found is None or self.leg.kind != "knn":
            return None
        return best_passage(found, cosine=self._compared(found)[1])

    def _compared(self, found: Mapping[str, Any]) -> tuple[float, float | None]:
        norm = best_norm(found) or (found.get("fields", {}).get(NORM_FIELD) or [None])[0]
        return raw_and_cosine(
            self.leg.similarity, found["_score"], query_norm=self.leg.query_norm, norm=norm
        )


def ranking(leg: Leg, answer: Mapping[str, Any]) -> Ranking:
    """Read the answer to `leg`."""
    hits = answer["hits"]
    found = {(hit["_index"], hit["_id"]): hit for hit in hits["hits"]}
    if leg.kind == "knn":  # its k nearest are all that it matches, however they were found
        return Ranking(leg, found, Total(len(found), "eq"))
    return Ranking(leg, found, Total(hits["total"]["value"], hits["total"]["relation"]))


def hit(entry: Fused[Key], rankings: Sequence[Ranking]) -> Hit:
    """One fused entry with all that its legs know about it."""
    alone = len(rankings) == 1
    legs = {
        one.leg.name: one.leg_hit(entry.key, contribution=None if alone else contribution)
        for one, contribution in zip(rankings, entry.contributions, strict=True)
        if contribution is not None
    }
    index, identifier = entry.key
    source = next(one.found[entry.key] for one in rankings if entry.key in one.found)["_source"]
    score = next(iter(legs.values())).score if alone else entry.score
    passage = next(filter(None, (one.passage(entry.key) for one in rankings)), None)
    return Hit(identifier, index, score, source, legs, passage)


def union(rankings: Sequence[Ranking], *, found: int) -> Total:
    """How many documents match any leg, as far as one request tells.

    A kNN leg matches its k hits; a BM25 leg all that it counted. Where every leg was seen to its
    end, the union is the `found` different documents; otherwise it is at least the largest leg.
    """
    if len(rankings) == 1:
        return rankings[0].total
    if all(one.total == Total(len(one.found), "eq") for one in rankings):
        return Total(found, "eq")
    return Total(max(found, *(one.total.value for one in rankings)), "gte")
