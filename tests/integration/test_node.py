"""The embedded Elasticsearch itself, on real servers: few starts, each worth several facts."""

import json
import os
import signal
import urllib.request
from urllib.parse import urlsplit

import psutil
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import NodeFailed, RequestRefused
from es_hybrid.keys import create_key
from es_hybrid.node import SUPPORTED, TEST_JAVA_OPTIONS, Node, health, process, running


def same(node, **changes):
    """Another object for the node that runs already."""
    found = node.state()
    facts = {"version": found.version, "name": found.name, "root": found.data.parents[2]}
    return Node(**{**facts, **changes})


def ask(url, *, body=None, method="GET"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_the_note_agrees_with_what_the_server_says(node):
    found = node.state()
    assert health.identity(node.url) == health.Identity(version=found.version, pid=found.pid)
    assert health.status(node.url, wait=10) in {"green", "yellow"}


def test_it_listens_on_loopback_alone(node):
    sockets = psutil.Process(node.state().pid).net_connections("inet")
    listening = {s.laddr.ip.removeprefix("::ffff:") for s in sockets if s.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_it_never_runs_as_root(node):
    assert psutil.Process(node.state().pid).uids().real != 0


def test_a_second_up_returns_the_running_node(node):
    assert same(node).up() == node.state()


def test_a_block_leaves_a_node_it_did_not_start(node):
    with same(node) as guest:
        assert guest.url == node.url
    assert node.state() is not None


def test_another_version_under_the_same_name_is_refused(node):
    other = next(version for version in SUPPORTED if version != node.state().version)
    with pytest.raises(NodeFailed, match=rf"runs Elasticsearch .*not {other}.*es-hybrid down"):
        same(node, version=other).up()


def test_another_port_under_the_same_name_is_refused(node):
    with pytest.raises(NodeFailed, match=r"on port \d+, not .* on 9399"):
        same(node, port=9399).up()


def test_an_open_node_has_no_keys_and_says_how_to_have_them(node):
    with (
        Elasticsearch(node.url) as client,
        pytest.raises(RequestRefused, match=r"runs without security.*es-hybrid up --secure"),
    ):
        create_key(client, "reader", "films")


def test_language_analysis_works_without_a_full_server(node):
    body = {"analyzer": "english", "text": "running foxes"}
    tokens = ask(f"{node.url}/_analyze", body=body, method="POST")["tokens"]
    assert [token["token"] for token in tokens] == ["run", "fox"]


def test_nothing_running_is_nothing_to_stop(nodes):
    absent = Node(name="absent", root=nodes)
    assert absent.down() is False
    assert not (nodes / "absent").exists()
    with pytest.raises(NodeFailed, match="'absent' is not running: `es-hybrid up`"):
        _ = absent.url


def test_a_second_node_survives_a_kill_with_its_data(node, nodes):
    about = {"version": node.state().version, "name": "second", "root": nodes}
    second = Node(**about, java_options=TEST_JAVA_OPTIONS)
    with second:
        assert second.url != node.url
        ask(f"{second.url}/kept/_doc/1", body={"text": "kept"}, method="PUT")
        killed = second.state()
        os.kill(killed.pid, signal.SIGKILL)
        process.stop(killed.pid, killed.created)  # returns once it is gone
        assert running(name="second", root=nodes) is None
        again = Node(**about, java_options=TEST_JAVA_OPTIONS, port=urlsplit(killed.url).port)
        assert again.up().url == killed.url
        assert ask(f"{second.url}/kept/_doc/1")["_source"] == {"text": "kept"}
    assert running(name="second", root=nodes) is None


def test_a_server_that_refuses_a_setting_says_which(nodes, node):
    broken = Node(
        version=node.state().version, name="broken", root=nodes, settings={"no.such.setting": "1"}
    )
    with pytest.raises(NodeFailed, match=r"unknown setting \[no.such.setting\]"):
        broken.up()
    assert broken.down() is False
