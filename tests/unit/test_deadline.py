"""A request that is answered too slowly is given up: its connection closes, its answer is lost."""

import threading
import time

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import ServerUnreachable
from es_hybrid.indexing.deadline import deadline, within


def test_what_is_in_time_is_returned_or_raised():
    assert within(30, lambda: "answer", what="GET /") == "answer"
    with pytest.raises(KeyError, match="mine"):
        within(30, lambda: {}["mine"], what="GET /")


def test_what_is_late_is_given_up_and_its_thread_ends():
    closed = threading.Event()

    def trickle():
        try:
            while True:
                time.sleep(0.01)
        finally:
            closed.set()

    with pytest.raises(ServerUnreachable, match=r"GET / has no whole answer after 0\.05 s"):
        within(0.05, trickle, what="GET /")
    assert closed.wait(10)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({"request_timeout": 7}, 21), ({"request_timeout": None}, None), ({}, 30)],
    ids=["said", "for ever", "the nodes' own"],
)
def test_the_deadline_is_three_times_what_the_client_waits_for_a_read(options, seconds):
    with Elasticsearch("http://here:9200", **options) as client:
        assert deadline(client) == seconds


def test_a_client_without_such_a_timeout_keeps_time_itself():
    assert deadline(object()) is None
