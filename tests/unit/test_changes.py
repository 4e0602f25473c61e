"""Up to where an index was seen, while others write to it."""

import pytest

from es_hybrid.existing.changes import last_changes, marks
from tests.fakes import Answer, FakeServer

GONE = Answer({"error": {"type": "api_not_available_exception", "reason": "no"}}, status=410)
DENIED = Answer({"error": {"type": "security_exception", "reason": "no"}}, status=403)


def stats(*checkpoints):
    shards = {
        str(number): [
            {"routing": {"primary": False}, "seq_no": {"global_checkpoint": 99}},
            {"routing": {"primary": True}, "seq_no": {"global_checkpoint": checkpoint}},
        ]
        for number, checkpoint in enumerate(checkpoints)
    }
    return {"indices": {"films": {"shards": shards}}}


def busy(told, *, last=5):
    """An index of one shard whose change 5 can be found, and 4 not yet."""
    return FakeServer(
        {
            ("GET", "/films/_stats"): told,
            ("POST", "/films/_refresh"): {},
            ("GET", "/films/_count"): {"count": 5, "_shards": {"total": 1}},
            ("POST", "/films/_search"): {"hits": {"hits": [{"sort": [last]}]}},
        }
    )


@pytest.mark.parametrize(
    ("told", "mark"), [(stats(3), 3), (stats(7), 5), (stats(-2), -2), (GONE, 5), (DENIED, 5)]
)
def test_what_is_on_its_way_under_a_lower_number_is_not_taken_for_seen(told, mark):
    with busy(told) as server:
        assert marks(server.client(), "films") == [mark]


def test_the_checkpoint_is_read_before_the_refresh_that_shows_all_up_to_it():
    with busy(stats(3)) as server:
        marks(server.client(), "films")
        paths = [one.path for one in server.requests]
    assert paths.index("/films/_stats") < paths.index("/films/_refresh")


def test_the_last_change_is_the_last_that_can_be_found():
    with busy(stats(3)) as server:
        assert last_changes(server.client(), "films") == [5]
