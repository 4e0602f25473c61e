"""Reciprocal rank fusion on cases small enough to work out by hand."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.fusion import rrf


def keys(*rankings, **options):
    return [fused.key for fused in rrf(rankings, **options)]


def scores(*rankings, **options):
    return {fused.key: fused.score for fused in rrf(rankings, **options)}


def test_the_score_is_the_sum_of_one_over_constant_plus_rank():
    found = scores(["a", "b"], ["b", "c"])
    assert found["b"] == pytest.approx(1 / 62 + 1 / 61)
    assert found["a"] == pytest.approx(1 / 61)
    assert found["c"] == pytest.approx(1 / 62)


def test_what_both_rankings_hold_comes_first():
    assert keys(["a", "b"], ["c", "b"]) == ["b", "a", "c"]


@pytest.mark.parametrize(("constant", "score"), [(1, 1 / 2), (60, 1 / 61), (1000, 1 / 1001)])
def test_the_rank_constant_is_added_to_the_rank(constant, score):
    assert scores(["a"], rank_constant=constant)["a"] == np.float32(score)


def test_a_small_constant_favours_the_first_a_large_one_what_several_hold():
    rankings = ["a", "x", "b"], ["c", "y", "b"]
    assert keys(*rankings, rank_constant=60)[0] == "b"
    assert keys(*rankings, rank_constant=1)[0] == "a"


def test_weights_multiply_each_ranking():
    found = scores(["a"], ["b"], weights=[3, 0.5])
    assert found["a"] == pytest.approx(3 / 61)
    assert found["b"] == pytest.approx(0.5 / 61)


def test_a_ranking_of_weight_zero_keeps_its_keys_at_the_end():
    assert keys(["z"], ["a", "b"], weights=[0, 1]) == ["a", "b", "z"]


def test_ties_are_ordered_by_their_number_not_by_appearance():
    ties = {"a": 9, "b": 4}
    assert keys(["a"], ["b"], ties=ties) == keys(["b"], ["a"], ties=ties) == ["b", "a"]


def test_ties_count_only_between_equal_scores():
    assert keys(["a", "b"], ties={"a": 9, "b": 4}) == ["a", "b"]


def test_tie_numbers_beyond_32_bits_are_told_apart():
    assert keys(["a"], ["b"], ties={"a": (3 << 32) + 1, "b": 3 << 32}) == ["b", "a"]


def test_without_numbers_ties_stand_in_order_of_appearance():
    assert keys(["b"], ["a"]) == ["b", "a"]


def test_contributions_say_what_each_ranking_gave():
    first, second = rrf([["a", "b"], ["b"]])
    assert first.contributions == (np.float32(1 / 62), np.float32(1 / 61))
    assert second.contributions == (np.float32(1 / 61), None)


def test_a_contribution_of_weight_zero_is_zero_not_missing():
    assert rrf([["a"], ["a"]], weights=[1, 0])[0].contributions == (np.float32(1 / 61), 0.0)


@pytest.mark.parametrize("rankings", [[], [[]], [[], []]])
def test_nothing_fused_is_nothing(rankings):
    assert rrf(rankings) == []
    assert rrf(rankings, ties={}) == []


def test_an_empty_ranking_changes_nothing():
    assert keys(["a", "b"], []) == keys([], ["a", "b"]) == ["a", "b"]


def test_one_ranking_keeps_its_order():
    assert keys(["c", "a", "b"], ties={"a": 1, "b": 2, "c": 3}) == ["c", "a", "b"]


def test_keys_may_be_pairs():
    assert keys([("i", "1")], [("i", "1"), ("j", "1")]) == [("i", "1"), ("j", "1")]


def test_every_step_is_rounded_to_float32():
    f32 = np.float32
    expected = f32(f32(f32(0.3) * (f32(1) / f32(63))) + f32(f32(0.7) * (f32(1) / f32(68))))
    rankings = [["x", "y", "d"], ["p", "q", "r", "s", "t", "u", "v", "d"]]
    found = scores(*rankings, weights=[0.3, 0.7])["d"]
    assert found == expected
    assert found != f32(0.3 / 63 + 0.7 / 68)


def test_a_sum_of_constant_and_rank_beyond_float32_is_rounded_once():
    found = scores([*"abcd"], rank_constant=2**24)
    assert found["d"] == np.float32(1) / np.float32(2**24 + 4)


def test_rankings_are_added_in_their_order():
    f32 = np.float32
    one, two, three = (f32(1) / f32(60 + rank) for rank in (1, 7, 8))
    rankings = [["d"], [*"abcefg", "d"], [*"hijklmn", "d"]]
    assert scores(*rankings)["d"] == f32(f32(one + two) + three)


def test_scores_are_python_numbers_that_hold_a_float32():
    (fused,) = rrf([["a"]])
    assert type(fused.score) is float
    assert fused.score == float(np.float32(fused.score))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rank_constant": 0}, "rank_constant 0 is below 1"),
        ({"rank_constant": -1}, "rank_constant -1 is below 1"),
        ({"weights": [1]}, "1 weights for 2 rankings"),
        ({"weights": [1, 1, 1]}, "3 weights for 2 rankings"),
        ({"weights": [1, -0.5]}, "weight -0.5 is below 0"),
        ({"weights": [float("nan"), 1]}, "weight nan is below 0"),
    ],
)
def test_arguments_that_can_never_work_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        rrf([["a"], ["b"]], **options)
