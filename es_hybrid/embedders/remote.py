"""What embedders share that ask a service: batches, patience, and a bounded number of requests."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from threading import Lock

import numpy as np

from es_hybrid.errors import EmbedderError, EmbedderUnavailable, VectorError
from es_hybrid.vectors import Vectors

log = logging.getLogger(__name__)

ATTEMPTS = 6  # of one request, before the service counts as unavailable
LONGEST_PAUSE = 120.0  # seconds; a service that wants more is not waited for

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds; doubled each time, full jitter

# Statuses that pass by themselves: late, in conflict, too many requests, and the service's own.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_TOO_LARGE = 413
_TOO_LONG = re.compile(
    r"context length|input length|too long|too many tokens|(fewer|less) than \d+ tokens|"
    r"max\w*.{0,20} tokens",
    re.IGNORECASE,
)
_LEAST_CUT = 256  # characters; a text that is refused below is not too long


class Refused(Exception):
    """A service's answer that holds no vectors; seen inside of embedders only.

    Attributes:
        reason: the service's own words, in one line.
        status: of HTTP; None where there was no answer.
        wait: seconds after which it wants to be asked again; None where it does not say.
        final: whether the same request can never work now, whatever the status.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        wait: float | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.wait = wait
        self.final = final

    @property
    def passing(self) -> bool:
        """Whether it may work a little later."""
        return not self.final and (self.status is None or self.status in _PASSING)

    @property
    def too_much(self) -> bool:
        """Whether less text may work."""
        says = self.status in (400, 422) and _TOO_LONG.search(self.reason)
        return self.status == _TOO_LARGE or bool(says)


class Clock:
    """Time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)


class Pace:
    """When the next request may begin; all threads of an embedder keep to it.

    Args:
        per_minute: how many requests may begin in a minute; None for as many as there are.
        clock: of the waits.
    """

    def __init__(self, per_minute: float | None, *, clock: Clock) -> None:
        self._apart = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = float("-inf")
        self._lock = Lock()

    def wait(self) -> None:
        """Return when it is this request's turn."""
        with self._lock:
            now = self._clock.now()
            begin = max(now, self._next)
            self._next = begin + self._apart
        if begin > now:
            self._clock.wait(begin - now)

    def hold(self, seconds: float) -> None:
        """Let no request begin before so many seconds are over."""
        with self._lock:
            self._next = max(self._next, self._clock.now() + seconds)


@dataclass(slots=True)
class Service:
    """Asks a service for the vectors of texts, in batches, several at a time.

    What passes is waited for: pauses double with full jitter (Brooker, "Exponential Backoff And
    Jitter", 2015), or last as long as the service says. A batch that is too large is halved, and
    a text that is too long loses its end, as it does in a model that runs here.

    Attributes:
        name: of the embedder, for messages.
        ask: the vectors of one batch, shape (n, dims), in its order; raises Refused.
        pace: when requests may begin.
        batch_size: texts in a request.
        concurrency: requests at a time.
        clock: of the waits.
    """

    name: str
    ask: Callable[[Sequence[str]], Vectors]
    pace: Pace
    batch_size: int
    concurrency: int
    clock: Clock

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """In the order of the texts, shape (len(texts), dims).

        Raises:
            EmbedderUnavailable: nobody answers, or whatever is asked is refused.
            EmbedderError: these texts are refused.
            VectorError: the answers do not fit to each other.
        """
        starts = range(0, len(texts), self.batch_size)
        batches = [texts[start : start + self.batch_size] for start in starts]
        if len(batches) == 1 or self.concurrency == 1:
            parts = [self._batch(batch) for batch in batches]
        else:
            with ThreadPoolExecutor(min(self.concurrency, len(batches))) as pool:
                parts = list(pool.map(self._batch, batches))
        rows = list(chain.from_iterable(parts))
        if len({len(row) for row in rows}) > 1:
            raise VectorError(f"{self.name} gave vectors of unequal length")
        return np.array(rows, np.float32)

    def _batch(self, texts: Sequence[str]) -> list[Vectors]:
        try:
            return list(self._patiently(texts))
        except Refused as error:
            if error.too_much and len(texts) > 1:
                half = len(texts) // 2
                return self._batch(texts[:half]) + self._batch(texts[half:])
            if error.too_much and len(texts[0]) >= _LEAST_CUT:
                log.info("%s: a text of %d characters lost its end", self.name, len(texts[0]))
                return self._batch([texts[0][: len(texts[0]) // 2]])
            raise self._in_our_words(error) from None

    def _patiently(self, texts: Sequence[str]) -> Vectors:
        for attempt in range(ATTEMPTS):
            self.pace.wait()
            try:
                return self.ask(texts)
            except Refused as error:
                last = attempt == ATTEMPTS - 1
                if not error.passing or last or (error.wait or 0) > LONGEST_PAUSE:
                    raise
                self._pause(error.wait, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, wanted: float | None, attempt: int) -> None:
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)
        jitter = random.uniform(0, longest)  # noqa: S311 - no secret depends on it
        if wanted is None:
            self.clock.wait(jitter)
        else:  # it is said to all
            self.pace.hold(wanted + jitter)

    def _in_our_words(self, error: Refused) -> EmbedderError:
        status = f" [{error.status}]" if error.status else ""
        said = f"{self.name}: {error.reason}{status}"
        if error.passing:
            return EmbedderUnavailable(f"{said}, asked {ATTEMPTS} times: try again later")
        if error.final or error.status in (401, 402, 403, 404, 405):
            return EmbedderUnavailable(said)
        return EmbedderError(said)


def rows(values: Sequence[object], *, count: int, name: str) -> Vectors:
    """The vectors of an answer, float32, shape (count, dims).

    Raises:
        VectorError: another number of them, of unequal length, or no numbers.
    """
    try:
        found = np.array(values, np.float32)
    except (ValueError, TypeError):
        raise VectorError(f"{name} gave vectors of unequal length, or no numbers") from None
    if found.ndim != 2 or len(found) != count:
        raise VectorError(f"{name} gave an answer of shape {found.shape} for {count} texts")
    return found
