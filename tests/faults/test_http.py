"""Faults of a whole request: what an overloaded, broken or strict server or proxy answers."""

import pytest

from es_hybrid.errors import AccessDenied, RequestRefused, ServerError, ServerUnreachable
from tests.faults import acts
from tests.faults.checks import letters, plan
from tests.faults.proxy import Always, Rule

PASSING = {
    "429 whole request with Retry-After": acts.answered(429, retry_after="1"),
    "429 whole request without Retry-After": acts.answered(429),
    "502": acts.answered(502, acts.HTML),
    "503": acts.answered(503),
    "504": acts.answered(504, acts.HTML),
    "500 with HTML body": acts.answered(500, acts.HTML),
    "200 with truncated JSON": acts.truncated,
    "200 with wrong item count": acts.an_item_short,
}
ON_THE_WAY = {
    "refused mid-run then back": acts.refused(0.7),
    "429 whole request with Retry-After": acts.answered(429, retry_after="1"),
    "502": acts.answered(502, acts.HTML),
    "503": acts.answered(503),
    "reset before body": acts.reset_before_body,
    "half-open silence": acts.silence(3),
}
STOPPING = {
    "401 mid-run": (acts.answered(401), AccessDenied, "--api-key"),
    "403": (acts.answered(403), AccessDenied, "privilege"),
    "503 for longer than patience": (acts.answered(503), RequestRefused, "run again"),
    "silence for longer than patience": (
        acts.reset_before_body,
        ServerUnreachable,
        "run again",
    ),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_by_itself_is_sent_again_and_nothing_is_lost(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)
    report = scene.ingest(planned, Rule(fault, PASSING[fault], at=range(3 + seed, 6 + seed)))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_what_passes_by_itself_also_passes_while_records_are_compared(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)
    report = scene.ingest(planned, comparing(fault, seed))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_a_run_that_stopped_while_records_are_compared_is_made_good(scene, fault, seed):
    planned = plan(seed)
    scene.options["patience"] = 0.0
    scene.begin(planned)
    with pytest.raises(ServerError, match="so the run stops: "):
        scene.ingest(planned, comparing(fault, seed))
    assert scene.in_mid_run(fault, planned)
    scene.proxy.open_again()
    assert scene.wrong(planned, scene.ingest(planned)) == []


def comparing(fault, seed=0):
    """The fault, for as long as a server restarts, of the requests that ask what is there."""
    return Rule(fault, ON_THE_WAY[fault], at=range(3 + seed, 9 + seed), on="_mget")


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_may_not_compare_stop_the_run_at_once(scene, status, seed):
    planned = plan(seed)
    scene.begin(planned)
    rule = Rule(f"{status} of _mget", acts.answered(status), at=Always(3), on="_mget")
    with pytest.raises(AccessDenied, match="--api-key"):
        scene.ingest(planned, rule)
    assert scene.proxy.times(rule.fault) == 1
    assert scene.wrong(planned, scene.ingest(planned)) == []


def test_while_records_are_compared_the_wait_is_told(scene):
    planned, told = plan(0), []
    scene.begin(planned)
    rule = Rule("503 of _mget", acts.answered(503), at=range(3, 12), on="_mget")
    report = scene.ingest(planned, rule, progress=lambda one: told.append(one.waiting))
    assert any("503" in waiting for waiting in told)
    assert (told[-1], scene.wrong(planned, report)) == ("", [])


@pytest.mark.parametrize("place", [60, 183, 239])
def test_a_document_that_spoils_whole_requests_is_a_dead_letter_alone_500(scene, place, seed):
    planned = plan(seed)
    poison = next(one for one in planned.records if one["n"] == place)
    poison["text"] += " venom"
    planned.lost = {place}
    scene.begin(planned)
    report = scene.ingest(planned, Rule("500", acts.failing_on(b"venom"), at=Always()))
    assert scene.wrong(planned, report) == []
    assert letters(scene.dead) == dict.fromkeys(planned.lost | planned.rejected, 1)


@pytest.mark.parametrize("fault", STOPPING)
def test_what_stops_a_run_is_made_good_by_the_same_command(scene, fault, seed):
    planned = plan(seed)
    act, error, way_out = STOPPING[fault]
    scene.options["patience"] = 2.0
    scene.begin(planned)
    with pytest.raises(error, match=way_out):
        scene.ingest(planned, Rule(fault, act, at=Always(17 + seed)))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, scene.ingest(planned)) == []
    assert letters(scene.dead) == dict.fromkeys(planned.rejected, 1)


def test_a_request_that_is_too_large_is_halved_413(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    too_large = Rule("413", acts.answered(413), at=Always(3 + seed), above=1500)
    report = scene.ingest(planned, too_large)
    assert scene.in_mid_run("413", planned)
    assert scene.wrong(planned, report) == []


def test_a_document_that_is_too_large_alone_is_a_dead_letter_413(scene, seed):
    planned = plan(seed)
    planned.records[99]["text"] = "sea " * 1000
    planned.lost = {planned.records[99]["n"]}
    scene.begin(planned)
    report = scene.ingest(planned, Rule("413", acts.answered(413), at=Always(), above=4000))
    assert scene.in_mid_run("413", planned)
    assert scene.wrong(planned, report) == []
    assert letters(scene.dead).keys() == planned.lost | planned.rejected
