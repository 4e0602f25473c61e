"""Why a hit is there, and why a leg lacks it, on a real node."""

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.search import Leg
from es_hybrid.similarity import SIMILARITIES
from tests.embedders import CountingEmbedder
from tests.shelf import DIMS, QUERY, WORDS, cosine, ids, put, shelf_index

PASSAGES = CountingEmbedder(DIMS)
ALL = {"explain": True, "size": 20}
NARROW = Leg.bm25(minimum=1.6)
UNTIL_1980 = {"range": {"year": {"lte": 1980}}}


def reasons(result, leg):
    """Hit -> why this leg lacks it."""
    return {hit.id: hit.missing[leg].reason for hit in result if leg in hit.missing}


def test_every_hit_is_in_a_leg_or_told_why_not(books):
    for hit in books.search(QUERY, **ALL):
        assert set(hit.legs) | set(hit.missing) == {"bm25", "knn"}
        assert not set(hit.legs) & set(hit.missing)


def test_without_explain_nothing_is_told(books):
    assert all(hit.missing == {} for hit in books.search(QUERY))


def test_what_a_leg_would_have_given_is_what_it_gives_alone(books):
    alone = {hit.id: hit for hit in books.search(QUERY, mode="bm25", size=20)}
    result = books.search(QUERY, explain=True, size=3, window=3)
    outside = [hit for hit in result if "bm25" in hit.missing]
    assert reasons(result, "bm25") == {hit.id: "outside the window" for hit in outside} != {}
    assert [hit.missing["bm25"].score for hit in outside] == [
        pytest.approx(alone[hit.id].score) for hit in outside
    ]


def test_on_several_shards_the_scores_are_those_of_each_shard(es):
    with shelf_index(es, shards=3) as name:
        searcher = Searcher(es, name, embedder=WORDS)
        alone = {hit.id: hit.score for hit in searcher.search(QUERY, mode="bm25", size=20)}
        result = searcher.search(QUERY, explain=True, size=6, window=6, legs=[Leg.knn(), NARROW])
    told = {hit.id: hit.missing["bm25"].score for hit in result if "bm25" in hit.missing}
    matched = {key: score for key, score in told.items() if score is not None}
    assert matched == pytest.approx({key: alone[key] for key in matched})
    assert matched


def test_a_document_outside_of_the_nearest_has_its_true_cosine(books):
    legs = [Leg.bm25(), Leg.knn(k=1)]
    result = books.search(QUERY, legs=legs, **ALL)
    told = {hit.id: hit.missing["knn"].cosine for hit in result if "knn" in hit.missing}
    songs = told.pop("songs")
    assert songs is None
    assert told == pytest.approx({key: cosine(key) for key in told}, abs=1e-6)
    assert set(reasons(result, "knn").values()) == {"outside the window", "no vector"}


def test_a_document_without_the_words_is_no_match(books):
    result = books.search(QUERY, **ALL)
    assert reasons(result, "bm25") == dict.fromkeys(["coast", "bread", "tea"], "no match")
    assert all(hit.missing["bm25"].score is None for hit in result if "bm25" in hit.missing)


@pytest.mark.parametrize("shared", [None, UNTIL_1980, {"exists": {"field": "year"}}])
def test_a_document_of_another_writer_has_no_vector_whatever_is_filtered(books, shared):
    assert reasons(books.search(QUERY, filter=shared, **ALL), "knn") == {"songs": "no vector"}


def test_the_filter_of_a_leg_is_told_from_a_missing_vector(books):
    legs = [Leg.bm25(), Leg.knn(filter=UNTIL_1980)]
    result = books.search(QUERY, legs=legs, **ALL)
    assert reasons(result, "knn") == {"songs": "no vector", "atlas": "no match", "soup": "no match"}


def test_what_is_below_a_minimum_says_how_far(books):
    best = books.search(QUERY, mode="bm25", size=1).hits[0].score
    result = books.search(QUERY, min_bm25=best, min_cosine=0.5, **ALL)
    by_cosine = {hit.id: hit.missing["knn"] for hit in result if "knn" in hit.missing}
    by_score = {hit.id: hit.missing["bm25"] for hit in result if "bm25" in hit.missing}
    assert {one.reason for one in by_cosine.values()} <= {"below the minimum", "no vector"}
    assert {one.reason for one in by_score.values()} == {"below the minimum"}
    assert all(0 < one.score < best for one in by_score.values())


def test_a_minimum_and_a_window_are_told_apart(books):
    legs = [Leg.bm25(), Leg.knn(k=1, minimum=0.4)]
    told = reasons(books.search(QUERY, legs=legs, **ALL), "knn")
    expected = {
        key: "outside the window" if cosine(key) >= 0.4 else "below the minimum"
        for key in told
        if key != "songs"
    }
    assert told == expected | {"songs": "no vector"}
    assert set(told.values()) == {"outside the window", "below the minimum", "no vector"}


BROKEN = {"function_score": {"query": {"match_all": {}}, "field_value_factor": {"field": "nope"}}}


def test_a_leg_that_failed_is_the_reason(books):
    legs = [Leg.bm25(), Leg.query("broken", BROKEN)]
    result = books.search(QUERY, legs=legs, allow_partial=True, **ALL)
    assert set(reasons(result, "broken").values()) == {"leg failed"}
    assert len(result.degraded) == 1
    assert result.degraded[0].startswith("leg broken: ")


@pytest.mark.parametrize("method", ["rrf", "linear"])
def test_what_is_left_of_a_fusion_keeps_its_scores(books, method):
    legs = [Leg.bm25(), Leg.query("broken", BROKEN)]
    options = {"allow_partial": True, "method": method, "exact_totals": True}
    result = books.search(QUERY, legs=legs, **options)
    best = result.hits[0]
    assert (best.score, best.bm25.rank) == (best.bm25.contribution, 1)
    assert best.score == pytest.approx(1 / 61 if method == "rrf" else 1)
    assert (result.total.value, result.total.relation) == (6, "gte")


def test_a_minimum_of_the_fused_score_holds_for_what_is_left(books):
    legs = [Leg.bm25(), Leg.query("broken", BROKEN)]
    options = {"allow_partial": True, "method": "linear", "min_score": 0.5}
    hits = books.search(QUERY, legs=legs, **options).hits
    assert hits
    assert all(hit.score >= 0.5 for hit in hits)


@pytest.mark.parametrize("method", ["rrf", "linear"])
@pytest.mark.parametrize("weights", [{}, {"bm25": 2.5, "knn": 0.25}, {"knn": 0}])
def test_the_contributions_are_the_score(books, method, weights):
    for hit in books.search(QUERY, method=method, weights=weights, explain=True):
        given = np.float32(sum(leg.contribution for leg in hit.legs.values()))
        assert hit.score == pytest.approx(given, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_a_single_leg_lacks_nothing(books, mode):
    result = books.search(QUERY, mode=mode, explain=True)
    assert all(hit.missing == {} and set(hit.legs) == {mode} for hit in result)
    assert all(hit.legs[mode].contribution is None for hit in result)


def test_own_legs_are_explained_by_their_names(books):
    legs = [
        Leg.bm25("titles", fields=["title"]),
        Leg.query("recent", {"range": {"year": {"gte": 1980}}}, minimum=0.5),
        Leg.knn("near", text="hot water", k=2),
    ]
    result = books.search(QUERY, legs=legs, **ALL)
    hits = {hit.id: hit for hit in result}
    assert all(set(h.legs) | set(h.missing) == {"titles", "recent", "near"} for h in result)
    assert hits["moby"].missing["recent"].reason == "no match"
    assert hits["moby"].missing["near"].reason == "outside the window"


def test_only_the_page_is_explained_and_each_page_alike(books):
    whole = {hit.id: hit.missing for hit in books.search(QUERY, **ALL)}
    for page in books.pages(QUERY, explain=True, size=4):
        assert {hit.id: hit.missing for hit in page} == {key: whole[key] for key in ids(page)}


def test_an_exact_search_is_explained(books):
    legs = [Leg.bm25(), Leg.knn(k=1)]
    result = books.search(QUERY, legs=legs, exact=True, **ALL)
    told = {hit.id: hit.missing["knn"].cosine for hit in result if "knn" in hit.missing}
    assert told.pop("songs") is None
    assert told == pytest.approx({key: cosine(key) for key in told}, abs=1e-6)


@pytest.mark.parametrize("kind", ["hnsw", "int8_hnsw", "bbq_flat"])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_cosines_are_those_of_numpy_whether_a_leg_holds_the_hit_or_not(es, similarity, kind):
    with shelf_index(es, similarity=similarity, vector_index=kind) as name:
        legs = [Leg.bm25(), Leg.knn(k=2)]
        found = Searcher(es, name, embedder=WORDS).search(QUERY, legs=legs, **ALL)
    told = {h.id: (h.knn or h.missing["knn"]).cosine for h in found if h.id != "songs"}
    assert told == pytest.approx({key: cosine(key) for key in told}, abs=1e-5)
    assert len(told) >= 5


def test_a_document_of_many_passages_is_explained_by_its_best_one(es, name):
    words = [f"filler{n} filler{n + 1000}." for n in range(300)]
    long = " ".join([*words[:150], "Krakens sleep.", *words[150:]])
    texts = [{"_id": "long", "text": long}, {"_id": "short", "text": "Krakens sleep often."}]
    Indexer(es, name, embedder=PASSAGES, passages="8").write(texts)
    put(es, name, "alien", {"text": "krakens"})
    searcher = Searcher(es, name, embedder=PASSAGES)
    legs = [Leg.bm25(), Leg.knn(k=1)]
    found = {hit.id: hit for hit in searcher.search("krakens sleep", legs=legs, **ALL)}
    (absent,) = [hit for hit in found.values() if hit.id != "alien" and hit.knn is None]
    assert (absent.missing["knn"].reason, absent.missing["knn"].cosine > 0.4) == (
        "outside the window",
        True,
    )
    assert found["alien"].missing["knn"].reason == "no vector"
