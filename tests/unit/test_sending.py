"""Every document sent is settled exactly once or comes back unsent, whatever the server says."""

import random

import orjson
import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.errors import AccessDenied, IndexNotFound, RequestRefused, ServerUnreachable
from es_hybrid.indexing.bulk import prepared
from es_hybrid.indexing.patience import PATIENCE, Patience, Requests
from es_hybrid.indexing.sending import ATTEMPTS, Sender
from tests.fakes import Answer, FakeServer

OK = {"status": 201}


def item(status, kind, reason="no"):
    return {"status": status, "error": {"type": kind, "reason": reason}}


BUSY = item(429, "es_rejected_execution_exception", "queue full")
DOWN = item(503, "unavailable_shards_exception", "no primary")
BAD = item(400, "document_parsing_exception", "year is no number")
STRICT = item(400, "strict_dynamic_mapping_exception")
GONE = item(404, "index_not_found_exception")
CONFLICT = item(409, "version_conflict_engine_exception")
DENIED = item(403, "security_exception")
READ_ONLY = item(403, "cluster_block_exception", "index [films] blocked by: [FORBIDDEN/5/…]")
FLOOD = item(429, "cluster_block_exception", "disk usage exceeded flood-stage watermark")
NO_MASTER = item(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master]")


def ready(name):
    return prepared(document({"_id": name, "text": name}, Fields()))


def items(*results):
    return {"errors": results.count(OK) < len(results), "items": [{"index": r} for r in results]}


def refusal(status, kind="some_exception", **headers):
    body = {"error": {"type": kind, "reason": "no"}, "status": status}
    return Answer(body, status=status, headers=headers)


class Naps:
    """A clock that goes on only while somebody waits for it."""

    def __init__(self):
        self.taken = []

    def now(self):
        return sum(self.taken)

    def wait(self, seconds, until):
        assert not until.is_set()
        self.taken.append(seconds)


def sender_to(server, clock, **options):
    return Sender(Requests(server.client(**options), Patience(clock=clock)), "films")


class Run:
    """Sends documents called a, b, c … to a server that answers in turn."""

    def __init__(self, names, *answers, **options):
        clock, self.notices = Naps(), []
        with FakeServer({("POST", "/films/_bulk"): answers}) as server:
            patience = Patience(notice=self.notices.append, clock=clock, **options)
            sender = Sender(Requests(server.client(), patience), "films")
            sent = sender.send([ready(name) for name in names])
        self.naps, self.error = clock.taken, sent.error
        self.requests = [
            [orjson.loads(line)["index"]["_id"] for line in one.body.splitlines()[::2]]
            for one in server.requests
        ]
        self.refused = {one.document.id: one for one in sent.refused}
        self.reasons = dict.fromkeys(one.id for one in sent.written)
        self.reasons |= {name: one.reason for name, one in self.refused.items()}
        self.unsent = [one.id for one in sent.unsent]
        assert sorted([*self.reasons, *self.unsent]) == sorted(names)


@pytest.fixture(autouse=True)
def the_longest_waits(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)


def test_one_request_for_a_batch_that_is_taken():
    run = Run("ab", items(OK, OK))
    assert run.reasons == {"a": None, "b": None}
    assert (run.requests, run.naps) == ([["a", "b"]], [])


@pytest.mark.parametrize("passing", [BUSY, DOWN, READ_ONLY, FLOOD, NO_MASTER])
def test_an_item_that_may_pass_is_sent_again_alone(passing):
    run = Run("abc", items(OK, passing, OK), items(OK))
    assert run.reasons == dict.fromkeys("abc")
    assert run.requests == [["a", "b", "c"], ["b"]]


@pytest.mark.parametrize("bad", [BAD, STRICT, CONFLICT])
def test_each_item_of_a_mixed_answer_has_its_own_fate(bad):
    run = Run("abc", items(OK, bad, BUSY), items(OK))
    error = bad["error"]
    assert run.reasons == {"a": None, "b": f"{error['type']}: {error['reason']}", "c": None}
    assert (run.refused["b"].kind, run.refused["b"].attempts) == (error["type"], 1)
    assert run.requests == [["a", "b", "c"], ["c"]]


def test_an_item_that_the_server_always_fails_on_is_refused_with_its_attempts():
    run = Run("ab", items(OK, DOWN), items(DOWN))
    assert run.reasons["b"] == "unavailable_shards_exception: no primary"
    assert run.refused["b"].attempts == len(run.requests) == ATTEMPTS
    assert run.error is None


def test_where_nothing_passes_a_busy_server_is_not_the_documents_fault():
    run = Run("ab", items(OK, BUSY), items(BUSY))
    assert run.unsent == ["b"]
    assert f"Nothing could be written for {PATIENCE:g} s, so the run stops" in str(run.error)
    assert sum(run.naps) == PATIENCE


def test_a_document_that_is_refused_while_others_pass_is_at_fault():
    busy = [items(BUSY, BUSY)] * (ATTEMPTS - 1)
    run = Run("ab", *busy, items(OK, BUSY), items(BUSY))
    assert run.error is not None  # what passed at the same time proves nothing
    shared = FakeServer({("POST", "/films/_bulk"): items(BUSY)})
    with shared as server:
        clock = Taking()
        sender = sender_to(server, clock)
        clock.patience = sender.patience
        [refused] = sender.send([ready("b")]).refused
    assert (refused.kind, refused.attempts) == ("es_rejected_execution_exception", ATTEMPTS)


class Taking(Naps):
    """While somebody waits, others have their documents written."""

    def wait(self, seconds, until):
        super().wait(seconds, until)
        self.patience.took(1)


@pytest.mark.parametrize("block", [READ_ONLY, FLOOD, NO_MASTER])
def test_a_block_is_waited_for_and_told_and_never_the_documents_fault(block):
    run = Run("ab", *[items(block, block)] * (ATTEMPTS + 4), items(OK, OK))
    assert run.reasons == {"a": None, "b": None}
    [notice] = run.notices
    assert notice.startswith("waiting for up to 300 s: POST /films/_bulk")


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_block_of_the_whole_request_is_waited_for(status):
    blocked = refusal(status, "cluster_block_exception")
    run = Run("ab", *[blocked] * (ATTEMPTS + 4), items(OK, OK))
    assert run.reasons == {"a": None, "b": None}
    assert len(run.notices) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        items(READ_ONLY, READ_ONLY),
        items(BUSY, BUSY),
        refusal(403, "cluster_block_exception"),
        refusal(429),
        refusal(503),
        items(OK),
    ],
)
def test_after_the_patience_the_run_stops_and_all_is_unsent(trouble):
    run = Run("ab", trouble, seconds=20)
    assert run.unsent == ["a", "b"]
    assert sum(run.naps) == 20
    assert "so the run stops" in str(run.error)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_whole_request_that_may_pass_is_sent_again(status):
    run = Run("ab", refusal(status), items(OK, OK))
    assert run.reasons == {"a": None, "b": None}
    assert run.requests == [["a", "b"]] * 2


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
def test_an_answer_that_cannot_be_read_is_asked_for_again(unreadable):
    run = Run("ab", unreadable, items(OK, OK))
    assert run.reasons == {"a": None, "b": None}
    assert run.requests == [["a", "b"]] * 2


def test_a_request_that_is_too_large_is_halved():
    run = Run("abc", refusal(413), items(OK), items(OK, OK))
    assert run.reasons == dict.fromkeys("abc")
    assert run.requests == [["a", "b", "c"], ["a"], ["b", "c"]]


def test_a_document_that_is_too_large_alone_is_refused_with_the_reason():
    run = Run("ab", refusal(413), refusal(413), items(OK))
    assert "413" in run.reasons["a"]
    assert run.reasons["b"] is None


# Of https://www.elastic.co/docs/reference/elasticsearch/index-settings/pressure
FULL, NEVER = (
    "rejected execution of primary operation [coordinating_and_primary_bytes=9, "
    f"replica_bytes=0, all_bytes=9, primary_operation_bytes={size}, max_primary_bytes=100]"
    for size in (60, 101)
)


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": {"type": "es_rejected_execution_exception", "reason": NEVER}}, status=429),
        items(*[item(429, "es_rejected_execution_exception", NEVER)] * 2),
    ],
    ids=["the request", "its items"],
)
def test_what_never_fits_into_the_servers_memory_is_halved_and_not_waited_for(answer):
    run = Run("ab", answer, items(OK), items(OK))
    assert run.reasons == dict.fromkeys("ab")
    assert run.requests == [["a", "b"], ["a"], ["b"]]
    assert run.naps == []


def test_a_document_that_never_fits_is_refused_with_the_way_out():
    alone = item(429, "es_rejected_execution_exception", NEVER)
    run = Run("a", items(alone))
    assert "make it smaller, or give the nodes a larger heap" in run.reasons["a"]
    assert run.error is None


def test_what_fits_once_others_are_through_is_waited_for():
    run = Run("a", items(item(429, "es_rejected_execution_exception", FULL)), items(OK))
    assert run.reasons == {"a": None}
    assert len(run.naps) == 1


def test_what_was_settled_before_a_413_is_kept():
    run = Run("abc", items(OK, BUSY, BAD), refusal(413))
    assert run.reasons["a"] is None
    assert "413" in run.reasons["b"]
    assert run.requests == [["a", "b", "c"], ["b"]]


def test_both_halves_are_unsent_where_the_first_is_denied():
    run = Run("abc", refusal(413), refusal(401))
    assert run.unsent == ["a", "b", "c"]
    assert isinstance(run.error, AccessDenied)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(401), AccessDenied),
        (refusal(403), AccessDenied),
        (items(DENIED, DENIED), AccessDenied),
        (refusal(400), RequestRefused),
        (refusal(404, "index_not_found_exception"), IndexNotFound),
        (items(GONE, GONE), IndexNotFound),
    ],
    ids=["401", "403", "denied items", "400", "404", "items without an index"],
)
def test_what_will_not_pass_stops_at_once(answer, error):
    run = Run("ab", answer)
    assert isinstance(run.error, error)
    assert (run.unsent, run.naps) == (["a", "b"], [])


def test_what_was_written_beside_a_denied_item_counts():
    run = Run("abc", items(OK, DENIED, OK))
    assert list(run.reasons) == ["a", "c"]
    assert run.unsent == ["b"]


def test_once_stopped_nothing_is_sent_a_second_time():
    with FakeServer({("POST", "/films/_bulk"): refusal(503)}) as server:
        sender = sender_to(server, Naps())
        sender.patience.stop()
        sent = sender.send([ready("a")])
    assert isinstance(sent.error, RequestRefused)
    assert len(server.requests) == 1


def test_where_one_batch_stops_the_others_stop_as_well():
    with FakeServer({("POST", "/films/_bulk"): (refusal(401), refusal(503))}) as server:
        sender = sender_to(server, Naps())
        first, second = sender.send([ready("a")]), sender.send([ready("b")])
    assert isinstance(first.error, AccessDenied)
    assert second.error is first.error  # whichever of them is asked for the reason first
    assert len(server.requests) == 2


def test_it_waits_longer_each_time_but_never_more_than_15_seconds():
    assert Run("a", items(BUSY)).naps[:8] == [0.5, 1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_the_server_asks_for(status):
    run = Run("a", refusal(status, **{"Retry-After": "40"}), items(OK))
    [nap] = run.naps
    assert 40 <= nap <= 41


def test_a_connection_that_is_gone_is_a_server_that_cannot_be_reached():
    run = Run("a", Answer(drop=True))
    assert isinstance(run.error, ServerUnreachable)
    assert run.unsent == ["a"]


def test_a_client_that_tries_again_by_itself_does_not_here():
    with FakeServer({("POST", "/films/_bulk"): (refusal(503), items(OK))}) as server:
        clock = Naps()
        sender_to(server, clock, max_retries=5, retry_on_status=(503,)).send([ready("a")])
    assert len(clock.taken) == 1


def failing_with(poison):
    """Answers a request as a whole with 500 as long as it holds this document."""

    class Poisoned(FakeServer):
        def answer_to(self, method, path):
            names = [orjson.loads(line)["index"]["_id"] for line in lines(self.requests[-1])]
            return refusal(500) if poison in names else Answer(items(*[OK] * len(names)))

    return Poisoned()


def lines(request):
    return request.body.splitlines()[::2]


@pytest.mark.parametrize("poison", "adh")
def test_one_document_that_spoils_whole_requests_is_found_and_refused_alone(poison):
    clock = Naps()
    with failing_with(poison) as server:
        sent = sender_to(server, clock).send([ready(name) for name in "abcdefgh"])
    assert [one.document.id for one in sent.refused] == [poison]
    assert sorted(one.id for one in sent.written) == sorted(set("abcdefgh") - {poison})
    assert (sent.error, sum(clock.taken) < 20) == (None, True)


def test_a_server_that_fails_on_everything_blames_no_document():
    run = Run("abc", refusal(500))
    assert sorted(run.unsent) == ["a", "b", "c"]
    assert (run.refused, sum(run.naps)) == ({}, PATIENCE)
    assert "document 'a' of " in str(run.error)


def test_through_an_alias_no_index_is_made_by_chance():
    with FakeServer({("POST", "/films-1-writes/_bulk"): items(OK)}) as server:
        requests = Requests(server.client(), Patience(clock=Naps()))
        Sender(requests, "films-1", alias="films-1-writes").send([ready("a")])
    assert "require_alias=true" in server.requests[0].query


def test_a_block_in_which_nobody_knows_where_the_alias_leads_is_waited_for_as_well():
    script = {
        ("POST", "/films-1/_bulk"): (items(NO_MASTER), items(OK)),
        ("GET", "/films"): refusal(503, "master_not_discovered_exception"),
    }
    with FakeServer(script) as server:
        requests = Requests(server.client(), Patience(clock=Naps()))
        sent = Sender(requests, "films-1", name="films").send([ready("a")])
    assert ([one.id for one in sent.written], sent.error) == (["a"], None)
