"""Intervals and paired tests say what is known of their numbers."""

from itertools import product
from statistics import fmean

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.evaluation import interval, paired


def by_query(values):
    return {f"q{number}": float(value) for number, value in enumerate(values)}


def test_an_interval_of_normal_values_is_the_one_of_the_textbook():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    found = interval(values.tolist())
    aside = 1.96 * values.std() / np.sqrt(values.size)
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (found.mean - aside, found.mean + aside), abs=2e-3
    )


def test_nineteen_of_twenty_intervals_hold_the_true_mean():
    chance = np.random.default_rng(3)
    found = [interval(chance.random(60).tolist(), resamples=400) for _ in range(200)]
    assert 0.9 <= fmean(one.low <= 0.5 <= one.high for one in found) <= 0.99


def test_the_same_values_have_the_same_interval_twice():
    values = [0.1, 0.9, 0.4, 0.3]
    assert interval(values) == interval(values)


@pytest.mark.parametrize(("values", "ends"), [([0.3], (None, None)), ([0.3] * 9, (0.3, 0.3))])
def test_one_query_says_nothing_of_others_and_equal_ones_say_the_same(values, ends):
    found = interval(values)
    assert (found.low, found.high) == ends


def test_the_p_value_of_a_few_queries_is_that_of_all_signs():
    change = [0.3, 0.1, -0.05, 0.2, 0.15, 0.02]
    found = paired(by_query([0.0] * 6), by_query(change))
    signed = [fmean(np.multiply(change, signs)) for signs in product((1, -1), repeat=6)]
    assert found.p_value == pytest.approx(
        fmean(abs(mean) >= fmean(change) - 1e-12 for mean in signed)
    )


def test_equal_ways_differ_by_chance_as_often_as_the_p_value_says():
    chance = np.random.default_rng(5)
    values = [
        paired(by_query(chance.random(40)), by_query(chance.random(40)), resamples=300).p_value
        for _ in range(120)
    ]
    assert fmean(value <= 0.05 for value in values) <= 0.12


def test_wins_losses_and_ties_are_counted_by_query():
    found = paired(by_query([0.1, 0.5, 0.5, 0.5]), by_query([0.4, 0.4, 0.5, 0.5 + 1e-12]))
    assert (found.wins, found.losses, found.ties) == (1, 1, 2)
    assert found.difference == pytest.approx(0.05)


def test_two_ways_that_give_the_same_do_not_differ():
    found = paired(by_query([0.1, 0.7]), by_query([0.1, 0.7]))
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_single_query_proves_nothing():
    found = paired({"q": 0.1}, {"q": 0.9})
    assert (found.low, found.high, found.p_value) == (None, None, None)


def test_values_of_other_queries_are_not_compared():
    with pytest.raises(UsageError, match="1 query of one of the two alone, such as 'b'"):
        paired({"a": 1.0}, {"a": 1.0, "b": 1.0})


def test_without_queries_there_is_no_mean():
    with pytest.raises(UsageError, match="no query"):
        interval([])
