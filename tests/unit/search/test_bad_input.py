"""Bad input is a named error before anything is sent, where that can be known; or a right answer.

Each message quotes the value, names the rule and says the way out.
"""

import json
from math import inf, nan

import numpy as np
import pytest

from es_hybrid import Searcher
from es_hybrid.contract import Contract, probe
from es_hybrid.errors import EmbedderError, InvalidFilter, UsageError, VectorError
from es_hybrid.field_types import field_type
from es_hybrid.mapping import index_body
from es_hybrid.search import Leg
from tests.embedders import WordEmbedder
from tests.fakes import FakeServer

WORDS = WordEmbedder()
BODY = index_body(
    Contract(WORDS.info, ("title", "text"), "standard", "int8_hnsw", probe(WORDS)),
    types={"lang": field_type("keyword"), "n": field_type("integer")},
)
INDEX, MSEARCH = ("GET", "/films"), ("POST", "/_msearch")
FILMS = {"films-000001": {"mappings": json.loads(json.dumps(BODY["mappings"]))}}
HIT = {"_index": "films-000001", "_id": "1", "_score": 1.0, "_source": {}, "sort": [1.0, 1]}
LEG = {"status": 200, "hits": {"total": {"value": 1, "relation": "eq"}, "hits": [HIT]}}


@pytest.fixture
def server():
    with FakeServer({INDEX: FILMS, MSEARCH: {"responses": [LEG, LEG]}}) as fake:
        yield fake


@pytest.fixture
def search(server):
    return Searcher(server.client(), "films", embedder=WORDS, fusion="client").search


def refused(search, query="shark", **options):
    with pytest.raises((UsageError, VectorError)) as caught:
        search(query, **options)
    return str(caught.value)


NOT_WHOLE = [True, "10", 1.5, [1], nan]


@pytest.mark.parametrize("value", [*NOT_WHOLE, None, -1, 10_001])
def test_a_size_is_a_whole_number_from_0_to_10000(search, server, value):
    assert refused(search, size=value).startswith(f"size {value!r}")
    assert server.requests == []


@pytest.mark.parametrize("value", [*NOT_WHOLE, None, -1, 10_001])
def test_what_is_skipped_is_a_whole_number_from_0_to_10000(search, server, value):
    assert refused(search, from_=value).startswith(f"from {value!r}")
    assert server.requests == []


@pytest.mark.parametrize("value", [*NOT_WHOLE, 0, -1, 9, 10_001])
def test_a_window_is_a_whole_number_and_no_smaller_than_the_size(search, server, value):
    assert f"window {value!r} " in refused(search, window=value)
    assert server.requests == []


@pytest.mark.parametrize("value", [*NOT_WHOLE, None, 0, -1, 2**31])
def test_a_rank_constant_is_a_whole_number_above_0(search, server, value):
    assert f"rank_constant {value!r}" in refused(search, rank_constant=value)
    assert server.requests == []


@pytest.mark.parametrize("value", [*NOT_WHOLE, 0, -1, 10_001])
@pytest.mark.parametrize("name", ["num_candidates", "rerank_window"])
def test_depths_are_whole_numbers(search, server, name, value):
    assert f"{name} {value!r}" in refused(search, **{name: value})
    assert server.requests == []


@pytest.mark.parametrize("value", [*NOT_WHOLE, 0, 10_001])
@pytest.mark.parametrize("name", ["k", "num_candidates"])
def test_depths_of_a_leg_are_whole_numbers(name, value):
    with pytest.raises(UsageError, match=name):
        Leg.knn(**{name: value})


@pytest.mark.parametrize("value", [-1, 0.5, 0.999, 10.5, nan, inf, "2", True, [2], 10**400])
def test_candidates_are_scored_again_one_to_ten_times_as_many_as_hits_or_not_at_all(
    search, server, value
):
    assert refused(search, oversample=value).startswith("oversample ")
    with pytest.raises(UsageError, match=r"leg 'knn': oversample .* neither 0"):
        Leg.knn(oversample=value)
    assert server.requests == []


@pytest.mark.parametrize("value", [-1, -0.1, nan, inf, "1", None, True, [1], 1e39])
def test_a_weight_is_a_number_from_0_upwards(search, server, value):
    assert "weight" in refused(search, weights={"bm25": value})
    with pytest.raises(UsageError, match="weight"):
        Leg.bm25(weight=value)
    assert server.requests == []


@pytest.mark.parametrize(
    "options",
    [
        {"weights": {"bm25": 0, "knn": 0}},
        {"legs": [Leg.bm25(weight=0), Leg.knn(weight=0)]},
        {"legs": [Leg.bm25(), Leg.knn(weight=0)], "weights": {"bm25": 0}},
        {"legs": [Leg.bm25(weight=0), Leg.knn(weight=0)], "method": "linear"},
    ],
)
def test_one_leg_must_weigh_something(search, server, options):
    assert refused(search, **options).startswith("all weights are 0 (bm25=0, knn=0), so that")
    assert server.requests == []


def test_a_leg_that_weighs_something_allows_others_of_0(search):
    assert search("tea", legs=[Leg.bm25(weight=0), Leg.knn()], weights={"knn": 0.5}).hits


@pytest.mark.parametrize("weights", [[("bm25", 1)], "bm25", 7, True])
def test_weights_are_a_mapping(search, server, weights):
    assert "weights" in refused(search, weights=weights)
    assert server.requests == []


def test_a_weight_for_a_leg_that_is_not_there_names_those_that_are(search, server):
    assert refused(search, weights={"bm26": 2}).endswith(
        "'bm26', which is no leg: there are bm25, knn"
    )
    assert server.requests == []


@pytest.mark.parametrize("value", [2, -1.5, nan, inf, "0.5", True, [0.5]])
@pytest.mark.parametrize("name", ["min_cosine", "mmr"])
def test_cosines_and_shares_are_numbers_in_their_range(search, server, name, value):
    assert repr(value) in refused(search, **{name: value})
    assert server.requests == []


@pytest.mark.parametrize("value", [-1, nan, "1", True])
@pytest.mark.parametrize(
    ("name", "more"), [("min_bm25", {}), ("min_score", {"method": "linear"})], ids=["bm25", "fused"]
)
def test_least_scores_are_numbers_from_0_upwards(search, server, name, more, value):
    assert repr(value) in refused(search, **{name: value}, **more)
    assert server.requests == []


@pytest.mark.parametrize(
    "query", ["", " \t\n", "\u200b", b"tea", 7, 1.5, ["tea"], {"match": "tea"}, True, "\ud800"]
)
def test_a_query_is_text_with_something_to_see(search, server, query):
    assert "query" in refused(search, query)
    assert server.requests == []


@pytest.mark.parametrize("options", [{}, {"mode": "bm25"}, {"mode": "knn"}, {"mode": "hybrid"}])
def test_nothing_to_search_for_is_said(search, server, options):
    assert "nothing to search for" in refused(search, None, **options)
    assert server.requests == []


VECTORS = [
    [nan] * 64,
    [inf] + [0.0] * 63,
    [0.0] * 64,
    [],
    [[1.0, 2.0], [3.0]],
    [[1.0] * 64] * 2,
    [1j] * 64,
    ["1"] * 64,
    [True] * 64,
    [None] * 64,
    "[1, 2]",
    b"1",
    {"a": 1},
    7,
    [1e300] * 64,
]


@pytest.mark.parametrize("vector", VECTORS, ids=[repr(v)[:20] for v in VECTORS])
def test_a_vector_is_one_row_of_finite_numbers_with_a_direction(search, server, vector):
    refused(search, vector=vector)
    with pytest.raises(VectorError):
        Leg.knn(vector=vector)
    assert server.requests == []


@pytest.mark.parametrize("dims", [1, 63, 65])
def test_a_vector_of_other_dimensions_is_refused_before_searching(search, server, dims):
    said = refused(search, vector=np.ones(dims))
    assert f"has {dims} numbers, the index has 64 dimensions" in said
    assert [request.path for request in server.requests] == ["/films"]


@pytest.mark.parametrize(
    "options",
    [
        {"fields": ["plot"]},
        {"fields": "plot^2"},
        {"filter": "plot=1"},
        {"filter": '{"range": {"plot": {"gte": 1}}}'},
        {"filter": '{"exists": {"field": "plot"}}'},
        {"filter": '{"bool": {"must_not": [{"term": {"plot": 1}}]}}'},
        {"collapse": "plot"},
        {"legs": [Leg.bm25(fields=["plot"])]},
        {"legs": [Leg.bm25(filter="plot=1")]},
        {"legs": [Leg.knn(field="plot", vector=[1.0])]},
        {"highlight": ["plot"]},
    ],
)
def test_an_unknown_field_is_refused_before_searching(search, server, options):
    said = refused(search, **options)
    assert "'plot'" in said
    assert "lang" in said or "vector field" in said
    assert [request.path for request in server.requests] == ["/films"]


FILTERS = [
    "",
    "lang",
    "=ko",
    "{",
    "{}",
    "[1]",
    '{"term": 1}',
    '{"term": {}}',
    '{"term": {"lang": [1]}}',
    '{"terms": {"lang": "ko"}}',
    '{"terms": {"lang": {"index": "a", "id": "1", "path": "b"}}}',
    '{"range": {"n": 5}}',
    '{"exists": {}}',
    '{"ids": {"values": "a"}}',
    '{"bool": []}',
    '{"bool": {"must": [1]}}',
    '{"bool": {"should": {"script": {}}}}',
    '{"query_string": {"query": "*"}}',
    '{"a": 1, "b": 2}',
    "[" * 100 + "]" * 100,
    7,
    True,
    {},
    {"a": {}, "b": {}},
    {"term": 1},
    {7: {}},
    [7],
    [None],
    [[]],
    ["lang=ko", {}],
    {"lang=ko"},
    (one for one in ["lang=ko"]),
    b"lang=ko",
]


def without_address(given):
    """A name that is the same in every process: all workers must name a test alike."""
    return repr(given).partition(" at 0x")[0][:40]


@pytest.mark.parametrize("given", FILTERS, ids=map(without_address, FILTERS))
def test_a_filter_is_a_text_or_a_clause(search, server, given):
    with pytest.raises(InvalidFilter, match=r"filter|terms|bool|no field"):
        search("shark", filter=given)
    assert [request.path for request in server.requests] in ([], ["/films"])


@pytest.mark.parametrize("given", FILTERS, ids=map(without_address, FILTERS))
def test_a_bound_filter_that_is_none_is_refused_where_it_is_bound(server, given):
    with pytest.raises(InvalidFilter):
        Searcher(server.client(), "films", filter=given)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"siez": 3}, "no option 'siez': did you mean 'size'"),
        ({"zzz": 3}, "no option 'zzz': there are vector, image"),
        ({"mode": 7}, "unknown mode 7: choose one of hybrid, bm25, knn"),
        ({"mode": ["bm25"]}, "unknown mode"),
        ({"method": "max"}, "unknown method 'max': choose one of rrf, linear"),
        ({"fusion": "both"}, "unknown fusion 'both': choose one of auto, native, client"),
        ({"fusion": None}, "unknown fusion None"),
        ({"method": "linear", "normalizer": "z"}, "unknown normalizer 'z'"),
        ({"legs": []}, "legs"),
        ({"legs": ["bm25"]}, "'bm25' is no leg: make one with Leg.bm25"),
        ({"legs": [{"match": {}}]}, "is no leg"),
        ({"legs": "bm25"}, "leg"),
        ({"legs": Leg.bm25()}, "leg"),
        ({"legs": 7}, "leg"),
        ({"legs": [Leg.bm25(), Leg.bm25()]}, "two legs are called 'bm25'"),
        ({"timeout": "soon"}, "timeout 'soon' is no duration: write it like 500ms"),
        ({"timeout": 500}, "timeout 500 is no duration"),
        ({"timeout": "-1s"}, "timeout '-1s'"),
        ({"headers": {"X-Opaque-Id": "a\nb"}}, "cannot be sent"),
        ({"opaque_id": "a\nb"}, "X-Opaque-Id"),
        ({"opaque_id": 7}, "X-Opaque-Id"),
        ({"headers": "a: b"}, "headers"),
        ({"preference": 7}, "preference 7"),
        ({"preference": " "}, "preference"),
        ({"fields": 7}, "fields 7"),
        ({"fields": [7]}, "field 7"),
        ({"fields": []}, "empty list"),
        ({"fields": ""}, "field ''"),
        ({"fields": ["title^"]}, "field 'title^'"),
        ({"fields": ["title^-1"]}, "field 'title^-1'"),
        ({"source": 7}, "source 7"),
        ({"source": None}, "source None"),
        ({"source": {"includes": ["a"]}}, "source"),
        ({"highlight": 7}, "highlight 7"),
        ({"highlight": [7]}, "field 7"),
        ({"aggs": 7}, "aggs 7"),
        ({"aggs": []}, "aggs"),
        ({"aggs": {"n": 7}}, "aggs {'n': 7}"),
        ({"aggs": "n"}, "aggs"),
        ({"collapse": 7}, "collapse 7"),
        ({"collapse": ""}, "collapse ''"),
        ({"collapse": {"field": "lang"}}, "collapse"),
        ({"pit": "p"}, "pit 'p'"),
        ({"pit": {"id": "p"}}, "pit"),
        ({"exact": "yes"}, "exact 'yes'"),
        ({"exact": 1}, "exact 1"),
        ({"explain": "no"}, "explain 'no'"),
        ({"exact_totals": None}, "exact_totals None"),
        ({"allow_partial": "false"}, "allow_partial 'false'"),
        ({"rerank": "a model"}, "rerank"),
        ({"rerank": object()}, "rerank"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_before_anything_is_sent(
    search, server, options, said
):
    assert said in refused(search, **options)
    assert server.requests == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: Leg.bm25(""),
        lambda: Leg.bm25(7),
        lambda: Leg.bm25(text=""),
        lambda: Leg.bm25(minimum="1"),
        lambda: Leg.bm25(filter={}),
        lambda: Leg.knn(minimum=2),
        lambda: Leg.knn(text=7),
        lambda: Leg.knn(field=7, vector=[1.0]),
        lambda: Leg.knn(field="", vector=[1.0]),
        lambda: Leg.knn(field="other"),
        lambda: Leg.query("q", {}),
        lambda: Leg.query("q", "tea"),
        lambda: Leg.query("q", [{"match_all": {}}]),
        lambda: Leg.query("q", {"match_all": {}, "term": {}}),
        lambda: Leg.query("q", {"match": 7}),
        lambda: Leg.query("q", {7: {}}),
    ],
)
def test_a_leg_that_can_never_work_is_refused_where_it_is_made(make):
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize("queries", [["tea"], [None], "tea", [[("query", "tea")]], 7])
def test_searches_of_one_round_trip_are_mappings(server, queries):
    searcher = Searcher(server.client(), "films", embedder=WORDS)
    with pytest.raises(UsageError, match=r"mapping|list"):
        searcher.search_many(queries)
    assert server.requests == []


def test_no_searches_are_no_results_and_no_requests(server):
    assert Searcher(server.client(), "films").search_many([]) == []
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ""}, "is empty"),
        ({"name": []}, "is empty"),
        ({"name": ["films", ""]}, "is empty"),
        ({"name": "films,"}, "is empty"),
        ({"name": 7}, "names no index"),
        ({"name": None}, "names no index"),
        ({"name": [7]}, "names no index"),
        ({"routing": ""}, "routing ''"),
        ({"routing": 7}, "routing 7"),
        ({"routing": ["a"]}, "routing"),
        ({"fusion": "best"}, "unknown fusion 'best'"),
        ({"filter": []}, "limits nothing"),
        ({"embedder": 7}, "embedder 7"),
    ],
)
def test_a_searcher_that_can_never_work_is_refused_where_it_is_made(server, options, said):
    with pytest.raises(UsageError, match=said):
        Searcher(server.client(), **{"name": "films", "embedder": WORDS} | options)


@pytest.mark.parametrize("keep_alive", ["soon", 60, None, "", "0s"])
def test_a_point_in_time_is_kept_for_a_duration(server, keep_alive):
    with pytest.raises(UsageError, match=f"keep_alive {keep_alive!r} is no duration"):
        Searcher(server.client(), "films").open_point_in_time(keep_alive)


@pytest.mark.parametrize("scores", [None, ["a"], [nan], [1.0, 2.0], []])
def test_a_reranker_that_gives_no_scores_is_named(search, scores):
    class Broken:
        id = "broken"

        def scores(self, query, texts):
            return scores

    with pytest.raises(EmbedderError, match="broken"):
        search("shark", rerank=Broken())


def test_a_query_of_100_kb_is_searched_and_told_how_far_bm25_read(search, server):
    result = search("shark " * 17_000)
    sent = json.loads(server.requests[-1].body.splitlines()[1])
    assert len(sent["query"]["multi_match"]["query"]) == 2000
    assert result.notes == ("BM25 looked for the first 2,000 of 102,000 characters of the query",)


def test_numpy_numbers_are_numbers(search, server):
    search("shark", size=np.int64(3), window=np.int32(20), min_cosine=np.float32(0.1))
    bodies = [json.loads(line) for line in server.requests[-1].body.splitlines()][1::2]
    assert [body["size"] for body in bodies] == [20, 20]
