"""Copying: the documents of one index go to another with vectors of their texts.

While nobody else knows the new index, what is copied simply replaces what was there. Once the
alias stands for it, others write to it as well: then only documents are replaced that nobody has
touched there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.contract import Contract
from es_hybrid.documents import META_FIELD, Document
from es_hybrid.embedders import Embedder
from es_hybrid.errors import NotVerified, RecordError, TooManyRejected
from es_hybrid.existing.additions import addition, vectors_of
from es_hybrid.existing.changes import Marks, changed, count, last_changes, marks, untouched
from es_hybrid.existing.index import Existing
from es_hybrid.existing.run import OnProgress, text_hash
from es_hybrid.existing.texts import text_document
from es_hybrid.indexing.answers import CONFLICT
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.dead_letters import DeadLetters
from es_hybrid.indexing.embedding import Embedded, embedded
from es_hybrid.indexing.flight import Flight, flight
from es_hybrid.indexing.limit import LIMIT, Limit
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.patient import requests_of
from es_hybrid.indexing.report import SHOWN_PROBLEMS, Problem, Progress
from es_hybrid.indexing.scan import Found, Page, Scan, read_again, refresh
from es_hybrid.indexing.sending import Outcome
from es_hybrid.objects import value_at, with_value, without
from es_hybrid.passages import Splitter
from es_hybrid.similarity import similarity
from es_hybrid.texts import is_blank

_TOGETHER = 500  # ids that are looked up at once


@dataclass(frozen=True, slots=True)
class CopyJob:
    """What a copy needs to know.

    Attributes:
        client: is used, never changed; made by `waiting`.
        source: the index that is read.
        target: the index that is written to; it exists.
        contract: of the target.
        embedder: makes its vectors; None where none has to be made.
        keeps: whether a vector of the source is that of the target, as long as the text is.
        resumed: whether the target has documents of a copy that was interrupted.
        dead_letters: file for documents that the target refuses; None keeps none.
        progress: called whenever the fate of more documents is known.
        slices: readers at a time.
        alias: one of the target alone, which is written through; None where there is none.
        limit: of documents that the target refuses, or that get no vector; None is none.
    """

    client: Elasticsearch
    source: Existing
    target: str
    contract: Contract
    embedder: Embedder | None
    keeps: bool = False
    resumed: bool = False
    dead_letters: Path | None = None
    progress: OnProgress = lambda _: None
    slices: int = 1
    alias: str | None = None
    limit: Limit | None = LIMIT


@dataclass(slots=True)
class Copied:
    """The numbers of a copy.

    Attributes:
        written: documents written to the target, again ones included.
        embedded: of these, those whose vectors were computed.
        kept: of these, those with a vector that was there already.
        without_vector: of these, those without text, or whose text cannot be embedded.
        deleted: documents that were taken away again, as they are gone from the source.
        conflicts: documents that others had changed in the target since it took over; theirs stay.
        lost: documents that the target refuses, by where they stand; a later try may mend it.
        unembedded: documents without a vector, as the embedder fails on them, by where they stand.
        problems: the first of the lost, and of those whose text cannot be embedded.
    """

    written: int = 0
    embedded: int = 0
    kept: int = 0
    without_vector: int = 0
    deleted: int = 0
    conflicts: int = 0
    lost: set[str] = field(default_factory=set)
    unembedded: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Documents that are refused, or get no vector."""
        return len(self.lost) + len(self.unembedded)

    def first(self, places: Container[str]) -> Problem:
        """The first problem of these documents that was kept."""
        return next((one for one in self.problems if one.where in places), self.problems[0])

    def tell(self, problem: Problem) -> None:
        """Keep one of the first problems."""
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(problem)


class Copy:
    """A copy that is made, and kept up with its source."""

    def __init__(self, job: CopyJob) -> None:
        self.job = job
        self.copied = Copied()
        self.letters = DeadLetters(job.dead_letters)
        self.can = capabilities.read(job.client)
        size = job.contract.passages
        self.splitter = Splitter(job.embedder, size) if size and job.embedder else None
        self.scaled = similarity(job.contract.similarity).scaled
        self.seen: Marks = ()
        self.taken_over: Marks | None = None
        # Documents that the source has as well, once the target took over; None: nobody knows.
        self._expected: int | None = 0
        self._creating: set[str] = set()
        self.total: int | None = None
        self.done = 0
        self.requests = requests_of(job.client)
        self.requests.tell = self._tell
        index = job.source.body["settings"]["index"]
        self.pipeline = {"pipeline": "_none"} if "default_pipeline" in index else {}

    def all(self) -> None:
        """Copy every document.

        Raises:
            ServerError: the server refused, or cannot be reached.
        """
        now = marks(self.job.client, self.job.source.index)
        self._copy(pages(self.job.client, replace(self._scan(), slices=self.job.slices)))
        self.seen = now

    def catch_up(self) -> int:
        """Copy what was written since the last time, and take away what was deleted; how many.

        Raises:
            ServerError: the server refused, or cannot be reached.
        """
        now = marks(self.job.client, self.job.source.index)
        before = self.done
        self._copy(changed(self.job.client, self._scan(), self.seen))
        self.seen = now
        return self.done - before + self._take_away()

    def take_over(self) -> Marks:
        """From now on others write to the target as well; where it stands now."""
        self.taken_over = last_changes(self.job.client, self.job.target)
        self._expected = count(self.job.client, self.job.target)
        return self.taken_over

    def taken_over_at(self, *, seen: Marks, own: Marks) -> None:
        """Go on with a copy that had taken over.

        Args:
            seen: up to where the source had been caught up with.
            own: where the target stood then.
        """
        self.seen, self.taken_over = seen, own
        self._expected = None

    def check_lost(self) -> None:
        """Refuse to go on without documents that the target does not take.

        Raises:
            NotVerified: there are some.
        """
        if not (lost := self.copied.lost):
            return
        first = self.copied.first(lost)
        raise NotVerified(
            f"{len(lost):,} documents cannot be written to {self.job.target!r}, so that "
            f"{self.job.source.name!r} was left as it is; the first: {first.where}: {first.reason}"
        )

    def close(self) -> None:
        """Close the file of dead letters."""
        self.letters.close()

    def _scan(self) -> Scan:
        contract = self.job.source.contract
        source: dict[str, Any] = {}
        if self.can.leaves_vectors_out:
            source["exclude_vectors"] = False  # vectors of the user's own are copied too
        if contract is not None and not self.job.keeps:
            source["excludes"] = [vectors_of(contract)]
        return Scan(self.job.source.index, source or True)

    def _copy(self, found: Generator[Page, None, None]) -> None:
        with (
            self._flight(self._written) as sent,
            closing(found),
        ):
            for page in found:
                self.total = max(page.total, self.total or 0)
                sent.send(self._prepared(page.documents))
                self.done += len(page.documents)
                self._tell()
                if self._is_enough():
                    break
        self._check_limit()

    def _is_enough(self) -> bool:
        """Whether more documents are rejected than the copy is to put up with.

        Once others write to the target there is no way back.
        """
        limit = self.job.limit if self.taken_over is None else None
        return limit is not None and limit.is_passed(lost=self.copied.rejected, read=self.done)

    def _check_limit(self) -> None:
        if not self._is_enough():
            return
        copied, job = self.copied, self.job
        first = copied.first(copied.lost | copied.unembedded)
        why = (
            f"{copied.rejected:,} of {self.done:,} documents read so far cannot be written to "
            f"{job.target!r} or get no vector, which is more than {job.limit}: the run stopped, "
            f"{job.source.name!r} was left as it is, and what was copied stays; the first: "
            f"{first.where}: {first.reason}. Mend the cause, or raise the limit with "
            "--max-rejected N, N% or none; the same command then goes on"
        )
        raise TooManyRejected(why, report=copied)

    def _flight(
        self, written: Callable[[Sequence[Document]], None]
    ) -> AbstractContextManager[Flight]:
        job = self.job
        return flight(
            job.client,
            job.target,
            written=written,
            refused=self._refused,
            tell=self._tell,
            alias=job.alias,
        )

    def _prepared(self, documents: Sequence[Found]) -> Iterator[Prepared]:
        if self.taken_over is not None:
            documents = self._nobody_elses(documents)
        there = self._there(documents)
        todo: list[Document] = []
        by_place: dict[str, Found] = {}
        for one, state in zip(documents, there, strict=True):
            document = self._document(one)
            by_place[document.where] = one
            self.copied.unembedded.discard(document.where)
            donor = one if self.job.keeps else state if self.job.resumed else None
            if donor and (parts := self._parts(donor, document)):
                self.copied.kept += 1
                yield self._lines(document, one, parts)
            elif is_blank(document.text):
                self.copied.without_vector += 1
                yield self._lines(document, one, {})
            else:
                todo.append(document)
        for item in self._embedded(todo):
            one = by_place[item.document.where]
            parts = {}
            if item.fault is None:
                self.copied.embedded += 1
                parts = addition(item, self.job.contract, base64=self.can.base64_vectors)
            else:
                self._unembedded(item, one)
            yield self._lines(item.document, one, parts)

    def _unembedded(self, item: Embedded, found: Found) -> None:
        place = item.document.where
        self.copied.without_vector += 1
        self.copied.tell(Problem("dead_lettered", place, item.fault or "", found.id))
        if self.job.embedder is not None:  # else nobody was to make one
            self.copied.unembedded.add(place)

    def _there(self, documents: Sequence[Found]) -> Sequence[Found | None]:
        """The same documents in the target, where that says whether they may be written."""
        if not self.job.resumed or self.job.keeps:
            return [None] * len(documents)
        return read_again(
            self.job.client,
            self.job.target,
            documents,
            includes=[vectors_of(self.job.contract), META_FIELD],
            vectors=self.can.leaves_vectors_out,
        )

    def _document(self, found: Found) -> Document:
        names, index = self.job.contract.text_fields, self.job.source.index
        try:
            return text_document(found, names, index=index)
        except RecordError:  # its text is an object: it is copied, and found by no word
            return text_document(Found(found.id, {}, 0, 0, found.routing), names, index=index)

    def _parts(self, donor: Found, document: Document) -> dict[str, Any] | None:
        """The vectors that were made of this very text or picture; None where there are none."""
        known = text_hash(donor)
        of_picture = self.job.contract.embedder.modality == "image"  # whose hash no text has
        adopted = self.job.source.adopted and self.job.keeps and known is None
        name = vectors_of(self.job.contract)
        vectors = value_at(donor.source, name)
        if vectors is None or not (of_picture or known == document.text_hash or adopted):
            return None
        made = donor.source.get(META_FIELD)
        return {name: vectors, META_FIELD: dict(made) if isinstance(made, Mapping) else {}}

    def _embedded(self, documents: Sequence[Document]) -> Iterator[Embedded]:
        if documents and self.job.embedder is None:
            fault = "it has no vector, and the vectors of this index came from outside"
            return iter([Embedded(document, fault=fault) for document in documents])
        if self.job.embedder is None:
            return iter(())
        return embedded(self.job.embedder, documents, splitter=self.splitter, scaled=self.scaled)

    def _lines(self, document: Document, found: Found, parts: Mapping[str, Any]) -> Prepared:
        action: dict[str, Any] = {"_id": found.id, **self.pipeline, **found.routed}
        kind = "index"
        if self.taken_over is not None:
            kind = self._guard(action, found)
            if kind == "create":
                self._creating.add(document.where)
        body = orjson.dumps(self._body(found, parts), option=orjson.OPT_SERIALIZE_NUMPY)
        return Prepared(document, orjson.dumps({kind: action}) + b"\n" + body + b"\n")

    def _guard(self, action: dict[str, Any], found: Found) -> str:
        """The operation that fails if somebody writes to it just now."""
        [state] = read_again(self.job.client, self.job.target, [found])
        if state is None:
            return "create"
        action |= {"if_seq_no": state.seq_no, "if_primary_term": state.primary_term}
        return "index"

    def _nobody_elses(self, documents: Sequence[Found]) -> list[Found]:
        """Those that nobody wrote to since the target took over; the others are conflicts."""
        ids = {"ids": {"values": [one.id for one in documents]}}
        scan = Scan(self.job.target, False, filters=(ids,))
        with closing(changed(self.job.client, scan, self.taken_over or ())) as found:
            theirs = {(one.id, one.routing) for page in found for one in page.documents}
        touched = [one for one in documents if (one.id, one.routing) in theirs]
        if touched:
            self.copied.conflicts += self._differing(touched)
        return [one for one in documents if (one.id, one.routing) not in theirs]

    def _differing(self, documents: Sequence[Found]) -> int:
        """How many have other fields in the target: a run before may have carried the others."""
        there = read_again(self.job.client, self.job.target, documents, includes=["*"])
        pairs = zip(documents, there, strict=True)
        return sum(self._body(a, {}) != (b and self._body(b, {})) for a, b in pairs)

    def _body(self, found: Found, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The user's fields as they are, the vectors, and what else es_hybrid knew of it."""
        body = dict(found.source)
        known = body.pop(META_FIELD, None)
        kept = {}
        if isinstance(known, Mapping):
            kept = {key: known[key] for key in ("content_hash", "source") if key in known}
        old = self.job.source.contract
        for name in {vectors_of(self.job.contract), *([vectors_of(old)] if old else [])}:
            body = without(body, name)
        for name, value in parts.items():
            if name != META_FIELD:
                body = with_value(body, name, value)
        made = {**parts.get(META_FIELD, {}), **kept}
        return {**body, **({META_FIELD: made} if made else {})}

    def _take_away(self) -> int:
        """Delete from the target what is gone from the source; how many."""
        job = self.job
        lost = len(self.copied.lost)
        if self.taken_over is None:
            refresh(job.client, job.target)
            if count(job.client, job.target) + lost <= count(job.client, job.source.index):
                return 0
            found = pages(job.client, Scan(job.target, False))
        else:
            if (expected := self._expected) is not None and expected <= count(
                job.client, job.source.index
            ):
                return 0
            found = untouched(job.client, Scan(job.target, False), self.taken_over)
        before = self.copied.deleted
        with (
            self._flight(self._deleted) as sent,
            closing(found),
        ):
            sent.send(self._gone(one for page in found for one in page.documents))
        return self.copied.deleted - before

    def _gone(self, documents: Iterable[Found]) -> Iterator[Prepared]:
        job = self.job
        rest = iter(documents)
        while some := tuple(islice(rest, _TOGETHER)):
            states = read_again(job.client, job.source.index, some)
            for one, state in zip(some, states, strict=True):
                if state is None:
                    yield self._deletion(one)

    def _deletion(self, found: Found) -> Prepared:
        empty = Found(found.id, {}, 0, 0, found.routing)
        document = text_document(empty, self.job.contract.text_fields, index=self.job.source.index)
        return Prepared(document, orjson.dumps({"delete": found.guarded}) + b"\n")

    def _written(self, documents: Sequence[Document]) -> None:
        self.copied.written += len(documents)
        for document in documents:
            if self._expected is not None:
                self._expected += document.where in self._creating
            self._creating.discard(document.where)
            self.copied.lost.discard(document.where)

    def _deleted(self, documents: Sequence[Document]) -> None:
        self.copied.deleted += len(documents)
        if self._expected is not None:
            self._expected -= len(documents)
        places = {document.where for document in documents}
        self.copied.lost -= places
        self.copied.unembedded -= places

    def _refused(self, told: Outcome) -> None:
        if told.kind == CONFLICT and self.taken_over is not None:
            self.copied.conflicts += 1
            return
        document = told.document
        problem = Problem(
            "dead_lettered",
            document.where,
            told.reason,
            document.id,
            told.kind or "",
            told.attempts,
        )
        self.letters.keep(problem, None)
        self.copied.lost.add(document.where)
        self.copied.unembedded.discard(document.where)
        self.copied.tell(problem)

    def _tell(self) -> None:
        waiting = self.requests.patience.waiting
        self.job.progress(Progress(self.done, self.done, self.done, self.total, waiting))
