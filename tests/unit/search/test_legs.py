"""Legs as a caller writes them."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.search import Leg
from es_hybrid.search.together import check_together

CLAUSE = {"match": {"title": "tea"}}
PIT = object()


def test_legs_have_names_and_kinds_of_their_own():
    legs = [Leg.bm25(), Leg.knn(), Leg.query("own", CLAUSE)]
    assert [(leg.name, leg.kind) for leg in legs] == [
        ("bm25", "bm25"),
        ("knn", "knn"),
        ("own", "query"),
    ]


def test_fields_and_words_are_as_those_of_a_search():
    leg = Leg.bm25(text="caf\u0065\u0301", fields="title^2, text")
    assert (leg.text, leg.fields) == ("café", ("title^2", "text"))


def test_a_vector_may_be_of_any_numbers():
    assert Leg.knn(vector=[3, 4]).vector.tolist() == [3.0, 4.0]
    assert Leg.knn(vector=np.array([1, 0], np.int8)).vector.dtype == np.float32


def test_a_query_of_ones_own_is_kept_as_it_is():
    assert Leg.query("own", CLAUSE, minimum=2, weight=0.5, filter="lang=ko").body is CLAUSE


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Leg.bm25(""), "a leg is called ''"),
        (lambda: Leg.bm25(weight=-1), "leg 'bm25': weight -1 is no number"),
        (lambda: Leg.bm25(weight=1e39), "leg 'bm25': weight 1e"),
        (lambda: Leg.bm25(minimum=-0.1), "leg 'bm25': minimum -0.1 is no number from 0 upwards"),
        (lambda: Leg.knn(minimum=1.1), "leg 'knn': minimum 1.1 is no number between -1 and 1"),
        (lambda: Leg.knn(k=0), "leg 'knn': k 0 is not between 1 and 10000"),
        (lambda: Leg.knn(k=1.5), "leg 'knn': k 1.5 is no whole number"),
        (lambda: Leg.knn(num_candidates=10_001), "num_candidates 10001 is not between"),
        (lambda: Leg.knn(normalizer="max"), "unknown normalizer of leg 'knn' 'max'"),
        (lambda: Leg.knn(field="cover"), "nobody can prove which model made its vectors"),
        (lambda: Leg.bm25(text=" "), "is empty"),
        (lambda: Leg.bm25(fields=[]), "fields are an empty list"),
        (lambda: Leg.query("own", {}), "leg 'own' holds {}"),
        (lambda: Leg.query("own", {"match": {}, "term": {}}), "give one query clause"),
        (lambda: Leg.query("own", "title:tea"), "leg 'own' holds 'title:tea'"),
    ],
)
def test_a_leg_that_can_never_work_is_refused_where_it_is_made(make, said):
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize("vector", [[0, 0], [np.nan, 1], [[1], [2]], "tea"])
def test_a_vector_without_direction_is_refused(vector):
    with pytest.raises(VectorError):
        Leg.knn(vector=vector)


BOTH = [Leg.bm25(), Leg.knn()]


@pytest.mark.parametrize(
    ("legs", "options", "said"),
    [
        (BOTH, {"pit": PIT, "preference": "me"}, "leave preference out"),
        (BOTH, {"rerank": PIT, "source": False}, "leave source=False out"),
        (BOTH[:1], {"min_score": 0.5}, "leg 'bm25' alone is not fused"),
        (BOTH[:1], {"mmr": 0.5}, "mmr tells hits apart by their vectors"),
        (BOTH[1:], {"fields": ["title"]}, "only kNN runs: leave them out"),
        (BOTH[1:], {"highlight": True}, "highlight marks the words"),
        (BOTH[1:], {"highlight": ["title"]}, "highlight marks the words"),
    ],
)
def test_options_that_contradict_each_other_are_refused(legs, options, said):
    with pytest.raises(UsageError, match=said):
        check_together(legs, options)


@pytest.mark.parametrize(
    ("legs", "options"),
    [
        (BOTH, {"pit": PIT, "rerank": PIT, "min_score": 0.5, "mmr": 0.5, "highlight": True}),
        (BOTH[1:], {"highlight": {"highlight_query": CLAUSE, "fields": {"title": {}}}}),
        (BOTH[1:], {"highlight": False, "fields": None, "mmr": 1}),
        (BOTH[:1], {"preference": "me", "min_score": None, "source": False}),
    ],
)
def test_options_that_do_not_are_none_of_its_business(legs, options):
    check_together(legs, options)
