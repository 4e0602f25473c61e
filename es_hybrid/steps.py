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


@dataclass(frozen=True, slots=True)
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
    step = _next(steps, None)
    while not isinstance(step, _Done):
        try:
            answer = (
                request(client, step.method, step.path, **step.rest)
                if isinstance(step, Request)
                else step.call()
            )
        except RAISED as error:  # whatever it is, the task decides what to make of it
            step = _thrown(steps, error)
        else:
            step = _next(steps, answer)
    return step.result


async def arun(client: AsyncElasticsearch, steps: Steps[T]) -> T:
    """Do as :func:`run` does, with an ``AsyncElasticsearch``."""
    step = _next(steps, None)
    while not isinstance(step, _Done):
        try:
            answer = (
                await arequest(client, step.method, step.path, **step.rest)
                if isinstance(step, Request)
                else await asyncio.to_thread(step.call)
            )
        except RAISED as error:  # as above
            step = _thrown(steps, error)
        else:
            step = _next(steps, answer)
    return step.result


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T


def _next(steps: Steps[T], answer: Any) -> Step | _Done[T]:
    try:
        return steps.send(answer)
    except StopIteration as end:
        return _Done(end.value)


def _thrown(steps: Steps[T], error: BaseException) -> Step | _Done[T]:
    try:
        return steps.throw(error)
    except StopIteration as end:
        return _Done(end.value)
