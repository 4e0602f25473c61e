"""What was measured: recall with one setting after another, and the smallest that is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.evaluation.significance import Interval
from es_hybrid.vector_index import VECTOR_INDEX_TYPES


@dataclass(frozen=True, slots=True)
class Setting:
    """How kNN was asked, and how much of the truth it found.

    Attributes:
        filter: what the documents were limited to, for people.
        share: of the documents with a vector that pass this filter, 0 to 1.
        num_candidates: vectors that each shard looked at.
        oversample: candidates per hit that are scored again with the exact vectors; None where
            the index holds these.
        recall: share of the k nearest that was found, 0 to 1, mean over queries.
        ms: milliseconds for one query of a request with many.
        exhaustive: whether the server compares all vectors anyway, so that it proves nothing.
        usual: whether searches do so unless something else is asked.
    """

    filter: str
    share: float
    num_candidates: int
    oversample: float | None
    recall: Interval
    ms: float
    exhaustive: bool
    usual: bool

    def flags(self, kind: str) -> str:
        """What `es-hybrid search` is given, so that it asks so.

        Args:
            kind: the vector index type.
        """
        said = f"--num-candidates {self.num_candidates}"
        if self.oversample == VECTOR_INDEX_TYPES[kind].oversample:
            return said
        return f"{said} --oversample {self.oversample:g}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "filter": self.filter,
            "share": self.share,
            "num_candidates": self.num_candidates,
            "oversample": self.oversample,
            "recall": self.recall.mean,
            "ci": [self.recall.low, self.recall.high],
            "ms": self.ms,
            "exhaustive": self.exhaustive,
            "usual": self.usual,
        }


@dataclass(frozen=True, slots=True)
class Recall:
    """How much of the nearest documents kNN finds in an index.

    Attributes:
        name: what was measured.
        type: its vector index type.
        k: nearest documents that were looked for.
        vectors: so many it has.
        queries: so many were asked.
        target: recall that is wanted.
        settings: one after the other.
        notes: what a person should know before believing it.
    """

    name: str
    type: str
    k: int
    vectors: int
    queries: int
    target: float
    settings: Sequence[Setting]
    notes: Sequence[str] = field(default=())

    def smallest(self, where: str) -> Setting | None:
        """The setting with the fewest candidates that reaches the target under a filter."""
        enough = [
            one for one in self.settings if one.filter == where and one.recall.mean >= self.target
        ]
        return min(enough, key=lambda one: (one.num_candidates, one.oversample or 0), default=None)

    @property
    def filters(self) -> list[str]:
        """What the documents were limited to, in order."""
        return list(dict.fromkeys(one.filter for one in self.settings))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        smallest = {where: self.smallest(where) for where in self.filters}
        return {
            "index": self.name,
            "type": self.type,
            "k": self.k,
            "vectors": self.vectors,
            "queries": self.queries,
            "target": self.target,
            "settings": [one.to_dict() for one in self.settings],
            "smallest": {
                where: one and one.to_dict() | {"options": one.flags(self.type)}
                for where, one in smallest.items()
            },
            "notes": list(self.notes),
        }
