"""Two tenants share an index, and no option of a search tells one of the other."""

import json

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.documents import VECTOR_FIELD
from es_hybrid.errors import InvalidFilter, RequestRefused, UsageError
from es_hybrid.search import Leg
from tests.embedders import WordEmbedder

OURS = [
    {"_id": f"our-{n}", "title": f"plan {n}", "text": "tea for the winter", "tenant": "a", "n": n}
    for n in range(3)
]
THEIRS = [
    {
        "_id": f"their-{n}",
        "title": f"plan {n} hush{n}",
        "text": "tea for the hush winter hush",
        "tenant": "hush",
        "n": n + 100,
        "keys": ["our-1"],
    }
    for n in range(9)
]
LOOKUP = {"terms": {"_id": {"index": "INDEX", "id": "their-1", "path": "keys"}}}
VECTOR = (WordEmbedder().embed_queries(["tea hush"])[0] / np.sqrt(2)).tolist()


@pytest.fixture(scope="module")
def index(es):
    """Three documents are ours, nine are not; only those hold the word hush."""
    name = "t-tenants"
    writer = Indexer(es, name, embedder=WordEmbedder(), vector_index="hnsw")
    writer.write([*OURS, *THEIRS])
    yield f"{name}-000001"
    request(es, "DELETE", path(f"{name}-000001"))


@pytest.fixture
def ours(es, index):
    return Searcher(es, index, embedder=WordEmbedder(), filter="tenant=a")


def check(result):
    """Nothing of theirs is in a result: no hit, count, bucket, piece of text or note."""
    told = json.dumps(result.to_dict(), ensure_ascii=False, default=str)
    assert "their-" not in told
    assert "hush" not in told
    assert result.total.value <= len(OURS)


class ByLength:
    id = "by-length"

    def scores(self, query, texts):
        assert not any("hush" in text for text in texts)
        return [len(text) for text in texts]


def query(clause, **more):
    return {"legs": [Leg.bm25(), Leg.knn(), Leg.query("own", clause, **more)]}


HUSH = {"term": {"tenant": "hush"}}
ALL = {"match_all": {}}
WIDER = {"bool": {"should": [HUSH, ALL], "minimum_should_match": 0}}
AGGS = {
    "tenants": {"terms": {"field": "tenant", "size": 100}},
    "missing": {"missing": {"field": "keys"}},
    "years": {"histogram": {"field": "n", "interval": 10, "min_doc_count": 0}},
    "theirs": {"filter": HUSH, "aggs": {"top": {"top_hits": {"size": 10}}}},
    "sides": {"filters": {"filters": {"x": ALL}, "other_bucket": True}},
    "rare": {"rare_terms": {"field": "tenant"}},
    "all": {"composite": {"sources": [{"t": {"terms": {"field": "tenant"}}}]}},
    "n": {"stats": {"field": "n"}},
}
MATCHES = {"highlight_query": {"match": {"text": "hush tea"}}, "fields": {"*": {}}}

ALLOWED = {
    "nothing": {},
    "bm25": {"mode": "bm25"},
    "knn": {"mode": "knn"},
    "their vector": {"vector": VECTOR},
    "many": {"size": 1000, "window": 1000, "num_candidates": 1000},
    "none": {"size": 0},
    "their filter": {"filter": "tenant=hush"},
    "filters": {"filter": ["tenant=hush", HUSH]},
    "a wider filter": {"filter": WIDER},
    "a wider filter as text": {"filter": json.dumps(WIDER)},
    "no filter": {"filter": []},
    "must not": {"filter": {"bool": {"must_not": {"term": {"tenant": "a"}}}}},
    "fields": {"fields": ["*"]},
    "a leg for all": query(ALL),
    "a leg for them": query(HUSH),
    "a wider leg": query(WIDER, filter=WIDER),
    "their words": {"legs": [Leg.bm25(text="hush", filter=HUSH), Leg.knn(text="hush")]},
    "negative": query({"boosting": {"positive": ALL, "negative": HUSH, "negative_boost": 0}}),
    "constant": query({"constant_score": {"filter": HUSH}}),
    "best of": query({"dis_max": {"queries": [HUSH, ALL]}}),
    "functions": query(
        {"function_score": {"query": ALL, "functions": [{"filter": HUSH, "weight": 9}]}}
    ),
    "pinned": query({"pinned": {"ids": ["their-1", "our-1"], "organic": ALL}}),
    "syntax": query({"query_string": {"query": "tenant:hush OR *:*"}}),
    "like texts": query(
        {
            "more_like_this": {
                "fields": ["text"],
                "like": ["hush hush"],
                "min_term_freq": 1,
                "min_doc_freq": 1,
            }
        }
    ),
    "one leg": {"legs": [Leg.query("own", ALL)]},
    "knn alone": {"legs": [Leg.knn(k=1000, filter=WIDER)]},
    "aggs": {"aggs": AGGS},
    "aggs of one leg": {"aggs": AGGS, "mode": "bm25"},
    "aggs of knn": {"aggs": AGGS, "mode": "knn"},
    "aggs of linear": {"aggs": AGGS, "method": "linear", "min_score": 0.0},
    "totals": {"exact_totals": True},
    "explain": {"explain": True, "window": 10, "size": 1},
    "highlight": {"highlight": True},
    "their highlight": {"highlight": MATCHES},
    "collapse": {"collapse": "tenant"},
    "source": {"source": ["tenant", "title", "*"]},
    "mmr": {"mmr": 0.1},
    "rerank": {"rerank": ByLength()},
    "exact": {"exact": True},
    "exact knn": {"exact": True, "mode": "knn", "explain": True},
    "minima": {"min_cosine": 1.0, "min_bm25": 1000.0},
    "minima of legs": {"legs": [Leg.query("own", ALL, minimum=50.0), Leg.knn(minimum=1.0)]},
    "weights": {"weights": {"knn": 0}},
    "preference": {"preference": "_shards:0"},
    "partial": {"allow_partial": True, "aggs": AGGS, "highlight": True, "explain": True},
    "timeout": {"timeout": "5s"},
}


@pytest.mark.parametrize("options", ALLOWED.values(), ids=ALLOWED)
def test_no_option_tells_of_the_other_tenant(ours, options):
    try:
        result = ours.search("plan tea hush" if "vector" not in options else None, **options)
    except RequestRefused as error:
        if "unknown query [pinned]" in str(error):
            pytest.skip("this server has no pinned queries")
        raise
    check(result)


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "scan"])
def test_no_way_of_an_exact_search_does(ours, scripts):
    ours._known.scripts_refused = not scripts
    check(ours.search("plan tea hush", exact=True, explain=True, exact_totals=True))
    with ours.point_in_time() as pit:
        result = ours.search("plan tea hush", exact=True, mode="knn", pit=pit)
    check(result)
    assert len(result) == len(OURS)


def test_pages_and_round_trips_do_not_either(ours, es, index):
    for page in ours.pages("plan tea hush", size=2):
        check(page)
    for result in ours.search_many([{"query": "hush"}, {"query": "tea", "mode": "bm25"}]):
        check(result)


def test_a_point_in_time_of_a_free_searcher_is_still_bound(ours, es, index):
    free = Searcher(es, index, embedder=WordEmbedder())
    with free.point_in_time() as pit:
        assert len(free.search("tea", pit=pit, size=50)) == 12
        result = ours.search("plan tea hush", pit=pit, exact_totals=True)
    check(result)


def test_all_of_ours_is_found(ours):
    result = ours.search("plan tea", exact_totals=True, aggs=AGGS)
    assert {hit.id for hit in result} == {"our-0", "our-1", "our-2"}
    assert result.total.value == 3
    assert result.aggregations["tenants"]["buckets"] == [{"key": "a", "doc_count": 3}]


def agg(kind, body):
    return {"aggs": {"x": {"terms": {"field": "n"}, "aggs": {"y": {kind: body}}}}}


PAST = {
    "global": agg("global", {}),
    "significant": agg("significant_terms", {"field": "text"}),
    "background": agg("significant_text", {"field": "text", "background_filter": ALL}),
    "children": agg("children", {"type": "x"}),
    "scripted": agg("scripted_metric", {}),
    "unheard of": agg("whatever", {}),
    "all terms": agg("terms", {"field": "tenant", "min_doc_count": 0}),
    "all terms in text": agg("terms", {"field": "tenant", "min_doc_count": "0"}),
    "all terms in fractions": agg("terms", {"field": "tenant", "min_doc_count": 0.0}),
    "all terms by no": agg("terms", {"field": "tenant", "min_doc_count": False}),
    "all pairs": agg("multi_terms", {"terms": [], "min_doc_count": 0}),
    "a bucket by lookup": agg("filter", LOOKUP),
    "buckets by lookup": agg("filters", {"filters": {"x": {"bool": {"must": LOOKUP}}}}),
    "nameless buckets": agg("filters", {"filters": [LOOKUP]}),
    "pairs by lookup": agg("adjacency_matrix", {"filters": {"x": LOOKUP}}),
    "a test by lookup": agg("t_test", {"a": {"field": "n", "filter": LOOKUP}}),
    "top hits by lookup": agg(
        "top_hits", {"highlight": {"fields": {"text": {"highlight_query": LOOKUP}}}}
    ),
    "a filter by lookup": {"filter": LOOKUP},
    "a leg by lookup": query(LOOKUP),
    "a leg's filter by lookup": query(ALL, filter=[ALL, {"bool": {"must_not": [LOOKUP]}}]),
    "a kNN leg's": {"legs": [Leg.knn(filter=LOOKUP)]},
    "a BM25 leg's": {"legs": [Leg.bm25(filter=LOOKUP)]},
    "children's query": query({"has_child": {"type": "x", "query": ALL}}),
    "parents, deep": query(
        {"bool": {"should": [{"has_parent": {"parent_type": "x", "query": ALL}}]}}
    ),
    "stored queries": query({"percolate": {"field": "q", "index": "INDEX", "id": "their-1"}}),
    "like a document": query({"more_like_this": {"like": [{"_id": "their-1"}]}}),
    "unlike a document": query({"more_like_this": {"like": "tea", "unlike": {"_id": "their-1"}}}),
    "wrapped": query({"wrapper": {"query": "eyJtYXRjaF9hbGwiOiB7fX0="}}),
    "rules": query({"rule": {"organic": ALL, "ruleset_ids": ["x"]}}),
    "a shape elsewhere": query({"geo_shape": {"place": {"indexed_shape": {"id": "their-1"}}}}),
    "the nearest of all": query({"knn": {"field": VECTOR_FIELD, "query_vector": VECTOR, "k": 1}}),
    "the nearest of all, deep": query({"bool": {"must": [{"knn": {"filter": ALL}}]}}),
    "a function's": query({"function_score": {"functions": [{"filter": LOOKUP}]}}),
    "scored": query({"script_score": {"query": LOOKUP, "script": {"source": "1"}}}),
    "nested": query({"nested": {"path": "x", "query": LOOKUP}}),
    "inner": query({"nested": {"path": "x", "query": ALL, "inner_hits": {"sort": []}}}),
    "pinned": query({"pinned": {"ids": ["1"], "organic": LOOKUP}}),
    "misspelt": query({"bool": {"mustNot": LOOKUP}}),
    "a highlight": {"highlight": {"fields": {"text": {"highlight_query": LOOKUP}}}},
    "all highlights": {"highlight": {"highlight_query": {"bool": {"filter": [LOOKUP]}}}},
    "credentials": {"headers": {"Authorization": "ApiKey x"}},
    "another user": {"headers": {"es-security-runas-user": "x"}},
}


@pytest.mark.parametrize("options", PAST.values(), ids=PAST)
def test_what_might_look_past_the_filter_is_refused_before_anything_is_sent(
    es, index, options, monkeypatch
):
    searcher = Searcher(es, index, embedder=WordEmbedder(), filter="tenant=a")
    monkeypatch.setattr(es, "perform_request", None)
    with pytest.raises(UsageError):
        searcher.search("plan tea", **options)


def test_a_lookup_is_the_callers_own_business_where_nothing_is_bound(es, index):
    lookup = json.loads(json.dumps(LOOKUP).replace("INDEX", index))
    found = Searcher(es, index, embedder=WordEmbedder()).search("plan", mode="bm25", filter=lookup)
    assert {hit.id for hit in found} == {"our-1"}


def test_a_filter_is_bound_as_it_was_given(es, index):
    bound = {"bool": {"filter": [{"term": {"tenant": "a"}}]}}
    searcher = Searcher(es, index, embedder=WordEmbedder(), filter=bound)
    bound["bool"]["filter"].clear()
    check(searcher.search("plan tea hush"))
    check(searcher.search("plan tea hush"))


def test_a_bound_filter_on_a_field_that_is_not_there_is_refused(es, index):
    searcher = Searcher(es, index, embedder=WordEmbedder(), filter="tenat=a")
    with pytest.raises(InvalidFilter, match=r"no field 'tenat'.*tenant"):
        searcher.search("plan")


# Routing


@pytest.fixture(scope="module")
def routed(es):
    """Two shards; documents of north and of south lie in one each."""
    name = "t-routed"
    Indexer(es, name, embedder=WordEmbedder(), vector_index="hnsw", shards=2).write(OURS[:1])
    index = f"{name}-000001"
    request(es, "DELETE", path(index, "_doc", "our-0"), params={"refresh": "true"})
    for side in sides(es, index):
        for number in range(3):
            text = f"plan of the {side} {number}"
            vector = WordEmbedder().embed_documents([text])[0]
            body = {"text": text, VECTOR_FIELD: (vector / np.linalg.norm(vector)).tolist()}
            params = {"routing": side, "refresh": "true"}
            request(es, "PUT", path(index, "_doc", f"{side}-{number}"), params=params, body=body)
    yield index
    request(es, "DELETE", path(index))


def sides(es, index):
    """Two routing values that lead to different shards."""
    found = {}
    for value in "abcdefghij":
        answer = request(es, "GET", path(index, "_search_shards"), params={"routing": value})
        found.setdefault(answer["shards"][0][0]["shard"], value)
    return sorted(found.values())


@pytest.fixture
def north(es, routed):
    side = sides(es, routed)[0]
    return side, Searcher(es, routed, embedder=WordEmbedder(), routing=side)


ROUTED = [
    {},
    {"mode": "bm25"},
    {"mode": "knn"},
    {"exact": True},
    {"exact_totals": True, "explain": True, "highlight": True, "mmr": 0.5},
    {"aggs": {"all": {"global": {}}}},
    {"preference": "_local"},
]


@pytest.mark.parametrize("options", ROUTED, ids=map(str, ROUTED))
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
@pytest.mark.parametrize("kept", [False, True], ids=["now", "point in time"])
def test_a_bound_routing_searches_its_shard_alone(north, options, scripts, kept):
    side, searcher = north
    searcher._known.scripts_refused = not scripts
    if kept and "preference" in options:
        pytest.skip("a point in time has no preference")
    with searcher.point_in_time() as pit:
        result = searcher.search("plan", **options, **({"pit": pit} if kept else {}))
    assert {hit.id for hit in result} == {f"{side}-{n}" for n in range(3)}
    assert result.total.value == 3
    assert result.aggregations.get("all", {"doc_count": 3})["doc_count"] == 3


def test_a_point_in_time_of_other_shards_or_of_another_index_is_refused(north, es, routed, index):
    side, searcher = north
    others = sides(es, routed)[1]
    strangers = [
        Searcher(es, routed, embedder=WordEmbedder()),
        Searcher(es, routed, embedder=WordEmbedder(), routing=others),
        Searcher(es, index, embedder=WordEmbedder(), routing=side),
    ]
    for stranger in strangers:
        with (
            stranger.point_in_time() as pit,
            pytest.raises(UsageError, match=r"this point in time is of .*open one with its own"),
        ):
            searcher.search("plan", pit=pit)


def test_a_point_in_time_of_an_equal_searcher_is_taken(north, es, routed):
    side, searcher = north
    twin = Searcher(es, routed, embedder=WordEmbedder(), routing=side)
    with twin.point_in_time() as pit:
        assert len(searcher.search("plan", pit=pit)) == 3
