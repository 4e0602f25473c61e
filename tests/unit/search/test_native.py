"""Who fuses: Elasticsearch where its licence allows it and it can, es_hybrid everywhere else.

A licensed server cannot be run here, so that recorded answers of one are played (`tests.replay`
says what that proves and what not). Everything that es_hybrid asks a real server instead is in
tests/integration/test_native_parity.py.
"""

import asyncio

import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid import AsyncSearcher, Searcher
from es_hybrid.errors import IndexNotFound, LicenceMissing, RequestRefused, UsageError
from es_hybrid.refusals import failure
from es_hybrid.search.native import is_refusal
from tests.recordings import Inexpressible, answers, bits, cases, hits, missing, search
from tests.replay import (
    BASIC,
    FORBIDDEN,
    LICENSE,
    MSEARCH,
    NODE,
    NOT_TOLD,
    ROOT,
    SERVERLESS,
    TRIAL,
    Replay,
    cluster,
    licence,
    refusal,
)

pytestmark = missing

# Searches that a call means, and that are sent otherwise than they were recorded.
SENT_OTHERWISE = {
    "rrf1_single_leg@n1": "one leg is not fused",
    "rrf1_single_leg@n3": "one leg is not fused",
    "rrf2_fields_form@n1": "one leg is not fused",
    "rrf2_fields_form@n3": "one leg is not fused",
    "rrf2_fields_form_boost@n3": "one leg is not fused",
    "lin2_fields_form@n1": "one leg is not fused",
    "lin2_fields_form@n3": "one leg is not fused",
    "rrf2_explain@n1": "what es_hybrid says of a hit needs the legs' own answers",
    "rrf2_named_no_explain@n1": "legs are sent without their names",
    "rrf2_track_total_hits_false@n3": "Elasticsearch counts up to 10,000",
    "rrf2_track_total_hits_5@n3": "Elasticsearch counts up to 10,000",
    "rrf2_leg_filter_only@n1": "a leg that only selects is a query with a filter",
    "rrf2_leg_filter_only@n3": "a leg that only selects is a query with a filter",
}

LICENSED = cluster() | TRIAL

# One of each method, whose legs have no filters, so that they are recorded as they are asked here.
RRF, LINEAR = "rrf3@n1", "lin2_minmax_weights@n1"

REFUSALS = ["basic_rrf", "basic_msearch_rrf", "basic_linear", "nomodule_rrf", "nomodule_linear"]
INSIDE = ["basic_rrf_inside_rescorer", "nomodule_rrf_inside_rescorer"]
NO_REFUSAL = ["basic_standard_retriever", "nomodule_rank_rrf", "trial_again"]


def fused():
    """Names of recorded rrf and linear searches that a call means and that were answered."""
    names = []
    for name, case in cases().items():
        if case["status"] != 200 or set(case["request"]["retriever"]) & {"standard", "knn"}:
            continue
        try:
            search(case)
        except Inexpressible:
            continue
        names.append(name)
    return names


# Refused here before anything is sent; tests/integration/test_native_parity.py says why.
STRICTER = [
    *("rrf2_page_25_5@n1", "rrf2_page_25_5@n3", "rrf2_min_score_002@n1", "rrf2_min_score_002@n3"),
    *("err_min_score_negative@n1", "err_window_zero@n1", "rrf2_wildcard_no_index@zz*"),
    *("err_rank_constant_zero@n1", "err_rank_constant_float@n1"),
]
SENT = [name for name in fused() if name not in {*SENT_OTHERWISE, *STRICTER}]


def asked(server, name, *, client=None, fusion="auto", **options):
    """Carry out a recorded case."""
    found = search(cases()[name])
    client = client or server.client()
    searcher = Searcher(client, found.names, routing=found.routing, fusion=fusion)
    return searcher.search(**found.options | options)


def ours(result):
    return [(hit.index, hit.id, bits(hit.score)) for hit in result]


def paths(server):
    return [one.path for one in server.requests]


def retrievers(server):
    """For every request of searches, how many of them were left to Elasticsearch."""
    return [sum("retriever" in body for _, body in one) for one in server.sent(MSEARCH)]


@pytest.mark.parametrize("fusion", ["native", "auto"])
@pytest.mark.parametrize("name", SENT)
def test_a_native_search_is_sent_and_read_as_it_was_recorded(name, fusion):
    case = cases()[name]
    with Replay(case, script=LICENSED) as server:
        result = asked(server, name, fusion=fusion)
    assert (ours(result), retrievers(server)) == (hits(case["response"]), [1])
    assert vars_of(result.total) == case["response"]["hits"]["total"]
    assert result.aggregations == case["response"].get("aggregations", {})


def vars_of(total):
    return {"value": total.value, "relation": total.relation}


def test_highlights_come_with_the_native_hits():
    case = cases()["rrf2_highlight@n1"]
    with Replay(case, script=LICENSED) as server:
        result = asked(server, case["name"])
    assert result.fusion == "native"
    recorded = case["response"]["hits"]["hits"]
    assert [hit.highlight for hit in result] == [hit.get("highlight", {}) for hit in recorded]


@pytest.mark.parametrize("name", SENT_OTHERWISE)
def test_what_is_sent_otherwise_is_listed(name):
    differs = pytest.raises((RequestRefused, UsageError), match=r"recorded|cannot do this")
    with Replay(cases()[name], script=LICENSED) as server, differs:
        asked(server, name, fusion="native")


@pytest.mark.parametrize("name", STRICTER)
def test_what_is_refused_here_is_not_sent(name):
    refused = pytest.raises((UsageError, IndexNotFound))
    with Replay(cases()[name], script=LICENSED) as server, refused:
        asked(server, name, fusion="native")
    assert MSEARCH not in paths(server)


def test_every_recorded_fusion_is_played_or_listed():
    assert {*SENT, *SENT_OTHERWISE, *STRICTER} == set(fused())
    assert len(SENT) == 117


@pytest.mark.parametrize("name", [RRF, LINEAR])
@pytest.mark.parametrize(
    "script",
    [
        TRIAL,
        licence("enterprise"),
        NOT_TOLD,
        {LICENSE: FORBIDDEN},
        {NODE: FORBIDDEN, **TRIAL},
        SERVERLESS,
    ],
    ids=["trial", "enterprise", "not told", "no licence told", "no node told", "serverless"],
)
def test_elasticsearch_fuses_where_nothing_speaks_against_it(name, script):
    with Replay(cases()[name], script=cluster() | script) as server:
        result = asked(server, name)
    assert (result.fusion, retrievers(server)) == ("native", [1])
    assert ours(result) == hits(cases()[name]["response"])


@pytest.mark.parametrize("name", [RRF, LINEAR])
@pytest.mark.parametrize(
    "script",
    [
        cluster() | BASIC,
        cluster() | licence("platinum"),
        cluster() | licence("enterprise", "expired"),
        cluster() | licence("trial", "expired"),
        cluster(modules=("x-pack-core",)) | TRIAL,
    ],
    ids=["basic", "platinum", "expired", "trial over", "no module"],
)
def test_es_hybrid_fuses_where_it_is_known_that_elasticsearch_will_not(name, script):
    with Replay(cases()[name], script=script) as server:
        result = asked(server, name, exact_totals=False)
    assert (result.fusion, retrievers(server)) == ("client", [0])
    assert ours(result) == hits(cases()[name]["response"])


@pytest.mark.parametrize(
    ("version", "options", "able"),
    [
        ("8.19.21", {}, True),
        ("8.19.21", {"weights": {"standard0": 2}}, False),
        ("9.1.0", {"weights": {"standard0": 2}}, False),
        ("9.2.0", {"weights": {"standard0": 2}}, True),
        ("9.0.4", {"method": "linear", "normalizer": "l2_norm"}, False),
        ("9.1.0", {"method": "linear", "normalizer": "l2_norm"}, True),
        ("9.0.4", {"method": "linear", "normalizer": "minmax"}, True),
        ("9.0.4", {"method": "linear", "min_score": 0.5}, False),
        ("9.1.0", {"method": "linear", "min_score": 0.5}, True),
        ("9.5.0", {"timeout": "1s"}, False),
        ("9.5.0", {"explain": True}, False),
        ("9.5.0", {"allow_partial": True}, False),
    ],
)
def test_native_fusion_is_refused_what_its_version_cannot_do(version, options, able):
    said = r"not_recorded" if able else r"fusion 'native' cannot do this.*take 'auto' or 'client'"
    refused = pytest.raises((UsageError, RequestRefused), match=said)
    with Replay(cases()[RRF], script=cluster(version) | TRIAL) as server, refused:
        asked(server, RRF, fusion="native", **{"window": 49, **options})  # recorded with 50
    assert retrievers(server) == [1] * able


@pytest.mark.parametrize(
    ("version", "fusion"),
    [("8.19.21", "client"), ("9.2.6", "client"), ("9.3.0", "native"), ("10.0.0", "native")],
)
def test_a_server_that_hides_failing_shards_of_a_leg_is_not_left_to_fuse(version, fusion):
    with Replay(cases()[RRF], script=cluster(version) | TRIAL) as server:
        result = asked(server, RRF, exact_totals=False)
    assert result.fusion == fusion
    assert ours(result) == hits(cases()[RRF]["response"])


@pytest.mark.parametrize("name", [RRF, LINEAR])
@pytest.mark.parametrize("said", REFUSALS)
def test_a_refusal_of_native_fusion_is_met_once_and_remembered(name, said):
    with Replay(cases()[name], script=cluster() | NOT_TOLD, refusal=refusal(said)) as server:
        client = server.client()
        results = [asked(server, name, client=client, exact_totals=False) for _ in range(3)]
    assert [result.fusion for result in results] == ["client"] * 3
    assert retrievers(server) == [1, 0, 0, 0]
    assert {*map(tuple, map(ours, results))} == {tuple(hits(cases()[name]["response"]))}


@pytest.mark.parametrize("said", REFUSALS)
def test_native_fusion_that_is_insisted_on_is_an_error_with_the_way_out(said):
    error = pytest.raises(LicenceMissing, match=r"no native fusion.*Take fusion 'auto'")
    script = cluster() | NOT_TOLD
    with Replay(cases()[RRF], script=script, refusal=refusal(said)) as server, error:
        asked(server, RRF, fusion="native")
    assert retrievers(server) == [1]


def test_a_trial_that_ends_breaks_no_search():
    with Replay(cases()[RRF], script=LICENSED) as server:
        client = server.client()
        before = asked(server, RRF, client=client, exact_totals=False)
        server.refusal = refusal("basic_rrf")
        after = [asked(server, RRF, client=client, exact_totals=False) for _ in range(2)]
    assert [one.fusion for one in (before, *after)] == ["native", "client", "client"]
    assert ours(before) == ours(after[0]) == ours(after[1])
    assert retrievers(server) == [1, 1, 0, 0]


def test_searches_in_one_round_trip_fall_back_together():
    both = [{**search(cases()[name]).options, "exact_totals": False} for name in (RRF, LINEAR)]
    played = cases()[RRF], cases()[LINEAR]
    with Replay(*played, script=LICENSED, refusal=refusal("basic_msearch_rrf")) as server:
        results = Searcher(server.client(), "n1").search_many(both)
    assert retrievers(server) == [2, 0]
    assert [ours(one) for one in results] == [hits(case["response"]) for case in played]


def test_native_searches_share_a_round_trip():
    both = [search(cases()[name]).options for name in (RRF, LINEAR)]
    played = cases()[RRF], cases()[LINEAR]
    with Replay(*played, script=LICENSED) as server:
        results = Searcher(server.client(), "n1").search_many(both)
    assert retrievers(server) == [2]
    assert [ours(one) for one in results] == [hits(case["response"]) for case in played]


def test_what_a_server_can_is_read_once_for_a_client_and_those_derived_from_it():
    with Replay(cases()[RRF], script=LICENSED) as server:
        client = server.client()
        for one in (client, client, client.options(request_timeout=5), client.options()):
            asked(server, RRF, client=one)
    read = [path for path in paths(server) if path in {"/", NODE[1], LICENSE[1]}]
    assert read == [ROOT[1], NODE[1], LICENSE[1]]


def test_another_client_reads_for_itself():
    with Replay(cases()[RRF], script=LICENSED) as server:
        for _ in range(2):
            asked(server, RRF)
    assert paths(server).count(LICENSE[1]) == 2


def test_a_search_that_is_fused_here_reads_nothing_of_the_server():
    with Replay(cases()[RRF], script={}) as server:
        asked(server, RRF, fusion="client", exact_totals=False)
    assert paths(server) == ["/n1", MSEARCH]


def test_callers_that_await_fall_back_as_well():
    options = {**search(cases()[RRF]).options, "exact_totals": False}

    async def searched():
        async with AsyncElasticsearch(server.url) as client:
            return await AsyncSearcher(client, "n1").search(**options)

    with Replay(cases()[RRF], script=LICENSED, refusal=refusal("basic_rrf")) as server:
        result = asyncio.run(searched())
    assert (result.fusion, retrievers(server)) == ("client", [1, 0])
    assert ours(result) == hits(cases()[RRF]["response"])


def test_another_error_of_a_native_search_is_an_error():
    failed = cases()["err_leg_bad_query@n1"]
    error = pytest.raises(RequestRefused, match="Encountered")
    with Replay(failed, script=LICENSED) as server, error:
        asked(server, failed["name"])
    assert retrievers(server) == [1]


@pytest.mark.parametrize("name", [*REFUSALS, *INSIDE, *NO_REFUSAL])
def test_a_refusal_is_known_wherever_it_is_said(name):
    said = answers()[name]
    error = failure(said["status"], said["response"], what="POST /_msearch", url="here")
    assert is_refusal(error) == (name not in NO_REFUSAL)
