"""The same runs for callers that await; the cluster in memory answers on the event loop."""

import asyncio
import inspect
import threading
import time

import pytest

from es_hybrid.errors import AccessDenied, SourceError, UsageError
from es_hybrid.indexing import AsyncIndexer, Indexer
from tests.cluster import Cluster
from tests.embedders import WordEmbedder

RECORDS = [{"_id": str(n), "text": f"word{n}"} for n in range(1300)]


class AsyncCluster(Cluster):
    """As its parent, but awaited; knows the threads that asked."""

    def __init__(self, **options):
        super().__init__(**options)
        self.threads = set()

    async def perform_request(self, method, path, **rest):
        self.threads.add(threading.current_thread())
        await asyncio.sleep(0)
        return super().perform_request(method, path, **rest)


async def some(records):
    for record in records:
        await asyncio.sleep(0)
        yield record


def write(cluster, records, *, progress=lambda _: None, **options):
    options.setdefault("embedder", WordEmbedder())
    return asyncio.run(AsyncIndexer(cluster, "films", **options).write(records, progress=progress))


@pytest.mark.parametrize("given", [list, iter, some], ids=["list", "iterator", "async"])
def test_the_documents_and_the_report_are_those_of_the_waiting_twin(given):
    cluster, other = AsyncCluster(refuse=("7",)), Cluster(refuse=("7",))
    report = write(cluster, given(RECORDS))
    twin = Indexer(other, "films", embedder=WordEmbedder()).write(RECORDS)
    timeless = {"seconds": 0, "embedding_seconds": 0}
    assert report.to_dict() | timeless == twin.to_dict() | timeless
    assert set(cluster.documents) == set(other.documents)


def test_all_requests_are_awaited_on_the_callers_loop():
    cluster = AsyncCluster()
    write(cluster, RECORDS)
    assert cluster.threads == {threading.main_thread()}


def test_the_loop_goes_on_while_a_model_computes():
    class Slow(WordEmbedder):
        """Takes its time, and holds no lock meanwhile, as a model does."""

        def embed_documents(self, texts):
            time.sleep(0.05)
            return super().embed_documents(texts)

    async def both():
        ticks = 0
        indexer = AsyncIndexer(AsyncCluster(), "films", embedder=Slow())
        writing = asyncio.ensure_future(indexer.write(RECORDS[:200]))
        while not writing.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks, await writing

    ticks, report = asyncio.run(both())
    assert report.indexed == 200
    assert ticks > 5


@pytest.mark.parametrize("awaited", [False, True])
def test_progress_is_told_on_the_loop(awaited):
    told = []

    def listen(one):
        told.append((one.done, threading.current_thread()))

    async def alisten(one):
        listen(one)

    write(AsyncCluster(), RECORDS, progress=alisten if awaited else listen)
    assert told[-1] == (1300, threading.main_thread())


def test_what_a_listener_raises_ends_the_run():
    def fails(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(AsyncCluster(), RECORDS, progress=fails)


@pytest.mark.parametrize(
    ("cluster", "records", "error"),
    [
        (AsyncCluster(forbid=("_bulk",)), RECORDS, AccessDenied),
        (AsyncCluster(), [], SourceError),
        (AsyncCluster(), {"text": "one record"}, UsageError),
        (AsyncCluster(), "docs.jsonl", UsageError),
        (AsyncCluster(), None, UsageError),
    ],
    ids=["no right", "empty", "one record", "a path", "nothing"],
)
def test_errors_are_those_of_the_waiting_twin(cluster, records, error):
    with pytest.raises(error):
        write(cluster, records)


def test_what_an_async_iterable_raises_reaches_the_caller_and_it_is_closed():
    closed = []

    async def breaking():
        try:
            yield RECORDS[0]
            raise ZeroDivisionError
        finally:
            closed.append(True)

    with pytest.raises(ZeroDivisionError):
        write(AsyncCluster(), breaking())
    assert closed == [True]


async def cancelled(cluster, records, **options):
    """Cancel a run in its middle; returns how many requests came after that."""
    indexer = AsyncIndexer(cluster, "films", embedder=WordEmbedder(), **options)
    writing = asyncio.ensure_future(indexer.write(records))
    while not cluster.documents:
        await asyncio.sleep(0.001)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    before = len(cluster.requests)
    await asyncio.sleep(0.05)
    return len(cluster.requests) - before


def endless():
    """A record and a pause, for ever."""
    number = 0
    while True:
        number += 1
        time.sleep(0.0002)
        yield {"_id": str(number), "text": f"word{number}"}


async def aendless():
    """Enough for two windows, and then nothing, for ever."""
    for record in RECORDS[:1030]:
        yield record
    await asyncio.Event().wait()


def test_an_async_iterable_that_is_not_read_to_its_end_is_closed_before_the_caller_goes_on():
    closed = []

    async def several():
        try:
            for record in RECORDS:
                yield record
        finally:
            closed.append(True)

    with pytest.raises(AccessDenied):
        write(AsyncCluster(forbid=("_bulk",)), several())
    assert closed == [True]


@pytest.mark.parametrize("records", [endless, aendless])
def test_a_cancelled_run_ends_and_sends_nothing_any_more(records):
    cluster = AsyncCluster()
    assert asyncio.run(asyncio.wait_for(cancelled(cluster, records()), 20)) == 0
    assert not [one for one in threading.enumerate() if "es_hybrid" in one.name]


def test_a_run_goes_on_where_a_cancelled_one_stopped():
    cluster = AsyncCluster()
    asyncio.run(cancelled(cluster, aendless()))
    report = write(cluster, RECORDS)
    assert report.unchanged > 0
    assert len(cluster.documents) == 1300


@pytest.mark.parametrize(
    ("kind", "cluster", "other"),
    [(Indexer, AsyncCluster, "AsyncIndexer"), (AsyncIndexer, Cluster, "take Indexer")],
)
def test_a_client_of_the_other_kind_is_refused_with_the_right_class(kind, cluster, other):
    with pytest.raises(UsageError, match=other):
        kind(cluster(), "films")


def test_both_take_the_same_arguments_and_have_the_same_methods():
    twins = (Indexer, AsyncIndexer)
    signatures = [
        list(inspect.signature(get(kind)).parameters)
        for get in (lambda kind: kind, lambda kind: kind.write)
        for kind in twins
    ]
    assert signatures[0] == signatures[1]
    assert signatures[2] == signatures[3]
