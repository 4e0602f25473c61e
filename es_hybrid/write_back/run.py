"""One pass over an index: each document gets what a model says of it, in a field of its own.

A document is written to only in the state in which its vector was read. One that somebody changed
meanwhile is read again, and what they wrote is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.documents import Document
from es_hybrid.existing.additions import update
from es_hybrid.existing.index import existing_index
from es_hybrid.existing.texts import where
from es_hybrid.filters import Clause
from es_hybrid.fitted.model import whole
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.flight import Flight, flight
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import patient, requests_of
from es_hybrid.indexing.report import SHOWN_PROBLEMS, Problem, Progress
from es_hybrid.indexing.scan import Found, Page, refresh
from es_hybrid.indexing.sending import Outcome
from es_hybrid.vector_stream import Batch, VectorIndex, scanned
from es_hybrid.vectors import Vectors

# How often a document is read again that somebody changes all the time.
_TRIES = 10
_TOGETHER = 1000  # ids of one filter

_CONFLICT = "version_conflict_engine_exception"
_MISSING = "document_missing_exception"

# What documents get: their ids, and float32 vectors, shape (n, dims), come in.
Values = Callable[[Sequence[str], Vectors], Sequence[Mapping[str, Any]]]
OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class WrittenBack:
    """The numbers of one pass.

    Attributes:
        read: documents with a vector; always written + unchanged + gone + refused.
        written: documents that got something new.
        unchanged: documents that said the same already.
        gone: documents that somebody deleted meanwhile, or whose vector is gone.
        refused: documents that could not be written to, with their reasons in `problems`.
        conflicts: how often somebody else changed a document between reading and writing.
        problems: the first of the refused.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    gone: int = 0
    refused: int = 0
    conflicts: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Documents whose fate is known."""
        return self.written + self.unchanged + self.gone + self.refused

    def add(self, other: WrittenBack) -> None:
        """Count another pass, over other documents, as well."""
        for name in ("read", "written", "unchanged", "gone", "refused", "conflicts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems += other.problems

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def write_back(
    client: Elasticsearch,
    index: VectorIndex,
    field: str,
    values: Values,
    *,
    lengths: bool = False,
    filters: Sequence[Clause] = (),
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
) -> WrittenBack:
    """Write into every document with a vector what `values` says of it.

    Args:
        client: any `Elasticsearch` client; it is used, never changed. One that waits already
            does so for as long as it was told.
        index: whose mapping knows the field.
        field: the object that gets the values.
        values: asked batch by batch.
        lengths: whether `values` gets vectors as they are, and not of length 1.
        filters: only documents for which all hold.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        ServerError: the server refused, or cannot be reached; what it confirmed is written, and a
            later pass finds that unchanged.
    """
    client = patient(client, patience, met=True)
    return _Pass(client, index, field, values, progress, lengths=lengths).go(filters)


_Key = tuple[str, str | None]


class _Pass:
    def __init__(
        self,
        client: Elasticsearch,
        index: VectorIndex,
        field: str,
        values: Values,
        progress: OnProgress,
        *,
        lengths: bool,
    ) -> None:
        self.client, self.index, self.field = client, index, field
        self.values, self.progress, self.lengths = values, progress, lengths
        self.count = WrittenBack()
        self.total: int | None = None
        self.waiting: dict[str, Found] = {}
        self.again: dict[_Key, str] = {}  # what was changed meanwhile, and where it stands
        self.tries = 0
        self.flight: Flight | None = None
        self.requests = requests_of(client)
        self.requests.tell = self._tell

    def go(self, filters: Sequence[Clause]) -> WrittenBack:
        refresh(self.client, self.index.index)
        alias = existing_index(self.client, self.index.index).write_alias
        try:
            with flight(
                self.client,
                self.index.index,
                written=self._written,
                refused=self._refused,
                tell=self._tell,
                alias=alias,
                name=self.index.name,
            ) as self.flight:
                self._pass(filters)
                while self.again:
                    self._once_more()
        finally:
            if self.count.written:
                refresh(self.client, self.index.index)
        return self.count

    def _once_more(self) -> None:
        """Read what was changed meanwhile, as it is now."""
        self.tries += 1
        refresh(self.client, self.index.index)
        asked, self.again = self.again, {}
        ids = [identifier for identifier, _ in asked]
        for start in range(0, len(ids), _TOGETHER):
            only = {"ids": {"values": ids[start : start + _TOGETHER]}}
            self._pass((only,), asked=asked)
        self.count.gone += len(asked)  # those that were found are taken out

    def _pass(self, filters: Sequence[Clause], *, asked: dict[_Key, str] | None = None) -> None:
        if self.flight is None:
            raise RuntimeError("nothing is sent before the pass began")
        read = scanned(self.client, self.index, fields=(self.field,), filters=filters)
        with closing(read):
            for page, batch in read:
                if asked is None:
                    self.total = page.total
                    self.count.read += len(page.documents)
                self.flight.send(self._prepared(page, batch, asked))
                self._tell()
        self.flight.settle()

    def _prepared(
        self, page: Page, batch: Batch, asked: dict[_Key, str] | None
    ) -> Iterator[Prepared]:
        ids, vectors = whole(batch.ids, batch.units, batch.norms if self.lengths else None)
        told = self.values(ids, vectors)
        for found, value in zip(page.documents, told, strict=True):
            if asked is not None and asked.pop((found.id, found.routing), None) is None:
                continue
            if found.source.get(self.field) == value:
                self.count.unchanged += 1
                continue
            place = where(found, self.index.index)
            self.waiting[place] = found
            yield update(Document(found.id, {}, "", "", "", place), found, {self.field: value})

    def _written(self, documents: Sequence[Document]) -> None:
        for document in documents:
            del self.waiting[document.where]
        self.count.written += len(documents)

    def _refused(self, told: Outcome) -> None:
        place = told.document.where
        found = self.waiting.pop(place)
        if told.kind == _MISSING:
            self.count.gone += 1
        elif told.kind == _CONFLICT and self.tries < _TRIES:
            self.count.conflicts += 1
            self.again[found.id, found.routing] = place
        else:
            self._lost(found, place, told)

    def _lost(self, found: Found, place: str, told: Outcome) -> None:
        self.count.refused += 1
        if len(self.count.problems) < SHOWN_PROBLEMS:
            kind, attempts = told.kind or "", told.attempts + self.tries
            reason = told.reason
            problem = Problem("dead_lettered", place, reason, found.id, kind, attempts)
            self.count.problems.append(problem)

    def _tell(self) -> None:
        count, waiting = self.count, self.requests.patience.waiting
        self.progress(Progress(count.read, count.done, count.done, self.total, waiting))
