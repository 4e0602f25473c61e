"""Which port is chosen, on a machine where some are taken."""

import os
import socket
from threading import Timer

import pytest

from es_hybrid.errors import PortTaken, UsageError
from es_hybrid.node import ports


@pytest.fixture
def listener():
    """Somebody who listens on a port of loopback."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_the_first_free_port_is_chosen(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: port >= 9202)
    assert ports.choose(None) == 9202
    assert ports.choose(None, tried=[9202, 9203]) == 9204


def test_a_port_asked_for_and_free_is_taken(listener):
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
    assert ports.choose(port) == port


def test_a_taken_port_names_its_holder_and_the_way_out(listener):
    with pytest.raises(PortTaken, match=rf"port {listener} .*process {os.getpid()}.*--port"):
        ports.choose(listener)


def test_a_port_is_waited_for_while_an_ending_process_holds_it(monkeypatch):
    monkeypatch.setattr(ports, "_listener", lambda port: None)  # no living one is to be seen
    with socket.create_server((ports.LOOPBACK, 0)) as ending:
        port = ending.getsockname()[1]
        Timer(0.3, ending.close).start()
        assert ports.choose(port) == port


def test_a_port_that_nobody_gives_back_is_not_waited_for_for_long(listener, monkeypatch):
    monkeypatch.setattr(ports, "_listener", lambda port: None)
    assert ports.comes_free(listener, within=0.1) is False


def test_all_ports_taken_is_said(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(PortTaken, match="all ports from 9200 to 9299"):
        ports.choose(None)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(UsageError, match=f"{port} is no port"):
        ports.choose(port)


def test_several_servers_get_several_ports(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: port % 2 == 0)
    assert ports.choose_several(None, count=3) == [9200, 9202, 9204]
    assert ports.choose_several(9298, count=2, tried=[9200]) == [9298, 9202]
    assert ports.for_transport(2) == [9400, 9402]


def test_no_ports_left_to_talk_to_each_other_is_told(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: port == 9400)
    with pytest.raises(PortTaken, match="fewer than 2 ports from 9400 to 9499 are free"):
        ports.for_transport(2)


def test_two_starts_at_the_same_time_choose_different_ports(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    with (
        ports.Reservations(tmp_path / "ports") as one,
        ports.Reservations(tmp_path / "ports") as two,
    ):
        assert ports.choose_several(None, count=2, take=one.take) == [9200, 9201]
        assert ports.choose_several(None, count=2, take=two.take) == [9202, 9203]


def test_a_port_is_given_back_when_the_start_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    for _ in range(2):
        with ports.Reservations(tmp_path) as reserved:
            assert ports.choose(None, take=reserved.take) == 9200
