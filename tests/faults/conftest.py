"""A node of these tests alone, as some of them kill it, and a proxy before it."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.indexing import bulk, intake, patience
from es_hybrid.node import Member, Node, process
from tests.deadline import deadline
from tests.faults.proxy import Proxy
from tests.faults.scene import Scene
from tests.nodes import room, started

SEEDS = range(int(os.environ.get("ES_HYBRID_FAULT_SEEDS", "1")))
LONGEST = 40  # seconds of one test
STARTS = 150  # seconds that servers may take to start, on a machine that does other work


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a seed runs with each of them."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", SEEDS)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """For the nodes."""
    with room("faults") as made:
        yield made


def kill(member: Member) -> None:
    """As kill -9 does; returns once it is gone."""
    os.kill(member.pid, signal.SIGKILL)
    process.stop(member.pid, member.created)


class Restart:
    """Kills a node when it is called, and starts it again behind its proxy meanwhile."""

    def __init__(self, node: Node, proxy: Proxy) -> None:
        self.node, self.proxy = node, proxy
        self._up = threading.Thread(target=self._up_again)

    def __call__(self) -> None:
        kill(self.node.state().servers[0])
        self._up.start()

    def wait(self) -> None:
        """Return when it is up again."""
        self._up.join()

    def _up_again(self) -> None:
        self.proxy.upstream = self.node.up().url  # another port, perhaps


@pytest.fixture(scope="session")
def node(folder: Path) -> Iterator[Node]:
    """One server, open."""
    found = started(folder, name="faults", heap="384m")
    yield found
    found.down()


@pytest.fixture
def es(node: Node) -> Iterator[Elasticsearch]:
    """A client past the proxy."""
    with Elasticsearch(node.url, request_timeout=30) as client:
        yield client


@pytest.fixture
def proxy(node: Node) -> Iterator[Proxy]:
    """A proxy that passes everything through until it has a script."""
    with Proxy(node.url) as running:
        yield running


@pytest.fixture
def name(node: Node) -> Iterator[str]:
    """A name for an index of this test alone."""
    made = f"f-{uuid4().hex[:12]}"
    yield made
    with Elasticsearch(node.url, request_timeout=30) as es:  # perhaps not where it was before
        request(es, "DELETE", path(f"{made}-000001"), ok=(404,))


@pytest.fixture
def scene(es, proxy, name, tmp_path) -> Iterator[Scene]:
    """A client behind the proxy that writes a plan, and what then is to be looked at."""
    with Scene(es=es, proxy=proxy, name=name, folder=tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Many small requests instead of a few large ones, short waits, and notes kept apart."""
    monkeypatch.setattr(intake, "WINDOW", 40)
    monkeypatch.setattr(bulk, "MAX_DOCUMENTS", 10)
    monkeypatch.setattr(patience, "_LONGEST_WAIT", 0.5)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def in_time(node: Node) -> Iterator[None]:
    """A fault that hangs a run is a failure, not a wait; the nodes are started before."""
    with deadline(LONGEST):
        yield


@pytest.fixture(autouse=True)
def environment_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address or key of the person who runs the tests."""
    for variable in [one for one in os.environ if one.startswith("ELASTIC")]:
        monkeypatch.delenv(variable)
