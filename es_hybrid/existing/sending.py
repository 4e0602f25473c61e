"""Sending while the next documents are embedded: batches in flight, outcomes in the order sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from elasticsearch import Elasticsearch

from es_hybrid.documents import Document
from es_hybrid.indexing.bulk import Prepared, batches
from es_hybrid.indexing.sending import Outcome, Sender, Sent

_SENDERS = 2
_MAX_IN_FLIGHT = 4


class Flight:
    """Requests on their way to one index.

    Args:
        client: is used, never changed.
        index: what is written to.
        pool: sends them.
        written: told of each document that was.
        refused: told of each that was not; of both together, each document once.
        tell: called at least each second while something is waited for.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        pool: ThreadPoolExecutor,
        *,
        written: Callable[[Document], None],
        refused: Callable[[Outcome], None],
        tell: Callable[[], None],
    ) -> None:
        self.sender = Sender(client, index)
        self._pool = pool
        self._written = written
        self._refused = refused
        self._tell = tell
        self._in_flight: deque[Future[Sent]] = deque()

    def send(self, items: Iterable[Prepared]) -> None:
        """Send all items; those of the last few requests may be on their way afterwards.

        Raises:
            ServerError: some could not be sent; all others are settled then.
        """
        for batch in batches(items):
            self.settle(_MAX_IN_FLIGHT - 1)
            self._in_flight.append(self._pool.submit(self.sender.send, batch))

    def settle(self, most: int = 0) -> None:
        """Wait until at most `most` requests are on their way.

        Raises:
            ServerError: as `send`.
        """
        error = None
        while len(self._in_flight) > most or (self._in_flight and self._in_flight[0].done()):
            while not wait([self._in_flight[0]], timeout=1).done:
                self._tell()
            sent = self._in_flight.popleft().result()
            for document in sent.written:
                self._written(document)
            for one in sent.refused:
                self._refused(one)
            if sent.error:
                error, most = error or sent.error, 0
        self._tell()
        if error:
            raise error


@contextmanager
def flight(
    client: Elasticsearch,
    index: str,
    *,
    written: Callable[[Document], None],
    refused: Callable[[Outcome], None],
    tell: Callable[[], None],
) -> Iterator[Flight]:
    """A flight; at the end, also on Ctrl-C, what is on its way is waited for and settled."""
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="es_hybrid-send") as pool:
        made = Flight(client, index, pool, written=written, refused=refused, tell=tell)
        try:
            yield made
        except BaseException:
            made.sender.stop()  # else it might wait for minutes for the server
            raise
        finally:
            made.settle()
