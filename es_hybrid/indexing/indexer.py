"""The indexer: records in, a report out. Embedding and sending overlap."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.analysis import AUTO, SAMPLE
from es_hybrid.documents import (
    DEFAULT_ID_FIELD,
    DEFAULT_TEXT_FIELDS,
    Document,
    Fields,
    by_field,
    reserved_fields,
)
from es_hybrid.embedders import Embedder
from es_hybrid.errors import AccessDenied, SourceError
from es_hybrid.field_types import field_type
from es_hybrid.indexing import bulk, typed_fields
from es_hybrid.indexing.creation import create
from es_hybrid.indexing.dead_letters import DeadLetters
from es_hybrid.indexing.embedding import Embedded, embedded, too_long
from es_hybrid.indexing.intake import Intake, Window, check_duplicates
from es_hybrid.indexing.plan import plan
from es_hybrid.indexing.ready import Ready
from es_hybrid.indexing.report import Problem, Progress, Report, Tally
from es_hybrid.indexing.stored import stored
from es_hybrid.indexing.target import Target, Wanted, find, refresh
from es_hybrid.passages import PassageSize, Splitter, passage_size
from es_hybrid.similarity import similarity as similarity_of
from es_hybrid.sources import Source, memory

_SENDERS = 2
_MAX_IN_FLIGHT = 4

OnProgress = Callable[[Progress], None]


def _silent(_: Progress) -> None:
    return None


def _names(fields: Iterable[str] | None) -> tuple[str, ...] | None:
    """The fields; a string is one name, not the letters it has."""
    if fields is None:
        return None
    return (fields,) if isinstance(fields, str) else tuple(fields)


class Indexer:
    """Writes documents and their vectors through the alias `name`.

    Creates the index with the first document; writes only what is new or changed.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: the alias; the index behind it is ``name-000001``.
        embedder: a name such as ``"e5-small"``, or an object with the `Embedder` methods; None
            takes the live index's own, or the default.
        text_fields: names of the fields that are searched and embedded; None as for `embedder`.
        id_field: field that holds the id; None takes ``_id``, or derives the id from the content.
        analysis: analysis profile; None or ``"auto"`` takes the live index's own, or what the
            first documents of a new one ask for.
        vector_index: vector index type; None as for `embedder`.
        shards: primary shards of a new index.
        replicas: copies of each shard of a new index; None adapts to the number of nodes.
        dead_letters: file that keeps every record that could not be indexed; None keeps none.
        fields: field -> type, such as ``{"year": "number", "sold": "date:%d.%m.%Y"}``; an index
            keeps the types that it was given.
        columns: field -> the column that it is read from, where the two differ.
        duplicates: what happens to another record of the same id: ``"reject"``, or ``"last"``.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``; None as for
            `embedder`. All but cosine keep the vectors as they came.
        vector_field: column with a ready vector for each record; nothing is embedded then.
        vectors_file: .npy file with one row for each record, instead of a column.
        label: which model made the ready vectors; None takes the name of the column or file.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``: long texts are embedded in passages of at
            most so many tokens of the embedder, which share at most `OVERLAP` with the one
            before; None takes the live index's own, or embeds each text as a whole.

    Raises:
        UsageError: an unknown type, passages of a size that cannot work, or another word for
            `duplicates`.
    """

    def __init__(
        self,
        client: Elasticsearch,
        name: str,
        *,
        embedder: str | Embedder | None = None,
        text_fields: Iterable[str] | None = None,
        id_field: str | None = None,
        analysis: str | None = None,
        vector_index: str | None = None,
        shards: int = 1,
        replicas: int | None = None,
        dead_letters: Path | None = None,
        fields: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        duplicates: str = "reject",
        passages: str | PassageSize | None = None,
        similarity: str | None = None,
        vector_field: str | None = None,
        vectors_file: Path | None = None,
        label: str | None = None,
    ) -> None:
        self.vectors = Ready(column=vector_field, file=vectors_file, label=label)
        self.vectors.check(embedder=embedder, passages=passages)
        self.client = client
        self.name = name
        self.id_field = id_field
        self.wanted = Wanted(
            embedder=embedder,
            text_fields=_names(text_fields),
            analysis=None if analysis == AUTO else analysis,
            vector_index=vector_index,
            shards=shards,
            replicas=replicas,
            passages=None if passages is None else passage_size(passages),
            similarity=similarity,
            types={field: field_type(spec) for field, spec in (fields or {}).items()},
        )
        self.dead_letters = dead_letters
        self.columns = dict(columns or {})
        self.duplicates = check_duplicates(duplicates)

    def write(self, records: Source | Iterable[Any], *, progress: OnProgress = _silent) -> Report:
        """Index all records and refresh once at the end.

        Args:
            records: a source, or any iterable of mappings; it is read lazily.
            progress: called whenever the fate of more records is known.

        Raises:
            SourceError: there was nothing readable; nothing was written.
            ContractMismatch: the live index was made differently; nothing was written.
            EmbedderError: the embedder cannot be loaded; nothing was written.
            ServerError: the server cannot be reached or refused everything.
        """
        source = records if isinstance(records, Source) else memory(records)
        source, embedder = self.vectors.beside(source, embedder=self.wanted.embedder)
        hints = by_field(source.types, self.columns)
        wanted = replace(self.wanted, embedder=embedder, hints=hints)
        target = find(self.client, self.name, wanted, default_text=DEFAULT_TEXT_FIELDS)
        run = _Run(self, target, source, progress)
        return run.report()


class _Run:
    """One pass over a source."""

    def __init__(
        self, indexer: Indexer, target: Target, source: Source, progress: OnProgress
    ) -> None:
        self.started = time.perf_counter()
        self.client = indexer.client
        self.wanted = indexer.wanted
        self.vectors = indexer.vectors
        self.target = target
        self.source = source
        self.progress = progress
        self.letters = DeadLetters(indexer.dead_letters)
        self.tally = Tally()
        self.intake = Intake(
            source,
            Fields(
                text=target.contract.text_fields,
                id=indexer.id_field,
                columns=indexer.columns,
                types=target.types,
                text_required=target.embedder.info.label is None,
                reserved=reserved_fields(passages=target.contract.passages is not None),
            ),
            duplicates=indexer.duplicates,
            tally=self.tally,
            lost=self._lost,
        )
        size = target.contract.passages
        self.splitter = Splitter(target.embedder, size) if size else None
        self.in_flight: deque[Future[list[bulk.Outcome]]] = deque()
        self.can = capabilities.read(self.client)
        self.ready = False
        self.position = 0

    def report(self) -> Report:
        """Run to the end."""
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="es_hybrid-send") as pool:
            try:
                for window in self.intake.windows():
                    self.position = window.position
                    self._write(window, pool)
                    self._tell()
            finally:
                self._finish()
        self._refuse_nothing()
        return self._report()

    def _finish(self) -> None:
        """Also on Ctrl-C: what is on its way is waited for, counted and made searchable."""
        try:
            self._settle(0)
        finally:
            self.letters.close()
            self._refresh()
            self._tell()

    def _lost(self, problem: Problem, record: Any) -> None:  # noqa: ANN401 - as it was read
        self.tally.count(problem)
        self.letters.keep(problem, record if isinstance(record, dict) else None)

    def _write(self, window: Window, pool: ThreadPoolExecutor) -> None:
        if not window.documents:
            return
        self._ready(window.documents)
        if window.rewrites:
            self._settle(0)  # else an older document might arrive behind a newer one
        todo = plan(self.client, self.target.index, window.documents)
        self.tally.unchanged += todo.unchanged
        self._count_too_long(todo.write)
        for batch in bulk.batches(map(self._prepared, self._embedded(todo.write))):
            self._settle(_MAX_IN_FLIGHT - 1)
            self.in_flight.append(pool.submit(bulk.send, self.client, self.target.index, batch))
            self._tell()

    def _ready(self, first: Sequence[Document]) -> None:
        """Before the first document: the index and its typed fields are there."""
        if self.ready:
            return
        self.ready = True
        if not self.target.exists:
            self.target = create(
                self.client,
                self.target,
                self.wanted,
                texts=(document.text for document in first[:SAMPLE]),
                serverless=self.can.flavour == "serverless",
            )
        elif self.target.new_types:
            typed_fields.add(self.client, self.target.index, self.target.new_types)

    def _count_too_long(self, documents: Sequence[Document]) -> None:
        if self.splitter is not None or self.tally.truncated is None:
            return
        found = too_long(self.target.embedder, [document.text for document in documents])
        self.tally.truncated = None if found is None else self.tally.truncated + found

    def _embedded(self, documents: tuple[Document, ...]) -> Iterator[Embedded]:
        """Those that have a vector, as they come; the others are dead letters."""
        scaled = similarity_of(self.target.contract.similarity).scaled
        results = embedded(self.target.embedder, documents, splitter=self.splitter, scaled=scaled)
        while True:
            began = time.perf_counter()
            item = next(results, None)
            self.tally.embedding_seconds += time.perf_counter() - began
            if item is None:
                return
            if item.fault is not None:
                self._dead(item.document, item.fault)
                continue
            self.tally.embedded += item.document.vector is None
            self.tally.passages += len(item.passages)
            yield item

    def _prepared(self, item: Embedded) -> bulk.Prepared:
        body = stored(item, source=self.source.name, base64=self.can.base64_vectors)
        return bulk.prepared(item.document, body)

    def _settle(self, most: int) -> None:
        """Wait until at most `most` requests are on their way; count what came back."""
        while len(self.in_flight) > most or (self.in_flight and self.in_flight[0].done()):
            for outcome in self.in_flight.popleft().result():
                if outcome.reason is None:
                    self.tally.indexed += 1
                else:
                    self._dead(outcome.document, outcome.reason)

    def _dead(self, made: Document, reason: str) -> None:
        whole = {DEFAULT_ID_FIELD: made.id, **made.source}  # so that it can be indexed again
        whole |= self.vectors.column_of(made)
        self._lost(Problem("dead_lettered", made.where, reason, made.id), whole)

    def _refresh(self) -> None:
        if not self.tally.indexed:
            return
        try:
            refresh(self.client, self.target.index)
        except AccessDenied:
            return  # a writer without `maintenance`: Elasticsearch refreshes within a second

    def _tell(self) -> None:
        read, done = self.tally.read, self.tally.done
        position = self.position * done // max(read, 1)  # as if all records were of one length
        self.progress(Progress(read, done, position, self.source.size))

    def _refuse_nothing(self) -> None:
        if self.tally.read == 0:
            raise SourceError("there is no record to index: the source is empty")
        if self.tally.rejected == self.tally.read:
            first = self.tally.problems[0]
            raise SourceError(
                f"none of the {self.tally.read} records can be read, so nothing was written; "
                f"the first: {first.where}: {first.reason}"
            )

    def _report(self) -> Report:
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
            notes=self.target.notes,
            similarity=contract.similarity,
        )
