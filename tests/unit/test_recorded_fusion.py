"""Fusion gives what Elasticsearch 9.5 gave, to the last bit, for every recorded rrf and linear.

The recordings hold each retriever's answer and, of each of its legs, the hits of the same search
through a point in time: index, _id, score and `_shard_doc`. Fused here, these hits must come in
the recorded order with the recorded float32 scores, cut at the window, then paged. What a search
does to the fused list (a minimum score, a post_filter, a collapse) is done here to our list, by
the recorded corpus.
"""

import json
import os
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.fusion import RANK_CONSTANT, linear, rrf

FOLDER = Path(os.environ.get("ES_HYBRID_SHARED", "../shared")) / "data" / "native"

# Elasticsearch's defaults.
WINDOW, SIZE = 10, 10

# Elasticsearch gives a hit of score 0 the smallest number above it.
SMALLEST = np.float32(1.4e-45)

# Elasticsearch refused these before any leg was searched, so that there is nothing to fuse.
REFUSED = {
    "rrf2_top_sort@n1": "sort beside a retriever",
    "rrf2_rescore@n1": "rescore beside a retriever",
    "rrf2_terminate_after@n1": "terminate_after beside a retriever",
    "rrf2_scroll@n1": "a scroll over a retriever",
    "lin2_bare_retriever_form@n1": "a retriever of linear without its wrapping",
    "err_window_default_size11@n1": "the window is smaller than the size",
    "err_window_negative@n1": "the window is negative",
    "err_rank_constant_string@n1": "the rank constant is no number",
    "err_weight_negative@n1": "a weight is negative",
    "err_weight_without_retriever@n1": "a weight of nothing",
    "err_unknown_param@n1": "an unknown parameter",
    "err_no_retrievers@n1": "no legs",
    "err_fields_without_query@n1": "fields without a query",
    "err_query_empty_fields@n1": "a query over no fields",
    "err_query_and_retrievers@n1": "a query beside the legs",
    "err_retriever_and_query@n1": "a query beside the retriever",
    "err_unknown_retriever@n1": "an unknown retriever",
    "err_unknown_inner_retriever@n1": "an unknown retriever as a leg",
    "err_knn_not_vector_field@n1": "kNN over a field without vectors",
    "err_knn_dims@n1": "a query vector of other dimensions",
    "err_knn_not_unit@n1": "a query vector that is not of length 1",
    "err_knn_no_k@n1": "kNN without k",
    "err_leg_bad_query@n1": "a leg that fails",
    "err_index_missing@nosuch": "no such index",
    "err_lin_query_without_normalizer@n1": "linear's short form without a normalizer",
    "err_lin_window_lt_size@n1": "the window is smaller than the size",
    "err_lin_min_score_negative@n1": "a negative minimum score",
}

# Elasticsearch takes this one; its documentation, and rrf here, ask for 1 or more.
CONSTANT_ZERO = "err_rank_constant_zero@n1"

missing = pytest.mark.skipif(
    not (FOLDER / "cases.jsonl").is_file(),
    reason=f"no recordings in {FOLDER}: set ES_HYBRID_SHARED to the folder that has them",
)


@cache
def recorded():
    """Name -> case, of every rrf and linear retriever."""
    if not (FOLDER / "cases.jsonl").is_file():
        return {}
    cases = map(json.loads, (FOLDER / "cases.jsonl").read_text().splitlines())
    plain = ({"standard"}, {"knn"})
    return {case["name"]: case for case in cases if set(case["request"]["retriever"]) not in plain}


def fusable():
    return [name for name, case in recorded().items() if case["legs"] and name != CONSTANT_ZERO]


@cache
def categories():
    lines = map(json.loads, (FOLDER / "corpus.jsonl").read_text().splitlines())
    return {line["_id"]: line["_source"]["category"] for line in lines}


def category(entry):
    _, identifier = entry.key
    return categories()[identifier]


def hits_of(leg, case):
    """[(key, score, `_shard_doc`)], best first."""
    if "pit_hits" in leg:
        return [((index, id_), score, place) for index, id_, score, place in leg["pit_hits"]]
    # A leg that is an rrf itself has no sort of its own, hence no `_shard_doc` in its hits.
    places = json.loads((FOLDER / "shard_doc.json").read_text())[case["index"]]
    hits = [(hit["_index"], hit["_id"], hit["_score"]) for hit in leg["response"]["hits"]["hits"]]
    return [((index, id_), score, places[f"{index}/{id_}"]) for index, id_, score in hits]


def fused(case):
    """The fused list, cut at the window."""
    ((kind, asked),) = case["request"]["retriever"].items()
    legs = [hits_of(leg, case) for leg in case["legs"]]
    common = {
        "weights": [leg["weight"] for leg in case["legs"]],
        "ties": {key: place for leg in legs for key, _, place in leg},
    }
    found = by_rank(asked, legs, common) if kind == "rrf" else by_score(asked, legs, case, common)
    return found[: asked.get("rank_window_size", WINDOW)]


def by_rank(asked, legs, common):
    constant = int(asked.get("rank_constant", RANK_CONSTANT))  # 1.5 counts as 1
    return rrf([[key for key, _, _ in leg] for leg in legs], rank_constant=constant, **common)


def by_score(asked, legs, case, common):
    default = asked.get("normalizer", "none")
    found = linear(
        [[(key, score) for key, score, _ in leg] for leg in legs],
        normalizers=[leg["normalizer"] or default for leg in case["legs"]],
        **common,
    )
    return at_least(asked.get("min_score"), found)


def at_least(least, entries):
    return [one for one in entries if least is None or one.score >= np.float32(least)]


def collapsed(entries):
    """The best entry of each category."""
    best = {}
    for entry in entries:
        best.setdefault(category(entry), entry)
    return list(best.values())


def searched(case):
    """What the search did to the fused list, before it cut out the page."""
    request, entries = case["request"], fused(case)
    entries = at_least(request.get("min_score"), entries)
    if "post_filter" in request:
        wanted = request["post_filter"]["term"]["category"]
        entries = [entry for entry in entries if category(entry) == wanted]
    return collapsed(entries) if "collapse" in request else entries


def page(case):
    start = case["request"].get("from", 0)
    return searched(case)[start : start + case["request"].get("size", SIZE)]


def assert_equal(entries, hits):
    assert [entry.key for entry in entries] == [(hit["_index"], hit["_id"]) for hit in hits]
    ours = np.maximum(np.array([entry.score for entry in entries], np.float32), SMALLEST)
    assert ours.tobytes() == np.array([hit["_score"] for hit in hits], np.float32).tobytes()


@missing
def test_every_recorded_fusion_is_tested_or_was_refused_by_elasticsearch():
    assert set(recorded()) == {*fusable(), CONSTANT_ZERO, *REFUSED}
    assert all(400 <= recorded()[name]["status"] < 500 for name in REFUSED)


@missing
@pytest.mark.parametrize("name", fusable())
def test_fusion_equals_the_recorded_answer_to_the_last_bit(name):
    case = recorded()[name]
    assert_equal(page(case), case["response"]["hits"]["hits"])


@missing
def test_the_other_hits_of_a_collapsed_group_are_the_next_of_the_fused_list():
    case = recorded()["rrf2_collapse_inner_hits@n1"]
    groups = groupby(sorted(fused(case), key=category), key=category)  # sorted() keeps the order
    best = {name: list(entries)[:2] for name, entries in groups}
    for hit in case["response"]["hits"]["hits"]:
        inner = hit["inner_hits"]["x"]["hits"]["hits"]
        assert_equal(best[hit["fields"]["category"][0]], inner)


@missing
def test_the_rank_constant_0_that_elasticsearch_takes_is_refused():
    with pytest.raises(UsageError, match="rank_constant 0 is below 1"):
        fused(recorded()[CONSTANT_ZERO])


@missing
def test_the_rank_constant_0_is_the_sum_of_one_over_rank():
    case = recorded()[CONSTANT_ZERO]
    legs = [hits_of(leg, case) for leg in case["legs"]]
    rankings = [[(key, 1 / rank) for rank, (key, *_) in enumerate(leg, 1)] for leg in legs]
    found = linear(rankings, ties={key: place for leg in legs for key, _, place in leg})
    assert_equal(found[: case["request"]["size"]], case["response"]["hits"]["hits"])
