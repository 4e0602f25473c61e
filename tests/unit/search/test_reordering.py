"""The fused list as a reranker and MMR leave it."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.fusion import Fused
from es_hybrid.search.queries import NESTED_VECTOR, Frame, bm25_leg, knn_leg, these
from es_hybrid.search.reordering import (
    by_difference,
    by_reranker,
    compared_leg,
    texts_of,
    vectors_body,
)
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

FLAT = VECTOR_INDEX_TYPES["flat"]
KNN = knn_leg(np.array([1, 0], np.float32), size=5, kind=FLAT)
BM25 = bm25_leg("tea", ["title"], size=5)


def key(name):
    return ("films", name)


def fused(names):
    return [Fused(key(name), 1.0 - place / 10, ()) for place, name in enumerate(names)]


def order(entries):
    return "".join(entry.key[1] for entry in entries)


def test_a_reranker_reads_the_text_fields_one_below_the_other():
    raw = {
        key("a"): {"_source": {"title": "Tea", "text": ["hot", "sweet"], "year": 1}},
        key("b"): {"_source": {"text": "cold"}},
        key("c"): {"_source": {"title": None, "text": 7}},
        key("d"): {},
    }
    assert texts_of(list(raw), raw, ["title", "text"]) == ["Tea\nhot sweet", "cold", "7", ""]


class ByLength:
    id = "by-length"

    def scores(self, query, texts):
        return [len(text) for text in texts]


def test_the_texts_that_were_read_are_sorted_and_the_rest_stays_behind():
    entries, scores = by_reranker(fused("abcd"), ByLength(), query="q", texts=["x", "xxx", "xx"])
    assert (order(entries), scores) == ("bcad", {key("a"): 1, key("b"): 3, key("c"): 2})


def answer(**vectors):
    """Hits with these vectors; one without says nothing of its field."""
    hits = [
        {"_index": "films", "_id": name, **({"fields": {KNN.field: row}} if row else {})}
        for name, row in vectors.items()
    ]
    return {"hits": {"hits": hits}}


ROWS = answer(a=[1, 0], b=[1, 0.01], c=[0.8, 0.6], d=None)


@pytest.mark.parametrize(("trade_off", "expected"), [(1, "abcd"), (0.3, "acbd")])
def test_hits_differ_by_the_vectors_that_were_read(trade_off, expected):
    assert order(by_difference(fused("abcd"), ROWS, KNN, trade_off=trade_off)) == expected


def test_what_nobody_looks_at_stays_as_it_was():
    assert order(by_difference(fused("abcd"), ROWS, KNN, trade_off=0.3, size=2)) == "acbd"
    assert order(by_difference(fused("dcba"), ROWS, KNN, trade_off=1, size=1)) == "adcb"


def test_hits_that_were_deleted_meanwhile_come_last():
    assert order(by_difference(fused("xab"), ROWS, KNN, trade_off=1)) == "abx"


def test_a_rerankers_scores_are_the_relevance_of_what_it_read():
    scores = {key("c"): 5.0, key("b"): 4.0, key("a"): -3.0}
    relevant = by_difference(fused("cbad"), ROWS, KNN, trade_off=1, scores=scores)
    assert order(relevant) == "cbad"  # by the cosine it would be abcd


def test_equal_scores_of_a_reranker_leave_the_difference_alone_to_choose():
    scores = dict.fromkeys(map(key, "abc"), 2.0)
    assert order(by_difference(fused("abc"), ROWS, KNN, trade_off=0.5, scores=scores)) == "acb"


def test_the_first_knn_leg_tells_hits_apart():
    other = knn_leg(np.array([0, 1], np.float32), size=5, kind=FLAT, name="other")
    assert compared_leg([BM25, other, KNN]) is other


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        ([BM25], "search with a kNN leg as well"),
        ([knn_leg(KNN.vector, size=5, kind=FLAT, field=NESTED_VECTOR)], "not passages"),
    ],
)
def test_without_one_vector_for_each_hit_there_is_no_difference(legs, said):
    with pytest.raises(UsageError, match=said):
        compared_leg(legs)


def test_only_the_vectors_are_read():
    body = vectors_body([key("a")], KNN, Frame(source=True, pit={"id": "p"}))
    assert body == {
        "query": {"bool": {"filter": these([key("a")])}},
        "size": 1,
        "_source": False,
        "fields": [KNN.field],
        "pit": {"id": "p"},
    }
