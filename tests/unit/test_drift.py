"""The permutation test on windows: right by hand, calibrated where nothing changed, sharp else."""

from itertools import combinations

import numpy as np
import pytest

from es_hybrid.anomalies.drift import shift
from es_hybrid.anomalies.options import span
from es_hybrid.errors import UsageError


def vectors(count, *, seed, towards=0.0):
    rows = np.random.default_rng(seed).normal(size=(count, 8))
    rows[:, 0] += towards
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_few_documents_are_dealt_out_in_every_way():
    window, reference = vectors(3, seed=1, towards=1), vectors(4, seed=2)
    rows = np.concatenate([window, reference]).astype(float)

    def distance(ours):
        mine = np.isin(np.arange(7), ours)
        return np.linalg.norm(rows[mine].mean(0) - rows[~mine].mean(0))

    every = [distance(ours) for ours in combinations(range(7), 3)]
    found = shift(window, reference)
    assert found.distance == pytest.approx(distance((0, 1, 2)))
    assert found.by_chance == pytest.approx(np.mean(every))
    assert found.p_value == pytest.approx(np.mean(np.array(every) >= found.distance - 1e-12))


def test_where_nothing_changed_small_p_values_are_as_rare_as_they_should_be():
    found = [
        shift(vectors(20, seed=seed), vectors(40, seed=1000 + seed), resamples=99).p_value
        for seed in range(100)
    ]
    assert np.mean(np.array(found) <= 0.1) < 0.2
    assert 0.35 < np.mean(found) < 0.65


def test_a_window_that_moved_is_told_from_chance():
    found = shift(vectors(40, seed=1, towards=2), vectors(80, seed=2))
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.distance > 2 * found.by_chance


def test_the_same_seed_gives_the_same_answer():
    window, reference = vectors(20, seed=1), vectors(40, seed=2)
    assert shift(window, reference) == shift(window, reference)


@pytest.mark.parametrize("written", ["", "7", "d", "0d", "-1d", "1.5d", "7 d", "7y", "1h2m"])
def test_a_window_that_is_none_is_refused(written):
    with pytest.raises(UsageError, match="write a number and m, h, d or w"):
        span(written)
