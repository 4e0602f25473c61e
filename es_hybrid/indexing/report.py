"""What a run did: every record read ends in exactly one of five numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from es_hybrid.similarity import DEFAULT_SIMILARITY

Fate = Literal["rejected", "dead_lettered"]

# A report names this many problems; the dead-letter file has them all.
SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that was not indexed, and why.

    Attributes:
        fate: ``"rejected"`` never became a document; ``"dead_lettered"`` was refused by the
            embedder or by Elasticsearch.
        where: where it was read.
        reason: one line.
        id: its id, where it had one.
        error: the type of the error, such as ``"document_parsing_exception"`` of Elasticsearch,
            or one of `es_hybrid.errors`.
        attempts: how often it was sent; 0 where it never was.
    """

    fate: Fate
    where: str
    reason: str
    id: str | None = None
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of one finished run.

    Attributes:
        name: the alias that was written through.
        index: the index behind it.
        embedder: id of the embedder.
        analysis: the analysis profile.
        vector_index: the vector index type.
        read: records read; always indexed + unchanged + dead_lettered + rejected.
        indexed: documents written.
        unchanged: records neither embedded nor written: the index already had them, or a later
            record of the same id took their place.
        embedded: documents whose vectors were computed in this run.
        dead_lettered: documents refused by the embedder or by Elasticsearch.
        rejected: records that never became a document.
        created: whether this run created the index.
        seconds: wall time of the run.
        embedding_seconds: of these, how long the embedder was busy.
        problems: the first of the records that were not indexed, with their reasons.
        superseded: of the `unchanged`, those that a later record of the same id replaced.
        renamed: column called like a metadata field of Elasticsearch -> the field it is kept as.
        left_out: what the source does not read, such as ``{".png files": 3}``.
        passages: pieces of the `embedded` documents that have vectors of their own; 0 without.
        passage_size: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``; None where each text has one vector.
        truncated: of the `embedded`, those with one vector whose text is longer than the model
            reads at once: it cuts the text, or averages over its parts. None where the embedder
            cannot count.
        analysis_detected: whether the analysis was told by the texts, in this run.
        notes: what the user should know about the index that was made.
        similarity: what "near" means: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        unseen: columns that were asked for by name, and that no record has.
        made_ids: records without an id, which got one made of their content: once changed, such
            a record is another document, and the old one stays.
        rewritten: documents that changed, but not in their text: written with the vectors that
            the index had already.
        resumed: of those read, how many an earlier run had settled that was interrupted.
        gone: documents of the same source in the index that the source has no more; None where
            nobody asked, or they were not looked for.
        pruned: of the `gone`, how many were deleted.
        not_pruned: why nothing was, where it was asked for; None otherwise.
        stopped: why the run ended before its source did; None where it did not.
    """

    name: str
    index: str
    embedder: str
    analysis: str
    vector_index: str
    read: int
    indexed: int
    unchanged: int
    embedded: int
    dead_lettered: int
    rejected: int
    created: bool
    seconds: float
    embedding_seconds: float
    problems: tuple[Problem, ...]
    superseded: int = 0
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    passages: int = 0
    passage_size: str | None = None
    truncated: int | None = 0
    analysis_detected: bool = False
    notes: tuple[str, ...] = ()
    similarity: str = DEFAULT_SIMILARITY
    made_ids: int = 0
    unseen: tuple[str, ...] = ()
    rewritten: int = 0
    resumed: int = 0
    gone: int | None = None
    pruned: int = 0
    not_pruned: str | None = None
    stopped: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every record of the source is in the index now."""
        return not (self.dead_lettered or self.rejected or self.stopped)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        read: records read so far.
        done: records whose fate is known.
        position: bytes of the source behind the records whose fate is known, about.
        size: bytes of the source in all; None where nobody knows.
        waiting: what the server says while the run waits for it; empty where it does not.
    """

    read: int
    done: int
    position: int
    size: int | None
    waiting: str = ""


@dataclass(slots=True)
class Tally:
    """The numbers while a run goes on."""

    read: int = 0
    indexed: int = 0
    unchanged: int = 0
    embedded: int = 0
    rewritten: int = 0
    passages: int = 0
    truncated: int | None = 0
    dead_lettered: int = 0
    rejected: int = 0
    superseded: int = 0
    made_ids: int = 0
    embedding_seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)

    @property
    def lost(self) -> int:
        """Records that are not in the index: each has a dead letter."""
        return self.dead_lettered + self.rejected

    @property
    def done(self) -> int:
        """Records whose fate is known."""
        return self.indexed + self.unchanged + self.dead_lettered + self.rejected

    def count(self, problem: Problem) -> None:
        """Count one record that was not indexed; keep the first few."""
        if problem.fate == "rejected":
            self.rejected += 1
        else:
            self.dead_lettered += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(problem)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"unseen": sorted(self.unseen)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Tally:
        """What `to_dict` made.

        Raises:
            TypeError: it did not.
        """
        problems = [Problem(**one) for one in told["problems"]]
        return cls(**{**told, "problems": problems, "unseen": set(told["unseen"])})
