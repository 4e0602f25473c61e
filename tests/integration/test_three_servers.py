"""Three servers that form one node: one start, one of them killed, and started again."""

import os
import signal

import psutil
import pytest

from es_hybrid.client import connect, path, request
from es_hybrid.errors import UsageError
from es_hybrid.node import Node, process, running
from es_hybrid.settings import Settings
from tests.commands import Terminal
from tests.nodes import VERSION, started

DOCUMENTS = 20
ROOM = 1.5e9  # bytes: each server takes 300 MB, and more while it starts


@pytest.fixture(scope="module")
def home(nodes):
    """Where commands look for nodes, apart from the folder of downloads."""
    return nodes / "home"


@pytest.fixture(scope="module")
def node(home):
    if psutil.virtual_memory().available < ROOM:
        pytest.skip("three servers need 1.5 GB of memory")
    found = started(home / "nodes", name="three", nodes=3, heap="256m")
    yield found
    found.down()


def ask(home, method, *parts, **options):
    """Ask the node that ``es-hybrid`` would find now."""
    with connect(Settings(home=home, node="three", request_timeout=60)) as client:
        return request(client, method, path(*parts), **options)


@pytest.fixture(scope="module")
def kept(home, node):
    """An index whose shards are on two servers each."""
    shards = {"number_of_shards": 3, "number_of_replicas": 1}
    ask(home, "PUT", "kept", body={"settings": shards}, params={"wait_for_active_shards": "all"})
    lines = [line for n in range(DOCUMENTS) for line in ({"index": {"_id": str(n)}}, {"n": n})]
    ask(home, "POST", "kept", "_bulk", body=lines, ndjson=True, params={"refresh": "true"})
    return "kept"


@pytest.fixture(scope="module")
def before(home, kept):
    """A client that was made while all three lived."""
    with connect(Settings(home=home, node="three", request_timeout=60)) as client:
        yield client


@pytest.fixture(scope="module")
def killed(node, before):
    """The first server, which was the master, after kill -9."""
    first = node.state().members[0]
    os.kill(first.pid, signal.SIGKILL)
    process.stop(first.pid, first.created)  # returns once it is gone
    return first


@pytest.fixture
def typed(home, capsys, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_HOME", str(home))
    monkeypatch.setenv("ES_HYBRID_NODE", "three")
    return Terminal(capsys, monkeypatch)


def test_three_processes_form_one_cluster(home, node):
    pids = [member.pid for member in node.state().members]
    told = ask(home, "GET", "_nodes", "process", params={"filter_path": "nodes.*.process.id"})
    assert sorted(pids) == sorted(one["process"]["id"] for one in told["nodes"].values())
    assert len(set(pids)) == 3


def test_each_keeps_its_own_data(node):
    folder = node.state().data
    assert all(list((folder / number / "data").iterdir()) for number in ("1", "2", "3"))


def test_status_lists_them(typed, node):
    ended = typed("status")
    for member in node.state().members:
        assert f"  {member.name} {member.url} (pid {member.pid})" in ended.out


def test_one_server_under_the_same_name_is_refused(typed):
    ended = typed("up", "--version", VERSION)
    assert "runs 3 servers without security, not one server without security" in ended.err


def test_an_index_with_a_replica_answers_after_one_server_was_killed(home, kept, killed):
    found = ask(home, "GET", kept, "_search", params={"size": 0})
    assert found["hits"]["total"]["value"] == DOCUMENTS
    assert found["_shards"]["failed"] == 0


def test_a_client_from_before_goes_on_with_the_others(before, kept, killed):
    counts = [request(before, "GET", path(kept, "_count"))["count"] for _ in range(4)]
    assert counts == [DOCUMENTS] * 4


def test_the_cluster_is_yellow_then_and_still_takes_documents(home, kept, killed):
    health = ask(home, "GET", "_cluster", "health", params={"wait_for_nodes": "2"}, ok=(408,))
    assert health["status"] == "yellow"
    assert ask(home, "PUT", kept, "_doc", "late", body={"n": 99})["result"] == "created"


def test_status_tells_which_server_is_gone(typed, node, killed):
    members = typed("status", "--json").json["members"]
    assert [member["running"] for member in members] == [False, True, True]
    assert killed.url not in node.state().urls


def test_up_starts_the_one_that_is_gone_again(home, node, kept, killed):
    again = node.up()
    assert [member.lives() for member in again.members] == [True, True, True]
    assert ask(home, "GET", "_cluster", "health")["number_of_nodes"] == 3


def test_down_stops_all_of_them(home, typed, node, killed):
    members = node.state().members
    assert typed("down").out == "stopped\n"
    assert not any(member.lives() for member in members)
    assert running(home=home, name="three") is None


@pytest.mark.parametrize("count", [0, -1, 10])
def test_so_many_servers_are_refused(nodes, count):
    with pytest.raises(UsageError, match=f"{count} servers cannot form a node"):
        Node(name="none", root=nodes, nodes=count)
