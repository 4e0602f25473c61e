"""Transforms: what is common to all vectors is taken away, and is known by its hash."""

import numpy as np
import pytest

from es_hybrid import transforms
from es_hybrid.errors import UsageError, VectorError
from es_hybrid.vectors import unit

DIMS = 16


def cone(n=600, seed=0):
    """Unit vectors around one direction, stretched along another."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, DIMS)) * np.linspace(2, 0.1, DIMS)
    rows[:, 0] += 5
    return unit(rows.astype(np.float32)).vectors


def batches(rows, size=100):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def fitted(method, rows=None, **options):
    return transforms.fit(batches(cone() if rows is None else rows), method, **options)


def test_centring_takes_the_mean_away():
    rows = cone()
    assert np.abs(fitted("centre", rows).apply(rows).mean(axis=0)).max() < 1e-6


def test_standardising_brings_every_dimension_to_variance_one():
    rows = cone()
    np.testing.assert_allclose(fitted("standardise", rows).apply(rows).std(axis=0), 1, atol=1e-3)


def test_a_dimension_that_never_changes_stays_zero_when_standardised():
    rows = np.pad(cone(), ((0, 0), (0, 1)))
    assert not fitted("standardise", rows).apply(rows)[:, -1].any()


def test_whitening_leaves_no_dimension_that_goes_with_another():
    rows = cone()
    found = np.cov(fitted("whiten", rows).apply(rows).T)
    np.testing.assert_allclose(found, np.eye(DIMS), atol=0.05)


def test_all_but_the_top_has_nothing_left_in_the_strongest_directions():
    rows = cone()
    left = np.linalg.svd(fitted("all-but-the-top", rows, components=3).apply(rows))[1]
    assert (left[-3:] < 1e-3).all()
    assert left[0] > 1e-1


def test_all_but_the_top_takes_one_direction_of_a_hundred_by_itself():
    rows = cone()
    assert np.linalg.matrix_rank(fitted("all-but-the-top", rows).matrix, tol=1e-3) == DIMS - 1


def test_pca_keeps_as_many_dimensions_as_asked_and_the_distances():
    rows = cone()
    transform = fitted("pca", rows, components=DIMS)
    moved = transform.apply(rows)
    before, after = (np.linalg.norm(one[:300] - one[300:], axis=1) for one in (rows, moved))
    np.testing.assert_allclose(before, after, atol=1e-5)
    assert fitted("pca", rows, components=4).apply(rows).shape == (600, 4)


def test_what_is_fitted_batch_by_batch_is_what_is_fitted_at_once():
    rows = cone()
    one, two = transforms.fit([rows], "pca", components=2), fitted("pca", rows, components=2)
    np.testing.assert_allclose(np.abs(one.matrix), np.abs(two.matrix), atol=1e-4)


def test_no_vector_is_left_out_of_the_fit_where_batches_are_small():
    assert transforms.fit(batches(cone(50), 7), "whiten").fitted_on == 50


def test_the_same_transform_has_the_same_hash_and_another_does_not():
    assert fitted("centre").hash == fitted("centre").hash
    assert fitted("centre").hash != fitted("centre", cone(seed=1)).hash
    assert fitted("centre").hash != fitted("standardise").hash


def test_vectors_of_another_embedder_are_refused():
    with pytest.raises(VectorError, match="of 16 dimensions was given vectors of 3"):
        fitted("centre").apply(np.ones((1, 3), np.float32))


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("center", {}, "unknown transform 'center': choose one of centre"),
        ("pca", {}, "pca needs how many components to keep, 1 to 16"),
        ("pca", {"components": 17}, "components 17 must be 1 to 16"),
        ("whiten", {"components": 0}, "components 0 must be 1 to 16"),
    ],
)
def test_what_cannot_be_fitted_is_refused(method, options, said):
    with pytest.raises(UsageError, match=said):
        fitted(method, **options)


def test_too_few_vectors_are_refused():
    with pytest.raises(UsageError, match="3 vectors are too few for 16 components"):
        fitted("whiten", cone(3))


def test_no_vectors_at_all_are_refused():
    with pytest.raises(UsageError, match="no vector to fit"):
        transforms.fit([], "centre")
