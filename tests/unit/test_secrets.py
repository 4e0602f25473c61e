"""A secret never leaves through anything that people read: whatever goes wrong, however it came."""

import logging
import traceback
from base64 import b64encode

import pytest

from es_hybrid import Indexer
from es_hybrid.client import connect, request
from es_hybrid.doctor import examine
from es_hybrid.errors import EsHybridError
from es_hybrid.settings import Settings
from tests.commands import Terminal
from tests.embedders import WordEmbedder
from tests.fakes import Answer, FakeServer

SECRET = "sentinel-in-every-secret"
# As it is, and as it travels.
FORMS = (SECRET, *(b64encode(f"{who}:{SECRET}".encode()).decode() for who in ("kim", "elastic")))
REFUSED = {"error": {"type": "security_exception", "reason": "no"}, "status": 401}
ANSWERS = {
    "401": Answer(REFUSED, status=401),
    "403": Answer(REFUSED, status=403),
    "500": Answer("<html>", status=500, content_type="text/html"),
    "cut off": Answer(drop=True),
    "late": Answer({}, delay=0.3),
    "no product": Answer({}, headers={"X-Elastic-Product": ""}),
}
GIVEN = {
    "key": lambda url: {"url": url, "api_key": SECRET},
    "password": lambda url: {"url": url, "password": SECRET},
    "url": lambda url: {"url": url.replace("//", f"//kim:{SECRET}@")},
}


def told(*texts):
    """The forms of the secret that these texts hold."""
    return [form for form in FORMS for text in texts if form in text]


class Everything(dict):
    """A script that answers every request in the same way."""

    def get(self, key, default=None):
        return self["any"]


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def always(server, answer):
    server.script = Everything(any=answer)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("given", GIVEN)
def test_no_error_and_no_log_tells_a_secret(server, caplog, given, answer):
    always(server, ANSWERS[answer])
    caplog.set_level(logging.DEBUG)
    settings = Settings(**GIVEN[given](server.url), request_timeout=0.1)
    with connect(settings) as client, pytest.raises(EsHybridError) as raised:
        request(client.options(max_retries=0), "GET", "/_license")
    assert not told(*traceback.format_exception(raised.value), caplog.text)
    assert not told(repr(raised.value), repr(settings), repr(client))


@pytest.mark.parametrize("answer", ["401", "cut off"])
@pytest.mark.parametrize("variable", ["ES_HYBRID_API_KEY", "ES_HYBRID_PASSWORD"])
@pytest.mark.parametrize(
    "command",
    [["search", "films", "a", "--mode", "bm25"], ["doctor"], ["keys", "create", "reader", "films"]],
)
def test_no_command_prints_a_secret(server, capsys, monkeypatch, command, variable, answer):
    always(server, ANSWERS[answer])
    monkeypatch.setenv("ES_HYBRID_URL", server.url)
    monkeypatch.setenv(variable, SECRET)
    ended = Terminal(capsys, monkeypatch)(*command, "--json")
    assert ended.code == 1
    assert not told(ended.out, ended.err)


@pytest.mark.parametrize("given", GIVEN)
def test_the_doctor_tells_no_secret(server, given):
    found = examine(Settings(**GIVEN[given](server.url)))
    assert not told(str(found.to_dict()), repr(found))


@pytest.mark.parametrize("given", GIVEN)
def test_an_indexer_that_fails_tells_no_secret(server, given, tmp_path):
    always(server, ANSWERS["401"])
    dead = tmp_path / "dead.jsonl"
    with connect(Settings(**GIVEN[given](server.url))) as client:
        indexer = Indexer(client, "films", embedder=WordEmbedder(4), dead_letters=dead)
        with pytest.raises(EsHybridError) as raised:
            indexer.write([{"_id": "1", "text": "sea"}])
    assert not told(repr(raised.value), repr(indexer), str(vars(indexer)))
    assert not told(*(path.read_text() for path in tmp_path.iterdir() if path.is_file()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": f"https://kim:{SECRET}@host:port"},
        {"url": f"ftp://kim:{SECRET}@host"},
        {"url": f"http://kim:{SECRET}@far.example"},
        {"url": "http://far.example", "password": SECRET},
        {"url": "https://host", "cloud_id": "x", "api_key": SECRET},
        {"api_key": [SECRET]},
        {"password": {"is": SECRET}},
    ],
)
def test_settings_that_cannot_work_tell_no_secret(wrong):
    with pytest.raises(EsHybridError) as raised:
        connect(Settings(**wrong))
    assert not told(*traceback.format_exception(raised.value))


def test_settings_that_are_written_down_hold_no_readable_secret():
    settings = Settings(url="https://host", api_key=SECRET, password=SECRET)
    assert not told(settings.model_dump_json(), str(settings))
