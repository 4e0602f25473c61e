"""Every document sent comes back exactly once, whatever the server says meanwhile."""

import json

import numpy as np
import orjson
import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.errors import AccessDenied, RequestRefused, ServerUnreachable
from es_hybrid.indexing import bulk
from es_hybrid.indexing.bulk import ATTEMPTS, batches, prepared, send
from tests.fakes import Answer, FakeServer

OK = {"status": 201}
BUSY = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}
DOWN = {"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "no primary"}}
BAD = {
    "status": 400,
    "error": {"type": "document_parsing_exception", "reason": "year is no number"},
}


def ready(name, **more):
    return prepared(document({"_id": name, "text": name}, Fields()), {"text": name, **more})


def items(*results):
    return {"errors": True, "items": [{"index": result} for result in results]}


def refusal(status, kind="some_exception"):
    return Answer({"error": {"type": kind, "reason": "no"}, "status": status}, status=status)


@pytest.fixture
def sending(monkeypatch):
    """Sends documents called a, b, c … to a server that answers in turn.

    Returns what became of each, the ids of each request, and how often it slept.
    """

    def run(names, *answers):
        naps = []
        with FakeServer({("POST", "/films/_bulk"): answers}) as server:
            batch = [ready(name) for name in names]
            outcomes = send(server.client(), "films", batch, sleep=naps.append)
        sent = [
            [orjson.loads(x)["index"]["_id"] for x in r.body.splitlines()[::2]]
            for r in server.requests
        ]
        assert len(outcomes) == len(names)
        return {one.document.id: one.reason for one in outcomes}, sent, naps

    return run


def test_one_request_for_a_batch_that_is_taken(sending):
    outcomes, sent, naps = sending("ab", items(OK, OK))
    assert outcomes == {"a": None, "b": None}
    assert (sent, naps) == ([["a", "b"]], [])


@pytest.mark.parametrize("passing", [BUSY, DOWN])
def test_an_item_that_may_pass_is_sent_again_alone(sending, passing):
    outcomes, sent, naps = sending("abc", items(OK, passing, OK), items(OK))
    assert outcomes == dict.fromkeys("abc")
    assert sent == [["a", "b", "c"], ["b"]]
    assert len(naps) == 1


def test_each_item_of_a_mixed_answer_has_its_own_fate(sending):
    outcomes, sent, _ = sending("abc", items(OK, BAD, BUSY), items(OK))
    assert outcomes["a"] is outcomes["c"] is None
    assert outcomes["b"] == "document_parsing_exception: year is no number"
    assert sent == [["a", "b", "c"], ["c"]]


def test_an_item_that_never_passes_comes_back_with_its_reason(sending):
    outcomes, sent, naps = sending("ab", items(OK, BUSY), items(BUSY))
    assert outcomes["b"] == "es_rejected_execution_exception: queue full"
    assert len(sent) == ATTEMPTS
    assert len(naps) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_whole_request_that_may_pass_is_sent_again(sending, status):
    outcomes, sent, _ = sending("ab", refusal(status), items(OK, OK))
    assert outcomes == {"a": None, "b": None}
    assert sent == [["a", "b"]] * 2


@pytest.mark.parametrize(
    "unreadable",
    [
        Answer(drop=True),
        items(OK),
        items(OK, OK, OK),
        {},
        [],
        Answer("<html>", content_type="text/html"),
        Answer('{"items": [', content_type="application/json"),
    ],
    ids=["dropped", "an item less", "an item more", "no items", "a list", "a page", "cut off"],
)
def test_an_answer_that_cannot_be_read_is_asked_for_again(sending, unreadable):
    outcomes, sent, _ = sending("ab", unreadable, items(OK, OK))
    assert outcomes == {"a": None, "b": None}
    assert sent == [["a", "b"]] * 2


def test_a_request_that_is_too_large_is_halved(sending):
    outcomes, sent, _ = sending("abc", refusal(413), items(OK), items(OK, OK))
    assert outcomes == dict.fromkeys("abc")
    assert sent == [["a", "b", "c"], ["a"], ["b", "c"]]


def test_a_document_that_is_too_large_alone_comes_back_with_the_reason(sending):
    outcomes, _, _ = sending("ab", refusal(413), refusal(413), items(OK))
    assert "413" in outcomes["a"]
    assert outcomes["b"] is None


def test_what_was_settled_before_a_413_is_kept(sending):
    outcomes, sent, _ = sending("abc", items(OK, BUSY, BAD), refusal(413))
    assert outcomes["a"] is None
    assert "413" in outcomes["b"]
    assert sent == [["a", "b", "c"], ["b"]]


@pytest.mark.parametrize(
    ("answer", "error", "requests"),
    [
        (refusal(401), AccessDenied, 1),
        (refusal(403), AccessDenied, 1),
        (refusal(403, "cluster_block_exception"), RequestRefused, 1),
        (refusal(400), RequestRefused, 1),
        (refusal(503), RequestRefused, ATTEMPTS),
        (Answer(drop=True), ServerUnreachable, ATTEMPTS),
        (items(OK), ServerUnreachable, ATTEMPTS),
    ],
    ids=["401", "403", "blocked", "400", "503", "dropped", "cut off"],
)
def test_what_will_not_pass_stops_at_once_and_what_may_stops_in_the_end(answer, error, requests):
    with FakeServer({("POST", "/films/_bulk"): answer}) as server, pytest.raises(error):
        send(server.client(), "films", [ready("a"), ready("b")], sleep=lambda _: None)
    assert len(server.requests) == requests


def test_it_waits_longer_each_time_but_never_more_than_15_seconds(sending, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    _, _, naps = sending("a", items(BUSY))
    assert naps == [0.5, 1, 2, 4, 8, 15, 15]


@pytest.mark.parametrize("column", ["pipeline", "routing", "_op_type", "_source", "_id", "index"])
def test_a_column_named_like_bulk_metadata_stays_data(column):
    action, source = ready("a", **{column: "delete"}).lines.splitlines()
    assert json.loads(action) == {"index": {"_id": "a"}}
    assert json.loads(source)[column] == "delete"


def test_a_vector_and_a_text_with_line_breaks_fit_on_their_line():
    lines = ready("a\n", text="x\ny\u2028z", embedding=np.array([0.6, 0.8], np.float32)).lines
    assert lines.count(b"\n") == 2
    assert lines.endswith(b'"embedding":[0.6,0.8]}\n')


def sizes(monkeypatch, lengths, *, most_bytes=100, most_documents=3):
    monkeypatch.setattr(bulk, "MAX_BYTES", most_bytes)
    monkeypatch.setattr(bulk, "MAX_DOCUMENTS", most_documents)
    one = ready("a").document
    made = [bulk.Prepared(one, b"x" * length) for length in lengths]
    return [[len(item.lines) for item in batch] for batch in batches(made)]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([10, 10, 10], [[10, 10, 10]]),
        ([10, 10, 10, 10], [[10, 10, 10], [10]]),
        ([60, 40, 1], [[60, 40], [1]]),
        ([60, 41], [[60], [41]]),
        ([500, 500], [[500], [500]]),
        ([10, 500, 10], [[10], [500], [10]]),
    ],
)
def test_requests_are_cut_by_bytes_and_by_number(monkeypatch, lengths, expected):
    assert sizes(monkeypatch, lengths) == expected


def test_a_request_goes_out_as_soon_as_it_is_full():
    def endless():
        while True:
            yield ready("a")

    assert len(next(batches(endless()))) == bulk.MAX_DOCUMENTS
