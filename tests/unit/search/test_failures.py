"""Every failure is an error with a name, or is said: the documented answers are replayed."""

import json

import pytest

from es_hybrid import Searcher
from es_hybrid.contract import Contract, probe
from es_hybrid.errors import (
    AccessDenied,
    IndexNotFound,
    PartialAnswer,
    RequestRefused,
    ServerError,
    ServerUnreachable,
    UsageError,
)
from es_hybrid.mapping import index_body
from es_hybrid.search import Leg
from tests.embedders import WordEmbedder
from tests.fakes import Answer, FakeServer

WORDS = WordEmbedder()
BODY = index_body(Contract(WORDS.info, ("title", "text"), "standard", "int8_hnsw", probe(WORDS)))
INDEX, MSEARCH = ("GET", "/films"), ("POST", "/_msearch")
FILMS = {"films-000001": {"mappings": json.loads(json.dumps(BODY["mappings"]))}}


def leg(*ids, **more):
    hits = [
        {"_index": "films-000001", "_id": i, "_score": 1.0, "_source": {}, "sort": [1.0, ord(i)]}
        for i in ids
    ]
    total = {"value": len(ids), "relation": "eq"}
    return {"status": 200, "hits": {"total": total, "hits": hits}, **more}


def failed(status, kind, reason="because"):
    return {"status": status, "error": {"type": kind, "reason": reason}}


def answers(*responses):
    return {"responses": list(responses)}


TOO_BUSY = failed(429, "es_rejected_execution_exception", "queue is full")
NO_SHARD = failed(503, "no_shard_available_action_exception", "all shards failed")
LOST = {
    "_shards": {
        "total": 2,
        "successful": 1,
        "failed": 1,
        "failures": [{"shard": 1, "reason": {"type": "io", "reason": "disk is gone"}}],
    }
}
GOOD = answers(leg("b", "a"), leg("c", "b"))


@pytest.fixture
def server():
    with FakeServer({INDEX: FILMS, MSEARCH: GOOD}) as fake:
        yield fake


def searcher(server, **options):
    return Searcher(server.client(), "films", **{"embedder": WORDS, "fusion": "client"} | options)


def ids(result):
    return [hit.id for hit in result]


@pytest.mark.parametrize(
    ("second", "error", "said"),
    [
        (TOO_BUSY, RequestRefused, "leg 'knn' of a search.*queue is full.*429"),
        (NO_SHARD, RequestRefused, "all shards failed.*503"),
        (failed(400, "parsing_exception"), RequestRefused, "leg 'knn'.*parsing_exception"),
        (failed(403, "security_exception"), AccessDenied, "leg 'knn'"),
        (failed(404, "index_not_found_exception"), IndexNotFound, "leg 'knn'"),
        ({"error": "no status, no type"}, RequestRefused, "no status, no type"),
        (leg("a", **LOST), PartialAnswer, "leg knn: 1 of 2 shards failed.*disk is gone"),
        (leg("a", timed_out=True), PartialAnswer, "leg knn: it was cut off by its timeout"),
    ],
)
def test_a_leg_that_fails_is_an_error_and_with_allow_partial_is_said(server, second, error, said):
    server.script[MSEARCH] = answers(leg("b", "a"), second)
    with pytest.raises(error, match=said):
        searcher(server).search("shark")
    result = searcher(server).search("shark", allow_partial=True)
    assert ids(result)[0] in {"a", "b"}
    assert [reason.partition(":")[0] for reason in result.degraded] == ["leg knn"]


def test_all_legs_failing_is_an_error_even_with_allow_partial(server):
    server.script[MSEARCH] = answers(TOO_BUSY, NO_SHARD)
    with pytest.raises(RequestRefused, match=r"leg 'bm25'.*queue is full"):
        searcher(server).search("shark", allow_partial=True)


def test_a_whole_answer_is_not_degraded(server):
    assert searcher(server).search("shark", allow_partial=True).degraded == ()


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(TOO_BUSY, status=429), RequestRefused),
        (Answer(NO_SHARD, status=503), RequestRefused),
        (Answer(failed(500, "null_pointer_exception"), status=500), RequestRefused),
        (Answer(failed(401, "security_exception"), status=401), AccessDenied),
        (Answer(drop=True), ServerUnreachable),
        (Answer("<html>sign in</html>", content_type="text/html"), ServerUnreachable),
        (Answer('{"responses": [', content_type="application/json"), ServerUnreachable),
        (Answer("[]"), ServerUnreachable),
        (Answer({}), ServerUnreachable),
        (Answer({"responses": None}), ServerUnreachable),
        (Answer(answers()), ServerUnreachable),
        (Answer(answers(leg("a"))), ServerUnreachable),
        (Answer(answers(leg("a"), leg("b"), leg("c"))), ServerUnreachable),
        (Answer(answers(leg("a"), None)), ServerUnreachable),
        (Answer(answers(leg("a"), {})), ServerUnreachable),
        (Answer(answers(leg("a"), {"hits": []})), ServerUnreachable),
        (Answer(answers(leg("a"), {"hits": {"hits": [{}]}})), ServerUnreachable),
        (Answer(answers(leg("a"), {"hits": {"hits": ["a"]}})), ServerUnreachable),
        (
            Answer(answers(leg("a"), {"hits": {"hits": [{"_index": "i", "_id": "1"}]}})),
            ServerUnreachable,
        ),
    ],
)
def test_an_answer_that_is_none_has_a_name(server, answer, error, partial):
    server.script[MSEARCH] = answer
    with pytest.raises(error):
        searcher(server).search("shark", allow_partial=partial)


@pytest.mark.parametrize("method", ["rrf", "linear", "adaptive"])
@pytest.mark.parametrize("part", ["_score", "sort"])
def test_a_hit_without_what_fusion_needs_names_its_leg_and_what_it_lacks(server, method, part):
    whole, broken = leg("a"), leg("b")
    del broken["hits"]["hits"][0][part]
    server.script[MSEARCH] = Answer(answers(whole, broken))
    with pytest.raises(ServerUnreachable, match=f"leg 'knn' .* hits that lack '{part}'"):
        searcher(server).search("shark", method=method)


@pytest.mark.parametrize("answer", [Answer("[]"), Answer("7"), Answer({"films-000001": {}})])
def test_a_contract_that_is_garbage_is_an_error_of_ours(server, answer):
    server.script[INDEX] = answer
    with pytest.raises((ServerError, UsageError)):
        searcher(server).search("shark", mode="bm25")


# The second request: the hits are there already.

AFTER = [
    ({"exact_totals": True}, "union"),
    ({"aggs": {"n": {"terms": {"field": "title.exact"}}}}, "union"),
    ({"highlight": True}, "highlight"),
    ({"explain": True}, "leg"),
    ({"mmr": 0.5}, "mmr"),
]
BROKEN = [
    (Answer(answers(TOO_BUSY, TOO_BUSY)), RequestRefused),
    (Answer(NO_SHARD, status=503), RequestRefused),
    (Answer(drop=True), ServerUnreachable),
    (Answer("<html>", content_type="text/html"), ServerUnreachable),
]


@pytest.mark.parametrize(("options", "what"), AFTER, ids=[str(list(one)) for one, _ in AFTER])
@pytest.mark.parametrize(("broken", "error"), BROKEN, ids=["429", "503", "cut", "page"])
def test_a_second_request_that_fails_takes_no_hits_away_where_that_is_allowed(
    server, options, what, broken, error
):
    if isinstance(broken.body, dict) and "responses" in broken.body:
        count = 2 if what == "leg" else 1
        broken = Answer(answers(*[TOO_BUSY] * count))
    server.script[MSEARCH] = (Answer(GOOD), broken)
    with pytest.raises(error):
        searcher(server).search("shark", **options)
    server.script[MSEARCH] = (Answer(GOOD), broken)
    result = searcher(server).search("shark", allow_partial=True, **options)
    assert ids(result) == ["b", "c", "a"]
    assert {reason.partition(":")[0] for reason in result.degraded} == {what}


def test_a_second_request_that_lost_a_shard_says_so(server):
    server.script[MSEARCH] = (Answer(GOOD), Answer(answers(leg(**LOST))))
    with pytest.raises(PartialAnswer, match="union: 1 of 2 shards failed"):
        searcher(server).search("shark", exact_totals=True)
    server.script[MSEARCH] = (Answer(GOOD), Answer(answers(leg(**LOST))))
    result = searcher(server).search("shark", exact_totals=True, allow_partial=True)
    assert result.degraded == ("union: 1 of 2 shards failed (disk is gone)",)


def test_a_note_that_cannot_be_found_out_is_an_error_or_said(server):
    nothing = answers(leg(), leg())
    server.script[MSEARCH] = (Answer(nothing), Answer(answers(TOO_BUSY)))
    with pytest.raises(RequestRefused, match="note of a search"):
        searcher(server).search("shark", min_cosine=0.5)
    server.script[MSEARCH] = (Answer(nothing), Answer(answers(TOO_BUSY)))
    result = searcher(server).search("shark", min_cosine=0.5, allow_partial=True)
    assert (result.notes, len(result.degraded)) == (("nothing good enough",), 1)


# Elasticsearch's own fusion

TRIAL = {
    ("GET", "/"): {"version": {"number": "9.5.4", "build_flavor": "default"}},
    ("GET", "/_license"): {"license": {"type": "trial", "status": "active"}},
    ("GET", "/_nodes/_local/plugins"): {"nodes": {"n": {"plugins": [], "modules": []}}},
}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (TOO_BUSY, RequestRefused),
        (NO_SHARD, RequestRefused),
        (leg("a", **LOST), PartialAnswer),
        (leg("a", timed_out=True), PartialAnswer),
        ({"hits": {"hits": [{}]}}, ServerUnreachable),
    ],
)
def test_a_native_answer_that_is_not_whole_is_an_error(server, response, error):
    server.script |= {**TRIAL, MSEARCH: answers(response)}
    with pytest.raises(error):
        searcher(server, fusion="native").search("shark")


def test_native_fusion_cannot_tell_which_leg_failed(server):
    server.script |= TRIAL
    with pytest.raises(UsageError, match="allow_partial needs the legs' own answers"):
        searcher(server, fusion="native").search("shark", allow_partial=True)
    assert searcher(server, fusion="auto").search("shark", allow_partial=True).fusion == "client"


# Headers

TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def sent_headers(server, name):
    return {request.headers.get(name) for request in server.requests}


@pytest.mark.parametrize("fusion", ["client", "auto"])
@pytest.mark.parametrize(("options", "count"), [({}, 2), ({"highlight": True}, 3)])
def test_headers_go_with_every_request_of_a_search(server, fusion, options, count):
    more = {"opaque_id": "search-7", "headers": TRACE, "fusion": fusion, **options}
    server.script |= {("GET", "/_license"): {"license": {"type": "basic", "status": "active"}}}
    server.script[MSEARCH] = (Answer(GOOD), Answer(answers(leg("b", "c", "a"))))
    searcher(server).search("shark", **more)
    assert sent_headers(server, "x-opaque-id") == {"search-7"}
    assert sent_headers(server, "traceparent") == set(TRACE.values())
    assert len(server.requests) >= count


def test_headers_go_with_opening_and_closing_a_point_in_time(server):
    pit = {("POST", "/films/_pit"): {"id": "p"}, ("DELETE", "/_pit"): {"succeeded": True}}
    server.script |= pit
    one = searcher(server)
    with one.point_in_time(headers={"X-Opaque-Id": "pit-1"}):
        pass
    assert sent_headers(server, "x-opaque-id") == {"pit-1"}
    server.requests.clear()
    list(one.pages("shark", size=2, opaque_id="pages-1", headers=TRACE))
    assert sent_headers(server, "x-opaque-id") == {"pages-1"}
    assert {request.path for request in server.requests} >= {"/films/_pit", "/_pit", "/_msearch"}


def test_what_a_client_sends_by_itself_it_still_sends(server):
    server.script[MSEARCH] = (Answer(GOOD), Answer(answers(leg("b", "c", "a"))))
    client = server.client().options(opaque_id="of-the-client", headers={"x-team": "search"})
    Searcher(client, "films", embedder=WORDS, fusion="client").search("shark", highlight=True)
    assert sent_headers(server, "x-opaque-id") == {"of-the-client"}
    assert sent_headers(server, "x-team") == {"search"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Opaque-Id": "a\nb"},
        {"X-Opaque-Id": "a\r"},
        {"X-Opaque-Id": 7},
        {"X-Opaque-Id": None},
        {"X-Opaque-Id": "차"},
        {"a b": "c"},
        {"": "c"},
        {7: "c"},
        {"Authorization": "ApiKey stolen"},
        {"es-security-runas-user": "admin"},
        {"content-type": "text/plain"},
        "X-Opaque-Id: 7",
        [("X-Opaque-Id", "7")],
    ],
)
def test_headers_that_cannot_be_sent_are_refused(server, headers):
    with pytest.raises(UsageError, match="header"):
        searcher(server).search("shark", headers=headers)
    with pytest.raises(UsageError, match="header"):
        searcher(server).open_point_in_time(headers=headers)
    assert server.requests == []


def test_a_leg_of_ones_own_that_fails_is_called_by_its_name(server):
    server.script[MSEARCH] = answers(leg("a"), TOO_BUSY)
    legs = [Leg.bm25(), Leg.query("mine", {"match_all": {}})]
    with pytest.raises(RequestRefused, match="leg 'mine' of a search"):
        searcher(server).search("shark", legs=legs)


@pytest.mark.parametrize(
    "reason",
    [
        "script_lang not supported [painless]",
        "cannot execute [inline] scripts",
        "cannot execute scripts using [score] context",
    ],
)
@pytest.mark.parametrize("partial", [False, True])
def test_a_server_that_forbids_scripts_is_asked_without_them(server, reason, partial):
    server.script["POST", "/films/_count"] = {"count": 3}
    server.script[MSEARCH] = (
        Answer(answers(leg("a"), failed(400, "illegal_argument_exception", reason))),
        Answer(GOOD),
    )
    result = searcher(server).search("shark", exact=True, allow_partial=partial)
    assert (result.knn, result.degraded) == ("exact:rescored", ())


def test_a_leg_that_fails_for_another_reason_is_not_about_scripts(server):
    server.script["POST", "/films/_count"] = {"count": 3}
    other = failed(400, "parsing_exception", "[manuscripts] cannot be read")
    server.script[MSEARCH] = answers(other, leg("a"))
    one = searcher(server)
    with pytest.raises(RequestRefused, match="manuscripts"):
        one.search("shark", exact=True)
    server.script[MSEARCH] = GOOD
    assert one.search("shark", exact=True).knn == "exact:script_score"
