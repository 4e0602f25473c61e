"""Which keys are asked for, and what is said where none can be had; a real server is asked in
the integration tests."""

from datetime import UTC, datetime

import orjson
import pytest

from es_hybrid.errors import AccessDenied, InvalidIndexName, RequestRefused, UsageError
from es_hybrid.keys import ROLES, create_key
from tests.commands import Terminal
from tests.fakes import Answer, FakeServer

MADE = {"id": "k1", "name": "n", "encoded": "c2VudGluZWw=", "expiration": 1_800_000_000_000}
WHERE = ("POST", "/_security/api_key")
DERIVED = "creating derived api keys requires an explicit role descriptor that is empty"


@pytest.fixture
def server():
    with FakeServer({WHERE: MADE}) as running:
        yield running


def asked(server):
    return orjson.loads(server.requests[0].body)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_is_for_one_index_and_nothing_of_the_cluster(server, role):
    create_key(server.client(), role, "films")
    descriptor = asked(server)["role_descriptors"][role]
    assert descriptor["indices"][0]["names"] == ["films", "/films-[0-9]{6,}(-writes)?/"]
    assert descriptor.keys() == {"indices"}


def test_a_key_ends_after_thirty_days_unless_told_otherwise(server):
    key = create_key(server.client(), "reader", "films")
    assert asked(server)["expiration"] == "30d"
    assert key.expires == datetime.fromtimestamp(1_800_000_000, UTC)


def test_a_key_without_an_end_must_be_asked_for(server):
    create_key(server.client(), "reader", "films", expires="never")
    assert "expiration" not in asked(server)


def test_one_key_may_have_several_jobs(server):
    key = create_key(server.client(), "writer+pruner", "films")
    assert set(asked(server)["role_descriptors"]) == {"writer", "pruner"}
    assert len(key.may) == 2


def test_a_key_shows_everything_but_itself(server):
    key = create_key(server.client(), "reader", "films")
    assert MADE["encoded"] not in f"{key} {key!r}"
    assert key.to_dict()["encoded"] == MADE["encoded"]


@pytest.mark.parametrize(
    ("role", "index", "expires", "error", "complaint"),
    [
        ("admin", "films", "30d", UsageError, "'admin' is no role: choose setup, writer"),
        ("", "films", "30d", UsageError, "'' is no role"),
        ("reader+", "films", "30d", UsageError, "'' is no role"),
        ("reader", "films*", "30d", InvalidIndexName, r"holds '\*'"),
        ("reader", "_all", "30d", InvalidIndexName, "starts with '_'"),
        *(
            ("reader", "films", time, UsageError, "is no time for a key to end")
            for time in ("", "0d", "30", "-1d", "1w", "1.5d", "30 d", "forever", "9999999d")
        ),
    ],
)
def test_what_can_never_be_a_key_is_refused_before_it_is_sent(
    server, role, index, expires, error, complaint
):
    with pytest.raises(error, match=complaint):
        create_key(server.client(), role, index, expires=expires)
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "reason", "error", "advice"),
    [
        (400, DERIVED, AccessDenied, "A key cannot make other keys: log in with --username"),
        (400, "no handler found for uri [/_security/api_key]", RequestRefused, "up --secure"),
        (405, "Incorrect HTTP method for uri [/_security/api_key]", RequestRefused, "up --secure"),
        (403, "action [x] is unauthorized for user [kim]", AccessDenied, "has this privilege"),
    ],
)
def test_a_cluster_that_makes_no_keys_says_what_to_do(server, status, reason, error, advice):
    body = {"error": {"type": "t", "reason": reason}, "status": status}
    server.script[WHERE] = Answer(body, status=status)
    with pytest.raises(error, match=advice):
        create_key(server.client(), "reader", "films")


def test_the_command_shows_the_key_once_with_what_it_may_do(server, capsys, monkeypatch):
    ended = Terminal(capsys, monkeypatch)("keys", "create", "reader", "films", "--url", server.url)
    assert ended.code == 0
    for said in (MADE["encoded"], "search and read documents", "2027-01-15", "ES_HYBRID_API_KEY"):
        assert ended.out.count(said) == 1


def test_the_command_prints_json(server, capsys, monkeypatch):
    typed = Terminal(capsys, monkeypatch)
    ended = typed("keys", "create", "writer", "films", "--json", "--url", server.url)
    assert (ended.json["encoded"], ended.json["roles"]) == (MADE["encoded"], ["writer"])


@pytest.mark.parametrize("command", [["keys"], ["keys", "create"]])
@pytest.mark.parametrize("columns", [60, 80])
def test_help_stays_within_the_screen(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal(capsys, monkeypatch)(*command, "--help").out
    assert max(map(len, out.splitlines())) <= columns
