"""Requests go out with headers both majors accept, and refusals come back in our words."""

import asyncio
import warnings

import elasticsearch
import numpy as np
import orjson
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.client import (
    JSON,
    NDJSON,
    arequest,
    client_options,
    connect,
    request,
)
from es_hybrid.connection import Connection, Value
from es_hybrid.errors import (
    AccessDenied,
    IndexNotFound,
    RequestRefused,
    ServerUnreachable,
    UsageError,
)
from es_hybrid.refusals import explain, failure, is_licence_refusal
from es_hybrid.settings import Settings
from tests.fakes import Answer, FakeServer

LICENCE = "current license is non-compliant for [Reciprocal Rank Fusion (RRF)]"
PRIVILEGE = "action [indices:data/read/search] is unauthorized for API key id [x]"


def error(kind, reason, **more):
    root = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [root], **root, **more}}


@pytest.fixture
def server():
    with FakeServer({("GET", "/"): {"tagline": "You Know, for Search"}}) as running:
        yield running


def test_every_request_asks_for_the_answers_of_version_8(server):
    request(server.client(), "GET", "/")
    assert server.requests[0].headers["accept"] == JSON
    assert "content-type" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("body", "ndjson", "content_type", "sent"),
    [
        ({"q": np.array([1, 0.5], dtype=np.float32)}, False, JSON, b'{"q":[1.0,0.5]}'),
        ([{"index": "a"}, {}], True, NDJSON, b'{"index":"a"}\n{}\n'),
        (b'{"a":1}\n', True, NDJSON, b'{"a":1}\n'),
        (b'{"a":1}', False, JSON, b'{"a":1}'),
    ],
)
def test_bodies_are_written_by_orjson_or_sent_as_they_are(server, body, ndjson, content_type, sent):
    server.script["POST", "/x"] = {}
    request(server.client(), "POST", "/x", body=body, ndjson=ndjson)
    assert server.requests[0].headers["content-type"] == content_type
    assert server.requests[0].body == sent


@pytest.mark.skipif(elasticsearch.__version__ < (9,), reason="clients 8.x have no such mode")
def test_a_client_in_serverless_mode_sends_plain_json_beside_its_own_version(server):
    request(server.client(server_mode="serverless"), "GET", "/")
    assert server.requests[0].headers["accept"] == "application/json"


def test_the_clients_own_headers_travel_with_the_request(server):
    request(server.client(opaque_id="me", api_key="abc"), "GET", "/", params={"pretty": True})
    assert server.requests[0].headers["x-opaque-id"] == "me"
    assert server.requests[0].headers["authorization"] == "ApiKey abc"
    assert server.requests[0].query == "pretty=true"


@pytest.mark.parametrize("body", [{"a": 2**70}, {"a": object()}, {"a": "\ud800"}, {1: 2}])
def test_a_body_that_is_no_json_never_leaves(server, body):
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        request(server.client(), "POST", "/", body=body)
    assert server.requests == []


@pytest.mark.parametrize(("status", "exists"), [(200, True), (404, False)])
def test_head_answers_with_a_bool(server, status, exists):
    server.script["HEAD", "/films"] = Answer(status=status)
    assert request(server.client(), "HEAD", "/films") is exists


def test_an_accepted_status_is_returned_with_its_body(server):
    server.script["GET", "/films"] = Answer({"found": False}, status=404)
    assert request(server.client(), "GET", "/films", ok=(404,)) == {"found": False}


def test_a_client_told_to_ignore_errors_still_raises_here(server):
    lenient = server.client().options(ignore_status=400)
    with pytest.raises(RequestRefused):
        request(lenient, "GET", "/nothing")


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (401, error("security_exception", "missing authentication credentials"), AccessDenied),
        (403, error("security_exception", PRIVILEGE), AccessDenied),
        (403, "<html>Forbidden by proxy</html>", AccessDenied),
        (403, error("security_exception", LICENCE), RequestRefused),
        (403, error("cluster_block_exception", "index [a] blocked by: …"), RequestRefused),
        (404, error("index_not_found_exception", "no such index [films]"), IndexNotFound),
        (404, {"error": "alias [a] missing", "status": 404}, RequestRefused),
        (503, "<html>upstream gone</html>", RequestRefused),
        (500, None, RequestRefused),
    ],
)
def test_an_error_answer_becomes_the_exception_of_its_kind(server, status, body, raised):
    kind = "text/html" if isinstance(body, str) else "application/json"
    server.script["GET", "/films"] = Answer(body, status=status, content_type=kind)
    with pytest.raises(
        raised, match=f"GET /films at {server.url}: .*\\[{status} \\w+\\]"
    ) as caught:
        request(server.client(), "GET", "/films")
    assert "<html>" not in str(caught.value)


def test_a_login_that_fails_says_what_is_wrong_with_the_key():
    more = {"additional_unsuccessful_credentials": "API key: api key is expired"}
    refused = failure(401, error("security_exception", "no", **more), what="x", url="y")
    assert "no (API key: api key is expired) [401" in str(refused)


def test_a_refusal_carries_status_and_kind():
    refused = failure(403, error("security_exception", LICENCE), what="x", url="y")
    assert (refused.status, refused.kind) == (403, "security_exception")
    assert is_licence_refusal(refused)


SHARD = {"type": "query_shard_exception", "reason": "wrong dims"}


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (error("a", "b"), "a", "b"),
        (error("a", "b", caused_by={"type": "c", "reason": "d"}), "a", "b: d"),
        (error("a", "b", failed_shards=[{"reason": SHARD}]), "a", "b: wrong dims"),
        (
            error("a", "b", suppressed=[{"failed_shards": [{"reason": SHARD}]}]),
            "a",
            "b: wrong dims",
        ),
        (error("a", "b\n  d", caused_by={"reason": "d"}), "a", "b d"),
        ({"error": "no handler found", "status": 400}, "http_400", "no handler found"),
        ({"type": "mapper", "reason": "of one bulk item"}, "mapper", "of one bulk item"),
        ({"error": {"type": "a", "reason": None}}, "a", "no reason was given"),
        (None, "http_400", "no reason was given"),
    ],
)
def test_a_reason_is_one_line_down_to_the_deepest_cause(body, kind, reason):
    assert explain(body, status=400) == (kind, reason)


def test_a_reason_that_quotes_everything_back_is_cut():
    assert len(explain(error("a", "x" * 10_000))[1]) < 1000


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (Answer("{", content_type="application/json"), "no answer of Elasticsearch"),
        (Answer({}, headers={"X-Elastic-Product": ""}), "is not an Elasticsearch"),
        (Answer("<html>", content_type="image/png"), "no answer of Elasticsearch"),
        (Answer(drop=True), "write https://"),
        (Answer({}, delay=0.3), "did not answer within 0.05 s"),
    ],
)
def test_what_answers_wrongly_is_unreachable_and_says_why(server, answer, advice):
    server.script["GET", "/films"] = answer
    with pytest.raises(ServerUnreachable, match=advice) as caught:
        request(server.client(), "GET", "/films", timeout=0.05)
    assert server.url in str(caught.value)


def test_nobody_there_says_how_to_start_one():
    with FakeServer() as server:
        url = server.url
    with (
        Elasticsearch(url, max_retries=0) as client,
        pytest.raises(ServerUnreachable, match=r"refused; start one with `es-hybrid up`"),
    ):
        request(client, "GET", "/")


def test_https_to_a_plain_server_is_told(server):
    with (
        Elasticsearch(server.url.replace("http", "https"), max_retries=0) as client,
        pytest.raises(ServerUnreachable, match="speaks plain http"),
    ):
        request(client, "GET", "/")


def test_a_warning_of_the_server_is_logged_and_never_raised(server, caplog):
    header = {"Warning": '299 Elasticsearch-9.5.4 "[thing] is deprecated"'}
    server.script["GET", "/films"] = Answer({"a": 1}, headers=header)
    with warnings.catch_warnings(), caplog.at_level("INFO", logger="es_hybrid"):
        warnings.simplefilter("error")
        assert request(server.client(), "GET", "/films") == {"a": 1}
    assert "[thing] is deprecated" in caplog.text


def test_warnings_of_the_users_own_requests_stay(server):
    header = {"Warning": '299 Elasticsearch-9.5.4 "[thing] is deprecated"'}
    server.script["GET", "/"] = Answer({}, headers=header)
    request(server.client(), "GET", "/")
    with pytest.warns(Warning, match="deprecated"):
        server.client().info()


def test_the_given_client_is_never_changed(server):
    client = server.client(request_timeout=7)
    before = dict(vars(client), _headers=dict(client._headers), _verified_elasticsearch=True)
    request(client, "GET", "/", timeout=1)
    request(client, "GET", "/", ok=(404,))
    assert dict(vars(client), _headers=dict(client._headers)) == before


class AwaitableClient:
    """An AsyncElasticsearch as far as `arequest` sees it, over a real client."""

    def __init__(self, client):
        self.transport, self.client = client.transport, client

    async def perform_request(self, method, path, **rest):
        return self.client.perform_request(method, path, **rest)


def test_the_async_twin_answers_and_raises_alike(server):
    client = AwaitableClient(server.client())
    assert asyncio.run(arequest(client, "GET", "/")) == {"tagline": "You Know, for Search"}
    with pytest.raises(RequestRefused, match="no handler found"):
        asyncio.run(arequest(client, "GET", "/films"))


def test_options_carry_everything_that_was_resolved(tmp_path):
    user, password = Value("u", "", "u"), Value("p", "", "…")
    connection = Connection(
        url=Value("https://a:1", "", ""), username=user, password=password, fingerprint="f"
    )
    options = client_options(connection)
    assert options["hosts"] == ["https://a:1"]
    assert options["basic_auth"] == ("u", "p")
    assert options["ssl_assert_fingerprint"] == "f"


@pytest.mark.parametrize("target", [Settings, Connection, None])
def test_a_client_is_made_from_settings_a_connection_or_arguments(server, target):
    if target is None:
        client = connect(url=server.url, api_key="abc")
    elif target is Settings:
        client = connect(Settings(url=server.url, api_key="abc"))
    else:
        client = connect(Connection(url=Value(server.url, "", ""), api_key=Value("abc", "", "")))
    with client:
        request(client, "GET", "/")
    assert server.requests[0].headers["authorization"] == "ApiKey abc"


def test_settings_and_arguments_together_are_refused():
    with pytest.raises(UsageError, match="settings and url"):
        connect(Settings(), url="http://a")


def test_a_cloud_id_that_does_not_decode_is_refused():
    with pytest.raises(UsageError, match="nonsense"):
        connect(cloud_id="nonsense")


def test_answers_are_read_by_orjson(server, monkeypatch):
    read = []
    monkeypatch.setattr(orjson, "loads", lambda data: read.append(data) or {})
    with connect(url=server.url) as client:
        request(client, "GET", "/")
    assert len(read) == 1
