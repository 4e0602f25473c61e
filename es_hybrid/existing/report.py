"""What a run over an index did: every document read ends in exactly one of five numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from es_hybrid.indexing.report import SHOWN_PROBLEMS, Problem


@dataclass(frozen=True, slots=True)
class Enriched:
    """The numbers of one finished run.

    Attributes:
        name: what was asked for: an alias or an index.
        index: the index whose documents got vectors.
        embedder: id of the embedder.
        read: documents read; always enriched + unchanged + without_text + deleted +
            dead_lettered.
        enriched: documents that got a vector, or a new one.
        unchanged: documents whose vector is that of their text already.
        without_text: documents with nothing to embed; they have no vector (any more).
        deleted: documents that somebody deleted meanwhile.
        dead_lettered: documents that got none, with their reasons in `problems`.
        conflicts: how often somebody else changed a document between reading and writing; it was
            read again, and nothing of theirs was overwritten.
        added: whether this run added the vector field and the contract.
        since: field -> the value up to which the next run with the same `since` has seen all;
            empty without `since`.
        seconds: wall time of the run.
        embedding_seconds: of these, how long the embedder was busy.
        problems: the first of the documents that got no vector.
        notes: what the user should know.
        stopped: why the run ended before it had read all; None where it did not.
    """

    name: str
    index: str
    embedder: str
    read: int
    enriched: int
    unchanged: int
    without_text: int
    deleted: int
    dead_lettered: int
    conflicts: int
    added: bool
    since: dict[str, Any]
    seconds: float
    embedding_seconds: float
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    stopped: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every document with a text has its vector now."""
        return not (self.dead_lettered or self.stopped)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(slots=True)
class Count:
    """The numbers while a run goes on."""

    read: int = 0
    enriched: int = 0
    unchanged: int = 0
    without_text: int = 0
    deleted: int = 0
    dead_lettered: int = 0
    conflicts: int = 0
    embedding_seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Documents whose fate is known."""
        kept = self.enriched + self.unchanged + self.without_text
        return kept + self.deleted + self.dead_lettered

    def dead(self, problem: Problem) -> None:
        """Count one that got no vector; keep the first few."""
        self.dead_lettered += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(problem)
