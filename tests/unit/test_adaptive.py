"""How far legs are trusted, on planted scores: each case says which leg is right, and why."""

import doctest

import numpy as np
import pytest

from es_hybrid import adaptive as module
from es_hybrid.adaptive import BACKGROUND, FEWEST, Leg, adaptive, standing, support, trusted
from es_hybrid.errors import UsageError


def background(count=BACKGROUND, *, start=0, scale=1.0, least=5.0):
    """Scores that fall off like those of an exponential, all spacings alike: nothing stands out."""
    steps = scale / np.arange(1, count + 1)
    scores = least + np.cumsum(steps[::-1])[::-1]
    return {f"d{start + number}": float(score) for number, score in enumerate(scores)}


def outstanding(by, **options):
    """As `background`, with a first document so many of its spacings above."""
    plain = background(**options)
    first = next(iter(plain))
    return plain | {first: plain[first] + by * options.get("scale", 1.0)}


def weights(*legs, **options):
    return [one.weight for one in trusted(legs, **options)]


def test_the_formulas_hold_where_they_are_explained():
    assert doctest.testmod(module).failed == 0


def test_a_pure_exponential_stands_as_many_spacings_above_its_last_as_its_ranks_say():
    spacings = sum(1 / rank for rank in range(1, BACKGROUND))
    assert standing(Leg(background())) == pytest.approx(spacings)


@pytest.mark.parametrize("scale", [0.001, 1, 1000])
def test_standing_does_not_depend_on_how_large_scores_are(scale):
    leg = Leg(outstanding(4, scale=scale, least=7 * scale))
    assert standing(leg) == pytest.approx(standing(Leg(outstanding(4, scale=1, least=7))))


def test_standing_grows_with_what_the_first_document_has_ahead_of_the_others():
    found = [standing(Leg(outstanding(by))) for by in (0, 1, 5, 20)]
    assert found == sorted(found)
    assert found[-1] - found[0] == pytest.approx(20)


def test_what_lies_beyond_the_background_does_not_change_a_standing():
    deep = background(300)
    first = dict(list(deep.items())[:BACKGROUND])
    assert standing(Leg(deep)) == standing(Leg(first))


def test_a_leg_that_stands_out_outweighs_one_that_does_not():
    words, near = Leg(outstanding(15)), Leg(background(start=500), dense=True)
    assert weights(words, near)[0] > 0.95


def test_shares_add_up_to_one():
    words, near = Leg(outstanding(3)), Leg(outstanding(5), dense=True)
    assert sum(weights(words, near)) == pytest.approx(1)


def test_legs_of_one_kind_with_the_same_scores_weigh_the_same():
    assert weights(Leg(background()), Leg(background(start=500))) == [0.5, 0.5]


def test_knn_that_finds_what_words_find_weighs_more_than_knn_that_finds_something_else():
    words = Leg(outstanding(3))
    alike, apart = (Leg(outstanding(3, start=at), dense=True) for at in (0, 500))
    assert weights(words, alike)[1] > 0.6
    assert weights(words, apart)[1] < 0.1


def test_support_is_what_the_other_leg_gives_of_what_it_gives_its_own_first():
    words = Leg({"a": 10.0, "b": 6.0, "c": 4.0, "d": 2.0}, ended=True)
    near = Leg({"d": 0.9, "x": 0.8, "b": 0.7, "a": 0.6}, dense=True)
    assert support(near, words) == pytest.approx((2 + 0 + 6) / (10 + 6 + 4))


def test_support_counts_from_the_last_score_where_more_would_match():
    words = Leg({"a": 10.0, "b": 6.0, "c": 4.0, "d": 2.0})
    near = Leg({"d": 0.9, "x": 0.8, "b": 0.7}, dense=True)
    assert support(near, words) == pytest.approx((0 + 0 + 4) / (8 + 4 + 2))


def test_a_leg_without_hits_weighs_nothing():
    assert weights(Leg({}), Leg(background(), dense=True)) == [0.0, 1.0]


def test_no_leg_with_hits_leaves_all_at_nothing():
    fused, earned = adaptive([Leg({}), Leg({}, dense=True)])
    assert fused == []
    assert [one.weight for one in earned] == [0.0, 0.0]


def test_words_that_match_a_single_document_decide():
    words = Leg({"exact": 9.0}, ended=True)
    near = Leg(background(), dense=True)
    assert adaptive([words, near])[0][0].key == "exact"


def test_with_too_few_scores_to_tell_only_support_weighs():
    few = Leg(background(FEWEST - 1), dense=True)
    words = Leg(outstanding(15, count=FEWEST - 1))
    assert [one.standing for one in trusted([words, few])] == [None, None]
    assert weights(words, few)[1] > 0.5


@pytest.mark.parametrize("scores", [[1.0], [2.0] * 50, [0.0] * 50, [3.0, 3.0, 1.0]])
@pytest.mark.parametrize("ended", [True, False])
def test_scores_without_a_scale_are_fused_all_the_same(scores, ended):
    flat = Leg({f"d{number}": score for number, score in enumerate(scores)}, ended=ended)
    fused, earned = adaptive([flat, Leg(background(), dense=True)])
    assert len(fused) == BACKGROUND
    assert all(0 <= one.weight <= 1 for one in earned)


def test_a_weight_multiplies_what_a_leg_has_earned():
    legs = Leg(outstanding(3)), Leg(outstanding(3), dense=True)
    plain, double = weights(*legs), weights(*legs, weights=[2, 1])
    assert double[0] / double[1] == pytest.approx(2 * plain[0] / plain[1])


def test_weights_that_are_known_can_stand_for_those_that_are_earned():
    legs = Leg(outstanding(9)), Leg(background(start=500), dense=True)
    assert weights(*legs, weights=[1, 3], earned=False) == [0.25, 0.75]


def test_a_leg_without_hits_weighs_nothing_whatever_is_known_of_it():
    assert weights(Leg({}), Leg(background()), weights=[3, 1], earned=False) == [0.0, 1.0]


def test_a_weight_of_zero_leaves_the_order_to_the_others():
    legs = Leg(background()), Leg(outstanding(9, start=500), dense=True)
    assert [one.key for one in adaptive(legs, weights=[1, 0])[0]][:99] == list(background())[:99]


def test_the_fused_score_is_the_sum_of_shares_times_scores_from_zero_to_one():
    words, near = Leg({"a": 8.0, "b": 4.0}, ended=True), Leg(background(), dense=True)
    fused, (of_words, _) = adaptive([words, near])
    found = {one.key: one.contributions[0] for one in fused}
    assert found["a"] == pytest.approx(of_words.weight)
    assert found["b"] == pytest.approx(of_words.weight / 2)


def test_ties_are_broken_by_their_number():
    legs = Leg({"a": 1.0, "b": 1.0}), Leg({})
    assert [one.key for one in adaptive(legs, ties={"a": 2, "b": 1})[0]] == ["b", "a"]


@pytest.mark.parametrize("given", [[1], [1, -1], [1, float("nan")]])
def test_weights_that_can_never_work_are_refused(given):
    with pytest.raises(UsageError):
        adaptive([Leg(background()), Leg(background())], weights=given)
