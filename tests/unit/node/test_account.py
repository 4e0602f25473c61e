"""The account that runs the server for root, and the folders it must be able to enter."""

import os
import pwd

import pytest

from es_hybrid.errors import NodeFailed
from es_hybrid.node import account, home

STRANGER = account.Account("stranger", uid=54321, gid=54321)


@pytest.fixture
def as_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("ES_HYBRID_USER", raising=False)
    monkeypatch.delenv("ES_HYBRID_HOME", raising=False)


def test_an_ordinary_caller_runs_the_server(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account.unprivileged() is None


def test_root_has_nobody_run_it(as_root):
    assert account.unprivileged().uid == pwd.getpwnam("nobody").pw_uid


@pytest.mark.parametrize(("name", "why"), [("root", "is root"), ("no-such-one", "no account")])
def test_an_account_that_cannot_serve_is_refused(as_root, monkeypatch, name, why):
    monkeypatch.setenv("ES_HYBRID_USER", name)
    with pytest.raises(NodeFailed, match=rf"{why}.*ES_HYBRID_USER"):
        account.unprivileged()


def test_a_closed_folder_on_the_way_is_named(tmp_path):
    closed = tmp_path / "closed"
    (closed / "deep").mkdir(parents=True)
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    with pytest.raises(NodeFailed, match=r"'stranger'.* cannot enter .*chmod o\+x"):
        account.require_way(closed / "deep", STRANGER)


def test_root_keeps_its_files_where_others_may_enter(as_root):
    assert str(home.default_home()) == "/var/lib/es-hybrid"


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"ES_HYBRID_HOME": "/a"}, "/a"),
        ({"XDG_DATA_HOME": "/b"}, "/b/es-hybrid"),
        ({"HOME": "/c"}, "/c/.local/share/es-hybrid"),
    ],
)
def test_everyone_else_keeps_them_in_the_usual_place(monkeypatch, variables, place):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for name in ("ES_HYBRID_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(home.default_home()) == place
