"""What fails on a real server is an error with a name, or is said where a part is enough."""

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import RequestRefused, ServerError, VectorError
from es_hybrid.search import Leg
from tests.embedders import WordEmbedder

TEA = [{"_id": f"tea-{n}", "title": "tea", "text": f"green tea {n}", "n": n} for n in range(3)]
LOST = {"routing.allocation.require._name": "nowhere", "number_of_replicas": 0}


@pytest.fixture(scope="module")
def tea(es):
    """An index that answers."""
    Indexer(es, "t-failing-tea", embedder=WordEmbedder()).write(TEA)
    yield "t-failing-tea-000001"
    request(es, "DELETE", path("t-failing-tea-000001"))


@pytest.fixture(scope="module")
def lost(es, tea):
    """An index like that, whose only shard is on no node."""
    body = request(es, "GET", path(tea))[tea]["mappings"]
    settings = request(es, "GET", path(tea))[tea]["settings"]["index"]["analysis"]
    made = {"mappings": body, "settings": {"index": {**LOST, "analysis": settings}}}
    params = {"wait_for_active_shards": 0, "timeout": "1s"}
    request(es, "PUT", path("t-failing-lost"), params=params, body=made)
    yield "t-failing-lost"
    request(es, "DELETE", path("t-failing-lost"))


def searcher(es, *names, **options):
    return Searcher(es, list(names), embedder=WordEmbedder(), **options)


def test_an_index_without_a_shard_is_an_error(es, lost):
    with pytest.raises(ServerError, match="shard"):
        searcher(es, lost).search("tea")
    with pytest.raises(ServerError, match="shard"):
        searcher(es, lost).search("tea", allow_partial=True)


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
@pytest.mark.parametrize("more", [{}, {"exact_totals": True, "explain": True}])
def test_a_lost_shard_beside_a_good_one_is_an_error_or_said(es, tea, lost, mode, more):
    both = searcher(es, tea, lost)
    with pytest.raises(ServerError, match="shard"):
        both.search("tea", mode=mode, **more)
    result = both.search("tea", mode=mode, allow_partial=True, **more)
    assert {hit.id for hit in result} == {"tea-0", "tea-1", "tea-2"}
    assert all("1 of 2 shards failed" in reason for reason in result.degraded)
    assert len(result.degraded) >= (2 if mode == "hybrid" else 1)


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "scan"])
def test_an_exact_search_says_it_as_well(es, tea, lost, scripts):
    both = searcher(es, tea, lost)
    both._known.scripts_refused = not scripts
    with pytest.raises(ServerError):
        both.search("tea", exact=True)
    try:
        result = both.search("tea", exact=True, allow_partial=True)
    except ServerError:
        pytest.skip("no point in time is opened over a lost shard")
    assert result.degraded
    assert len(result) == 3


BAD_LEG = Leg.query("mine", {"range": {"n": {"gte": "not a number"}}})


def test_a_leg_that_the_server_refuses_is_an_error_or_left_out(es, tea):
    one = searcher(es, tea)
    legs = [Leg.bm25(), BAD_LEG]
    with pytest.raises(RequestRefused, match=r"leg 'mine' of a search.*not a number"):
        one.search("tea", legs=legs)
    result = one.search("tea", legs=legs, allow_partial=True, explain=True)
    assert len(result) == 3
    assert [reason[:9] for reason in result.degraded] == ["leg mine:"]
    assert {hit.missing["mine"].reason for hit in result} == {"leg failed"}


def test_no_leg_left_is_an_error(es, tea):
    with pytest.raises(RequestRefused, match="leg 'mine'"):
        searcher(es, tea).search(legs=[BAD_LEG], allow_partial=True)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"aggs": {"bad": {"terms": {"field": "n", "include": "a.*"}}}}, "union"),
        ({"highlight": {"fields": {"text": {"type": "no such"}}}}, "highlight"),
    ],
)
def test_a_second_request_that_the_server_refuses_takes_no_hits_away(es, tea, options, what):
    with pytest.raises(RequestRefused, match=f"{what} of a search"):
        searcher(es, tea).search("tea", **options)
    result = searcher(es, tea).search("tea", allow_partial=True, **options)
    assert (len(result), len(result.degraded)) == (3, 1)
    assert result.degraded[0].startswith(f"{what}: ")


def test_a_point_in_time_that_is_closed_is_an_error_with_the_way_out(es, tea):
    one = searcher(es, tea)
    with one.point_in_time() as pit:
        pass
    with pytest.raises(ServerError, match="point in time"):
        one.search("tea", pit=pit)


# Queries that are odd, and are searched


ODD = {
    "stop words": "the of and a to",
    "emoji": "🍵",
    "emoji of several parts": "👩🏽‍🚀",
    "100 kB": "tea " * 25_000,
    "one long word": "x" * 100_000,
    "syntax": 'tea AND (title:* OR "unbalanced',
    "control characters": "tea\x00\x07 green",
    "right to left": "שלום \u202e tea",
    "slashes": "../../etc/passwd",
    "JSON": '{"match_all": {}}',
    "Korean": "차",
    "combining": "te\u0301a",
    "private": "\ue000",
}


FINDING = [ODD[name] for name in ("100 kB", "syntax", "control characters", "right to left")]
FINDING.append(ODD["combining"])  # té is folded to te


@pytest.mark.parametrize("query", ODD.values(), ids=ODD)
def test_an_odd_query_is_just_words(es, tea, query):
    result = searcher(es, tea).search(query, mode="bm25")
    assert len(result) == (3 if query in FINDING else 0)
    assert len(result.notes) == (len(query) > 2000)


@pytest.mark.parametrize("query", ["the of and", "tea " * 25_000, "차", '{"match_all": {}}'])
def test_an_odd_query_finds_by_its_vector(es, tea, query):
    assert len(searcher(es, tea).search(query)) == 3


def test_a_query_of_which_the_model_knows_nothing_is_refused(es, tea):
    with pytest.raises(VectorError, match="length zero for the query: ask something else"):
        searcher(es, tea).search("🍵")
