"""The same searches for callers that wait and that await, on a real node."""

import asyncio
import inspect
import threading
import time

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid import AsyncSearcher, Indexer, Searcher
from es_hybrid.errors import IndexNotFound, RequestRefused, UsageError
from es_hybrid.search import Leg, Options
from tests.embedders import WordEmbedder
from tests.shelf import BOOKS, DIMS, QUERY, WORDS, Counted, ids, vector

GENRES = {"genres": {"terms": {"field": "genre"}}}


class Longest:
    id = "longest"

    def scores(self, query, texts):
        return [len(text) for text in texts]


def twin(url, shelf, work, **options):
    """What `work` returns of an `AsyncSearcher`."""

    async def whole():
        async with AsyncElasticsearch(url) as client:
            return await work(AsyncSearcher(client, shelf, **{"embedder": WORDS} | options))

    return asyncio.run(whole())


def told(result):
    """All of a result but the time it took."""
    return result.to_dict() | {"took_ms": 0}


# One option, or two that meet, a line
OPTIONS = {
    "words": {},
    "vector": {"query": None, "vector": vector("tea")},
    "like": {"query": None, "like": "tea"},
    "bm25": {"mode": "bm25"},
    "knn": {"mode": "knn"},
    "legs": {"legs": [Leg.bm25("a"), Leg.knn("b"), Leg.query("c", {"match": {"title": "sea"}})]},
    "fields": {"fields": ["title^2", "text"]},
    "filter": {"filter": "genre=novel"},
    "minima": {"min_cosine": 0.3, "min_bm25": 0.5},
    "nothing good enough": {"min_cosine": 0.9, "min_bm25": 99},
    "exact": {"exact": True},
    "num_candidates": {"num_candidates": 500},
    "linear": {"method": "linear", "normalizer": "l2_norm", "weights": {"bm25": 2}},
    "min_score": {"method": "linear", "min_score": 0.5},
    "rank_constant": {"rank_constant": 1},
    "window": {"window": 3, "size": 3},
    "size": {"size": 2},
    "from": {"from_": 2},
    "collapse": {"collapse": "genre"},
    "source": {"source": ["title"]},
    "no source": {"source": False},
    "highlight": {"highlight": True},
    "aggs": {"aggs": GENRES},
    "exact_totals": {"exact_totals": True, "window": 2, "size": 2},
    "explain": {"explain": True, "window": 3, "size": 3},
    "rerank": {"rerank": Longest(), "rerank_window": 4},
    "mmr": {"mmr": 0.5},
    "rerank and mmr": {"rerank": Longest(), "mmr": 0.5},
    "allow_partial": {"allow_partial": True},
    "timeout": {"timeout": "5s"},
    "preference": {"preference": "me"},
    "opaque_id": {"opaque_id": "search-7"},
    "headers": {"headers": {"traceparent": "00-1-2-01"}},
    "client": {"fusion": "client"},
    "untuned": {"tuned": False},
    "oversampled": {"oversample": 3.0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_both_give_the_same_answer_by_the_same_requests(url, shelf, monkeypatch, name):
    options = {"query": QUERY} | OPTIONS[name]
    with Elasticsearch(url) as client:
        counted = Counted(monkeypatch, client)
        expected = told(Searcher(client, shelf, embedder=WORDS).search(**options))

    async def work(searcher):
        also = Counted(monkeypatch, searcher.client)
        return told(await searcher.search(**options)), also.sent

    assert twin(url, shelf, work) == (expected, counted.sent)


def test_every_option_is_compared():
    covered = {name for options in OPTIONS.values() for name in options}
    # A picture is looked for in an index of pictures: see test_picture_indices.py.
    assert covered | {"pit", "query", "image"} == set(Options.__annotations__) | {"query"}


PUBLIC = [name for name in vars(Searcher) if not name.startswith("_")]


def test_both_have_the_same_methods():
    assert [name for name in vars(AsyncSearcher) if not name.startswith("_")] == PUBLIC


@pytest.mark.parametrize("name", [*PUBLIC, "__init__"])
def test_a_method_has_the_same_arguments_and_is_described(name):
    if name == "client":
        return
    one, other = getattr(Searcher, name), getattr(AsyncSearcher, name)
    assert inspect.signature(one).parameters == inspect.signature(other).parameters
    assert name == "__init__" or (one.__doc__ and other.__doc__)


@pytest.mark.parametrize("size", [2, 4])
def test_pages_are_the_same(url, shelf, books, size):
    async def work(searcher):
        return [ids(page) async for page in searcher.pages(QUERY, size=size)]

    assert twin(url, shelf, work) == [ids(page) for page in books.pages(QUERY, size=size)]


def test_a_batch_is_the_same(url, shelf, books):
    queries = [{"query": "sea"}, {"query": "tea", "aggs": GENRES}, {"query": "whale", "mmr": 0.5}]

    async def work(searcher):
        return [told(result) for result in await searcher.search_many(queries)]

    assert twin(url, shelf, work) == [told(result) for result in books.search_many(queries)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": -1}, UsageError),
        ({"collapse": "nope"}, UsageError),
        ({"aggs": {"a": {"nope": {}}}}, RequestRefused),
    ],
)
def test_errors_are_the_same(url, shelf, books, options, error):
    async def work(searcher):
        with pytest.raises(error) as raised:
            await searcher.search(QUERY, **options)
        return str(raised.value)

    with pytest.raises(error) as expected:
        books.search(QUERY, **options)
    assert twin(url, shelf, work) == str(expected.value)


def test_a_missing_index_is_the_same_error(url):
    async def work(searcher):
        with pytest.raises(IndexNotFound, match="no index 'no-such-index'"):
            await searcher.search(QUERY)

    twin(url, "no-such-index", work)


def test_a_client_of_the_other_kind_is_refused(es, url, shelf):
    with pytest.raises(UsageError, match="AsyncSearcher cannot use a Elasticsearch: take Searcher"):
        AsyncSearcher(es, shelf)

    async def work(searcher):
        with pytest.raises(UsageError, match="AsyncElasticsearch: take AsyncSearcher"):
            Searcher(searcher.client, shelf)

    twin(url, shelf, work)


# The event loop


class Slow(WordEmbedder):
    """Waits in each call for `gate`, and keeps the threads it was called in."""

    def __init__(self):
        super().__init__(DIMS)
        self.gate = threading.Event()
        self.gate.set()
        self.threads = set()

    def embed_queries(self, texts):
        self.threads.add(threading.current_thread())
        assert self.gate.wait(10)
        return super().embed_queries(texts)


def test_the_event_loop_goes_on_while_a_model_computes(url, shelf):
    model = Slow()

    async def work(searcher):
        await searcher.prepare()
        model.gate.clear()
        search = asyncio.create_task(searcher.search("tea"))
        while not model.threads:
            await asyncio.sleep(0.001)
        waiting = not search.done()  # in this thread, the model would wait in vain
        model.gate.set()
        return waiting, ids(await search)[0]

    assert twin(url, shelf, work, embedder=model) == (True, "tea")
    assert threading.main_thread() not in model.threads


def test_searches_run_side_by_side(url, shelf, books):
    async def work(searcher):
        await searcher.prepare()
        words = ["tea", "whale", "coast", "bread"] * 5
        return words, await asyncio.gather(*(searcher.search(one) for one in words))

    words, found = twin(url, shelf, work)
    assert [ids(one) for one in found] == [ids(books.search(one)) for one in words]


# Points in time


def opened_and_closed(sent):
    return [
        sum(one.startswith(f"{method} ") and "_pit" in one for one in sent)
        for method in ("POST", "DELETE")
    ]


def test_a_task_that_is_cancelled_leaves_no_point_in_time_open(url, shelf, monkeypatch):
    async def work(searcher):
        sent = Counted(monkeypatch, searcher.client).sent

        async def reading():
            async with searcher.point_in_time() as pit:
                await searcher.search(QUERY, pit=pit)
                await asyncio.sleep(60)

        task = asyncio.create_task(reading())
        while "POST /_msearch" not in sent:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return opened_and_closed(sent)

    assert twin(url, shelf, work) == [1, 1]


def test_nor_one_that_is_cancelled_while_it_opens_one(url, shelf, monkeypatch):
    async def work(searcher):
        await searcher.searched()
        sent = Counted(monkeypatch, searcher.client).sent

        async def reading():
            async with searcher.point_in_time():
                raise AssertionError("cancelled too late")

        task = asyncio.create_task(reading())
        while not any("_pit" in one for one in sent):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return opened_and_closed(sent)

    assert twin(url, shelf, work) == [1, 1]


def test_nor_an_exact_search_that_is_cancelled(es, url, name, monkeypatch):
    Indexer(es, name, embedder=WORDS, vector_index="hnsw").write(BOOKS)

    async def work(searcher):
        sent = Counted(monkeypatch, searcher.client).sent
        search = searcher.search(QUERY, mode="knn", exact=True)
        task = asyncio.create_task(search)
        while "POST /_search" not in " ".join(sent):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return opened_and_closed(sent)

    assert twin(url, name, work) == [1, 1]


def test_whoever_stops_reading_pages_leaves_none_open(url, shelf, monkeypatch):
    async def work(searcher):
        sent = Counted(monkeypatch, searcher.client).sent
        async for _ in searcher.pages(QUERY, size=2):
            break
        until = time.monotonic() + 10
        while opened_and_closed(sent) != [1, 1] and time.monotonic() < until:
            await asyncio.sleep(0.001)
        return opened_and_closed(sent)

    assert twin(url, shelf, work) == [1, 1]
