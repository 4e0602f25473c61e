"""One run over the documents of an index: what has no vector of its text gets one.

A document is written to only in the state in which it was read. One that somebody changed
meanwhile is read again; what they wrote is never overwritten, nor embedded twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.contract import Contract
from es_hybrid.documents import META_FIELD, Document
from es_hybrid.embedders import Embedder
from es_hybrid.errors import EmbedderError, IndexNotFound, RecordError
from es_hybrid.existing.additions import addition, removal, update
from es_hybrid.existing.index import id_now
from es_hybrid.existing.report import Count
from es_hybrid.existing.texts import text_document, where
from es_hybrid.indexing.answers import CONFLICT, MISSING
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.dead_letters import DeadLetters
from es_hybrid.indexing.embedding import Embedded, embedded
from es_hybrid.indexing.flight import Flight, flight
from es_hybrid.indexing.in_use import check_in_use
from es_hybrid.indexing.limit import LIMIT, Limit
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.patient import patient, requests_of
from es_hybrid.indexing.report import Problem, Progress
from es_hybrid.indexing.scan import Found, Scan, read_again, refresh
from es_hybrid.indexing.scoring import scoring
from es_hybrid.indexing.sending import Outcome
from es_hybrid.model_references import References
from es_hybrid.passages import Splitter
from es_hybrid.similarity import similarity
from es_hybrid.texts import is_blank

# How often a document is read again that somebody changes all the time.
_TRIES = 10

_HASH = f"{META_FIELD}.text_hash"

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run needs to know.

    Attributes:
        client: is used, never changed; made by `waiting`.
        index: one index, which has the vector field already.
        contract: of the index.
        embedder: proven to be the model of the contract.
        scan: which documents are read.
        adopted: whether a vector without a hash is another program's, and left alone.
        dead_letters: file for documents that get no vector; None keeps none.
        progress: called whenever the fate of more documents is known.
        alias: one of this index alone, which is written through; None where there is none.
        name: what was asked for: the index, or an alias of it.
        index_id: what tells the index from another of its name; None where that is not told.
        models: field -> id of the fitted model that fills it in each document.
        limit: of documents that get no vector; None is none.
    """

    client: Elasticsearch
    index: str
    contract: Contract
    embedder: Embedder
    scan: Scan
    adopted: bool = False
    dead_letters: Path | None = None
    progress: OnProgress = lambda _: None
    alias: str | None = None
    name: str | None = None
    index_id: str | None = None
    models: References = field(default_factory=dict)
    limit: Limit | None = LIMIT


@dataclass(slots=True)
class _Waiting:
    """A document on its way, and how often it was sent."""

    found: Found
    tries: int = 1


class Run:
    """One pass."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.count = Count()
        self.letters = DeadLetters(job.dead_letters)
        self.waiting: dict[str, _Waiting] = {}
        self.again: list[_Waiting] = []
        can = capabilities.read(job.client)
        self.base64 = can.base64_vectors
        self.requests = requests_of(job.client)
        self.scoring = scoring(self.requests, job.index, job.contract, job.models, can=can)
        size = job.contract.passages
        self.splitter = Splitter(job.embedder, size) if size else None
        self.scaled = similarity(job.contract.similarity).scaled
        self.total: int | None = None
        self.stopped: str | None = None
        self.flight: Flight | None = None
        self.requests.tell = self._tell

    def go(self) -> Count:
        """Run to the end, or to the limit of dead letters, which `stopped` says then.

        Raises:
            SourceError: a dead letter cannot be kept.
            IndexNotFound: the index was deleted meanwhile.
            AliasMoved: the name stands for another index by now.
            ServerError: the server refused, or cannot be reached; what it confirmed is counted.
        """
        job = self.job
        try:
            with flight(
                job.client,
                job.index,
                written=self._written,
                refused=self._refused,
                tell=self._tell,
                alias=job.alias,
                name=job.name,
            ) as self.flight:
                with closing(pages(job.client, job.scan)) as found:
                    for page in found:
                        self.total = page.total
                        self._page(page.documents)
                        if self._is_enough():
                            break
                while self.waiting or self.again:
                    self.flight.settle()
                    self._again()
        finally:
            self.letters.close()
            if self.count.enriched or self.count.without_text:
                refresh(job.client, job.index)
        self._check_index()
        return self.count

    def _is_enough(self) -> bool:
        """Whether more documents get no vector than the run is to put up with."""
        limit, count = self.job.limit, self.count
        if limit is None or not limit.is_passed(lost=count.dead_lettered, read=count.read):
            return False
        first = count.problems[0]
        self.stopped = (
            f"more than {limit} of {count.read:,} documents read so far get no vector: the run "
            f"stopped, and what was written stays; the first: {first.where}: {first.reason}. Mend "
            "the cause, or raise the limit with --max-rejected N, N% or none; the same command "
            "then goes on"
        )
        return True

    def _check_index(self) -> None:
        """What was written must still be there, and be what its name stands for.

        Without its alias, an index that was deleted is made anew by ``_bulk``, and is empty.
        """
        job = self.job
        if job.index_id in (None, id_now(job.client, job.index)):
            check_in_use(job.client, job.name or job.index, job.index)
            return
        raise IndexNotFound(
            f"index {job.index!r} was deleted while this run wrote to it. What stands under its "
            "name now, if anything, is another index, perhaps an empty one that Elasticsearch made "
            f"of the last requests: delete that one with DELETE /{job.index}, and run the same "
            "command again once its documents are back"
        )

    def _page(self, documents: Sequence[Found]) -> None:
        self.count.read += len(documents)
        self._write([_Waiting(found) for found in documents])
        self._again()
        self._tell()

    def _again(self) -> None:
        """Read what was changed meanwhile, and look at it anew."""
        changed, self.again = self.again, []
        if not changed:
            return
        names = text_source(self.job.contract)["includes"]
        states = read_again(
            self.job.client, self.job.index, [one.found for one in changed], includes=names
        )
        there = []
        for one, found in zip(changed, states, strict=True):
            if found is None:
                self.count.deleted += 1
                continue
            known = found.has_vector or text_hash(found) is not None
            there.append(_Waiting(replace(found, has_vector=known), one.tries + 1))
        self._write(there)

    def _write(self, documents: Sequence[_Waiting]) -> None:
        if self.flight is None:
            raise RuntimeError("nothing is sent before the run began")
        self.flight.send(self._prepared(documents))

    def _prepared(self, documents: Sequence[_Waiting]) -> Iterator[Prepared]:
        todo: list[Document] = []
        for one in documents:
            document = self._read(one)
            if document is None:
                continue
            self.waiting[document.where] = one
            if is_blank(document.text):
                yield update(document, one.found, removal(self.job.contract))
            else:
                todo.append(document)
        for item, told in self.scoring.each(self._embedded(todo)):
            found = self.waiting[item.document.where].found
            added = addition(item, self.job.contract, base64=self.base64)
            yield update(item.document, found, {**added, **told})

    def _read(self, one: _Waiting) -> Document | None:
        """The document, where there is something to be written; counted where there is not."""
        found, contract = one.found, self.job.contract
        try:
            document = text_document(found, contract.text_fields, index=self.job.index)
        except RecordError as error:
            self._dead(found, str(error), error=RecordError.__name__)
            return None
        if is_blank(document.text) and not found.has_vector:
            self.count.without_text += 1
            return None
        known = text_hash(found)
        same = known == document.text_hash or (self.job.adopted and known is None)
        if found.has_vector and same and not is_blank(document.text):
            self.count.unchanged += 1
            return None
        return document

    def _embedded(self, documents: Sequence[Document]) -> Iterator[Embedded]:
        """Those that have a vector, as they come; the others are dead letters."""
        results = embedded(self.job.embedder, documents, splitter=self.splitter, scaled=self.scaled)
        while True:
            began = time.perf_counter()
            item = next(results, None)
            self.count.embedding_seconds += time.perf_counter() - began
            if item is None:
                return
            if item.fault is None:
                yield item
                continue
            found = self.waiting.pop(item.document.where).found
            self._dead(found, item.fault, error=EmbedderError.__name__)

    def _written(self, documents: Sequence[Document]) -> None:
        for document in documents:
            del self.waiting[document.where]
            blank = is_blank(document.text)
            self.count.without_text += blank
            self.count.enriched += not blank

    def _refused(self, told: Outcome) -> None:
        one = self.waiting.pop(told.document.where)
        if told.kind == MISSING:
            self.count.deleted += 1
        elif told.kind == CONFLICT and one.tries < _TRIES:
            self.count.conflicts += 1
            self.again.append(one)
        else:
            attempts = told.attempts + one.tries - 1
            self._dead(one.found, told.reason, error=told.kind or "", attempts=attempts)

    def _dead(self, found: Found, reason: str, *, error: str, attempts: int = 0) -> None:
        place = where(found, self.job.index)
        problem = Problem("dead_lettered", place, reason, found.id, error, attempts)
        self.letters.keep(problem, None)  # the index has it, and more of it than was read here
        self.count.dead(problem)

    def _tell(self) -> None:
        count, waiting = self.count, self.requests.patience.waiting
        self.job.progress(Progress(count.read, count.done, count.done, self.total, waiting))


def waiting(client: Elasticsearch, seconds: float, progress: OnProgress) -> Elasticsearch:
    """The client of one run, which waits for its server, and tells so.

    Args:
        client: as the caller gave it.
        seconds: to wait for a server that refuses or cannot be reached.
        progress: called while it waits, until the run says itself how far it is.
    """
    made = patient(client, seconds)
    requests = requests_of(made)
    requests.tell = lambda: progress(Progress(0, 0, 0, None, requests.patience.waiting))
    return made


def text_hash(found: Found) -> Any:
    """Of the text that its vector was made of; None where nobody said so."""
    ours = found.source.get(META_FIELD)
    return ours.get("text_hash") if isinstance(ours, dict) else None


def text_source(contract: Contract) -> dict[str, Any]:
    """``_source`` of a scan that looks at texts and hashes.

    And at the object that the vector lies in, if any: it may be a list, into which none is put.
    """
    head, _, rest = contract.vector_field.partition(".")
    includes = [*contract.text_fields, _HASH, *([head] if rest else [])]
    return {"includes": includes, "excludes": [contract.vector_field]}
