"""What a run remembers of the ids it met: as a dict would, in a sixth of the room."""

import random

import pytest

from es_hybrid.indexing import seen
from es_hybrid.indexing.seen import Seen, hashes


@pytest.fixture
def small(monkeypatch):
    """Runs so short that a few thousand ids go through all levels."""
    monkeypatch.setattr(seen, "_RECENT", 16)
    monkeypatch.setattr(seen, "_LARGEST", 16 * 4**3)


def runs(table):
    return [len(keys) for keys, _ in table._runs]


@pytest.mark.parametrize("window", [1, 7, 50])
def test_it_remembers_what_a_dict_remembers(small, window):
    draws, table, expected = random.Random(7), Seen(), {}
    for _ in range(4000 // window):
        ids = [draws.randrange(-1500, 1500) for _ in range(window)]
        assert table.find(ids) == [expected.get(one) for one in ids]
        contents = [draws.randrange(-(2**63), 2**63) for _ in ids]
        table.update(ids, contents)
        expected |= dict(zip(ids, contents, strict=True))
    ids = list(range(-1600, 1600))
    assert table.find(ids) == [expected.get(one) for one in ids]


def test_runs_of_one_size_become_one_up_to_the_largest(small):
    table = Seen()
    for first in range(0, 16 * 600, 16):
        table.update(range(first, first + 16), range(16))
    assert runs(table) == [1024] * 9 + [256, 64, 64]
    assert sum(runs(table)) == 16 * 600


def test_the_last_content_of_an_id_stays(small):
    table = Seen()
    for content in range(100):
        table.update(range(16), [content] * 16)
    assert table.find([0, 15, 16]) == [99, 99, None]


def test_an_id_that_comes_again_and_again_takes_no_more_room(small):
    table = Seen()
    for _ in range(1000):
        table.update(range(16), range(16))
    assert sum(runs(table)) < 20 * 16


def test_an_empty_window_finds_nothing():
    assert Seen().find([]) == []


def test_equal_texts_have_equal_hashes_of_64_bits():
    one, other, again = hashes(["a", "b", "a"])
    assert one == again != other
    assert -(2**63) <= min(one, other) <= max(one, other) < 2**63
