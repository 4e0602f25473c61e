"""Patience: what passes by itself is waited for, by one rule for reading and for writing.

A full queue, a restart, a block, a connection that breaks: all of it is tried again, after pauses
that double, with full jitter, or that the server asks for. What will not pass is raised at once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol, TypeVar

from elasticsearch import Elasticsearch

from es_hybrid.client import request
from es_hybrid.errors import RequestRefused, ServerError, ServerUnreachable
from es_hybrid.indexing.answers import Verdict, verdict
from es_hybrid.indexing.deadline import deadline, within

log = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds without a single document taken, after which waiting has no sense.
PATIENCE = 300.0

# What is said at the end of all patience, by who writes and by who asks.
_NOT_WRITTEN = (
    "Nothing could be written for {:g} s, so the run stops: what it did not write is written when "
    "it is run again"
)
_NOT_ANSWERED = (
    "That lasted for {:g} s, so the run stops: run the same command again later; what is done by "
    "now is not done again"
)

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 15.0  # seconds; doubled each time, full jitter
_QUIET_PAUSES = 4
_TOLD_EACH = 1.0  # second


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


@dataclass(slots=True)
class Trouble:
    """Why something is not done yet.

    Attributes:
        since: when it met the first trouble, by the clock.
        taken: how many documents were written when it met the last.
        error: what it was told then.
        pauses: how often it waited in a row.
    """

    since: float
    taken: int
    error: ServerError
    pauses: int = 1

    @property
    def worth_telling(self) -> bool:
        """A queue that is full for a second is not."""
        return self.pauses > _QUIET_PAUSES or verdict_of(self.error) is Verdict.BLOCKED

    def wait(self) -> float:
        """Seconds until the next attempt: what the server asks for, or full jitter.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        # Beyond so many doublings it is as long as can be; 2.0 ** 5000 is an OverflowError.
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self.pauses, 10))
        jitter = random.uniform(0, longest)  # noqa: S311 - no secret
        asked: float | None = getattr(self.error, "retry_after", None)
        return jitter if asked is None else asked + jitter / 4


class Patience:
    """How long one run waits for its server; several threads share it.

    Args:
        seconds: without a single document taken, after which nobody waits any more.
        notice: told in one line whenever a wait begins that people should know of.
        clock: of the waits.

    Attributes:
        waiting: what is being waited for, in one line; empty where nothing is.
        taken: documents written so far.
        heard: when the last of them was, by the clock.
    """

    def __init__(
        self,
        seconds: float = PATIENCE,
        *,
        notice: Callable[[str], None] = log.warning,
        clock: Clock | None = None,
    ) -> None:
        self.seconds = seconds
        self.notice = notice
        self.clock = clock or RealClock()
        self.waiting = ""
        self.taken = 0
        self.heard = self.clock.now()
        self._stopped = Event()
        self._reason: ServerError | None = None  # why the first of all gave up

    @property
    def stopped(self) -> bool:
        """Whether nobody waits any more."""
        return self._stopped.is_set()

    def stop(self, reason: ServerError | None = None) -> None:
        """Let what is on its way arrive, and send nothing a second time."""
        self._reason = self._reason or reason
        self._stopped.set()

    def took(self, count: int) -> None:
        """So many documents were written just now."""
        if count:
            self.taken += count
            self.heard = self.clock.now()
            self.waiting = ""

    def answered(self) -> None:
        """What was waited for is over."""
        self.waiting = ""

    def wait(
        self,
        error: ServerError,
        before: Trouble | None,
        *,
        tell: Callable[[], None] | None = None,
        anew: bool = False,
        meaning: str = _NOT_WRITTEN,
    ) -> Trouble:
        """Wait before the next attempt.

        Args:
            error: what the last attempt met.
            before: what came of the one before that; None of the first.
            tell: called at least each second meanwhile.
            anew: whether the first pause is short again.
            meaning: what is said where waiting has no sense, with room for the seconds.

        Raises:
            ServerError: waiting any longer has no sense, for this or for all.
        """
        now = self.clock.now()
        since = before.since if before else now
        pauses = before.pauses + 1 if before and not anew else 1
        trouble = Trouble(since, self.taken, error, pauses)
        end = max(since, self.heard) + self.seconds
        if self._stopped.is_set():
            raise self._reason or error
        if now >= end:
            raise _last_word(error, patience=self.seconds, meaning=meaning)
        if trouble.worth_telling and not self.waiting:
            self.waiting = str(error)
            self.notice(f"waiting for up to {self.seconds:g} s: {self.waiting}")
        self._pause(min(trouble.wait(), end - now), tell)
        return trouble

    def _pause(self, seconds: float, tell: Callable[[], None] | None) -> None:
        if tell is None:
            self.clock.wait(seconds, self._stopped)
            return
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0 and not self._stopped.is_set():
            self.clock.wait(min(left, _TOLD_EACH), self._stopped)
            tell()


class Requests:
    """The requests of one run: none waits for ever, and those that only read are asked again.

    Args:
        client: is used, never changed.
        patience: shared by all who wait.
        tell: called at least each second while something is waited for; by this thread.
        met: whether the server answered before; one that never did may have another address, and
            is not waited for.

    Attributes:
        client: the same without attempts of its own, which follow at once and are no help to a
            server that is busy.
        met: whether the server has answered by now.
    """

    def __init__(
        self,
        client: Elasticsearch,
        patience: Patience | None = None,
        *,
        tell: Callable[[], None] | None = None,
        met: bool = True,
    ) -> None:
        self.client = client.options(max_retries=0)
        self.patience = patience or Patience()
        self.tell = tell
        self.met = met
        self._deadline = deadline(client)

    def once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """The answer to one attempt.

        Raises:
            ServerError: there is none, or a refusal.
        """
        return within(
            self._deadline,
            lambda: request(self.client, method, path, params=params, body=body),
            what=f"{method} {path}",
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """The answer, of the first attempt that has one.

        Raises:
            ServerError: refused for good, or for longer than the patience lasts.
        """
        return self.waited(lambda: self.once(method, path, params=params, body=body))

    def waited(self, attempt: Callable[[], T]) -> T:
        """What the first attempt returns that nothing hinders any more.

        Raises:
            ServerError: refused for good, or for longer than the patience lasts.
        """
        trouble: Trouble | None = None
        while True:
            try:
                answer = attempt()
            except (RequestRefused, ServerUnreachable) as error:
                self.met = self.met or isinstance(error, RequestRefused)
                if not (self.met and passes(error)):
                    raise
                trouble = self.wait(error, trouble)
                continue
            self.met = True
            if trouble:
                self.patience.answered()
            return answer

    def wait(self, error: ServerError, before: Trouble | None) -> Trouble:
        """Wait before the next attempt, as `Patience.wait`.

        Raises:
            ServerError: waiting any longer has no sense.
        """
        return self.patience.wait(error, before, tell=self.tell, meaning=_NOT_ANSWERED)


def passes(error: ServerError) -> bool:
    """Whether the same request may be answered later."""
    known = isinstance(error, RequestRefused | ServerUnreachable)
    return known and verdict_of(error) is not Verdict.REFUSED


def verdict_of(error: ServerError) -> Verdict:
    """Of a whole request. One without an answer may pass; it is no more than that known."""
    if isinstance(error, RequestRefused):
        return verdict(error.status, error.kind)
    return Verdict.FAILED


def _last_word(error: ServerError, *, patience: float, meaning: str) -> ServerError:
    """The same error, with what it means for the run."""
    said = f"{error}. {meaning.format(patience)}"
    if isinstance(error, RequestRefused):
        return RequestRefused(said, status=error.status, kind=error.kind)
    return type(error)(said)
