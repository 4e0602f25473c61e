"""A bound filter goes with every body that is sent, and is kept as it was given."""

import json

import pytest

from es_hybrid import Searcher
from es_hybrid.contract import Contract, probe
from es_hybrid.errors import UsageError
from es_hybrid.field_types import field_type
from es_hybrid.mapping import index_body
from es_hybrid.search.own_documents import check_query
from tests.embedders import WordEmbedder
from tests.fakes import FakeServer

WORDS = WordEmbedder()
BODY = index_body(
    Contract(WORDS.info, ("title", "text"), "standard", "int8_hnsw", probe(WORDS)),
    types={"tenant": field_type("keyword")},
)
FILMS = {"films-000001": {"mappings": json.loads(json.dumps(BODY["mappings"]))}}
BOUND = '{"term":{"tenant":"a"}}'


def leg(*ids):
    hits = [
        {"_index": "films-000001", "_id": i, "_score": 1.0, "_source": {}, "sort": [1.0, ord(i)]}
        for i in ids
    ]
    return {"status": 200, "hits": {"total": {"value": len(ids), "relation": "eq"}, "hits": hits}}


@pytest.fixture
def server():
    with FakeServer({("GET", "/films"): FILMS}) as fake:
        yield fake


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, 0),
        ({"highlight": True}, 1),
        ({"exact_totals": True}, 1),
        ({"aggs": {"n": {"terms": {"field": "tenant"}}}, "explain": True}, 3),
        ({"method": "linear", "min_score": 0.1, "exact_totals": True}, 1),
    ],
)
def test_a_bound_filter_is_in_every_body(server, options, more):
    first = {"responses": [leg("a", "b"), leg("b", "c")]}
    second = {"responses": [leg("a")] * more}
    server.script["POST", "/_msearch"] = (first, second)
    searcher = Searcher(
        server.client(), "films", embedder=WORDS, fusion="client", filter="tenant=a"
    )
    searcher.search("shark", **options)
    sent = [request for request in server.requests if request.path == "/_msearch"]
    bodies = [line for request in sent for line in request.body.decode().splitlines()[1::2]]
    assert len(bodies) == 2 + more
    assert all(BOUND in body for body in bodies)


@pytest.mark.parametrize(
    "clause", [None, 7, "term", [], {}, {"a": {}, "b": {}}, {"bool": 7}, {"bool": {"must": [7]}}]
)
def test_what_is_no_query_is_not_taken_for_a_harmless_one(clause):
    with pytest.raises(UsageError, match=r"no query clause|give an object"):
        check_query("leg 'x'", clause)


@pytest.mark.parametrize("kind", ["", "Has_child", "has_child ", "TERM"])
def test_a_kind_of_query_that_nobody_has_looked_at_is_refused(kind):
    with pytest.raises(UsageError, match="a clause of kind"):
        check_query("leg 'x'", {kind: {}})


def nested(times=5000):
    clause = {"match_all": {}}
    for _ in range(times):
        clause = {"bool": {"must": clause}}
    return clause


@pytest.mark.parametrize(
    "options",
    [
        {"filter": nested()},
        {"aggs": {"x": {"terms": nested()}}},
        {"aggs": {"x": {"filter": nested()}}},
        {"highlight": {"fields": {"x": nested()}}},
    ],
    ids=["filter", "terms", "filter bucket", "highlight"],
)
def test_what_is_nested_without_end_is_refused(server, options):
    searcher = Searcher(server.client(), "films", embedder=WORDS, filter="tenant=a")
    with pytest.raises(UsageError, match="nested"):
        searcher.search("shark", **options)
    assert server.requests == []


def test_a_bound_filter_that_is_nested_without_end_is_refused(server):
    with pytest.raises(UsageError, match="nested"):
        Searcher(server.client(), "films", filter=nested())


TRIAL = {
    ("GET", "/"): {"version": {"number": "9.5.4", "build_flavor": "default"}},
    ("GET", "/_license"): {"license": {"type": "trial", "status": "active"}},
}


@pytest.mark.parametrize("method", ["rrf", "linear"])
def test_elasticsearchs_own_fusion_is_bound_as_well(server, method):
    server.script |= {**TRIAL, ("POST", "/_msearch"): {"responses": [leg("a")]}}
    searcher = Searcher(
        server.client(), "films", embedder=WORDS, fusion="native", filter="tenant=a", routing="r"
    )
    searcher.search(
        "shark", method=method, filter="tenant=b", aggs={"n": {"terms": {"field": "tenant"}}}
    )
    header, body = map(json.loads, server.requests[-1].body.splitlines())
    assert header["routing"] == "r"
    assert {"term": {"tenant": "a"}} in body["retriever"][method]["filter"]
