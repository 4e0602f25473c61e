"""One search: what is checked before anything is sent, what is sent, and what comes back."""

import json

import pytest

from es_hybrid import Searcher
from es_hybrid.contract import Contract, probe
from es_hybrid.errors import (
    ContractError,
    ContractMismatch,
    IndexNotFound,
    InvalidFilter,
    InvalidIndexName,
    RequestRefused,
    ServerUnreachable,
    UsageError,
    VectorError,
)
from es_hybrid.mapping import index_body
from es_hybrid.vectors import unpacked
from tests.embedders import NanFor, OtherModel, WordEmbedder
from tests.fakes import Answer, FakeServer

WORDS = WordEmbedder()
BODY = index_body(Contract(WORDS.info, ("title", "text"), "standard", "int8_hnsw", probe(WORDS)))
INDEX, MSEARCH = ("GET", "/films"), ("POST", "/_msearch")
FILMS = {"films-000001": {"mappings": json.loads(json.dumps(BODY["mappings"]))}}
MISSING = Answer({"error": {"type": "index_not_found_exception"}, "status": 404}, status=404)


def leg(*ids, score=1.0):
    hits = [
        {
            "_index": "films-000001",
            "_id": i,
            "_score": score,
            "_source": {},
            "sort": [score, ord(i)],
        }
        for i in ids
    ]
    return {"status": 200, "hits": {"total": {"value": len(ids), "relation": "eq"}, "hits": hits}}


@pytest.fixture
def server():
    """Has films a to d; both legs find some of them."""
    both = {"responses": [leg("b", "a"), leg("c", "b", score=0.75)]}
    with FakeServer({INDEX: FILMS, MSEARCH: both}) as fake:
        yield fake


def searcher(server, **options):
    return Searcher(server.client(), "films", **{"embedder": WORDS, "fusion": "client"} | options)


def sent(server):
    """The bodies of the legs, as they were sent last."""
    return [json.loads(line) for line in server.requests[-1].body.splitlines()][1::2]


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        ("", {}, "query '' is empty"),
        (" \t\n", {}, "is empty: type some words"),
        ("tea", {"mode": "vector"}, "unknown mode 'vector': choose one of hybrid, bm25, knn"),
        ("tea", {"size": -1}, "size -1 is not between 0 and 10000"),
        ("tea", {"size": 10_001}, "size 10001 is not between"),
        ("tea", {"size": 20, "window": 19}, "window 19 is not between size 20 and 10000"),
        ("tea", {"window": 0}, "window 0 is not between"),
        ("tea", {"size": 0, "window": 0}, "window 0 is not between"),
        ("tea", {"window": 10_001}, "window 10001 is not between"),
        ("tea", {"rank_constant": 0}, "rank_constant 0 is below 1"),
    ],
)
def test_an_argument_that_can_never_work_is_refused_before_anything_is_sent(
    server, query, options, said
):
    with pytest.raises(UsageError, match=said):
        searcher(server).search(query, **options)
    assert server.requests == []


def test_a_hybrid_search_is_one_request_with_both_legs(server):
    searcher(server).search("shark")
    bm25, knn = sent(server)
    assert [r.path for r in server.requests] == ["/films", "/_msearch"]
    fields = ["title", "text", "title.parts", "text.parts"]
    assert bm25["query"]["multi_match"]["fields"] == fields
    assert knn["knn"]["query_vector"] == WORDS.embed_queries(["shark"])[0].tolist()


@pytest.mark.parametrize(("version", "packed"), [("9.3.0", False), ("9.4.0", True)])
def test_the_query_vector_goes_in_base64_where_the_server_is_known_to_read_it(
    server, version, packed
):
    server.script[("GET", "/")] = {"version": {"number": version}}
    server.script[("GET", "/_license")] = {"license": {"type": "basic", "status": "active"}}
    films = searcher(server, fusion="auto")
    for words in ("sea", "shark"):
        films.search(words)
    written = sent(server)[1]["knn"]["query_vector"]
    assert isinstance(written, str) is packed
    assert unpacked(written).tolist() == WORDS.embed_queries(["shark"])[0].tolist()


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_a_search_by_one_leg_sends_that_leg_alone(server, mode):
    server.script[MSEARCH] = {"responses": [leg("a", score=0.75)]}
    result = searcher(server).search("shark", mode=mode)
    assert (len(sent(server)), result.fusion, result.mode) == (1, None, mode)
    assert set(result.hits[0].legs) == {mode}


def test_the_legs_are_fused_and_ties_ordered_by_shard_doc(server):
    result = searcher(server).search("shark")
    assert [hit.id for hit in result] == ["b", "c", "a"]
    assert (result.fusion, result.total.value) == ("client", 3)
    server.script[MSEARCH] = {"responses": [leg("c"), leg("a")]}
    assert [hit.id for hit in searcher(server).search("shark")] == ["a", "c"]


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        ({}, 100),
        ({"size": 150}, 150),
        ({"size": 5, "window": 5}, 5),
        ({"size": 10_000}, 10_000),
        ({"size": 0, "window": 1}, 1),
    ],
)
def test_each_leg_of_a_fusion_goes_as_deep_as_the_window(server, options, depth):
    searcher(server).search("shark", **options)
    assert [body["size"] for body in sent(server)] == [depth, depth]


@pytest.mark.parametrize(("size", "depth"), [(0, 1), (7, 7), (10_000, 10_000)])
def test_a_single_leg_goes_as_deep_as_the_hits(server, size, depth):
    server.script[MSEARCH] = {"responses": [leg("a")]}
    searcher(server).search("shark", mode="bm25", size=size)
    assert [body["size"] for body in sent(server)] == [depth]


@pytest.mark.parametrize(("size", "ids"), [(0, []), (1, ["b"]), (10, ["b", "c", "a"])])
def test_size_cuts_the_fused_list(server, size, ids):
    assert [hit.id for hit in searcher(server).search("shark", size=size)] == ids


@pytest.mark.parametrize(
    ("given", "clause"),
    [
        (None, None),
        ([], None),
        ("title=Jaws", {"term": {"title.exact": "Jaws"}}),
        ({"term": {"anything": 1}}, {"term": {"anything": 1}}),
        (
            ["title=a", '{"match_all": {}}'],
            {"bool": {"filter": [{"term": {"title.exact": "a"}}, {"match_all": {}}]}},
        ),
    ],
)
def test_filters_reach_both_legs(server, given, clause):
    searcher(server).search("shark", filter=given)
    bm25, knn = sent(server)
    assert bm25["query"].get("bool", {}).get("filter") == clause
    assert knn["knn"].get("filter") == clause


def test_a_bad_filter_is_refused_before_searching(server):
    with pytest.raises(InvalidFilter, match=r"no field 'lang'"):
        searcher(server).search("shark", filter="lang=ko")
    assert [r.path for r in server.requests] == ["/films"]


def test_index_and_embedder_are_proven_once(server):
    one = searcher(server)
    one.search("shark")
    one.search("sea")
    assert [r.path for r in server.requests] == ["/films", "/_msearch", "/_msearch"]


def test_bm25_needs_no_embedder(server):
    server.script[MSEARCH] = {"responses": [leg("a")]}
    assert len(searcher(server, embedder=None).search("shark", mode="bm25")) == 1


def test_an_embedder_is_not_loaded_on_the_word_of_an_index(server):
    with pytest.raises(
        ContractError, match=r"'words-64', which is not loaded.*--embedder words-64"
    ):
        searcher(server, embedder=None).search("shark")


def test_another_model_is_refused_before_searching(server):
    with pytest.raises(ContractMismatch, match=r"'words-64'.*'other-64'"):
        searcher(server, embedder=OtherModel()).search("shark")
    assert [r.path for r in server.requests] == ["/films"]


@pytest.mark.parametrize(
    ("embedder", "query", "said"),
    [(WORDS, "?!", "length zero"), (NanFor("shark"), "shark", "NaN")],
)
def test_a_query_without_a_usable_vector_is_refused(server, embedder, query, said):
    with pytest.raises(VectorError, match=said):
        searcher(server, embedder=embedder).search(query)


def test_a_leg_that_failed_is_an_error_not_an_empty_leg(server):
    failed = {"status": 400, "error": {"type": "parsing_exception", "reason": "no such thing"}}
    server.script[MSEARCH] = {"responses": [leg("a"), failed]}
    with pytest.raises(RequestRefused, match="no such thing"):
        searcher(server).search("shark")


def test_a_page_that_says_404_is_no_missing_index(server):
    server.script[INDEX] = Answer("<html>404</html>", status=404, content_type="text/html")
    with pytest.raises(ServerUnreachable, match="GET /films was answered with a page"):
        searcher(server).search("shark")


@pytest.mark.parametrize("answer", [MISSING, {}], ids=["404", "nothing"])
def test_a_missing_index_is_named_with_the_command_that_makes_it(server, answer):
    server.script[INDEX] = answer
    with pytest.raises(IndexNotFound, match="no index 'films': make it with es-hybrid index films"):
        searcher(server).search("shark")


def test_an_index_may_be_called_error(server):
    server.script["GET", "/error"] = {"error": FILMS["films-000001"]}
    assert Searcher(server.client(), "error", embedder=WORDS).searched().index == "error"


def test_a_name_that_no_index_can_have_is_refused(server):
    with pytest.raises(InvalidIndexName, match="''"):
        Searcher(server.client(), "", embedder=WORDS).search("shark")


def test_the_time_taken_is_told(server):
    assert searcher(server).search("shark").took_ms > 0
