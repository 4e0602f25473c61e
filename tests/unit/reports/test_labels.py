"""Names on a map: near their groups, within the drawing, and not on each other."""

from itertools import combinations

import pytest

from es_hybrid.reports.labels import Label, apart

WIDE, HIGH = 400, 200


def placed(*labels):
    return apart([Label(*one) for one in labels], wide=WIDE, high=HIGH)


def test_names_that_meet_nobody_stay_where_they_are():
    labels = [Label("ship", 100, 50), Label("bread", 300, 50)]
    assert placed(*labels) == labels


def test_of_names_in_one_place_the_first_stays_and_none_meets_another():
    found = placed(*[(name, 200, 100) for name in ("ship, sea", "bread", "배, 바다", "꽃")])
    assert found[0] == Label("ship, sea", 200, 100)
    assert not any(one.meets(other) for one, other in combinations(found, 2))
    assert all(0 < one.y < HIGH for one in found)


@pytest.mark.parametrize("x", [0, WIDE])
def test_a_name_at_the_edge_moves_into_the_drawing(x):
    [one] = placed(("포켓몬, 포켓몬스터", x, 100))
    assert one.half <= one.x <= WIDE - one.half


def test_a_name_that_is_wider_than_the_drawing_stands_in_its_middle():
    assert placed(("long " * 50, 10, 100))[0].x == WIDE / 2


def test_names_for_which_there_is_no_room_stay():
    found = placed(*[("ship", 200, 100)] * 30)
    assert len(found) == 30
    assert found[-1] == Label("ship", 200, 100)
