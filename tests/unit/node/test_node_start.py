"""Starts that go wrong, on real processes: the server is a shell script that misbehaves."""

import signal
import subprocess
from dataclasses import replace

import pytest

from es_hybrid.errors import NodeFailed, PortTaken
from es_hybrid.node import ports, process
from es_hybrid.node.folders import Folders
from es_hybrid.node.progress import quiet
from es_hybrid.node.start import ATTEMPTS, Plan, start

HANG = "sleep 600 & wait"
REFUSE = "echo '[x][INFO ] starting'; echo 'ERROR: unknown setting [no.such]'; exit 78"
LOST_PORT = "echo 'org.elasticsearch.http.BindHttpException: Failed to bind'; exit 1"


@pytest.fixture
def plan(tmp_path):
    """Return the plan of a start whose server is this shell script."""

    def make(script, *, port=None, timeout=20.0):
        server = tmp_path / "server"
        (server / "config").mkdir(parents=True)
        (server / "bin").mkdir()
        program = server / "bin" / "elasticsearch"
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)
        return Plan(
            name="a",
            version="9.5.4",
            server=server,
            java_home=tmp_path,
            folders=Folders(tmp_path / "nodes" / "a", 9),
            account=None,
            port=port,
            heap="512m",
            timeout=timeout,
        )

    return make


def test_a_server_that_dies_says_why(plan):
    refused = plan(REFUSE)
    with pytest.raises(NodeFailed) as caught:
        start(refused, say=quiet)
    assert str(caught.value).endswith("\nERROR: unknown setting [no.such]")
    assert str(refused.folders.console) in str(caught.value)


def test_one_of_several_servers_that_dies_takes_the_others_along(plan, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    several = plan(
        'grep -q "name: .a-2" "$ES_PATH_CONF/elasticsearch.yml" || exec sleep 600; exit 7'
    )
    several = replace(several, folders=replace(several.folders, nodes=3))
    with pytest.raises(NodeFailed, match=r"did not start \(exit status 7\).*9x3/2/start.log"):
        start(several, say=quiet)
    assert not process.stop_leftover(several.folders.node)


def test_a_server_that_hangs_is_stopped(plan):
    hanging = plan(HANG, timeout=0.3)
    with pytest.raises(NodeFailed, match="was not up after"):
        start(hanging, say=quiet)
    assert not process.stop_leftover(hanging.folders.node)


def test_ctrl_c_stops_the_half_started_server(plan):
    def press(_line):  # the first line comes when the process is already there
        raise KeyboardInterrupt

    interrupted = plan(HANG)
    with pytest.raises(KeyboardInterrupt):
        start(interrupted, say=press)
    assert not process.stop_leftover(interrupted.folders.node)


def test_what_a_killed_start_left_running_is_found_and_stopped(plan):
    killed = plan(HANG)
    killed.folders.own.mkdir(parents=True)
    launcher = process.launch(killed.server, killed.folders, environment={}, account=None)
    assert process.stop_leftover(killed.folders.node)
    assert launcher.wait() == -signal.SIGTERM
    assert not (killed.folders.node / process.MARK).exists()


def test_all_that_a_killed_start_of_several_servers_left_is_stopped(plan):
    killed = plan(HANG)
    launchers = []
    for folders in replace(killed.folders, nodes=2).each():
        folders.own.mkdir(parents=True)
        launchers.append(process.launch(killed.server, folders, environment={}, account=None))
    assert process.stop_leftover(killed.folders.node)
    assert [one.wait() for one in launchers] == [-signal.SIGTERM] * 2


def test_another_port_is_tried_when_a_free_one_was_lost(plan, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    said = []
    with pytest.raises(PortTaken):
        start(plan(LOST_PORT), say=said.append)
    tries = [line.split(":")[2].split()[0] for line in said if line.endswith("…")]
    assert tries == [str(ports.FIRST + n) for n in range(ATTEMPTS)]


def test_a_port_asked_for_is_not_exchanged(plan, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    with pytest.raises(PortTaken, match="port 9250 is taken"):
        start(plan(LOST_PORT, port=9250), say=quiet)


def test_a_stranger_under_the_old_number_is_left_alone():
    with subprocess.Popen(["sleep", "600"]) as stranger:
        assert not process.stop(stranger.pid, created=1.0)
        assert stranger.poll() is None
        assert process.stop(stranger.pid, created=process.born(stranger.pid))


def test_a_process_that_ignores_the_request_is_killed():
    command = ["bash", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as stubborn:
        stubborn.stdout.readline()
        assert process.stop(stubborn.pid, created=process.born(stubborn.pid), grace=0.2)
        assert stubborn.wait() == -signal.SIGKILL
