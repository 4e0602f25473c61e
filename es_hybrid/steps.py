"""A task written once, for callers that wait and for callers that await.

A task is a generator: it yields what it needs from the outside, a :class:`Request` to
Elasticsearch or a :class:`Work` for the processor, and is sent the answer; what went wrong is
raised where it was yielded, and so is what stops the caller, for whom it then cleans up.
:func:`run` carries it out with an ``Elasticsearch``, :func:`arun` with an
``AsyncElasticsearch``: the same requests in the same order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from es_hybrid.client import arequest, request

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

T = TypeVar("T")

# What a step may raise: also what stops a caller, so that steps can let go of what they hold.
RAISED = (Exception, KeyboardInterrupt, asyncio.CancelledError)


@dataclass(slots=True)
class Request:
    """One request; the answer's body is sent back. Arguments as of :func:`client.request`."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    ndjson: bool = False
    headers: Mapping[str, str] | None = None
    ok: Collection[int] = ()

    @property
    def rest(self) -> dict[str, Any]:
        """All but method and path."""
        return {
            "params": self.params,
            "body": self.body,
            "ndjson": self.ndjson,
            "headers": self.headers,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """A call that computes for milliseconds and more, as a model does; its result is sent back.

    An event loop must not wait for it, so :func:`arun` has it done in a thread.
    """

    call: Callable[[], T]


Step = Request | Work[Any]
Steps = Generator[Step, Any, T]


def work(call: Callable[..., T], *args: Any, **kwargs: Any) -> Generator[Work[T], T, T]:
    """As a step, the result of a call, which may take its time."""
    return (yield Work(partial(call, *args, **kwargs)))


def run(client: Elasticsearch, steps: Steps[T]) -> T:
    """Carry out `steps` and return their result."""
    turn = _Turn(steps)
    while (step := turn.next()) is not None:
        try:
            turn.answer = (
                request(client, step.method, step.path, **step.rest)
                if isinstance(step, Request)
                else step.call()
            )
        except RAISED as error:  # whatever it is, the task decides what to make of it
            turn.error = error
    return turn.result


async def arun(client: AsyncElasticsearch, steps: Steps[T]) -> T:
    """Do as :func:`run` does, with an ``AsyncElasticsearch``."""
    turn = _Turn(steps)
    while (step := turn.next()) is not None:
        try:
            turn.answer = (
                await arequest(client, step.method, step.path, **step.rest)
                if isinstance(step, Request)
                else await asyncio.to_thread(step.call)
            )
        except RAISED as error:  # as above
            turn.error = error
    return turn.result


class _Turn(Generic[T]):
    """A task between two steps: what it goes on with, and its result once it has ended."""

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.answer: Any = None
        self.error: BaseException | None = None
        self.result: T

    def next(self) -> Step | None:
        """The next step; None at the end."""
        answer, error, self.answer, self.error = self.answer, self.error, None, None
        try:
            return self._steps.send(answer) if error is None else self._steps.throw(error)
        except StopIteration as end:
            self.result = end.value
            return None
