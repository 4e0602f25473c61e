"""Fusion on cases small enough to work out by hand, and beside the formula, step by step."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.fusion import NORMALIZERS, linear, rrf


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
        ({"rank_constant": 1.5}, r"rank_constant 1\.5 is no whole number: the usual value is 60"),
        ({"rank_constant": "60"}, "rank_constant '60' is no whole number"),
        ({"rank_constant": 2**31}, "rank_constant 2147483648 is beyond 2147483647"),
        ({"weights": [1]}, "1 weights for 2 rankings"),
        ({"weights": [1, 1, 1]}, "3 weights for 2 rankings"),
        ({"weights": [1, -0.5]}, "weight -0.5 is not a finite number of at least 0"),
        ({"weights": [float("nan"), 1]}, "weight nan is not a finite number"),
        ({"weights": [1, float("inf")]}, "weight inf is not a finite number"),
        ({"weights": [1, 1e39]}, r"weight 1e\+39 is not a finite number"),
    ],
)
def test_arguments_that_can_never_work_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        rrf([["a"], ["b"]], **options)


def shuffled(seed, *, count, legs):
    """Rankings of the same keys, each of another part of them, and a tie number of each key."""
    random = np.random.default_rng(seed)
    keys = [f"k{number}" for number in range(count)]
    rankings = [
        list(random.permutation(keys)[: random.integers(0, count + 1)]) for _ in range(legs)
    ]
    return rankings, dict(zip(keys, random.permutation(count).tolist(), strict=True))


@pytest.mark.parametrize("size", [0, 1, 3, 10, 40, 1000])
@pytest.mark.parametrize("constant", [1, 60, 2**24, 2**31 - 1], ids=str)
@pytest.mark.parametrize("weights", [(1, 1, 1), (0, 1, 0.5), (0, 0, 0), (2.5, 0.1, 0)], ids=str)
def test_the_first_ones_are_the_same_whether_all_are_fused_or_few(weights, constant, size):
    for seed in range(20):
        legs = seed % 3 + 1
        rankings, ties = shuffled(seed, count=60, legs=legs)
        options = {"rank_constant": constant, "weights": weights[:legs], "ties": ties}
        assert rrf(rankings, size=size, **options) == rrf(rankings, **options)[:size]


# linear


def linear_scores(*rankings, **options):
    return {fused.key: fused.score for fused in linear(rankings, **options)}


THREE = [("a", 10.0), ("b", 6.0), ("c", 2.0)]


def test_without_a_normalizer_scores_are_added_as_they_are():
    found = linear(([("a", 3.0), ("b", 1.0)], [("b", 2.5)]))
    assert [(one.key, one.score) for one in found] == [("b", 3.5), ("a", 3.0)]


def test_minmax_spreads_a_ranking_from_1_to_0():
    assert linear_scores(THREE, normalizers="minmax") == {"a": 1.0, "b": 0.5, "c": 0.0}


@pytest.mark.parametrize("second", [5.0, 5.0000005])
def test_minmax_gives_1_to_scores_that_hardly_differ(second):
    ranking = [("a", second), ("b", 5.0)]
    assert linear_scores(ranking, normalizers="minmax") == {"a": 1.0, "b": 1.0}


def test_minmax_gives_1_to_a_single_score():
    assert linear_scores([("a", 0.2)], normalizers="minmax") == {"a": 1.0}


def test_minmax_keeps_what_differs_enough_apart():
    assert linear_scores([("a", 2e-6), ("b", 0.0)], normalizers="minmax") == {"a": 1.0, "b": 0.0}


def test_l2_norm_divides_by_the_length_of_the_scores():
    found = linear_scores([("a", 4.0), ("b", 3.0)], normalizers="l2_norm")
    assert found == {"a": np.float32(0.8), "b": np.float32(0.6)}


def test_l2_norm_leaves_scores_that_are_almost_nothing():
    assert linear_scores([("a", 5e-7)], normalizers="l2_norm") == {"a": np.float32(5e-7)}


def test_each_ranking_may_have_its_own_normalizer():
    found = linear([THREE, [("b", 7.0)]], normalizers=["minmax", "none"])
    assert [(one.key, one.score) for one in found] == [("b", 7.5), ("a", 1.0), ("c", 0.0)]


def test_weights_multiply_what_was_normalized():
    found = linear([THREE, [("b", 8.0)]], normalizers=["minmax", "none"], weights=[2, 0.25])
    assert {one.key: one.contributions for one in found} == {
        "a": (2.0, None),
        "b": (1.0, 2.0),
        "c": (0.0, None),
    }


@pytest.mark.parametrize("absent", [None, float("nan")])
@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_a_missing_score_adds_nothing_and_changes_no_other(absent, normalizer):
    whole = linear_scores(THREE, normalizers=normalizer)
    holed = [THREE[0], ("x", absent), *THREE[1:]]
    assert linear_scores(holed, normalizers=normalizer) == {**whole, "x": 0.0}


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_a_ranking_without_any_score_adds_nothing(normalizer):
    found = linear([[("a", None), ("b", None)], [("b", None)]], normalizers=normalizer)
    assert [(one.key, one.score) for one in found] == [("a", 0.0), ("b", 0.0)]


def test_ties_of_linear_are_ordered_by_their_number():
    found = linear([[("a", 1.0)], [("b", 1.0)]], ties={"a": 9, "b": 4})
    assert [one.key for one in found] == ["b", "a"]


@pytest.mark.parametrize("rankings", [[], [[]], [[], []]])
@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_no_scores_fused_are_nothing(rankings, normalizer):
    assert linear(rankings, normalizers=normalizer) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": [1]}, "1 weights for 2 rankings"),
        ({"weights": [1, -1]}, "weight -1 is not a finite number of at least 0"),
        ({"normalizers": "zscore"}, "unknown normalizer 'zscore': use none, minmax, l2_norm"),
        ({"normalizers": ""}, "unknown normalizer ''"),
        ({"normalizers": ["none", None]}, "unknown normalizer None"),
        ({"normalizers": ["none"]}, "1 normalizers for 2 rankings"),
        ({"weights": [3e38, 3e38]}, "add up to more than float32 holds"),
    ],
)
def test_arguments_that_linear_can_never_use_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        linear([[("a", 1.0)], [("a", 1.0)]], **options)


@pytest.mark.parametrize("score", [float("inf"), float("-inf"), 1e39])
@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_a_score_beyond_float32_is_refused(score, normalizer):
    with pytest.raises(UsageError, match="is beyond float32"):
        linear([[("a", 1.0), ("x", None), ("b", score)]], normalizers=normalizer)


# The formula, one float32 scalar after the other.


def in_steps(rankings, weights, normalized):
    totals = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for key, score in normalized(ranking):
            part = np.float32(weight) * score
            totals[key] = totals.get(key, np.float32(0)) + part
    return totals


def reciprocal(ranking):
    return [
        (key, np.float32(1) / np.float32(60 + rank)) for rank, (key, _) in enumerate(ranking, 1)
    ]


def plain(ranking):
    return [(key, np.float32(score)) for key, score in ranking]


def minmax(ranking):
    scores = [score for _, score in plain(ranking)]
    low, span = min(scores), max(scores) - min(scores)
    return [(key, (score - low) / span) for key, score in plain(ranking)]


def l2_norm(ranking):
    squares = 0.0
    for _, score in plain(ranking):
        squares += float(score * score)
    return [(key, np.float32(float(score) / squares**0.5)) for key, score in plain(ranking)]


def drawn(seed):
    """Three rankings of up to 100 of 200 keys, with scores as BM25's, and their weights."""
    rng = np.random.default_rng(seed)
    rankings = []
    for count in rng.integers(2, 100, 3):
        scores = np.sort(rng.gamma(2, 4, count))[::-1].astype(np.float32).tolist()
        keys = rng.choice(200, count, replace=False).tolist()
        rankings.append(list(zip(keys, scores, strict=True)))
    return rankings, rng.random(3).tolist()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("normalizer", "normalized"), [("none", plain), ("minmax", minmax), ("l2_norm", l2_norm)]
)
def test_linear_is_its_formula_to_the_last_bit(seed, normalizer, normalized):
    rankings, weights = drawn(seed)
    expected = in_steps(rankings, weights, normalized)
    found = linear(rankings, weights=weights, normalizers=normalizer)
    assert {one.key: one.score for one in found} == expected
    assert [one.score for one in found] == sorted(expected.values(), reverse=True)


@pytest.mark.parametrize("seed", range(20))
def test_rrf_is_its_formula_to_the_last_bit(seed):
    rankings, weights = drawn(seed)
    keys = [[key for key, _ in ranking] for ranking in rankings]
    expected = in_steps(rankings, weights, reciprocal)
    assert {one.key: one.score for one in rrf(keys, weights=weights)} == expected
