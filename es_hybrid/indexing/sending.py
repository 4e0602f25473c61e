"""Sending: every document of a batch is settled exactly once, or comes back unsent.

What passes by itself is waited for: a full queue, a restart, a block. What does not is the
document's own fault, or stops the run.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import Document
from es_hybrid.errors import RequestRefused, ServerError, ServerUnreachable
from es_hybrid.indexing.answers import Verdict, of_item, reason, verdict
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.refusals import explain, failure

log = logging.getLogger(__name__)

# A document that the server fails on (5xx) so often is one that it cannot take; so is one that
# it is too busy for (429) so often, while it takes others.
ATTEMPTS = 8

# Seconds without a single document taken, after which waiting has no sense.
PATIENCE = 300.0

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 15.0  # seconds; doubled each time, full jitter
_QUIET_PAUSES = 4
_TOO_LARGE = 413

# All that is looked at of an answer; the rest is five times as much to write and to read.
_LOOKED_AT = {"filter_path": "errors,items.*.status,items.*.error"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document: written, or refused.

    Attributes:
        document: the document.
        reason: why it was refused, in one line; None where it was written.
        kind: Elasticsearch's type of the error, such as ``"document_parsing_exception"``.
        attempts: how often it was sent, if it was refused.
    """

    document: Document
    reason: str | None = None
    kind: str | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch: each document is in one of three lists, in no promised order.

    Attributes:
        written: those that are in the index now.
        refused: those that cannot be.
        unsent: those that are not known to be written; sending them again is safe.
        error: why there are such; None where all are settled.
    """

    written: list[Document]
    refused: list[Outcome]
    unsent: list[Document] = field(default_factory=list)
    error: ServerError | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        """Of every settled document, once."""
        return [*map(Outcome, self.written), *self.refused]


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds since some moment."""

    def wait(self, seconds: float, until: Event) -> None:
        """Return after `seconds`, or as soon as `until` is set."""


class RealClock:
    """The machine's."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float, until: Event) -> None:
        """Return after `seconds`, or as soon as `until` is set."""
        until.wait(seconds)


class Sender:
    """Writes batches to one index; several threads may share it.

    Items answered 429 or 5xx are sent again alone, after a pause that doubles (full jitter) or
    that the server asks for; so are whole requests. A blocked index or cluster is waited for. A
    broken connection or an unreadable answer sends all again, which is safe because ids are
    stable. A request that is too large is halved.

    Args:
        client: is used, never changed.
        index: what is written to.
        patience: seconds without a single document taken, after which all sending stops.
        notice: told in one line whenever a wait begins that people should know of.
        clock: of the waits.

    Attributes:
        waiting: what is being waited for, in one line; empty where nothing is.
        taken: documents written so far.
        heard: when the last of them was, by the clock.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        patience: float = PATIENCE,
        notice: Callable[[str], None] = log.warning,
        clock: Clock | None = None,
    ) -> None:
        # The transport's own attempts follow at once, which is no help to a server that is busy.
        self.client = client.options(max_retries=0)
        self.path = path(index, "_bulk")
        self.patience = patience
        self.notice = notice
        self.clock = clock or RealClock()
        self.waiting = ""
        self.taken = 0
        self.heard = self.clock.now()
        self._stopped = Event()
        self._reason: ServerError | None = None  # why the first batch gave up

    def stop(self) -> None:
        """Let what is on its way arrive, and send nothing a second time."""
        self._stopped.set()

    def send(self, batch: Sequence[Prepared]) -> Sent:
        """Write a batch. A `ServerError` is not raised, but told; then nobody goes on waiting."""
        way = _Way(self, batch)
        try:
            way.go()
        except ServerError as error:
            self._reason = self._reason or error
            self.stop()
            return Sent(way.written, way.refused, _documents(way.pending), error)
        return Sent(way.written, way.refused)

    def post(self, batch: Sequence[Prepared]) -> tuple[bool, list[Any]]:
        """One request: whether all of it was taken, and the items of the answer.

        Raises:
            ServerError: refused as a whole, or no answer that can be read.
        """
        body = b"".join([item.lines for item in batch])
        answer = request(self.client, "POST", self.path, params=_LOOKED_AT, body=body)
        items = answer.get("items", []) if isinstance(answer, dict) else []
        if len(items) != len(batch):
            raise ServerUnreachable(
                f"the answer to a bulk request has {len(items)} items for {len(batch)} documents: "
                "something between here and Elasticsearch cuts answers off"
            )
        return answer.get("errors") is False, items

    def took(self, count: int) -> None:
        """So many documents were written just now."""
        if count:
            self.taken += count
            self.heard = self.clock.now()
            self.waiting = ""

    def pause(self, trouble: _Trouble) -> None:
        """Wait before the next attempt.

        Raises:
            ServerError: waiting any longer has no sense, for this batch or for all.
        """
        end = max(trouble.since, self.heard) + self.patience
        if self._stopped.is_set():
            raise self._reason or trouble.error
        if self.clock.now() >= end:
            raise _last_word(trouble.error, patience=self.patience)
        if trouble.worth_telling and not self.waiting:
            self.waiting = str(trouble.error)
            self.notice(f"waiting for up to {self.patience:g} s: {self.waiting}")
        self.clock.wait(min(trouble.wait(), end - self.clock.now()), self._stopped)

    def refusal(self, told: dict[str, Any]) -> ServerError:
        """What an item was told, as an exception."""
        url = ", ".join(node.base_url for node in self.client.transport.node_pool.all())
        return failure(told["status"], told, what=f"POST {self.path}", url=url)


@dataclass(slots=True)
class _Trouble:
    """Why a batch is not settled yet.

    Attributes:
        since: when it met the first trouble, by the sender's clock.
        taken: what the sender had written when it met the last.
        error: what it was told then.
        pauses: how often it waited.
    """

    since: float
    taken: int
    error: ServerError
    pauses: int = 0

    @property
    def worth_telling(self) -> bool:
        """A queue that is full for a second is not."""
        return self.pauses > _QUIET_PAUSES or _verdict(self.error) is Verdict.BLOCKED

    def wait(self) -> float:
        """Seconds until the next attempt: what the server asks for, or full jitter.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        # Beyond so many doublings it is as long as can be; 2.0 ** 5000 is an OverflowError.
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self.pauses, 10))
        jitter = random.uniform(0, longest)  # noqa: S311 - no secret
        asked: float | None = getattr(self.error, "retry_after", None)
        return jitter if asked is None else asked + jitter / 4


class _Way:
    """One batch on its way: `pending` shrinks until all is settled."""

    def __init__(self, sender: Sender, batch: Sequence[Prepared]) -> None:
        self.sender = sender
        self.pending = list(batch)
        self.written: list[Document] = []
        self.refused: list[Outcome] = []
        self.attempts = 0
        self.failures: dict[str, int] = {}  # id -> attempts that were answered 429 or 5xx
        self.trouble: _Trouble | None = None

    def go(self) -> None:
        """Send until nothing is pending.

        Raises:
            ServerError: what is pending now cannot be sent.
        """
        while self.pending:
            self.attempts += 1
            try:
                all_taken, items = self.sender.post(self.pending)
            except (RequestRefused, ServerUnreachable) as error:
                self._whole(error)
            else:
                self._all_taken() if all_taken else self._sort_out(items)

    def _all_taken(self) -> None:
        self.written += _documents(self.pending)
        self.sender.took(len(self.pending))
        self.pending = []

    def _whole(self, error: RequestRefused | ServerUnreachable) -> None:
        """The request was refused, or its answer lost."""
        if getattr(error, "status", None) == _TOO_LARGE:
            self._halve(error)
        elif _verdict(error) is Verdict.REFUSED:
            raise error
        else:
            self._wait(error)

    def _halve(self, error: ServerError) -> None:
        if len(self.pending) == 1:
            [item] = self.pending
            kind = getattr(error, "kind", None)
            self.refused.append(Outcome(item.document, str(error), kind, self.attempts))
            self.pending = []
            return
        middle, attempts = len(self.pending) // 2, self.attempts
        self.pending, rest = self.pending[:middle], self.pending[middle:]
        try:
            self.go()
        finally:
            self.pending += rest
        self.attempts = attempts

    def _sort_out(self, items: Sequence[dict[str, Any]]) -> None:
        """Settle what is settled; wait if the rest is worth another attempt."""
        sent, self.pending = self.pending, []
        told: dict[Verdict, dict[str, Any]] = {}  # the first of each
        taken = 0
        for prepared, item in zip(sent, items, strict=True):
            answer = next(iter(item.values()))
            found = self._judged(prepared, answer)
            told.setdefault(found, answer)
            if found is Verdict.TAKEN:
                taken += 1
                self.written.append(prepared.document)
            elif found is Verdict.REFUSED:
                self.refused.append(self._refused(prepared, answer["error"]))
            else:
                self.pending.append(prepared)
        self.sender.took(taken)
        if denied := told.get(Verdict.DENIED):
            raise self.sender.refusal(denied)
        if self.pending:
            passing = (Verdict.BLOCKED, Verdict.BUSY, Verdict.FAILED)
            self._wait(self.sender.refusal(next(told[one] for one in passing if one in told)))

    def _judged(self, prepared: Prepared, answer: dict[str, Any]) -> Verdict:
        """The verdict on an item; one that fails too often has itself to blame."""
        found = of_item(answer)
        if found not in (Verdict.BUSY, Verdict.FAILED):
            return found
        identifier = prepared.document.id
        failures = self.failures[identifier] = self.failures.get(identifier, 0) + 1
        if failures < ATTEMPTS:
            return found
        others_pass = self.trouble is not None and self.sender.taken > self.trouble.taken
        return Verdict.REFUSED if found is Verdict.FAILED or others_pass else found

    def _refused(self, prepared: Prepared, error: Any) -> Outcome:
        return Outcome(prepared.document, reason(error), explain(error)[0], self.attempts)

    def _wait(self, error: ServerError) -> None:
        """Until the next attempt.

        Raises:
            ServerError: there will be none.
        """
        sender = self.sender
        since, pauses = sender.clock.now(), 1
        if self.trouble:
            since, pauses = self.trouble.since, self.trouble.pauses + 1
        self.trouble = _Trouble(since, sender.taken, error, pauses)
        sender.pause(self.trouble)


def _documents(items: Sequence[Prepared]) -> list[Document]:
    return [item.document for item in items]


def _verdict(error: ServerError) -> Verdict:
    """Of a whole request. One without an answer may pass; it is no more than that known."""
    if isinstance(error, RequestRefused):
        return verdict(error.status, error.kind)
    return Verdict.FAILED


def _last_word(error: ServerError, *, patience: float) -> ServerError:
    """The same error, with what it means for the run."""
    said = (
        f"{error}. Nothing could be written for {patience:g} s, so the run stops: what it did not "
        "write is written when it is run again"
    )
    if isinstance(error, RequestRefused):
        return RequestRefused(said, status=error.status, kind=error.kind)
    return type(error)(said)
