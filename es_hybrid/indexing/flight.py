"""A flight: batches on their way while the next are made ready, settled in the order sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from elasticsearch import Elasticsearch

from es_hybrid.documents import Document
from es_hybrid.indexing.bulk import Prepared, batches
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import patient, requests_of
from es_hybrid.indexing.sending import Outcome, Sender, Sent

_SENDERS = 2
_MAX_IN_FLIGHT = 4


def sending_pool() -> ThreadPoolExecutor:
    """The threads of one flight."""
    return ThreadPoolExecutor(_SENDERS, thread_name_prefix="es_hybrid-send")


class Flight:
    """Requests on their way to one index.

    Args:
        sender: writes a batch; it is called in the threads of `pool`.
        pool: as `sending_pool` makes it.
        written: told of the documents of a batch that were.
        refused: told of each that was not; of both together, each document once.
        tell: called for each batch, and each second while one is waited for.
    """

    def __init__(
        self,
        sender: Sender,
        pool: ThreadPoolExecutor,
        *,
        written: Callable[[Sequence[Document]], None],
        refused: Callable[[Outcome], None],
        tell: Callable[[], None],
    ) -> None:
        self.sender = sender
        self._pool = pool
        self._written = written
        self._refused = refused
        self._tell = tell
        self._in_flight: deque[Future[Sent]] = deque()

    @property
    def waiting(self) -> str:
        """What is being waited for, in one line; empty where nothing is."""
        return self.sender.patience.waiting

    def send(self, items: Iterable[Prepared]) -> None:
        """Send all items; those of the last few requests may be on their way afterwards.

        Raises:
            ServerError: some could not be sent; all others are settled then.
        """
        for batch in batches(items):
            self.settle(_MAX_IN_FLIGHT - 1)
            self._in_flight.append(self._pool.submit(self.sender.send, batch))
            self._tell()

    def settle(self, most: int = 0) -> None:
        """Wait until at most `most` requests are on their way.

        Raises:
            ServerError: as `send`.
        """
        error = None
        while len(self._in_flight) > most or (self._in_flight and self._in_flight[0].done()):
            sent = self._ended(self._in_flight[0])
            self._in_flight.popleft()
            if sent.written:
                self._written(sent.written)
            for one in sent.refused:
                self._refused(one)
            if sent.error:
                error, most = error or sent.error, 0
        if error:
            raise error

    def _ended(self, future: Future[Sent]) -> Sent:
        """What became of a batch; while the server lets us wait, that is told."""
        while not wait([future], timeout=1).done:
            self._tell()
        return future.result()


@contextmanager
def flight(
    client: Elasticsearch,
    index: str,
    *,
    written: Callable[[Sequence[Document]], None],
    refused: Callable[[Outcome], None],
    tell: Callable[[], None],
    alias: str | None = None,
    name: str | None = None,
    patience: float = PATIENCE,
) -> Iterator[Flight]:
    """A flight; at the end, also on Ctrl-C, what is on its way is waited for and settled.

    Args:
        client: is used, never changed; one that waits already shares its patience.
        index: what is written to.
        written: as of `Flight`.
        refused: as of `Flight`.
        tell: as of `Flight`.
        alias: as of `Sender`.
        name: as of `Sender`.
        patience: seconds to wait for a server that takes no document.

    Raises:
        ServerError: as `Flight.send`.
    """
    requests = requests_of(patient(client, patience, met=True))
    sender = Sender(requests, index, alias=alias, name=name)
    with sending_pool() as pool:
        made = Flight(sender, pool, written=written, refused=refused, tell=tell)
        try:
            yield made
        except BaseException:
            sender.patience.stop()  # else it might wait for minutes for the server
            raise
        finally:
            made.settle()
            tell()
