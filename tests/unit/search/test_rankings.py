"""A leg's answer as a ranking, and fused entries with all that their legs know."""

import pytest

from es_hybrid.fusion import rrf
from es_hybrid.hits import Total
from es_hybrid.search.queries import LegSearch
from es_hybrid.search.rankings import Together, hit, ranking, tie, union

BM25 = LegSearch(name="bm25", kind="bm25", size=10)
KNN = LegSearch(name="knn", kind="knn", size=10)


def answer(*hits, total=None, relation="eq"):
    """`hits` are (id, score); the n-th has `_shard_doc` 10 n."""
    found = [
        {"_index": "i", "_id": id_, "_score": score, "_source": {"n": id_}, "sort": [score, 10 * n]}
        for n, (id_, score) in enumerate(hits, start=1)
    ]
    count = len(found) if total is None else total
    return {"hits": {"total": {"value": count, "relation": relation}, "hits": found}}


WORDS = ranking(BM25, answer(("a", 7.0), ("b", 2.0), total=40))
NEAR = ranking(KNN, answer(("b", 1.0), ("c", 0.25)))
NONE = ranking(BM25, answer())


def test_a_ranking_keeps_order_ranks_and_ties():
    assert list(WORDS.found) == [("i", "a"), ("i", "b")]
    assert WORDS.ranks == {("i", "a"): 1, ("i", "b"): 2}
    assert [tie(found) for found in WORDS.found.values()] == [10, 20]


def test_a_ranking_knows_how_many_match():
    assert WORDS.total == Total(40, "eq")
    assert ranking(BM25, answer(total=10_000, relation="gte")).total == Total(10_000, "gte")


def test_equal_ids_in_two_indices_are_two_documents():
    both = answer(("a", 2.0), ("a", 1.0))
    both["hits"]["hits"][1]["_index"] = "j"
    assert list(ranking(BM25, both).found) == [("i", "a"), ("j", "a")]


def test_an_id_that_two_shards_hold_counts_once():
    twice = ranking(BM25, answer(("a", 3.0), ("b", 2.0), ("a", 1.0), ("c", 0.5)))
    assert twice.ranks == {("i", "a"): 1, ("i", "b"): 2, ("i", "c"): 3}
    assert [hit["_score"] for hit in twice.hits] == [1.0, 2.0, 0.5]


def test_hits_of_several_rankings_are_found_by_their_keys():
    together = Together([WORDS, NEAR])
    assert [together["i", name]["_score"] for name in "abc"] == [7.0, 2.0, 0.25]
    assert (len(together), bool(together), bool(Together([NONE]))) == (3, True, False)
    with pytest.raises(KeyError):
        together["i", "z"]


@pytest.mark.parametrize(("score", "cosine"), [(1.0, 1.0), (0.5, 0.0), (0.0, -1.0), (0.25, -0.5)])
def test_the_cosine_is_read_from_the_score_of_unit_vectors(score, cosine):
    near = ranking(KNN, answer(("a", score)))
    assert near.leg_hit(("i", "a"), contribution=None).cosine == cosine


def test_a_bm25_leg_has_no_cosine():
    assert WORDS.leg_hit(("i", "a"), contribution=None).cosine is None


def fused(*rankings):
    raw = {key: found for one in rankings for key, found in one.found.items()}
    entries = rrf([list(one.found) for one in rankings])
    alone = len(rankings) == 1
    return {entry.key[1]: hit(entry, rankings, raw[entry.key], alone=alone) for entry in entries}


def test_a_fused_hit_says_what_each_leg_gave():
    found = fused(WORDS, NEAR)["b"]
    assert (found.bm25.rank, found.bm25.score) == (2, 2.0)
    assert (found.knn.rank, found.knn.cosine) == (1, 1.0)
    assert found.score == pytest.approx(found.bm25.contribution + found.knn.contribution)


def test_a_hit_of_one_leg_of_two_shows_that_one_only():
    hits = fused(WORDS, NEAR)
    assert set(hits["a"].legs) == {"bm25"}
    assert set(hits["c"].legs) == {"knn"}
    assert hits["c"].source == {"n": "c"}


def test_a_search_by_one_leg_keeps_that_legs_score_and_has_no_contribution():
    found = fused(WORDS)["a"]
    assert found.score == 7.0
    assert found.bm25.contribution is None


def test_two_legs_of_which_one_is_empty_are_still_fused():
    found = fused(NONE, NEAR)["b"]
    assert found.score == found.knn.contribution == pytest.approx(1 / 61)


@pytest.mark.parametrize(
    ("rankings", "found", "total"),
    [
        ([WORDS], 2, Total(40, "eq")),
        ([NEAR], 2, Total(2, "eq")),
        ([ranking(BM25, answer(("a", 1.0))), NEAR], 3, Total(3, "eq")),
        ([NONE, NEAR], 2, Total(2, "eq")),
        ([NONE, ranking(KNN, answer())], 0, Total(0, "eq")),
        ([WORDS, NEAR], 3, Total(40, "gte")),
        ([ranking(BM25, answer(("a", 1.0), total=2)), NEAR], 3, Total(3, "gte")),
        ([ranking(BM25, answer(total=10_000, relation="gte")), NEAR], 2, Total(10_000, "gte")),
    ],
)
def test_the_total_is_exact_only_where_both_legs_were_seen_to_their_end(rankings, found, total):
    assert union(rankings, found=range(found)) == total
