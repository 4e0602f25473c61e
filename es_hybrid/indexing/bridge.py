"""Bridge: a run in a thread of its own, whose requests are awaited on the caller's event loop.

So the run is written once, for callers that wait and for those that await. The loop is never
blocked: models compute, and records are read, in the thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

T = TypeVar("T")


class Stopped(Exception):
    """The caller was cancelled, so the run ends here; nobody sees this."""


@dataclass
class Bridge:
    """The way from the thread of a run to the event loop.

    Attributes:
        loop: the caller's.
        stopped: whether the caller was cancelled.
    """

    loop: asyncio.AbstractEventLoop
    stopped: bool = False
    _reading: Future[Any] | None = field(default=None, repr=False)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Called in the thread: what the coroutine returns on the loop.

        Raises:
            Stopped: the caller was cancelled before.
        """
        self.check(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def check(self, coroutine: Coroutine[Any, Any, Any] | None = None) -> None:
        """Go on unless the caller was cancelled.

        Raises:
            Stopped: it was.
        """
        if self.stopped:
            if coroutine is not None:
                coroutine.close()
            raise Stopped

    def stop(self) -> None:
        """Called on the loop: requests on their way may arrive, but nothing is begun any more."""
        self.stopped = True
        if self._reading:
            self._reading.cancel()

    def told(self, listener: Callable[[T], Any]) -> Callable[[T], None]:
        """`listener`, which may be a coroutine function, called on the loop from the thread."""

        async def call(news: T) -> None:
            answer = listener(news)
            if isawaitable(answer):
                await answer

        def tell(news: T) -> None:
            self.wait(call(news))

        return tell

    def read(self, records: AsyncIterable[T]) -> Iterator[T]:
        """In the thread, what is awaited on the loop one by one; closed at the end."""
        iterator = aiter(records)
        try:
            while True:
                try:
                    yield self._next(iterator)
                except StopAsyncIteration:
                    return
        finally:
            if close := getattr(iterator, "aclose", None):
                asyncio.run_coroutine_threadsafe(close(), self.loop).result()

    def each(self, records: Iterable[T]) -> Iterator[T]:
        """In the thread, the records, until the caller is cancelled."""
        for record in records:
            self.check()
            yield record

    def _next(self, iterator: AsyncIterator[T]) -> T:
        async def following() -> T:
            return await anext(iterator)

        coroutine = following()
        self.check(coroutine)
        self._reading = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            record: T = self._reading.result()
        except CancelledError:
            raise Stopped from None
        finally:
            self._reading = None
        return record

    async def run(self, work: Callable[[], T]) -> T:
        """Called on the loop: what `work` returns, which is done in a thread.

        If the caller is cancelled, the thread ends first, so that nothing goes on behind its back.
        """
        done = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            self.stop()
            await _ended(done)
            raise


async def _ended(task: asyncio.Future[Any]) -> None:
    """Wait for its end, whatever it is, and however often the caller is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that it was not


class WaitingClient:
    """An `AsyncElasticsearch` as `es_hybrid.client.request` uses an `Elasticsearch`."""

    def __init__(self, client: AsyncElasticsearch, bridge: Bridge) -> None:
        self._client = client
        self._bridge = bridge
        self._is_serverless = getattr(client, "_is_serverless", False)

    @property
    def transport(self) -> Any:
        """The client's own."""
        return self._client.transport

    def options(self, **changes: Any) -> WaitingClient:
        """A client derived from it."""
        return WaitingClient(self._client.options(**changes), self._bridge)

    def perform_request(self, method: str, path: str, **rest: Any) -> Any:
        """Send a request on the loop, and wait for the answer."""
        return self._bridge.wait(self._client.perform_request(method, path, **rest))
