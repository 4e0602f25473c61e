"""Maximal marginal relevance in the plane, where every cosine can be read off an angle."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.mmr import mmr


def at(*degrees):
    """Vectors of length 1 at these angles; None stays None."""
    return [None if d is None else [np.cos(np.radians(d)), np.sin(np.radians(d))] for d in degrees]


(EAST,) = at(0)


# Two near-duplicates beside the query, and one that is less relevant but different.
TWINS_AND_ANOTHER = at(10, 11, -40)


def test_relevance_alone_keeps_near_duplicates_together():
    assert mmr(TWINS_AND_ANOTHER, query=EAST, size=3, trade_off=1) == [0, 1, 2]


def test_a_trade_off_puts_what_is_different_before_a_near_duplicate():
    assert mmr(TWINS_AND_ANOTHER, query=EAST, size=3, trade_off=0.5) == [0, 2, 1]


def test_the_first_is_the_most_relevant_wherever_it_stands():
    assert mmr(at(50, 20, 5, 80), query=EAST, size=1, trade_off=0.5) == [2]


def test_difference_alone_starts_with_the_first_and_goes_to_the_opposite():
    assert mmr(at(0, 10, 90, 180), query=EAST, size=2, trade_off=0) == [0, 3]


def test_what_counts_is_the_nearest_of_all_picked_not_the_last():
    # 170 lies opposite to 20, which is picked second, but is a twin of 171, which is picked first.
    angles = at(171, 85, 170, 20)
    assert mmr(angles, relevance=[1, 0.5, 0.5, 0], size=4, trade_off=0.1) == [0, 3, 1, 2]


def test_the_score_is_the_published_one():
    # Picked: row 0. Then 0.6 · 0.9 - 0.4 · cos 60° = 0.34 beats 0.6 · 0.5 - 0.4 · cos 90° = 0.3.
    assert mmr(at(0, 60, 90), relevance=[1, 0.9, 0.5], size=2, trade_off=0.6) == [0, 1]
    # With 0.3: 0.27 - 0.35 = -0.08 loses to 0.15 - 0.
    assert mmr(at(0, 60, 90), relevance=[1, 0.9, 0.5], size=2, trade_off=0.3) == [0, 2]


def test_relevance_may_be_given_instead_of_a_query():
    assert mmr(at(0, 120, 240), relevance=[0.1, 0.9, 0.5], size=3, trade_off=1) == [1, 2, 0]


def test_lengths_do_not_count():
    rows = [
        np.multiply(row, length) for row, length in zip(TWINS_AND_ANOTHER, (9, 0.1, 3), strict=True)
    ]
    assert mmr(rows, query=[7, 0], size=3, trade_off=0.5) == [0, 2, 1]


@pytest.mark.parametrize("absent", [None, [np.nan, np.nan], [0, 0], [np.inf, 0], [1e39, 0]])
def test_rows_without_a_direction_follow_at_the_end_as_given(absent):
    rows = [absent, *at(50), absent, *at(10)]
    assert mmr(rows, query=EAST, size=4, trade_off=0.5) == [3, 1, 0, 2]


def test_rows_without_a_vector_fill_up_to_the_size():
    assert mmr([None, *at(50), None], query=EAST, size=2, trade_off=0.5) == [1, 0]


@pytest.mark.parametrize("rows", [[None, None], np.full((2, 3), np.nan)])
def test_without_any_vector_the_order_stays(rows):
    assert mmr(rows, query=[1, 2, 3], size=5, trade_off=0.5) == [0, 1]
    assert mmr(rows, relevance=[1, 2], size=5, trade_off=0.5) == [0, 1]


@pytest.mark.parametrize("count", [2, 7, 64, 101])
@pytest.mark.parametrize("trade_off", [0, 0.3, 1])
def test_equal_rows_are_picked_as_given(count, trade_off):
    row = np.random.default_rng(count).normal(size=384)
    rows = np.tile(row, (count, 1)).astype(np.float32)
    assert mmr(rows, query=row, size=count, trade_off=trade_off) == list(range(count))


def test_no_more_than_the_size_are_picked():
    assert len(mmr(np.eye(9), query=np.ones(9), size=4, trade_off=0.5)) == 4
    assert mmr(np.eye(9), query=np.ones(9), size=0, trade_off=0.5) == []


def test_nothing_stays_nothing():
    assert mmr([], query=[1, 0], size=3, trade_off=0.5) == []
    assert mmr(np.empty((0, 2)), relevance=[], size=3, trade_off=0.5) == []


@pytest.mark.parametrize("trade_off", [0.0, 0.25, 0.7])
def test_every_pick_is_the_best_by_the_definition(trade_off):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(40, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    relevance, cosines = rng.random(40), rows @ rows.T
    picked = mmr(rows, relevance=relevance, size=40, trade_off=trade_off)
    for count in range(1, 40):
        left = sorted(set(range(40)) - set(picked[:count]))
        worth = trade_off * relevance[left] - (1 - trade_off) * cosines[left][
            :, picked[:count]
        ].max(axis=1)
        assert picked[count] == left[int(np.argmax(worth))]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trade_off": 1.5}, "trade-off 1.5 is not 0 to 1"),
        ({"trade_off": -0.1}, "trade-off -0.1 is not 0 to 1"),
        ({"trade_off": float("nan")}, "trade-off nan is not 0 to 1"),
        ({"size": -1}, "size -1 is below 0"),
        ({"query": None}, "what is relevant"),
        ({"relevance": [1, 2, 3]}, "what is relevant"),
        ({"query": None, "relevance": [1, 2]}, r"relevance of shape \(2,\) for 3 rows"),
        ({"query": None, "relevance": [1, 2, float("nan")]}, "one finite number"),
        ({"query": None, "relevance": [1, 2, 1e39]}, "one finite number"),
    ],
)
def test_arguments_that_can_never_work_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        mmr(TWINS_AND_ANOTHER, **{"query": EAST, "size": 3, "trade_off": 0.5, **options})


@pytest.mark.parametrize(
    ("rows", "query", "said"),
    [
        ([[1, 0], [1, 0, 0]], [1, 0], "all of one length"),
        ([["a", "b"]], [1, 0], "no rows of numbers"),
        ([1, 0], [1, 0], "no rows of numbers"),
        ([[[1, 0]]], [1, 0], "no rows of numbers"),
        ([[1, 0]], [1, 0, 0], "a query of 3 dimensions for rows of 2"),
        ([[1, 0]], [0, 0], "the query is a vector of length zero"),
        ([[1, 0]], [np.nan, 0], "the query is a vector with NaN"),
        ([[1, 0]], 1.0, "no rows of numbers"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(rows, query, said):
    with pytest.raises(VectorError, match=said):
        mmr(rows, query=query, size=1, trade_off=0.5)
