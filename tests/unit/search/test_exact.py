"""Which way an exact search goes, and what a scan makes of the vectors it reads."""

import json
from base64 import b64encode
from dataclasses import replace

import numpy as np
import pytest

from es_hybrid import Leg, Searcher
from es_hybrid.contract import Contract
from es_hybrid.embedders.given import Given
from es_hybrid.errors import ContractError, UsageError, VectorError
from es_hybrid.mapping import index_body
from es_hybrid.similarity import SIMILARITIES
from tests.fakes import Answer, FakeServer

GIVEN = Given("toy", dims=64)
CONTRACT = Contract(GIVEN.info, ("text",), "standard", "int8_hnsw", ())
SERVER, LICENCE = ("GET", "/"), ("GET", "/_license")
NODES = ("GET", "/_nodes/_local/plugins")
INDEX, MSEARCH, COUNT = ("GET", "/films"), ("POST", "/_msearch"), ("POST", "/films/_count")
PIT, SEARCH, CLOSE = ("POST", "/films/_pit"), ("POST", "/_search"), ("DELETE", "/_pit")
EMPTY = {"status": 200, "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}
NO_SCRIPTS = {"type": "query_shard_exception", "reason": "script_lang not supported [painless]"}
QUERY = np.eye(64, dtype=np.float32)[0]
NEAR = {"vector": QUERY}


def live(**changes):
    body = index_body(replace(CONTRACT, **changes))
    return {"films-000001": {"mappings": json.loads(json.dumps(body["mappings"]))}}


def node(*modules):
    told = {"version": "9.5.4", "plugins": [], "modules": [{"name": name} for name in modules]}
    return {"nodes": {"n": told}}


@pytest.fixture
def server():
    """Version 9.5.4, 1000 vectors, answers every leg with nothing; painless as a test says."""
    script = {
        SERVER: {"version": {"number": "9.5.4", "build_flavor": "default"}},
        INDEX: live(),
        MSEARCH: {"responses": [EMPTY]},
        COUNT: {"count": 1000},
        PIT: {"id": "p"},
        SEARCH: {"hits": {"hits": []}},
        CLOSE: {"succeeded": True},
    }
    with FakeServer(script) as fake:
        yield fake


def search(server, **options):
    return Searcher(server.client(), "films", fusion="client").search(
        **{"vector": QUERY, "exact": True} | options
    )


def sent(server, ending="_msearch"):
    last = [one for one in server.requests if one.path.endswith(ending)][-1]
    return json.loads(last.body.splitlines()[-1])


@pytest.mark.parametrize("modules", [("lang-painless",), None], ids=["told", "not told"])
def test_a_script_compares_all_vectors_where_the_server_may_run_one(server, modules):
    server.script[NODES] = node(*modules) if modules else None
    assert search(server, filter={"term": {"a": 1}}).knn == "exact:script_score"
    scored = sent(server)["query"]["script_score"]
    assert scored["query"]["bool"]["filter"][1] == {"term": {"a": 1}}
    assert "dotProduct(params.query, 'embedding')" in scored["script"]["source"]


def test_a_refused_script_is_not_tried_again(server):
    server.script[MSEARCH] = (
        Answer({"responses": [{"status": 400, "error": NO_SCRIPTS}]}),
        Answer({"responses": [EMPTY]}),
    )
    searcher = Searcher(server.client(), "films", fusion="client")
    ways = [searcher.search(vector=QUERY, exact=True).knn for _ in range(2)]
    assert ways == ["exact:rescored", "exact:rescored"]
    assert len([one for one in server.requests if one.path == "/_msearch"]) == 3


@pytest.mark.parametrize("exact", [False, True])
def test_a_flat_index_is_exact_however_it_is_asked(server, exact):
    server.script[INDEX] = live(vector_index="flat")
    assert search(server, exact=exact).knn == "exact:flat"
    assert "rescore_vector" not in sent(server)["knn"]


@pytest.mark.parametrize(("size", "oversample"), [(10, 50), (200, 50), (1000, 10), (10_000, 1)])
def test_a_small_quantised_index_is_searched_as_deep_as_allowed(server, size, oversample):
    server.script[NODES] = node("x-pack-core")
    assert search(server, size=size).knn == "exact:rescored"
    knn = sent(server)["knn"]
    assert (knn["num_candidates"], knn["rescore_vector"]) == (10_000, {"oversample": oversample})


@pytest.mark.parametrize(
    ("kind", "count"), [("hnsw", 5), ("int8_hnsw", 20_001), ("bbq_hnsw", 20_001)]
)
def test_where_nothing_can_be_promised_the_vectors_are_scanned(server, kind, count):
    server.script |= {NODES: node("x-pack-core"), INDEX: live(vector_index=kind)}
    server.script[COUNT] = {"count": count}
    assert search(server).knn == "exact:scanned"
    assert sent(server, "_search")["pit"]["id"] == "p"
    assert "DELETE" in [request.method for request in server.requests]


def page(vectors, *, start, packed, norms=False):
    def values(row):
        return [b64encode(row.astype(">f4")).decode()] if packed else row.tolist()

    return Answer(
        {
            "hits": {
                "hits": [
                    {
                        "_index": "films-000001",
                        "_id": str(n),
                        "sort": [n],
                        "fields": {"embedding": values(row)}
                        | ({"es_hybrid.norm": [float(np.linalg.norm(row))]} if norms else {}),
                    }
                    for n, row in enumerate(vectors, start)
                ]
            }
        }
    )


@pytest.mark.parametrize("packed", [True, False], ids=["base64", "numbers"])
@pytest.mark.parametrize("name", SIMILARITIES)
def test_a_scan_finds_what_numpy_finds(server, monkeypatch, name, packed):
    monkeypatch.setattr("es_hybrid.search.exact._PAGE", 20 * 64)
    vectors = np.random.default_rng(3).normal(size=(50, 64)).astype(np.float32)
    kind = SIMILARITIES[name]
    rows = vectors / np.linalg.norm(vectors, axis=1)[:, None] if kind.scaled else vectors
    cut = [page(rows[n : n + 20], start=n, packed=packed, norms=True) for n in (0, 20, 40)]
    whole = [{"_index": "films-000001", "_id": str(n), "_source": {"n": n}} for n in range(50)]
    server.script |= {
        NODES: node("x-pack-core"),
        INDEX: live(vector_index="hnsw", similarity=name, normalisation=kind.normalisation),
        SEARCH: (*cut, Answer({"hits": {"hits": whole}})),
    }
    result = search(server, size=7)
    scores = kind.scores(rows.astype(float), QUERY.astype(float))
    assert [hit.source["n"] for hit in result] == np.argsort(-scores)[:7].tolist()
    cosines = vectors @ QUERY / np.linalg.norm(vectors, axis=1)
    assert all(
        hit.knn.cosine == pytest.approx(cosines[hit.source["n"]], abs=1e-6) for hit in result
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vector": None}, "nothing to search for"),
        ({"vector": None, "query": "tea", "mode": "bm25"}, "exact is about kNN"),
        ({"mode": "hybrid"}, "mode 'hybrid' searches for words as well"),
        ({"mode": "bm25", "query": "tea"}, "for words alone: leave the vector out"),
        ({"num_candidates": 100}, "leave num_candidates out"),
        ({"oversample": 2}, "compares all vectors: leave oversample out"),
        (
            {"oversample": 2, "exact": False, "query": "tea", "mode": "bm25", "vector": None},
            "about",
        ),
        ({"exact": False, "num_candidates": 0}, "num_candidates 0 is not between 1 and 10000"),
        ({"exact": False, "num_candidates": 10_001}, "10001 is not between 1 and 10000"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused_before_anything_is_sent(server, options, said):
    with pytest.raises(UsageError, match=said):
        search(server, **options)
    assert server.requests == []


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        ([0.0] * 64, "length zero"),
        ([float("nan")] * 64, "NaN"),
        (["tea"] * 64, "no list of numbers"),
        ([[1], [1, 2]], "unequal length"),
        ([], "not that of one vector"),
        ([1.0] * 63, "has 63 numbers, the index has 64 dimensions"),
    ],
    ids=["zero", "nan", "words", "ragged", "empty", "dims"],
)
def test_a_bad_query_vector_is_refused(server, vector, said):
    with pytest.raises(VectorError, match=said):
        search(server, vector=vector, exact=False)
    assert ("POST", "/_msearch") not in [(one.method, one.path) for one in server.requests]


def test_words_and_a_vector_are_searched_for_together(server):
    server.script[MSEARCH] = {"responses": [EMPTY, EMPTY]}
    result = search(server, query="tea", exact=False, num_candidates=300)
    assert (result.mode, result.knn) == ("hybrid", "approximate")
    assert sent(server)["knn"]["num_candidates"] == 300


@pytest.mark.parametrize("asked", [{"oversample": 4}, {"legs": [Leg.knn(**NEAR, oversample=4)]}])
def test_a_search_and_a_leg_of_ones_own_say_how_many_are_scored_again(server, asked):
    given = {"exact": False, "vector": None} if "legs" in asked else {"exact": False}
    search(server, **given, **asked)
    assert sent(server)["knn"]["rescore_vector"] == {"oversample": 4}


@pytest.mark.parametrize("kind", ["hnsw", "flat"])
def test_vectors_that_are_not_rounded_have_nothing_to_score_again(server, kind):
    server.script[INDEX] = live(vector_index=kind)
    with pytest.raises(UsageError, match=f"'films' are {kind}, which rounds none"):
        search(server, exact=False, oversample=2)
    assert MSEARCH not in [(one.method, one.path) for one in server.requests]


def test_fewer_candidates_than_hits_are_as_many_as_the_hits(server):
    search(server, size=7, exact=False, num_candidates=5)
    assert sent(server)["knn"]["num_candidates"] == 7


@pytest.mark.parametrize("mode", ["knn", "hybrid"])
def test_words_alone_have_no_vector_in_a_given_index_and_the_ways_out_are_told(server, mode):
    with pytest.raises(ContractError, match=r"--mode bm25, or with a vector .* called 'toy'"):
        search(server, vector=None, query="tea", mode=mode)
