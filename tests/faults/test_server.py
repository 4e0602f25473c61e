"""Faults of the server itself: it is killed, one of three is killed, the key is revoked."""

import signal
from contextlib import suppress
from uuid import uuid4

import psutil
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, ServerError
from es_hybrid.keys import create_key
from tests.faults import acts
from tests.faults.checks import plan
from tests.faults.conftest import STARTS, Restart, kill, started
from tests.faults.proxy import Proxy, Rule
from tests.faults.scene import Scene

ROOM = 2e9  # bytes: each server takes 400 MB, and more while it starts


def test_a_node_that_is_killed_and_restarted_loses_nothing(scene, node, seed):
    planned = plan(seed)
    scene.begin(planned)
    scene.replicate(0)
    signal.alarm(STARTS)

    restart = Restart(node, scene.proxy)
    fault = "node killed and restarted"
    with suppress(ServerError):  # the restart may take longer than a run can wait
        scene.ingest(planned, Rule(fault, acts.meanwhile(restart), at={3 + seed}))
    assert scene.in_mid_run(fault, planned)
    restart.wait()
    scene.client = scene.patient
    with Elasticsearch(node.url, request_timeout=30) as scene.es:
        assert scene.wrong(planned, scene.ingest(planned)) == []


@pytest.fixture(scope="module")
def three(folder):
    """Three servers that ask for a login."""
    if psutil.virtual_memory().available < ROOM:
        pytest.skip("three servers need 2 GB of memory")
    found = started(folder, name="faults-three", nodes=3, secure=True, heap="256m")
    yield found
    found.down()


@pytest.fixture
def admin(three):
    """May do all; speaks to the second server."""
    state = three.state()
    login = (("elastic", state.access.password()), str(state.access.ca_certs))
    with Elasticsearch(
        state.servers[1].url, basic_auth=login[0], ca_certs=login[1], request_timeout=30
    ) as client:
        yield client


@pytest.fixture
def secured(three, admin, tmp_path):
    """A writer that reaches the second server through the proxy."""
    state, name = three.state(), f"f-{uuid4().hex[:12]}"
    with (
        Proxy(state.servers[1].url, trust=state.access.context()) as proxy,
        Scene(es=admin, proxy=proxy, name=name, folder=tmp_path) as made,
    ):
        yield made


def with_key(scene, **options):
    """Give the writer a new key; its id."""
    made = create_key(scene.es, "writer", scene.name)
    scene.client = scene.client.options(api_key=made.encoded, **options)
    return made.id


def test_a_key_that_is_revoked_mid_run_stops_it_and_another_key_goes_on(secured, seed):
    planned = plan(seed)
    secured.begin(planned)
    revoked = {"ids": [with_key(secured, request_timeout=10)]}
    fault = "401 mid-run (key revoked)"
    act = acts.meanwhile(
        lambda: request(secured.es, "DELETE", path("_security", "api_key"), body=revoked)
    )
    with pytest.raises(AccessDenied, match="--api-key"):
        secured.ingest(planned, Rule(fault, act, at={3 + seed}))
    assert secured.in_mid_run(fault, planned)
    with_key(secured)
    assert secured.wrong(planned, secured.ingest(planned)) == []


def test_one_server_of_three_that_is_killed_loses_nothing(secured, three, seed):
    planned = plan(seed)
    signal.alarm(STARTS)
    three.up()  # whichever an earlier seed killed
    secured.begin(planned)
    secured.replicate(1)
    with_key(secured, request_timeout=10)
    victim = three.state().servers[0]  # the master, unless it died before
    fault = "one node of three killed"
    with suppress(ServerError):
        secured.ingest(planned, Rule(fault, acts.meanwhile(lambda: kill(victim)), at={3 + seed}))
    assert secured.in_mid_run(fault, planned)
    secured.settle()
    assert secured.wrong(planned, secured.ingest(planned)) == []
