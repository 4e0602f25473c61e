"""A leg's answer as a ranking: what it found, in which order, out of how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from es_hybrid.fusion import Fused
from es_hybrid.hits import Hit, LegHit, PassageHit, Total
from es_hybrid.search.nested import best_norm, best_passage
from es_hybrid.search.queries import NORM_FIELD, Key, LegSearch
from es_hybrid.similarity import raw_and_cosine

# One of Elasticsearch's hits.
RawHit = Mapping[str, Any]


@dataclass(eq=False)
class Ranking:
    """What one leg answered.

    Attributes:
        leg: what was asked.
        hits: Elasticsearch's, best first.
        ranks: key -> rank, from 1; in the order of `hits`.
        total: how many documents the leg matches.
    """

    leg: LegSearch
    hits: Sequence[RawHit]
    ranks: Mapping[Key, int]
    total: Total

    @cached_property
    def found(self) -> Mapping[Key, RawHit]:
        """Key -> hit, best first."""
        return dict(zip(self.ranks, self.hits, strict=True))

    def get(self, key: Key) -> RawHit | None:
        """The hit of this document; None where it is not among them."""
        rank = self.ranks.get(key)
        return None if rank is None else self.hits[rank - 1]

    @property
    def whole(self) -> bool:
        """Whether it holds all that the leg matches."""
        return self.total == Total(len(self.hits), "eq")

    def leg_hit(self, key: Key, *, contribution: float | None) -> LegHit:
        """How this leg saw the document `key`, which it must hold."""
        rank = self.ranks[key]
        hit = self.hits[rank - 1]
        score = hit["_score"]
        if self.leg.kind != "knn":
            return LegHit(self.leg.kind, rank, score, None, contribution)
        raw, cosine = self.compared(hit)
        return LegHit("knn", rank, score, cosine, contribution, raw)

    def passage(self, key: Key) -> PassageHit | None:
        """The passage that this leg found the document `key` by, if it did."""
        if not self.leg.in_passages or (hit := self.get(key)) is None:
            return None
        return best_passage(hit, cosine=self.compared(hit)[1])

    def compared(self, found: RawHit) -> tuple[float | None, float | None]:
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
    hits = answer["hits"]["hits"]
    ranks = dict(zip([(hit["_index"], hit["_id"]) for hit in hits], count(1), strict=False))
    if len(ranks) < len(hits):  # an id twice, in shards that were chosen by a routing
        hits = list({(hit["_index"], hit["_id"]): hit for hit in hits}.values())
        ranks = dict(zip(ranks, count(1), strict=False))
    if leg.kind == "knn":  # its k nearest are all that it matches, however they were found
        return Ranking(leg, hits, ranks, Total(len(hits), "eq"))
    total = answer["hits"]["total"]
    return Ranking(leg, hits, ranks, Total(total["value"], total["relation"]))


class Together(Mapping[Key, RawHit]):
    """The hits of all rankings by their keys, of each document that of the first ranking.

    They are put together only for those who look through them: most want a few of them.
    """

    def __init__(self, rankings: Sequence[Ranking]) -> None:
        self._rankings = rankings

    def __getitem__(self, key: Key) -> RawHit:
        for one in self._rankings:
            if (hit := one.get(key)) is not None:
                return hit
        raise KeyError(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._merged)

    def __len__(self) -> int:
        return len(self._merged)

    def __bool__(self) -> bool:
        return any(one.hits for one in self._rankings)

    @cached_property
    def _merged(self) -> dict[Key, RawHit]:
        merged: dict[Key, RawHit] = {}
        for one in reversed(self._rankings):
            merged |= one.found
        return merged


def tie(hit: RawHit) -> int:
    """`_shard_doc`, the second sort value in every leg."""
    place: int = hit["sort"][1]
    return place


# What Elasticsearch gives a fused hit of score 0: the smallest float32 above it.
SMALLEST_SCORE = 2.0**-149


def hit(entry: Fused[Key], rankings: Sequence[Ranking], raw: RawHit, *, alone: bool) -> Hit:
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
    return Hit(identifier, index, score, raw.get("_source", {}), legs, passage, {}, {})


def union(rankings: Sequence[Ranking], *, found: Sized) -> Total:
    """How many documents match any leg, as far as one request tells.

    A kNN leg matches its k hits; another all that it counted. Where every leg was seen to its
    end, the union is the `found` different documents; otherwise it is at least the largest leg.
    """
    if len(rankings) == 1:
        return rankings[0].total
    if all(one.whole for one in rankings):
        return Total(len(found), "eq")
    most = max(one.total.value for one in rankings)
    few = most >= sum(len(one.hits) for one in rankings)  # so that they need not be counted
    return Total(most if few else max(most, len(found)), "gte")
