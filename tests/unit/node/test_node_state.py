"""What is noted about a running node, and when the note is believed."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from es_hybrid.errors import NodeFailed, UsageError
from es_hybrid.node import NodeState, running, state
from es_hybrid.node.access import Access
from es_hybrid.node.folders import of_node
from es_hybrid.node.lock import hold
from es_hybrid.node.state import Member


@pytest.fixture
def noted(tmp_path):
    """Note a node whose process is this very test run, or whatever ``changes`` say."""

    def note(**changes):
        facts = {
            "name": "default",
            "url": "http://127.0.0.1:9200",
            "version": "9.5.4",
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
            "nodes": 1,
            "heap": "512m",
            "data": tmp_path / "data",
            "log": tmp_path / "log",
        }
        folder = tmp_path / "default"
        folder.mkdir(exist_ok=True)
        written = NodeState(**{**facts, **changes})
        state.save(folder, written)
        return written

    return note


def test_a_living_node_is_reported_as_it_was_noted(tmp_path, noted):
    assert noted() == running(root=tmp_path, name="default")


@pytest.mark.parametrize(
    "changes", [{"pid": 2**22 + 1}, {"created": 1.0}], ids=["dead", "number given out again"]
)
def test_a_stale_note_is_removed(tmp_path, noted, changes):
    noted(**changes)
    assert running(root=tmp_path, name="default") is None
    assert not (tmp_path / "default" / state.FILE).exists()


def test_a_stale_note_stays_while_another_run_is_starting_the_node(tmp_path, noted):
    noted(created=1.0)
    with hold(tmp_path / "default" / state.LOCK):
        assert running(root=tmp_path, name="default") is None
    assert (tmp_path / "default" / state.FILE).exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', '"'])
def test_an_unreadable_note_is_none(tmp_path, text):
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / state.FILE).write_text(text)
    assert running(root=tmp_path, name="default") is None


def test_nothing_is_made_by_asking(tmp_path):
    assert running(root=tmp_path / "nodes", name="default") is None
    assert not (tmp_path / "nodes").exists()


def test_the_name_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_NODE", "other")
    assert of_node(None, root=tmp_path) == tmp_path / "other"
    assert of_node("mine", home=tmp_path) == tmp_path / "nodes" / "mine"


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "-x", "a" * 65])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a node"):
        of_node(name, root=tmp_path)


def test_importing_the_state_stays_light():
    heavy = "{'psutil', 'jgo', 'requests', 'elasticsearch', 'numpy'}"
    code = f"import sys, es_hybrid.node.state; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def member(name, tmp_path, **changes):
    facts = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    return Member(
        name=name, url=f"http://127.0.0.1:920{name}", log=tmp_path / "log", **facts | changes
    )


def test_of_several_servers_one_that_lives_speaks_for_the_node(tmp_path, noted):
    members = member("1", tmp_path, created=1.0), member("2", tmp_path), member("3", tmp_path)
    noted(members=members)
    found = running(root=tmp_path, name="default")
    assert (found.url, found.members) == (members[1].url, members)
    assert found.urls == (members[1].url, members[2].url)


def test_a_node_whose_servers_are_all_dead_runs_no_more(tmp_path, noted):
    noted(members=tuple(member(name, tmp_path, created=1.0) for name in "123"))
    assert running(root=tmp_path, name="default") is None


def test_a_note_of_an_older_version_is_understood(tmp_path, noted):
    written = noted()
    file = tmp_path / "default" / state.FILE
    older = json.loads(file.read_text())
    for name in ("members", "ca_certs", "password_file", "fingerprint"):
        del older[name]
    file.write_text(json.dumps(older))
    assert running(root=tmp_path, name="default") == written
    assert written.servers[0].pid == written.pid


def test_a_secured_node_is_noted_with_where_its_password_is_not_with_it(tmp_path, noted):
    password = tmp_path / "password"
    password.write_text("sentinel-secret")
    noted(ca_certs=tmp_path / "ca.crt", password_file=password, fingerprint="AB")
    found = running(root=tmp_path, name="default")
    assert found.access.password() == "sentinel-secret"
    assert "sentinel-secret" not in f"{found!r} {found.as_json()}"


def test_a_password_that_may_not_be_read_is_told(tmp_path):
    with pytest.raises(NodeFailed, match="run as the user who started it, or give a key"):
        Access(tmp_path / "ca.crt", tmp_path / "absent").password()
