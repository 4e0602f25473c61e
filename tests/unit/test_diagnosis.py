"""Diagnoses of planted cases: vectors that are known to be even, a cone, hubs, twins or long."""

import numpy as np
import pytest

from es_hybrid.diagnosis import statistics
from es_hybrid.diagnosis.advice import advised
from es_hybrid.evaluation.significance import Interval
from es_hybrid.vectors import unit

DIMS = 32


def units(rows):
    return unit(np.asarray(rows, np.float32)).vectors


def even(n=800, dims=DIMS, seed=0):
    """Directions without any preference."""
    return units(np.random.default_rng(seed).normal(size=(n, dims)))


def cone(n=800, width=0.5):
    """All near one direction, as many language models put theirs."""
    return units(np.eye(DIMS)[0] * 2 + width * even(n))


def hubbed(n=800):
    """A few documents in the middle of a cone: all others are nearer to them than to each other."""
    middle = np.eye(128)[0]
    rows = units(middle + even(n, dims=128))
    rows[:5] = units(middle + 0.1 * rows[:5])
    return rows


def twinned(n=400):
    """Every document twice."""
    return np.concatenate([even(n), even(n)])


def plane(n=800):
    """Two dimensions, turned into many."""
    random = np.random.default_rng(3)
    basis = np.linalg.qr(random.normal(size=(DIMS, 3)))[0]
    return units(random.normal(size=(n, 3)) @ basis.T)


def norms(rows, spread):
    return np.exp(np.random.default_rng(1).normal(scale=spread, size=len(rows)))


def advice(rows, spread=0.0, judged=None):
    found = advised(
        dims=rows.shape[1],
        lengths=statistics.lengths(rows, norms(rows, spread)),
        shape=statistics.shape(rows),
        hubs=statistics.hubs(rows),
        duplicates=statistics.duplicates(rows),
        agreement=statistics.agreement(rows, norms(rows, spread)),
        judged=judged,
    )
    return {one.action for one in found}


def test_even_directions_have_no_mean_no_anisotropy_and_full_rank():
    found = statistics.shape(even())
    assert found.mean_length < 0.05
    assert abs(found.anisotropy) < 0.01
    assert found.effective_rank > 0.95 * DIMS


def test_a_cone_has_a_long_mean_whose_square_is_its_anisotropy():
    found = statistics.shape(cone())
    assert found.mean_length > 0.9
    assert found.anisotropy == pytest.approx(found.mean_length**2, abs=0.01)


@pytest.mark.parametrize("dims", [2, 5, 10])
def test_the_intrinsic_dimension_is_that_of_the_sphere_not_of_the_space(dims):
    inside = even(n=3000, dims=dims + 1)
    rows = units(np.pad(inside, ((0, 0), (0, DIMS - dims - 1))))
    assert statistics.shape(rows).intrinsic_dimension == pytest.approx(dims, rel=0.15)


def test_distances_concentrate_with_dimensions():
    few, many = (statistics.shape(even(dims=dims)).contrast for dims in (4, 256))
    assert few > 5 * many


def test_even_directions_in_as_many_dimensions_are_drawn_beside_the_distances():
    here, there = statistics.pair_distances(plane())
    assert there.mean() == pytest.approx(np.sqrt(2), abs=0.02)
    assert here.std() > 3 * there.std()


def test_planted_hubs_are_the_documents_that_are_named():
    found = statistics.hubs(hubbed())
    assert set(found.rows[:5]) == set(range(5))
    assert found.skewness > 5
    assert found.largest > 300


def test_even_directions_of_few_dimensions_have_no_hubs():
    assert statistics.hubs(even(dims=4)).skewness < 0.5


def test_twins_are_found_and_named_in_pairs():
    found = statistics.duplicates(twinned())
    assert found.documents == 1
    assert found.pairs[0] == (0, 400)


def test_documents_without_a_twin_have_none():
    assert statistics.duplicates(even()) == statistics.Duplicates(0.0, ())


def test_lengths_that_are_all_one_lose_nothing_by_normalising():
    found = statistics.lengths(even(), np.ones(800))
    assert found.l2_variation == 0
    assert found.l2_median == 1


def test_a_vector_of_one_number_is_sparse_and_one_of_equal_numbers_is_not():
    alone, equal = units(np.eye(DIMS)), units(np.ones((DIMS, DIMS)))
    assert statistics.lengths(alone, np.ones(DIMS)).sparsity == pytest.approx(1, abs=1e-6)
    assert statistics.lengths(equal, np.ones(DIMS)).sparsity == pytest.approx(0, abs=1e-6)


def test_the_l1_norm_of_the_original_vector_is_reported():
    equal = units(np.ones((DIMS, DIMS)))
    found = statistics.lengths(equal, np.full(DIMS, 3.0))
    assert found.l1_median == pytest.approx(3 * np.sqrt(DIMS), rel=1e-6)


def test_similarities_agree_where_all_lengths_are_one():
    found = statistics.agreement(even(), np.ones(800))
    assert found == statistics.Agreement(dot=1.0, euclidean=1.0)


def test_similarities_part_where_lengths_differ():
    found = statistics.agreement(even(), norms(even(), 1.0))
    assert found.dot < 0.5
    assert found.euclidean < 0.5


@pytest.mark.parametrize(
    ("rows", "spread", "actions"),
    [
        (even(dims=8), 0.0, {"keep"}),
        (cone(), 0.0, {"centre"}),
        (hubbed(), 0.0, {"weigh BM25 more"}),
        (twinned(), 0.0, {"collapse duplicates"}),
        (plane(), 0.0, {"fewer dimensions"}),
        (even(dims=8), 1.0, {"use dot product"}),
    ],
    ids=["even", "cone", "hubs", "twins", "plane", "lengths"],
)
def test_advice_follows_from_what_was_planted(rows, spread, actions):
    assert actions <= advice(rows, spread)


def test_judged_queries_decide_about_the_similarity_rather_than_lengths():
    worse = Interval(0.3, 0.25, 0.35)
    judged = {"cosine": Interval(0.4, 0.35, 0.45), "dot product": worse, "Euclidean": worse}
    assert "use dot product" not in advice(even(dims=8), 1.0, judged)


def test_a_dot_product_that_is_better_on_judged_queries_is_advised_with_both_numbers():
    judged = {"cosine": Interval(0.3, 0.25, 0.35), "dot product": Interval(0.5, 0.4, 0.6)}
    judged["Euclidean"] = judged["cosine"]
    assert "use dot product" in advice(even(dims=8), 0.0, judged)
