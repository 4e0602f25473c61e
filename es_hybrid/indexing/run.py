"""One run: windows of documents are planned, embedded, and sent while the next are embedded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.analysis import SAMPLE
from es_hybrid.client import path
from es_hybrid.documents import DEFAULT_ID_FIELD, Document, Fields, Picture
from es_hybrid.errors import (
    AccessDenied,
    EmbedderError,
    IndexNotFound,
    ServerError,
    SourceError,
    TooManyRejected,
)
from es_hybrid.indexing import typed_fields
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.creation import create
from es_hybrid.indexing.dead_letters import DeadLetters, withdraw
from es_hybrid.indexing.embedding import Embedded, embedded, too_long
from es_hybrid.indexing.embedding_pictures import embedded_pictures
from es_hybrid.indexing.flight import Flight, sending_pool
from es_hybrid.indexing.given import checked
from es_hybrid.indexing.in_use import check_in_use
from es_hybrid.indexing.intake import Duplicates, Intake, Window
from es_hybrid.indexing.journal import Journal, fingerprint
from es_hybrid.indexing.kept import kept
from es_hybrid.indexing.limit import LIMIT, Limit
from es_hybrid.indexing.patience import PATIENCE, Patience, Requests
from es_hybrid.indexing.plan import Plan, plan
from es_hybrid.indexing.prune import Pruned, prune
from es_hybrid.indexing.ready import Ready
from es_hybrid.indexing.report import Problem, Progress, Report, Tally
from es_hybrid.indexing.scoring import members, scoring
from es_hybrid.indexing.sending import Outcome, Sender, gone
from es_hybrid.indexing.state import index_id
from es_hybrid.indexing.stored import Stored
from es_hybrid.indexing.target import Target, Wanted
from es_hybrid.passages import Splitter
from es_hybrid.similarity import similarity as similarity_of
from es_hybrid.sources import Source
from es_hybrid.texts import counted
from es_hybrid.vectors import Vectors

_CHANGED = "the source was changed while it was read"

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run needs to know.

    Attributes:
        client: is used, never changed.
        target: the index that is written to, or will be made.
        wanted: what the caller asked of it.
        source: what is read.
        fields: which fields of a record mean what.
        vectors: where ready vectors come from, if any do.
        duplicates: what happens to another record of the same id.
        dead_letters: file for records that could not be indexed; None keeps none.
        progress: called whenever the fate of more records is known.
        origin: what the documents say that they came from.
        index_id: what tells the index from another of its name; None where there is none yet, or
            where that is not told.
        files: what changes if one of the source's files does; None where they are read only once.
        journal: what is settled is noted there; None notes nothing.
        prune: the most that may be deleted of the documents that the source has no more, as a
            share of those that came from it; None deletes nothing.
        rewrite: whether documents are written that the index has already.
        patience: seconds to wait for a server that refuses or cannot be reached.
        limit: of records that cannot be indexed; None is none.
    """

    client: Elasticsearch
    target: Target
    wanted: Wanted
    source: Source
    fields: Fields
    vectors: Ready
    duplicates: Duplicates
    dead_letters: Path | None
    progress: OnProgress
    origin: str
    index_id: str | None = None
    files: str | None = None
    journal: Journal | None = None
    prune: float | None = None
    rewrite: bool = False
    patience: float = PATIENCE
    limit: Limit | None = LIMIT


class Run:
    """One pass over a source."""

    def __init__(self, job: Job) -> None:
        self.started = time.perf_counter()
        self.job = job
        self.client = job.client
        self.target = job.target
        self.source = job.source
        self.began = datetime.now(UTC)
        self.journal = job.journal
        self.tally = (job.journal and job.journal.settled) or Tally(unseen=_asked(job))
        self.resumed = self.tally.read
        self.letters = _letters(job)
        self.intake = Intake(
            job.source,
            job.fields,
            duplicates=job.duplicates,
            tally=self.tally,
            lost=self._lost,
            skip=self.resumed,
        )
        size = job.target.contract.passages
        self.splitter = Splitter(job.target.embedder, size) if size else None
        self.patience = Patience(job.patience)
        self.requests = Requests(self.client, self.patience, tell=self._tell)
        self.flight: Flight | None = None
        self.can = capabilities.read(self.client)
        self.stored = Stored(
            source=job.origin,
            base64=self.can.base64_vectors,
            vector_field=job.target.contract.vector_field,
        )
        target = job.target
        self.scoring = scoring(
            self.requests, target.index, target.contract, target.models, can=self.can
        )
        self.ready = False
        self.index_id = job.index_id
        self.position = 0

    def report(self) -> Report:
        """Run to the end."""
        with sending_pool() as pool:
            try:
                self._enter()
                self._check_limit()
                for window in self.intake.windows():
                    self.position = window.position
                    self._write(window, pool)
                    self._check_limit()
                    self._note()
                    self._tell()
            except BaseException as error:
                # Else it might be waited for minutes for the server.
                self.patience.stop(error if isinstance(error, ServerError) else None)
                raise
            finally:
                self._finish()
        self._check_index()
        if self.journal:
            self.journal.close()
        self._refuse_nothing()
        return self._report(self._pruned())

    def _check_index(self) -> None:
        """What was written must still be there.

        Without an alias of its own, an index that was deleted is made anew by ``_bulk`` itself.
        """
        index = self.target.index
        if self.index_id is None or index_id(self.client, index) == self.index_id:
            check_in_use(self.client, self.target.name, index)
            return
        if self.target.alias:
            raise gone(index)
        raise IndexNotFound(
            f"index {index!r} was deleted while this run wrote to it. What stands under its "
            "name now, if anything, was made by Elasticsearch of the last documents alone, "
            f"without vectors that can be searched: DELETE /{index}, then run the same command "
            "again"
        )

    def _check_limit(self) -> None:
        """End here if more cannot be indexed than the run is to put up with.

        Raises:
            TooManyRejected: all that was read has its fate, and that is noted for a later run.
        """
        limit, tally = self.job.limit, self.tally
        if limit is None or not limit.is_passed(lost=tally.lost, read=tally.read):
            return
        self._settle()
        if tally.done == tally.read:
            self._enter()
        first = tally.problems[0]
        why = (
            f"{tally.lost:,} of {tally.read:,} records read so far cannot be indexed, which is "
            f"more than {limit}: the run stopped, and what was indexed stays; the first: "
            f"{first.where}: {first.reason}. Correct the source, or raise the limit with "
            "--max-rejected N, N% or none; the same command then goes on"
        )
        raise TooManyRejected(why, report=replace(self._report(None), stopped=why))

    def _note(self) -> None:
        """From time to time: all that was read is settled, and this is noted for a later run."""
        if self.journal is None or not self.journal.due:
            return
        began = time.monotonic()
        self._settle()
        if self.tally.done == self.tally.read:  # else records wait in the intake
            self._enter(began)

    def _enter(self, began: float | None = None) -> None:
        if self.journal:
            self.letters.sync()  # before the entry that says that they are there
            self.journal.enter(self.tally, began=began)

    def _pruned(self) -> Pruned | None:
        if self.job.prune is None:
            return None
        if self.tally.lost:
            return Pruned(
                0, 0, refused=f"{counted(self.tally.lost, 'record')} could not be indexed"
            )
        if self._changed():
            return Pruned(0, 0, refused=_CHANGED)
        return prune(
            self.requests,
            self.target.index,
            source=self.job.origin,
            is_there=self.intake.has_read,
            began=self.began,
            share=self.job.prune,
        )

    def _changed(self) -> bool:
        """Whether the source's files are not any more what they were when they were opened."""
        source = self.source
        return fingerprint(source.files(), reading=source.reading) != self.job.files

    def _notes(self) -> tuple[str, ...]:
        changed = f"{_CHANGED}: what was read may be half old, half new; run the same command again"
        notes = (*self.target.notes, *self.scoring.notes)
        return (*notes, changed) if self._changed() else notes

    def _finish(self) -> None:
        """Also on Ctrl-C: what is on its way is waited for, counted and made searchable."""
        try:
            self._settle()
        finally:
            self.letters.close()
            self._refresh()
            self._tell()

    def _lost(
        self,
        problem: Problem,
        record: Any,
        *,
        vector: Vectors | None = None,
        picture: Picture | None = None,
    ) -> None:
        kept = record if isinstance(record, dict) else None
        self.letters.keep(problem, kept, vector=vector, picture=picture)
        self.tally.count(problem)  # behind it, as what is not kept is not settled

    def _write(self, window: Window, pool: ThreadPoolExecutor) -> None:
        if not window.documents:
            return
        self._ready(window.documents)
        flight = self._flight(pool)
        if window.rewrites:
            self._settle()  # else an older document might arrive behind a newer one
        todo = self._plan(window.documents)
        self.tally.unchanged += todo.unchanged
        flight.send(self._prepared(todo))

    def _plan(self, documents: Sequence[Document]) -> Plan:
        if self.target.created:  # by this run: what is in there, it wrote
            return Plan(tuple(documents), (), 0)
        return plan(self.requests, self.target.index, documents, anew=self.job.rewrite)

    def _ready(self, first: Sequence[Document]) -> None:
        """Before the first document: the index and its typed fields are there."""
        if self.ready:
            return
        self.ready = True
        if not self.target.exists:
            self.target = create(
                self.client,
                self.target,
                self.job.wanted,
                texts=(document.text for document in first[:SAMPLE]),
                serverless=self.can.flavour == "serverless",
            )
            self.index_id = index_id(self.client, self.target.index)
            if self.journal:
                self.journal.made(self.index_id)
        elif self.target.new_types:
            typed_fields.add(self.client, self.target.index, self.target.new_types)

    def _prepared(self, todo: Plan) -> Iterator[Prepared]:
        """First those whose vectors the index has, then those that are embedded."""
        write = list(todo.write)
        yield from self._stored(self._taken_over(todo.rewrite, write))
        ready = [document for document in write if document.vector is not None]
        if ready:
            yield from self._given(ready)
        if len(ready) < len(write):
            write = [document for document in write if document.vector is None]
            self._count_too_long(write)
            yield from self._stored(self._embedded(write))

    def _stored(self, items: Iterator[Embedded]) -> Iterator[Prepared]:
        """With what fitted models say of them."""
        if not self.scoring.models:
            return map(self.stored.prepared, items)
        scored = self.scoring.each(items)
        return (self.stored.prepared(item, members(told)) for item, told in scored)

    def _taken_over(
        self, documents: Sequence[Document], write: list[Document]
    ) -> Iterator[Embedded]:
        """Those whose vectors the index has; the others are put behind what is to be embedded."""
        for document, item in self._kept(documents):
            if item is None:
                write.append(document)
                continue
            self.tally.rewritten += 1
            yield item

    def _kept(self, documents: Sequence[Document]) -> Iterator[tuple[Document, Embedded | None]]:
        target = self.target
        return kept(self.requests, target.index, documents, contract=target.contract, can=self.can)

    def _count_too_long(self, documents: Sequence[Document]) -> None:
        of_pictures = self.target.contract.embedder.modality == "image"
        if of_pictures or self.splitter is not None or self.tally.truncated is None:
            return
        found = too_long(self.target.embedder, [document.text for document in documents])
        self.tally.truncated = None if found is None else self.tally.truncated + found

    def _given(self, documents: Sequence[Document]) -> Iterator[Prepared]:
        """Those whose vector can be used; the others are dead letters."""
        contract = self.target.contract
        scaled = similarity_of(contract.similarity).scaled
        found = checked(documents, maker=contract.embedder.id, scaled=scaled)
        for document, why in found.refused:
            self._dead(document, why, error=EmbedderError.__name__)
        if self.scoring.models:
            return self._stored(found.embedded())
        return self.stored.prepared_each(found)

    def _embedded(self, documents: Sequence[Document]) -> Iterator[Embedded]:
        """Those that have a vector, as they come; the others are dead letters."""
        results = self._vectors(documents)
        while True:
            began = time.perf_counter()
            item = next(results, None)
            self.tally.embedding_seconds += time.perf_counter() - began
            if item is None:
                return
            if item.fault is not None:
                self._dead(item.document, item.fault, error=item.error)
                continue
            self.tally.embedded += 1
            self.tally.passages += len(item.passages)
            yield item

    def _vectors(self, documents: Sequence[Document]) -> Iterator[Embedded]:
        scaled = similarity_of(self.target.contract.similarity).scaled
        embedder: Any = self.target.embedder
        if embedder.info.modality == "image":
            return embedded_pictures(embedder, documents, scaled=scaled)
        return embedded(embedder, documents, splitter=self.splitter, scaled=scaled)

    def _flight(self, pool: ThreadPoolExecutor) -> Flight:
        """Made when the index is there."""
        if self.flight is None:
            self.flight = Flight(
                Sender(
                    self.requests,
                    self.target.index,
                    alias=self.target.alias,
                    name=self.target.name,
                ),
                pool,
                written=self._written,
                refused=self._refused,
                tell=self._tell,
            )
        return self.flight

    def _settle(self) -> None:
        """Wait for what is on its way, and count what came back.

        Raises:
            ServerError: some could not be sent; all others are counted then.
        """
        if self.flight:
            self.flight.settle()

    def _written(self, documents: Sequence[Document]) -> None:
        self.tally.indexed += len(documents)

    def _refused(self, told: Outcome) -> None:
        self._dead(told.document, told.reason, error=told.kind or "", attempts=told.attempts)

    def _dead(self, made: Document, reason: str, *, error: str, attempts: int = 0) -> None:
        problem = Problem("dead_lettered", made.where, reason, made.id, error, attempts)
        whole = {DEFAULT_ID_FIELD: made.id, **made.source}  # so that it can be indexed again
        column = self.job.vectors.column_of(made)
        vector = None if column else made.vector
        self._lost(problem, whole | column, vector=vector, picture=made.picture)

    def _refresh(self) -> None:
        if not self.tally.indexed:
            return
        try:
            self.requests.ask("POST", path(self.target.index, "_refresh"))
        except AccessDenied:
            return  # a writer without `maintenance`: Elasticsearch refreshes within a second
        except IndexNotFound:
            raise gone(self.target.index) from None
        except ServerError:
            if not self.patience.stopped:  # what stopped it is told already
                raise

    def _tell(self) -> None:
        read, done = self.tally.read, self.tally.done
        position = self.position * done // max(read, 1)  # as if all records were of one length
        waiting = self.patience.waiting
        self.job.progress(Progress(read, done, position, self.source.size, waiting))

    def _refuse_nothing(self) -> None:
        if self.tally.read == 0:
            raise SourceError("there is no record to index: the source is empty")
        if self.tally.rejected == self.tally.read:
            first = self.tally.problems[0]
            raise SourceError(
                f"none of the {self.tally.read} records can be read, so nothing was written; "
                f"the first: {first.where}: {first.reason}"
            )

    def _report(self, pruned: Pruned | None) -> Report:
        tally, contract = self.tally, self.target.contract
        return Report(
            name=self.target.name,
            index=self.target.index,
            embedder=contract.embedder.id,
            analysis=contract.analysis,
            vector_index=contract.vector_index,
            read=tally.read,
            indexed=tally.indexed,
            unchanged=tally.unchanged,
            embedded=tally.embedded,
            dead_lettered=tally.dead_lettered,
            rejected=tally.rejected,
            created=self.target.created,
            passages=tally.passages,
            passage_size=None if contract.passages is None else str(contract.passages),
            truncated=tally.truncated,
            seconds=round(time.perf_counter() - self.started, 3),
            embedding_seconds=round(tally.embedding_seconds, 3),
            problems=tuple(tally.problems),
            superseded=tally.superseded,
            renamed=tally.renamed,
            left_out=dict(self.source.left_out),
            analysis_detected=self.target.detected,
            notes=self._notes(),
            similarity=contract.similarity,
            made_ids=tally.made_ids,
            unseen=tuple(sorted(tally.unseen)),
            rewritten=tally.rewritten,
            resumed=self.resumed,
            gone=None if pruned is None or not pruned.had else pruned.gone,
            pruned=pruned.deleted if pruned else 0,
            not_pruned=pruned.refused if pruned else None,
        )


def _letters(job: Job) -> DeadLetters:
    """Those of records that are read again are taken back."""
    journal = job.journal
    if journal is None:
        return DeadLetters(job.dead_letters, run=uuid4().hex, source=job.origin)
    if job.dead_letters and journal.superseded:
        withdraw(job.dead_letters, run=journal.superseded)
    settled = journal.settled.lost if journal.settled else None
    return DeadLetters(job.dead_letters, run=journal.run, source=job.origin, settled=settled)


def _asked(job: Job) -> set[str]:
    """Columns that the caller named; paths into objects are left out."""
    columns = job.fields.columns
    names = {*(job.wanted.text_fields or ()), *job.wanted.types, *columns}
    return {columns.get(name, name) for name in names if "." not in name}
