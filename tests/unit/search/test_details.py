"""The second request of a search: what is asked, and what is read of the answers."""

import numpy as np
import pytest

from es_hybrid.fusion import rrf
from es_hybrid.hits import Missing, Total
from es_hybrid.search.asked import asked
from es_hybrid.search.details import Wish, highlighting, told, wishes
from es_hybrid.search.found import Found
from es_hybrid.search.queries import Frame, bm25_leg, knn_leg, query_leg, these
from es_hybrid.search.rankings import Ranking
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

FRAME = Frame(source=True)
PASSES = {"term": {"lang": "ko"}}
VECTOR = np.array([1, 0], np.float32)
WORDS = ["title", "title.parts"]
BM25 = bm25_leg("tea", WORDS, size=2)
KNN = knn_leg(VECTOR, size=2, kind=VECTOR_INDEX_TYPES["flat"])


def key(name):
    return ("films", name)


def hit(name, score):
    return {"_index": "films", "_id": name, "_score": score, "sort": [score, ord(name)]}


def ranking(leg, names, *, total=None):
    """One hit after the other, from 0.9 down; `total` is more where the leg matches more."""
    hits = [hit(name, 0.9 - place / 10) for place, name in enumerate(names)]
    ranks = {key(name): rank for rank, name in enumerate(names, start=1)}
    return Ranking(leg, hits, ranks, Total(total or len(hits), "eq"))


def found(*rankings, **more):
    fused = rrf([list(one.found) for one in rankings])
    raw = {name: one for each in rankings for name, one in each.found.items()}
    return Found(fused=fused, rankings=rankings, raw=raw, total=Total(len(fused), "gte"), **more)


def answer(*hits, **more):
    total = {"value": len(hits), "relation": "eq"}
    return {"hits": {"hits": list(hits), "total": total}, **more}


BOTH = found(ranking(BM25, "ab", total=7), ranking(KNN, "bc"))


def wished(options, of=BOTH, page=None, legs=(BM25, KNN)):
    shown = [entry.key for entry in of.fused] if page is None else page
    return wishes(asked("tea", options), of, shown, frame=FRAME, legs=legs)


# What is asked


def test_an_everyday_search_asks_nothing_more():
    assert wished({}) == []


def test_nor_does_one_that_elasticsearch_fused():
    of = found(native=True)
    assert wished({"aggs": {}, "exact_totals": True, "explain": True, "highlight": True}, of) == []


def test_the_union_is_what_bm25_matches_and_what_knn_found():
    (union,) = wished({"exact_totals": True})
    clauses = union.body["query"]["bool"]["should"]
    assert clauses == [BM25.clause, these([key("b"), key("c")])]
    assert (union.body["size"], union.body["track_total_hits"]) == (0, True)


def test_a_leg_that_found_nothing_adds_nothing_to_the_union():
    (union,) = wished({"aggs": {"a": {}}}, found(ranking(KNN, "")))
    assert union.body["query"]["bool"]["should"] == [{"match_none": {}}]
    assert union.body["aggs"] == {"a": {}}


def test_a_minimum_holds_in_the_union():
    leg = bm25_leg("tea", WORDS, size=2, minimum=1.5, shared=(PASSES,))
    (union,) = wished({"exact_totals": True}, found(ranking(leg, "a")))
    function = union.body["query"]["bool"]["should"][0]["function_score"]
    assert function["min_score"] == 1.5
    assert function["query"]["bool"]["filter"] == PASSES


def test_a_minimum_of_the_fused_score_leaves_what_reached_it():
    options = {"exact_totals": True, "method": "linear", "min_score": 0.1}
    (union,) = wished(options)
    assert union.body["query"]["bool"]["should"] == [these([key("b"), key("a"), key("c")])]


def test_only_the_page_is_highlighted_by_the_words_of_all_text_legs():
    own = query_leg({"match": {"text": "leaf"}}, size=2, name="own")
    (one,) = wished({"highlight": ["text"]}, page=[key("a")], legs=(BM25, KNN, own))
    assert one.body["query"]["bool"]["filter"][0] == these([key("a")])
    words = one.body["highlight"]["highlight_query"]["bool"]["should"]
    assert words == [BM25.clause, own.clause]


def test_nothing_is_highlighted_of_an_empty_page():
    assert wished({"highlight": True, "explain": True}, page=[]) == []


@pytest.mark.parametrize(
    ("wanted", "legs", "fields"),
    [
        ({}, [BM25], {"title": {"matched_fields": WORDS}}),
        ({}, [bm25_leg("tea", ["title^2", "text"], size=1)], {"title": {}, "text": {}}),
        ({}, [bm25_leg("tea", ["title.parts"], size=1)], {"title.parts": {}}),
        ({}, [query_leg({"match_all": {}}, size=1, name="own")], {"*": {}}),
        ({"fields": {"title": {}}}, [BM25], {"title": {"matched_fields": WORDS}}),
        ({"fields": {"title": {"type": "plain"}}}, [BM25], {"title": {"type": "plain"}}),
        ({"fields": [{"title": {}}]}, [BM25], [{"title": {}}]),
    ],
)
def test_which_fields_are_highlighted(wanted, legs, fields):
    assert highlighting({"order": "score"} | wanted, legs) == {"order": "score", "fields": fields}


def test_each_leg_is_asked_for_the_hits_of_the_page_that_it_lacks():
    wanted = wished({"explain": True})
    assert [(one.kind, one.leg.name, one.keys) for one in wanted] == [
        ("leg", "bm25", (key("c"),)),
        ("leg", "knn", (key("a"),)),
    ]
    assert wanted[1].body["knn"]["filter"] == these([key("a")])


def test_a_knn_leg_with_a_filter_of_its_own_is_asked_which_hits_pass_it():
    leg = knn_leg(VECTOR, size=2, kind=VECTOR_INDEX_TYPES["flat"], filters=(PASSES,))
    passing, again = wished({"explain": True}, found(ranking(BM25, "ab"), ranking(leg, "b")))
    assert (passing.kind, again.kind) == ("passing", "leg")
    assert passing.body["query"]["bool"]["filter"] == [these([key("a")]), PASSES]


# What is read


def test_totals_and_aggregations_are_those_of_the_union():
    one = told([Wish("union", {})], [answer(hit("a", 1), aggregations={"a": 1})], BOTH)
    assert (one.total, one.aggregations) == (Total(1, "eq"), {"a": 1})


def test_highlights_are_those_of_each_hit():
    hits = [hit("a", 1) | {"highlight": {"title": ["<em>tea</em>"]}}, hit("b", 1)]
    one = told([Wish("highlight", {})], [answer(*hits)], BOTH)
    assert one.highlights == {key("a"): {"title": ["<em>tea</em>"]}, key("b"): {}}


def reason(leg, *hits, passing=None):
    """Why `leg` lacks a, where it answers with these hits when it is asked again."""
    wanted, responses = [Wish("leg", {}, leg, (key("a"),))], [answer(*hits)]
    if passing is not None:
        wanted.insert(0, Wish("passing", {}, leg, (key("a"),)))
        responses.insert(0, answer(*passing))
    return told(wanted, responses, BOTH).missing[key("a")][leg.name]


HIGH_BM25 = bm25_leg("tea", WORDS, size=2, minimum=3)
HIGH_KNN = knn_leg(VECTOR, size=2, kind=VECTOR_INDEX_TYPES["flat"], minimum=0.7)
OWN_FILTER = knn_leg(VECTOR, size=2, kind=VECTOR_INDEX_TYPES["flat"], filters=(PASSES,))


@pytest.mark.parametrize(
    ("leg", "hits", "expected"),
    [
        (BM25, [], Missing("no match")),
        (BM25, [hit("a", 2.0)], Missing("outside the window", 2.0)),
        (HIGH_BM25, [hit("a", 2.0)], Missing("below the minimum", 2.0)),
        (HIGH_BM25, [hit("a", 3.0)], Missing("outside the window", 3.0)),
        (KNN, [], Missing("no vector")),
        (KNN, [hit("a", 0.75)], Missing("outside the window", 0.75, 0.5)),
        (HIGH_KNN, [hit("a", 0.75)], Missing("below the minimum", 0.75, 0.5)),
        (HIGH_KNN, [hit("a", 0.875)], Missing("outside the window", 0.875, 0.75)),
    ],
)
def test_why_a_leg_lacks_a_hit(leg, hits, expected):
    assert reason(leg, *hits) == expected


@pytest.mark.parametrize(("passing", "said"), [([hit("a", 0.0)], "no vector"), ([], "no match")])
def test_a_filter_is_told_from_a_missing_vector(passing, said):
    assert reason(OWN_FILTER, passing=passing).reason == said


def test_a_leg_that_failed_lacks_all_hits():
    of = found(ranking(BM25, "ab"), failed=(KNN,))
    assert told([], [], of).missing == {
        key("a"): {"knn": Missing("leg failed")},
        key("b"): {"knn": Missing("leg failed")},
    }
