"""On any licence, a search gives what Elasticsearch's own fusion gave: hits, scores, totals.

The recorded corpus is indexed as it was then, in one shard and in three; where a server places ids
in other shards (8.19 hashes them otherwise), each is sent to its recorded shard. Each request is
written as a call of a `Searcher` that fuses here (`tests.recordings.search`), and what comes back
must be what was recorded: the same documents in the same order, float32 scores to the last bit,
totals, aggregations, highlights, and which legs hold a hit. Cases that no call means, or that are
refused here, are listed by name with the reason.

8.19 adds up a dot product in another order than 9.5: there the last bits of kNN's own scores, and
of sums of them, are let pass.
"""

from functools import cache
from uuid import uuid4

import pytest

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import EsHybridError, IndexNotFound, UsageError
from tests import recordings
from tests.nodes import VERSION
from tests.recordings import Inexpressible, bits, cases, hits, missing, search

# Elasticsearch answered these; no call means them.
INEXPRESSIBLE = {
    "rrf2_post_filter@n3": "there is no post_filter: a filter narrows the facets as well",
    "rrf2_min_score_top_body@n1": "a minimum of the fused score is of linear fusion alone",
    "rrf2_min_score_top_body@n3": "a minimum of the fused score is of linear fusion alone",
    "rrf2_profile@n1": "there is no profile",
    "rrf2_dfs_search_type@n3": "there is no search_type; Elasticsearch did not pass it to the legs",
    "rrf_nested@n1": "a leg is a query or kNN, not a fusion",
    "rrf_nested@n3": "a leg is a query or kNN, not a fusion",
    "rrf2_collapse_inner_hits@n1": "collapse returns the best hit of each value alone",
}

# Elasticsearch refused these; no call means them, so that nobody can make the mistake.
IMPOSSIBLE = {
    "rrf2_top_sort@n1": "sort beside a retriever",
    "rrf2_rescore@n1": "rescore beside a retriever",
    "rrf2_terminate_after@n1": "terminate_after beside a retriever",
    "rrf2_scroll@n1": "a scroll over a retriever",
    "lin2_bare_retriever_form@n1": "a retriever of linear without its wrapping",
    "err_weight_without_retriever@n1": "a weight of nothing",
    "err_unknown_param@n1": "an unknown parameter",
    "err_no_retrievers@n1": "no legs",
    "err_fields_without_query@n1": "fields without a query",
    "err_query_empty_fields@n1": "a query over no fields",
    "err_query_and_retrievers@n1": "a query beside the legs",
    "err_retriever_and_query@n1": "a query beside the retriever",
    "err_unknown_retriever@n1": "an unknown retriever",
    "err_unknown_inner_retriever@n1": "an unknown retriever as a leg",
    "err_knn_no_k@n1": "kNN without k, which is the window here",
    "err_lin_query_without_normalizer@n1": "linear's short form without a normalizer",
}

# Elasticsearch answered these; here they are an error that says why.
STRICTER = {
    "rrf2_page_25_5@n1": (UsageError, "from 25 lies past the window"),
    "rrf2_page_25_5@n3": (UsageError, "from 25 lies past the window"),
    "rrf2_min_score_002@n1": (UsageError, "min_score is of linear fusion"),  # it was ignored
    "rrf2_min_score_002@n3": (UsageError, "min_score is of linear fusion"),
    "err_min_score_negative@n1": (UsageError, "min_score is of linear fusion"),
    "rrf2_wildcard_no_index@zz*": (IndexNotFound, r"no index matches '.*zz\*'"),
    "err_window_zero@n1": (UsageError, "window 0 is not between"),
    "err_rank_constant_zero@n1": (UsageError, "rank_constant 0 is below 1"),
    "err_rank_constant_float@n1": (UsageError, r"rank_constant 1\.5 is no whole number"),
}

# Elasticsearch refused this one; here the vector is brought to length 1.
LENIENT = "err_knn_not_unit@n1"

REFUSED = {
    "err_window_default_size11@n1": "window 10 is not between size 11",
    "err_window_negative@n1": "window -5 is not between",
    "err_rank_constant_string@n1": "rank_constant 'abc' is no whole number",
    "err_weight_negative@n1": "weight -1 is no number",
    "err_knn_not_vector_field@n1": "'body' is no vector field.*it has vec",
    "err_knn_dims@n1": "has 3 numbers, the index has 8 dimensions",
    "err_leg_bad_query@n1": "leg 'standard0' of a search.*Failed to parse query",
    "err_index_missing@nosuch": "no index '.*nosuch'",
    "err_lin_window_lt_size@n1": "window 10 is not between size 20",
    "err_lin_min_score_negative@n1": "min_score -1 is no number",
}

# The shard that the recorded routing "abc" led to.
ABC = 0

EXPRESSED = [
    name
    for name in cases()
    if name not in {*INEXPRESSIBLE, *IMPOSSIBLE, *STRICTER, *REFUSED, LENIENT}
]

pytestmark = missing


@pytest.fixture(scope="module")
def prefix(es):
    """Of the names of both indices, made as those that were recorded."""
    made = f"t-{uuid4().hex[:8]}-"
    for name, shards in (("n1", 1), ("n3", 3)):
        index(es, made, name, shards)
    yield made
    for name in ("n1", "n3"):
        request(es, "DELETE", path(made + name), ok=(404,))


def index(es, prefix, short, shards):
    name, body = prefix + short, recordings.mapping()
    settings = {**body["settings"], "number_of_shards": shards}
    request(es, "PUT", path(name), body={**body, "settings": settings})
    lines = []
    for one in recordings.lines("corpus.jsonl"):
        shard = recordings.shard_docs(short)[f"{short}/{one['_id']}"] >> 32
        routing = routed(es, name, one["_id"], shard)
        placed = {} if routing == one["_id"] else {"routing": routing}
        lines += [{"index": {"_index": name, "_id": one["_id"], **placed}}, one["_source"]]
    assert not request(es, "POST", path("_bulk"), body=lines, ndjson=True)["errors"]
    request(es, "POST", path(name, "_refresh"))
    request(es, "POST", path(name, "_forcemerge"), params={"max_num_segments": 1})


def routed(es, name, routing, shard):
    """`routing` if it leads to this shard, or else another that does."""
    return next(one for one in (routing, *map(str, range(100))) if leads_to(es, name, one) == shard)


@cache
def leads_to(es, name, routing):
    found = request(es, "GET", path(name, "_search_shards"), params={"routing": routing})
    return found["shards"][0][0]["shard"]


@pytest.fixture
def ask(es, prefix):
    """Carries out a recorded case, in a point in time or without one."""

    def asked(name, *, kept=False, **options):
        found = search(cases()[name])
        names = [prefix + one for one in found.names]
        routing = found.routing and routed(es, names[0], found.routing, ABC)
        searcher = Searcher(es, names, routing=routing, fusion="client")
        if not kept:
            return searcher.search(**found.options | options)
        with searcher.point_in_time() as pit:
            return searcher.search(pit=pit, **found.options | options)

    return asked


def ours(result, prefix):
    """Index as it was recorded, _id, bits of the score."""
    return [(hit.index.removeprefix(prefix), hit.id, bits(hit.score)) for hit in result]


def assert_hits(result, prefix, case):
    """Those that were recorded; scores to the last bit, wherever the legs' own scores are."""
    found, recorded = ours(result, prefix), hits(case["response"])
    if "rrf" in case["request"]["retriever"] or not VERSION.startswith("8."):
        assert found == recorded
        return
    assert [hit[:2] for hit in found] == [hit[:2] for hit in recorded]
    scores = [hit["_score"] for hit in case["response"]["hits"]["hits"]]
    assert [hit.score for hit in result] == pytest.approx(scores, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("kept", [False, True], ids=["", "pit"])
@pytest.mark.parametrize("name", ["n1", "n3"])
def test_the_corpus_lies_where_it_was_recorded(es, prefix, name, kept):
    body = {"size": 100, "sort": ["_shard_doc"], "_source": False}
    where = path("_search") if kept else path(prefix + name, "_search")
    if kept:
        opened = request(es, "POST", path(prefix + name, "_pit"), params={"keep_alive": "1m"})
        body["pit"] = {"id": opened["id"]}
    found = request(es, "POST", where, body=body)["hits"]["hits"]
    assert {f"{name}/{hit['_id']}": hit["sort"][0] for hit in found} == recordings.shard_docs(name)


@pytest.mark.parametrize("kept", [False, True], ids=["", "pit"])
@pytest.mark.parametrize("name", EXPRESSED)
def test_a_search_gives_what_native_fusion_gave(ask, prefix, name, kept):
    recorded, result = cases()[name]["response"], ask(name, kept=kept)
    assert_hits(result, prefix, cases()[name])
    assert_total(result.total, recorded["hits"].get("total"))
    assert result.aggregations == recorded.get("aggregations", {})


def assert_total(total, recorded):
    """Elasticsearch says none, all, or that it stopped to count."""
    if recorded is not None and recorded["relation"] == "eq":
        assert (total.value, total.relation) == (recorded["value"], "eq")
    elif recorded is not None:
        assert total.value >= recorded["value"]


@pytest.mark.parametrize("name", EXPRESSED)
def test_an_everyday_search_gives_these_hits_in_one_request(ask, prefix, es, name, monkeypatch):
    everyday = ask(name)  # the contract is read
    sent = []
    real = es.perform_request
    monkeypatch.setattr(es, "perform_request", lambda *a, **k: sent.append(a) or real(*a, **k))
    result = ask(name, exact_totals=False, aggs=None, highlight=False, explain=False)
    assert ours(result, prefix) == ours(everyday, prefix)
    assert [call[1] for call in sent if call[0] == "POST"] == ["/_msearch"]
    assert_bound(result.total, cases()[name]["response"]["hits"].get("total"))


def assert_bound(total, recorded):
    """A total that was not counted is no more than the true one."""
    if recorded is not None and recorded["relation"] == "eq":
        exact = total.relation == "eq"
        assert total.value == recorded["value"] if exact else total.value <= recorded["value"]


def test_highlights_are_those_of_native_fusion(ask):
    recorded = cases()["rrf2_highlight@n1"]["response"]["hits"]["hits"]
    result = ask("rrf2_highlight@n1")
    assert [hit.highlight for hit in result] == [hit.get("highlight", {}) for hit in recorded]


def test_a_hit_names_the_legs_that_native_fusion_named(ask):
    recorded = cases()["rrf2_named_no_explain@n1"]["response"]["hits"]["hits"]
    result = ask("rrf2_named_no_explain@n1")
    assert [set(hit.legs) for hit in result] == [set(hit["matched_queries"]) for hit in recorded]


@pytest.mark.parametrize("name", REFUSED)
def test_what_native_fusion_refused_is_refused(ask, name):
    assert 400 <= cases()[name]["status"] < 500
    with pytest.raises(EsHybridError, match=REFUSED[name]):
        ask(name)


@pytest.mark.parametrize("name", STRICTER)
def test_what_is_refused_here_alone_says_why(ask, name):
    error, said = STRICTER[name]
    with pytest.raises(error, match=said):
        ask(name)


def test_a_vector_of_another_length_is_brought_to_length_1(ask):
    assert cases()[LENIENT]["status"] == 400
    assert len(ask(LENIENT)) == 5


@pytest.mark.parametrize("name", [*INEXPRESSIBLE, *IMPOSSIBLE])
def test_what_no_call_means_is_listed_with_its_reason(name):
    answered = cases()[name]["status"] == 200
    assert answered == (name in INEXPRESSIBLE)
    with pytest.raises(Inexpressible):
        search(cases()[name])


def test_every_recorded_case_is_carried_out_or_listed():
    listed = {*INEXPRESSIBLE, *IMPOSSIBLE, *STRICTER, *REFUSED, LENIENT}
    assert listed <= set(cases())
    assert all(cases()[name]["status"] == 200 for name in EXPRESSED)
    assert len(EXPRESSED) == 135
