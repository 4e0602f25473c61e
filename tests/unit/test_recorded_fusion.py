"""Fusion gives what Elasticsearch 9.5 gave, to the last bit, for every recorded rrf retriever.

The recordings hold each retriever's answer and, of each of its legs, the hits of the same search
through a point in time: index, _id, score and `_shard_doc`. Fused here, these hits must come in
the recorded order with the recorded float32 scores, cut at the window, then paged.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from es_hybrid.fusion import RANK_CONSTANT, rrf

FOLDER = Path(os.environ.get("ES_HYBRID_SHARED", "../shared")) / "data" / "native"

# Elasticsearch's defaults.
WINDOW, SIZE = 10, 10

# Elasticsearch gives a hit of score 0 the smallest number above it.
SMALLEST = np.float32(1.4e-45)

# What these do lies after fusion, or fails before it.
EXCLUDED = {
    "rrf2_post_filter@n3": "post_filter drops hits after fusion",
    "rrf2_min_score_top_body@n1": "min_score of the whole search drops hits after fusion",
    "rrf2_min_score_top_body@n3": "min_score of the whole search drops hits after fusion",
    "rrf2_collapse@n1": "collapse drops hits after fusion",
    "rrf2_collapse@n3": "collapse drops hits after fusion",
    "rrf2_collapse_inner_hits@n1": "collapse drops hits after fusion",
    "rrf2_top_sort@n1": "answered 400: sort beside a retriever",
    "rrf2_rescore@n1": "answered 400: rescore beside a retriever",
    "rrf2_terminate_after@n1": "answered 400: terminate_after beside a retriever",
    "rrf2_scroll@n1": "answered 400: scroll beside a retriever",
}


def recorded():
    if not (FOLDER / "cases.jsonl").is_file():
        reason = f"no recordings in {FOLDER}: set ES_HYBRID_SHARED to the folder that has them"
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))]
    cases = map(json.loads, (FOLDER / "cases.jsonl").read_text().splitlines())
    found = [case for case in cases if case["name"].startswith("rrf")]
    return [pytest.param(case, id=case["name"], marks=marks(case)) for case in found]


def marks(case):
    reason = EXCLUDED.get(case["name"])
    return [pytest.mark.skip(reason=reason)] if reason else []


def hits_of(leg, case):
    """Key -> `_shard_doc`, best first."""
    if "pit_hits" in leg:
        return {(index, id_): place for index, id_, _, place in leg["pit_hits"]}
    # A leg that is an rrf itself has no sort of its own, hence no `_shard_doc` in its hits.
    places = json.loads((FOLDER / "shard_doc.json").read_text())[case["index"]]
    keys = [(hit["_index"], hit["_id"]) for hit in leg["response"]["hits"]["hits"]]
    return {(index, id_): places[f"{index}/{id_}"] for index, id_ in keys}


@pytest.mark.parametrize("case", recorded())
def test_fusion_equals_the_recorded_answer_to_the_last_bit(case):
    request, legs = case["request"], [hits_of(leg, case) for leg in case["legs"]]
    asked = request["retriever"]["rrf"]
    fused = rrf(
        [list(leg) for leg in legs],
        rank_constant=asked.get("rank_constant", RANK_CONSTANT),
        weights=[leg["weight"] for leg in case["legs"]],
        ties={key: place for leg in legs for key, place in leg.items()},
    )[: asked.get("rank_window_size", WINDOW)]
    start = request.get("from", 0)
    page = fused[start : start + request.get("size", SIZE)]
    hits = case["response"]["hits"]["hits"]
    assert [entry.key for entry in page] == [(hit["_index"], hit["_id"]) for hit in hits]
    ours = np.maximum(np.array([entry.score for entry in page], np.float32), SMALLEST)
    assert ours.tobytes() == np.array([hit["_score"] for hit in hits], np.float32).tobytes()
