"""Faults while an existing index is read: the run goes on where it was, or says how to go on."""

import signal
from collections import Counter

import pytest
from elasticsearch import Elasticsearch

from es_hybrid import anomalies as anomaly
from es_hybrid import labelling
from es_hybrid.anomalies import anomalies
from es_hybrid.client import path, request
from es_hybrid.clusters import clusters
from es_hybrid.errors import (
    AccessDenied,
    IndexNotFound,
    RequestRefused,
    ServerUnreachable,
    TooManyRejected,
)
from es_hybrid.existing import adopt, enrich, enrich_into, rebuild, survey
from es_hybrid.labelling import classify
from es_hybrid.vector_stream import batches, vector_index
from es_hybrid.write_back import write_back
from tests.embedders import WordEmbedder
from tests.faults import acts
from tests.faults.conftest import STARTS, Restart
from tests.faults.existing import DIMS, DOCUMENTS, Reading
from tests.faults.proxy import Always, Rule
from tests.foreign import TEXT_FIELDS

PAGE = "POST /_search"
BUSY = {"error": {"type": "es_rejected_execution_exception", "reason": "queue"}, "status": 429}
MOVING = {"error": {"type": "no_shard_available_action_exception", "reason": "no"}, "status": 503}
PASSING = {
    "429 of a page": acts.answered(429, BUSY),
    "429 with Retry-After": acts.answered(429, BUSY, Retry_After="1"),
    "503 of a page": acts.answered(503, MOVING),
    "502 of a load balancer": acts.answered(502, acts.HTML),
    "200 with a page of HTML": acts.answered(200, acts.HTML),
    "200 with something else": acts.answered(200, {"took": 1}),
    "refused mid-scan then back": acts.refused(0.7),
    "reset before body": acts.reset_before_body,
    "reset after body before answer": acts.reset_after_body,
    "half-open silence": acts.silence(3),
    "1 byte/s answer": acts.trickle(4),
    "truncated answer": acts.truncated,
    "a hit short": acts.a_hit_short,
    "point in time lost": acts.point_in_time_closed,
}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """Many small pages instead of a few large ones."""
    for limit in ("_FIRST", "_MOST"):
        monkeypatch.setattr(f"es_hybrid.indexing.pages.{limit}", 20)


@pytest.fixture
def wines(node, es, proxy, name):
    """An index of wines, behind the proxy."""
    with Reading(es=es, proxy=proxy, name=name) as made:
        made.begin()
        yield made
    with Elasticsearch(node.url, request_timeout=30) as es:  # perhaps not where it was before
        for index in request(es, "GET", path(f"{name}*"), params={"expand_wildcards": "all"}):
            request(es, "DELETE", path(index))


@pytest.fixture
def versioned(wines):
    """The same behind an alias, with vectors."""
    enrich_into(
        wines.es, wines.name, f"{wines.name}-new", text_fields=TEXT_FIELDS, embedder=wines.embedder
    )
    wines.embedder.made.clear()
    return wines


def enriched(wines, **options):
    options = {"text_fields": TEXT_FIELDS, "embedder": wines.embedder, **options}
    return enrich(wines.client, wines.name, **options).to_dict()


def in_pages(fault, seed):
    """A fault of two pages in the middle of the scan, one after another."""
    return Rule(fault, PASSING[fault], at=range(5 + seed, 7 + seed), on=PAGE)


@pytest.mark.parametrize("fault", PASSING)
def test_in_place_every_document_gets_its_vector_once(wines, fault, seed):
    wines.follow(in_pages(fault, seed))
    report = enriched(wines)
    assert wines.in_mid_run(fault)
    assert wines.wrong(wines.name, report) == []
    assert set(wines.embedder.made.values()) == {1}


# Who reads in the same way is tried with one fault of each kind.
OF_EACH_KIND = (
    *("429 with Retry-After", "refused mid-scan then back", "reset after body before answer"),
    *("truncated answer", "a hit short", "point in time lost"),
)


@pytest.mark.parametrize("fault", OF_EACH_KIND)
def test_a_new_version_has_every_document_once(versioned, fault, seed):
    name, other = f"{versioned.name}-new", WordEmbedder(64)
    versioned.follow(in_pages(fault, seed))
    report = rebuild(versioned.client, name, embedder=other).to_dict()
    assert versioned.in_mid_run(fault)
    assert versioned.wrong(name, report, embedder=other) == []


@pytest.mark.parametrize("fault", OF_EACH_KIND)
def test_a_copy_has_every_document_once(wines, fault, seed):
    into = f"{wines.name}-new"
    wines.follow(in_pages(fault, seed))
    options = {"text_fields": TEXT_FIELDS, "embedder": wines.embedder}
    report = enrich_into(wines.client, wines.name, into, **options).to_dict()
    assert wines.in_mid_run(fault)
    assert wines.wrong(into, report) == []


@pytest.mark.parametrize("fault", OF_EACH_KIND)
def test_status_counts_every_document_once(versioned, fault, seed):
    versioned.follow(in_pages(fault, seed))
    found = survey(versioned.client, f"{versioned.name}-new")
    assert versioned.in_mid_run(fault)
    assert (found.documents, found.current, found.complete) == (DOCUMENTS, DOCUMENTS, True)


@pytest.mark.parametrize("fault", OF_EACH_KIND)
def test_every_vector_is_streamed_once(versioned, fault, seed):
    versioned.follow(in_pages(fault, seed))
    index = vector_index(versioned.client, f"{versioned.name}-new")
    read = Counter(one for batch in batches(versioned.client, index) for one in batch.ids)
    assert versioned.in_mid_run(fault)
    assert read == {str(number): 1 for number in range(DOCUMENTS)}


COMMANDS = {
    "enrich": lambda wines: enriched(wines),
    "enrich --into": lambda wines: enrich_into(
        wines.client,
        wines.name,
        f"{wines.name}-other",
        text_fields=TEXT_FIELDS,
        embedder=wines.embedder,
    ),
    "rebuild": lambda wines: rebuild(wines.client, f"{wines.name}-new", embedder=WordEmbedder(64)),
    "status": lambda wines: survey(wines.client, f"{wines.name}-new"),
}
DENIED = {"error": {"type": "security_exception", "reason": "unauthorized"}}
REFUSALS = {
    "401 mid-scan": acts.answered(401, DENIED | {"status": 401}),
    "403 mid-scan": acts.answered(403, DENIED | {"status": 403}),
}


@pytest.mark.parametrize("fault", REFUSALS)
@pytest.mark.parametrize("command", COMMANDS)
def test_who_may_not_read_any_more_is_told_at_once(versioned, command, fault, seed):
    versioned.follow(Rule(fault, REFUSALS[fault], at=range(4 + seed, 20), on=PAGE))
    with pytest.raises(AccessDenied, match="--api-key"):
        COMMANDS[command](versioned)
    assert versioned.in_mid_run(fault)
    assert versioned.proxy.times(fault) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_never_answered_is_not_waited_for(versioned, command):
    versioned.proxy.close_for(None)
    with pytest.raises(ServerUnreachable, match="--url"):
        COMMANDS[command](versioned)


AT_FIRST = ("503 of a page", "reset before body")


@pytest.mark.parametrize("fault", AT_FIRST)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_look_at_an_index_is_waited_for(versioned, command, fault):
    rule = Rule(fault, PASSING[fault], at={1, 2}, on=rf"GET /{versioned.name}(-new)?(\?|$)")
    versioned.follow(rule)
    COMMANDS[command](versioned)
    assert versioned.proxy.times(fault) == 2


@pytest.mark.parametrize("fault", AT_FIRST)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_point_in_time_that_cannot_be_opened_now_is_waited_for(versioned, command, fault):
    versioned.follow(Rule(fault, PASSING[fault], at={1, 2}, on=r"POST /.+/_pit"))
    COMMANDS[command](versioned)
    assert versioned.proxy.times(fault) == 2


# Requests that change something, of which the node did what nobody was told.
UNTOLD = {
    "the mapping": r"PUT /.+/_mapping",
    "a new index": r"PUT /[^/]+-new-000002",
    "the alias": r"POST /_aliases",
    "the block": r"PUT /.+/_block/write",
    "how many there are": r"GET /.+/_count",
}


@pytest.mark.parametrize("lost", UNTOLD)
def test_a_new_version_takes_over_although_an_answer_is_lost_of(versioned, lost):
    name, other = f"{versioned.name}-new", WordEmbedder(64)
    versioned.follow(Rule(lost, acts.reset_after_body, at={1}, on=UNTOLD[lost]))
    report = rebuild(versioned.client, name, embedder=other).to_dict()
    assert versioned.proxy.times(lost) == 1
    assert versioned.wrong(name, report, embedder=other) == []


@pytest.mark.parametrize("fault", AT_FIRST)
@pytest.mark.parametrize("on", [r"GET /[^/]+-other\?", r"POST /.+/_search", r"PUT /.+/_mapping"])
def test_vectors_are_adopted_although_an_answer_does_not_come(wines, fault, on):
    ready = wines.with_vectors(60)
    wines.follow(Rule(fault, PASSING[fault], at={1, 2}, on=on))
    embedder = WordEmbedder(DIMS)
    found = adopt(wines.client, ready, vector_field="v", embedder=embedder, text_fields=TEXT_FIELDS)
    assert wines.proxy.times(fault) == 2
    assert (found.sampled, found.agreed) == (50, 50)


def test_what_is_waited_for_is_told_while_a_page_does_not_come(wines, seed, monkeypatch):
    monkeypatch.setattr("es_hybrid.indexing.patience._QUIET_PAUSES", 0)
    told = []
    long = Rule("503", PASSING["503 of a page"], at=range(5 + seed, 10 + seed), on=PAGE)
    wines.follow(long)
    enriched(wines, progress=lambda progress: told.append(progress.waiting))
    assert any("no_shard_available" in one for one in told)
    assert told[-1] == ""


def test_after_its_patience_a_scan_stops_and_the_next_run_goes_on(wines, seed):
    fault = "503 for ever"
    wines.follow(Rule(fault, PASSING["503 of a page"], at=Always(5 + seed), on=PAGE))
    with pytest.raises(RequestRefused, match="run the same command again"):
        enriched(wines, patience=1.0)
    assert wines.in_mid_run(fault)
    before = len(wines.proxy.acknowledged)
    wines.follow()
    report = enriched(wines)
    assert (report["unchanged"], wines.wrong(wines.name, report)) == (before, [])


LOOKED_AT = {
    "anomalies": lambda wines, name: anomalies(
        wines.client, name, anomaly.Options(method="mean"), patience=1.0
    ),
    "clusters": lambda wines, name: clusters(wines.client, name, patience=1.0),
    "classify": lambda wines, name: classify(
        wines.client, name, labelling.Options(examples="changed"), patience=1.0
    ),
}


@pytest.mark.parametrize("command", LOOKED_AT)
def test_what_is_looked_at_is_waited_for_no_longer_than_it_is_to(versioned, command, seed):
    fault = "503 for ever"
    versioned.follow(Rule(fault, PASSING["503 of a page"], at=Always(5 + seed), on=PAGE))
    with pytest.raises(RequestRefused, match="That lasted for 1 s"):
        LOOKED_AT[command](versioned, f"{versioned.name}-new")
    assert versioned.in_mid_run(fault)


def test_what_is_written_back_waits_no_longer_than_it_is_to(versioned, seed):
    index = vector_index(versioned.client, f"{versioned.name}-new")
    fault = "503 for ever"
    versioned.follow(Rule(fault, PASSING["503 of a page"], at=Always(5 + seed), on=PAGE))
    with pytest.raises(RequestRefused, match="That lasted for 1 s"):
        write_back(
            versioned.client, index, "seen", lambda ids, _: [{"n": 1}] * len(ids), patience=1.0
        )
    assert versioned.in_mid_run(fault)


def test_a_node_that_is_killed_and_restarted_in_mid_scan_is_gone_on_with(wines, node, seed):
    signal.alarm(STARTS)

    restart = Restart(node, wines.proxy)
    fault = "node killed and restarted"
    wines.follow(Rule(fault, acts.meanwhile(restart), at={5 + seed}, on=PAGE))
    report = enriched(wines, patience=STARTS)
    restart.wait()
    assert wines.in_mid_run(fault)
    with Elasticsearch(node.url, request_timeout=30) as wines.es:
        assert wines.wrong(wines.name, report) == []
    assert set(wines.embedder.made.values()) == {1}


@pytest.mark.parametrize("outage", [1, 12], ids=["at once", "in an outage"])
def test_an_index_that_another_one_took_the_place_of_is_not_gone_on_with(versioned, seed, outage):
    index = f"{versioned.name}-new-000001"

    def another():
        request(versioned.es, "DELETE", path(index))
        request(versioned.es, "PUT", path(index))

    fault = "deleted and made anew"
    anew = Rule(fault, acts.meanwhile(another, told=MOVING), at={5 + seed}, on=PAGE)
    busy = Rule("503", acts.answered(503, MOVING), at=range(6, 5 + outage), on=PAGE)
    versioned.follow(anew, busy)
    with pytest.raises(IndexNotFound, match="run the same command again"):
        survey(versioned.client, index)
    assert versioned.in_mid_run(fault)


def test_a_copy_that_takes_no_document_ends_soon(wines):
    refusal = (400, {"type": "document_parsing_exception", "reason": "scripted"})
    every = acts.items_refused({0: refusal}, others=False)
    wines.follow(Rule("refused", every, at=Always(), on="_bulk"))
    options = {"text_fields": TEXT_FIELDS, "embedder": wines.embedder, "max_rejected": 20}
    with pytest.raises(TooManyRejected, match="cannot be written"):
        enrich_into(wines.client, wines.name, f"{wines.name}-other", **options)
    assert 20 < len(wines.proxy.shown) < DOCUMENTS
