"""What a search returns says why each hit is there."""

import json

import pytest

from es_hybrid.hits import Hit, LegHit, PassageHit, SearchResult, Total

BM25 = LegHit(kind="bm25", rank=3, score=2.5, contribution=0.01)
KNN = LegHit(kind="knn", rank=1, score=0.9, cosine=0.8, contribution=0.02)
HIT = Hit("7", "films-000001", 0.03, {"title": "Jaws"}, {"bm25": BM25, "knn": KNN})
RESULT = SearchResult((HIT,), Total(1, "eq"), "hybrid", "client", took_ms=1.23456)


def hit(**legs):
    return Hit("7", "films-000001", 0.03, {}, legs)


def test_a_hit_shows_its_legs():
    assert (HIT.bm25, HIT.knn) == (BM25, KNN)


def test_a_leg_that_did_not_find_it_is_none():
    assert hit(bm25=BM25).knn is None
    assert hit(knn=KNN).bm25 is None


def test_of_several_legs_of_a_kind_the_best_ranked_is_shown():
    better = LegHit(kind="knn", rank=2, score=0.5)
    assert hit(title=LegHit(kind="knn", rank=9, score=0.9), text=better).knn == better


def test_a_hit_as_json_has_all_of_it():
    shown = json.loads(json.dumps(HIT.to_dict()))
    assert (shown["id"], shown["index"], shown["score"]) == ("7", "films-000001", 0.03)
    assert shown["bm25"] == {"rank": 3, "score": 2.5}
    assert shown["knn"] == {"rank": 1, "score": 0.9, "cosine": 0.8}


def test_a_result_is_a_list_of_its_hits():
    assert (len(RESULT), RESULT[0], list(RESULT)) == (1, HIT, [HIT])


def test_a_missing_leg_is_null_in_json():
    assert hit(bm25=BM25).to_dict()["knn"] is None


@pytest.mark.parametrize(
    ("passage", "shown"),
    [
        (None, None),
        (
            PassageHit("a shark", 7, 14, 0.8),
            {"text": "a shark", "start": 7, "end": 14, "cosine": 0.8},
        ),
    ],
    ids=["none", "found"],
)
def test_the_passage_that_a_hit_was_found_by_is_in_json(passage, shown):
    assert Hit("7", "films-000001", 0.03, {}, {}, passage).to_dict()["passage"] == shown


def test_every_leg_is_in_json_by_its_name():
    legs = HIT.to_dict()["legs"]
    assert legs["bm25"]["contribution"] == 0.01
    assert legs["knn"] == {
        "kind": "knn",
        "rank": 1,
        "score": 0.9,
        "cosine": 0.8,
        "contribution": 0.02,
        "similarity": None,
    }


def test_a_result_is_its_hits():
    assert list(RESULT) == [HIT]
    assert len(RESULT) == 1


def test_a_result_as_json():
    shown = json.loads(json.dumps(RESULT.to_dict()))
    assert shown | {"hits": []} == {
        "took_ms": 1.235,
        "mode": "hybrid",
        "fusion": "client",
        "fusing": None,
        "knn": None,
        "total": {"value": 1, "relation": "eq"},
        "aggregations": {},
        "degraded": [],
        "notes": [],
        "hits": [],
    }


@pytest.mark.parametrize(("result", "name"), [(HIT, "score"), (BM25, "rank"), (RESULT, "hits")])
def test_results_cannot_be_changed(result, name):
    with pytest.raises(AttributeError):
        setattr(result, name, None)
