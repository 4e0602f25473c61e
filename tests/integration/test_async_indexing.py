"""Runs for callers that await, and names that templates make data streams of, on a real node."""

import asyncio
import contextlib

import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid import AsyncIndexer, Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, RequestRefused, ServerUnreachable
from tests.embedders import WordEmbedder

RECORDS = [{"_id": str(n), "title": f"Film {n}", "text": f"word{n}"} for n in range(700)]


def write(url, name, records, **options):
    async def whole():
        async with AsyncElasticsearch(url) as client:
            indexer = AsyncIndexer(client, name, embedder=WordEmbedder(), **options)
            return await indexer.write(records)

    return asyncio.run(whole())


async def some():
    for record in RECORDS:
        yield record


@pytest.mark.parametrize("given", [lambda: RECORDS, some], ids=["list", "async"])
def test_the_awaited_run_writes_what_the_waiting_one_finds_unchanged(es, url, name, given):
    report = write(url, name, given())
    twin = Indexer(es, name, embedder=WordEmbedder()).write(RECORDS)
    assert (report.indexed, report.created) == (700, True)
    assert (twin.indexed, twin.unchanged) == (0, 700)


def test_another_price_keeps_its_vector(url, name):
    write(url, name, RECORDS[:10])
    report = write(url, name, [{**one, "price": 2} for one in RECORDS[:10]])
    assert (report.rewritten, report.embedded) == (10, 0)


def test_a_cancelled_run_leaves_whole_documents_and_is_gone_on_with(es, url, name):
    async def endless():
        async for record in some():
            yield record
        await asyncio.Event().wait()

    async def cancelled():
        async with AsyncElasticsearch(url) as client:
            indexer = AsyncIndexer(client, name, embedder=WordEmbedder())
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(indexer.write(endless()), 3)

    asyncio.run(cancelled())
    request(es, "POST", path(name, "_refresh"))
    assert 0 < request(es, "GET", path(name, "_count"))["count"] < 700
    report = write(url, name, RECORDS)
    assert report.indexed + report.unchanged == 700


def test_nobody_at_the_address_is_an_error_like_any_other(name):
    with pytest.raises((ServerUnreachable, AccessDenied)):
        write("http://127.0.0.1:9", name, RECORDS[:1])


def test_a_name_that_a_template_makes_data_streams_of_is_refused_with_another_way(es, name):
    template = path("_index_template", name)
    body = {"index_patterns": [f"{name}-*"], "data_stream": {}, "priority": 900}
    request(es, "PUT", template, body=body)
    try:
        with pytest.raises(RequestRefused, match="under a name that the template does not match"):
            Indexer(es, name, embedder=WordEmbedder()).write(RECORDS[:1])
    finally:
        request(es, "DELETE", template)
