"""What is asked of a server that an old version is closed with; a real one is, where it can be."""

import orjson
import pytest

from es_hybrid.existing.handover import CLOSED, close
from es_hybrid.existing.index import existing_index
from tests.fakes import Answer, FakeServer

REFUSED = {"error": {"type": "api_not_available_exception", "reason": "not available"}}
SETTINGS = ("PUT", "/films-000001/_settings")


@pytest.fixture
def server():
    """A serverless project that has no request for blocks."""
    found = {"films-000001": {"mappings": {}, "settings": {"index": {}}, "aliases": {}}}
    answers = {
        ("GET", "/films-000001"): found,
        ("PUT", "/films-000001/_mapping"): {"acknowledged": True},
        ("PUT", "/films-000001/_block/write"): Answer(REFUSED, status=410),
        SETTINGS: {"acknowledged": True},
    }
    with FakeServer(answers) as running:
        yield running


def test_where_blocks_cannot_be_asked_for_a_setting_closes_and_more_is_caught_up_with(server):
    client = server.client()
    assert close(client, existing_index(client, "films-000001"), left_for="films-000002") is False
    bodies = {sent.path: orjson.loads(sent.body) for sent in server.requests if sent.body}
    assert bodies["/films-000001/_settings"] == {"index.blocks.write": True}
    notes = bodies["/films-000001/_mapping"]["_meta"]["es_hybrid_existing"]
    assert notes == {CLOSED: "films-000002"}
