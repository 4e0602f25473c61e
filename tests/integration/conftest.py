"""One real Elasticsearch for all integration tests of a run, and the embedded node.

Tests of the node itself, and of the command line, run on the node; the others on a full server
in Docker where there is one, and otherwise on the node as well.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import elasticsearch
import pytest
from elasticsearch import Elasticsearch

from es_hybrid import Searcher
from es_hybrid.client import path
from es_hybrid.client import request as ask
from es_hybrid.node import Node
from tests import containers
from tests.nodes import VERSION, room, started
from tests.shelf import WORDS, shelf_index


def pytest_report_header() -> str:
    """Which client and server the tests run on, as every report should say."""
    client = f"client {elasticsearch.__versionstr__}, "
    if containers.wanted(VERSION):
        return f"{client}Elasticsearch {containers.VERSION} in Docker, full, with analysis-nori"
    return f"{client}Elasticsearch {VERSION}, the embedded node: no Docker engine is used"


@pytest.fixture(scope="session", autouse=True)
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where runs of these tests keep their notes: not where the user's are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield Path(os.environ["XDG_STATE_HOME"])


@pytest.fixture(scope="session")
def nodes() -> Iterator[Path]:
    """A folder for this run's nodes alone."""
    with room("tests") as folder:
        yield folder


@pytest.fixture(scope="session")
def node(nodes: Path) -> Iterator[Node]:
    """A running node, stopped at the end."""
    found = started(nodes, name="tests")
    yield found
    found.down()


@pytest.fixture(scope="session")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where Elasticsearch is: in a container, or the embedded node."""
    if containers.wanted(VERSION):
        with containers.elasticsearch() as address:
            yield address
    else:
        yield request.getfixturevalue("node").url


@pytest.fixture(scope="session")
def es(url: str) -> Iterator[Elasticsearch]:
    """A client of the server; call it through ``es_hybrid.client``, which suits both majors."""
    with Elasticsearch(url, request_timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def shelf(es: Elasticsearch) -> Iterator[str]:
    """An index of books that tests only read."""
    with shelf_index(es) as made:
        yield made


@pytest.fixture
def books(es: Elasticsearch, shelf: str) -> Searcher:
    """A searcher of these books."""
    return Searcher(es, shelf, embedder=WORDS)


@pytest.fixture
def name(es: Elasticsearch) -> Iterator[str]:
    """A name for an index of this test alone; what stands behind it is deleted afterwards."""
    made = f"t-{uuid4().hex[:12]}"
    yield made
    ask(es, "DELETE", path(f"{made}-000001"), ok=(404,))
