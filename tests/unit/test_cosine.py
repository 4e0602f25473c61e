"""Cosines of learned embeddings: what is arbitrary in them, and what helps."""

import numpy as np
import pytest

from es_hybrid import cosine
from es_hybrid.errors import UsageError

PENALTY = 300.0


@pytest.fixture(scope="module")
def data():
    return cosine.simulated(users=3000, items=200, clusters=4, seed=1)


@pytest.fixture(scope="module")
def found(data):
    return cosine.spectrum(data.x, rank=20)


@pytest.fixture(scope="module")
def balanced(found):
    return cosine.objective_1(found, regularisation=PENALTY)


def losses(x, factors):
    """The fit; and the two penalties: of the product, and of the embeddings."""
    product = factors.encoder @ factors.items.T
    embeddings = np.sum(factors.users(x) ** 2) + np.sum(factors.items**2)
    return np.sum((x - x @ product) ** 2), np.sum(product**2), embeddings


def shaken(factors, *, seed):
    """Close by, in a random direction."""
    random = np.random.default_rng(seed)
    return cosine.Factors(
        *(one + 1e-3 * random.normal(size=one.shape) for one in (factors.encoder, factors.items))
    )


@pytest.mark.parametrize("name", cosine.RESCALINGS)
def test_predictions_are_equal_for_every_choice_of_d(name, data, found, balanced):
    scale = cosine.RESCALINGS[name](found, PENALTY)
    model = cosine.objective_1(found, regularisation=PENALTY, scale=scale)
    np.testing.assert_allclose(model.predictions(data.x), balanced.predictions(data.x), atol=1e-9)


def test_predictions_are_equal_for_a_random_d_while_cosines_are_not(data, balanced):
    scale = np.exp(np.random.default_rng(0).normal(size=20))
    model = balanced.rescaled(scale)
    np.testing.assert_allclose(model.predictions(data.x), balanced.predictions(data.x), atol=1e-9)
    moved = cosine.cosine_similarities(model.items) - cosine.cosine_similarities(balanced.items)
    assert np.abs(moved).max() > 0.5


def test_at_full_rank_one_choice_of_d_makes_all_items_unlike_each_other(data):
    found = cosine.spectrum(data.x, rank=200)
    scale = cosine.RESCALINGS["B = V"](found, PENALTY)
    items = cosine.objective_1(found, regularisation=PENALTY, scale=scale).items
    np.testing.assert_allclose(cosine.cosine_similarities(items), np.eye(200), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_near_the_first_closed_form_is_better(seed, data, balanced):
    best, near = losses(data.x, balanced), losses(data.x, shaken(balanced, seed=seed))
    assert best[0] + PENALTY * best[1] < near[0] + PENALTY * near[1]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_near_the_second_closed_form_is_better(seed, data, found):
    model = cosine.objective_2(found, regularisation=20.0)
    best, near = losses(data.x, model), losses(data.x, shaken(model, seed=seed))
    assert best[0] + 20 * best[2] < near[0] + 20 * near[2]


def test_rescaling_the_second_model_costs(data, found):
    model = cosine.objective_2(found, regularisation=20.0)
    other = model.rescaled(np.linspace(0.5, 2, 20))
    assert losses(data.x, other)[2] > losses(data.x, model)[2] * 1.05


def test_the_second_objective_drops_directions_weaker_than_its_penalty(found):
    between = (found.strengths[2] + found.strengths[3]) / 2
    items = cosine.objective_2(found, regularisation=between).items
    assert np.linalg.matrix_rank(items) == 3


def test_training_with_the_normalisation_inside_finds_the_clusters(data, found):
    arbitrary = cosine.objective_1(
        found, regularisation=PENALTY, scale=cosine.RESCALINGS["B = V"](found, PENALTY)
    )
    trained = cosine.train_normalised(data.x, rank=20, epochs=30)
    auc = [
        cosine.same_cluster_auc(cosine.cosine_similarities(one.items), data.clusters)
        for one in (arbitrary, trained)
    ]
    assert auc[1] > auc[0] + 0.03


def test_cosines_in_the_original_space_are_one_for_all_choices_of_d(data, balanced):
    other = balanced.rescaled(np.linspace(0.1, 10, 20))
    one, two = (
        cosine.cosine_similarities(cosine.smoothed(data.x, model).T) for model in (balanced, other)
    )
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_a_standardised_column_has_mean_zero_and_variance_one_or_is_all_zeros():
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    np.testing.assert_allclose(cosine.standardised(x), [[-1, 0], [1, 0]])


def test_a_row_of_zeros_is_like_nothing_not_even_itself():
    assert cosine.cosine_similarities(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [
        [0, 0],
        [0, 1],
    ]


def test_the_simulation_has_clusters_popular_items_and_users_of_all_sizes(data):
    amounts, popularity = data.x.sum(axis=1), data.x.sum(axis=0)
    assert set(data.clusters) == {0, 1, 2, 3}
    assert amounts.min() == 1
    assert popularity.max() > 3 * np.median(popularity)


@pytest.mark.parametrize("rank", [0, -1, 201])
def test_a_rank_out_of_range_is_refused(rank, data):
    with pytest.raises(UsageError, match=f"rank {rank} must be 1 to 200"):
        cosine.spectrum(data.x, rank=rank)
