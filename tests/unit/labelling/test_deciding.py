"""Labels by names and by neighbours, worked out by hand."""

from math import exp

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.labelling import Options
from es_hybrid.labelling.deciding import Neighbours, ZeroShot

EAST, NORTH = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
BETWEEN = np.array([0.8, 0.6], np.float32)


def test_the_nearest_name_wins_with_the_softmax_of_scaled_cosines():
    decide = ZeroShot(["east", "north"], np.stack([EAST, NORTH]), scale=10)
    [one] = decide(BETWEEN[None])
    assert one.label == "east"
    assert one.score == pytest.approx(1 / (1 + exp(-2)), abs=1e-6)


def test_neighbours_vote_with_the_exponential_of_their_cosines():
    examples = np.stack([EAST, NORTH, NORTH])
    [one] = Neighbours(examples, ["e", "n", "n"], k=3)(BETWEEN[None])
    east, north = exp(0.8 / 0.07), 2 * exp(0.6 / 0.07)
    assert (one.label, one.score) == ("e", pytest.approx(east / (east + north), abs=1e-6))


def test_only_the_nearest_vote():
    examples = np.stack([EAST, *[NORTH] * 500])
    decide = Neighbours(examples, ["e", *["n"] * 500], k=1)
    assert [one.label for one in decide(np.stack([BETWEEN, NORTH]))] == ["e", "n"]


def test_agreement_lets_nobody_vote_for_itself():
    examples = np.stack([EAST, EAST, NORTH, BETWEEN])
    found = Neighbours(examples, ["e", "e", "n", "e"], k=1)
    assert found.agreement(sample=100) == 0.75  # the only one of the north is given to the east


def test_more_rows_than_are_compared_at_a_time_are_all_decided():
    angles = np.linspace(0, np.pi / 2, 3000)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = Neighbours(np.stack([EAST, NORTH]), ["e", "n"], k=1)(rows)
    assert [one.label for one in found] == ["e"] * 1500 + ["n"] * 1500


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "one of them"),
        ({"labels": ("a", "b"), "examples": "kind"}, "one of them"),
        ({"labels": ("a",)}, "give two or more"),
        ({"labels": ("a", "a")}, "doubled"),
        ({"labels": ("a", " ")}, "empty"),
        ({"labels": ("a", "b"), "templates": ("a photo",)}, "no place for the label"),
        ({"examples": "kind", "templates": ("{}",)}, "a template is for labels"),
        ({"examples": "kind", "k": 0}, "at least one"),
    ],
)
def test_options_that_can_never_work_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        Options(**options).check()
