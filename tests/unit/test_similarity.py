"""What a score says under each similarity, and what painless would compute."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.similarity import SIMILARITIES, field_similarity, raw_and_cosine, similarity

QUERY = np.array([3.0, 4.0])
DOCUMENTS = np.array([[3.0, 4.0], [-6.0, 8.0], [-1.0, -0.5], [0.0, 2.0]])
LENGTHS = np.linalg.norm(DOCUMENTS, axis=1)
COSINES = DOCUMENTS @ QUERY / (LENGTHS * 5)


@pytest.mark.parametrize(
    ("name", "raw", "score"),
    [
        ("cosine", 1.0, 1.0),
        ("cosine", -1.0, 0.0),
        ("cosine", 0.5, 0.75),
        ("max_inner_product", 30.0, 31.0),
        ("max_inner_product", 0.0, 1.0),
        ("max_inner_product", -3.0, 0.25),
        ("l2_norm", 0.0, 1.0),
        ("l2_norm", 3.0, 0.1),
    ],
)
def test_what_was_compared_is_read_from_the_score(name, raw, score):
    assert similarity(name).raw(score) == pytest.approx(raw)


@pytest.mark.parametrize("name", ["max_inner_product", "l2_norm"])
def test_the_cosine_of_vectors_as_they_came_needs_both_lengths(name):
    kind = similarity(name)
    for score, length, cosine in zip(kind.scores(DOCUMENTS, QUERY), LENGTHS, COSINES, strict=True):
        found = raw_and_cosine(kind, float(score), query_norm=5.0, norm=float(length))[1]
        assert found == pytest.approx(cosine)


def test_the_cosine_of_unit_vectors_needs_no_lengths():
    scores = similarity("cosine").scores(DOCUMENTS / LENGTHS[:, None], QUERY / 5)
    found = [raw_and_cosine(similarity("cosine"), s, query_norm=None, norm=None)[1] for s in scores]
    assert found == pytest.approx(COSINES)


def test_a_cosine_field_scores_vectors_of_any_length_as_if_they_were_scaled():
    anywhere = field_similarity("cosine").scores(DOCUMENTS, QUERY / 5)
    assert anywhere == pytest.approx((1 + COSINES) / 2)


@pytest.mark.parametrize("norm", [None, "5", 0, -1.0])
@pytest.mark.parametrize("name", ["max_inner_product", "l2_norm"])
def test_without_a_length_there_is_no_cosine(name, norm):
    assert raw_and_cosine(similarity(name), 0.5, query_norm=5.0, norm=norm)[1] is None


def test_a_cosine_stays_in_its_bounds_whatever_rounding_does():
    near = raw_and_cosine(similarity("max_inner_product"), 26.000001, query_norm=5.0, norm=5.0)
    assert near[1] == 1.0


@pytest.mark.parametrize("name", SIMILARITIES)
def test_nearer_is_always_a_higher_score(name):
    scores = similarity(name).scores(DOCUMENTS / LENGTHS[:, None], QUERY / 5)
    assert (scores >= 0).all()
    assert np.argsort(-scores).tolist() == np.argsort(-COSINES).tolist()


@pytest.mark.parametrize("name", SIMILARITIES)
def test_only_cosine_brings_vectors_to_length_one(name):
    kind = similarity(name)
    assert kind.scaled == (name == "cosine") == (kind.field == "dot_product")
    assert kind.normalisation == ("l2" if kind.scaled else "none")


@pytest.mark.parametrize("name", ["euclid", "", None])
def test_an_unknown_similarity_is_refused_with_the_known_ones(name):
    with pytest.raises(UsageError, match="choose one of cosine, max_inner_product, l2_norm"):
        similarity(name)
