"""The exact body of each leg."""

import json

import numpy as np
import orjson
import pytest

from es_hybrid.search.queries import bm25_leg, knn_leg
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

VECTOR = np.array([0.6, 0.8], np.float32)
FILTER = {"term": {"lang": "ko"}}
COMMON = {
    "size": 50,
    "sort": ["_score", "_shard_doc"],
    "_source": {"excludes": ["embedding", "es_hybrid"]},
}


def knn(size=50, kind="flat", **options):
    return knn_leg(VECTOR, size=size, kind=VECTOR_INDEX_TYPES[kind], **options).body["knn"]


def test_the_bm25_leg():
    leg = bm25_leg("hot tea", ["title", "text"], size=50)
    query = {"query": "hot tea", "fields": ["title", "text"], "type": "best_fields"}
    assert (leg.name, leg.kind) == ("bm25", "bm25")
    assert leg.body == {"query": {"multi_match": query}} | COMMON


def test_the_bm25_leg_is_filtered_beside_its_score():
    query = bm25_leg("tea", ["text"], size=50, filter=FILTER).body["query"]
    assert query["bool"]["filter"] == FILTER
    assert query["bool"]["must"] == bm25_leg("tea", ["text"], size=50).body["query"]


@pytest.mark.parametrize("text", ['"unbalanced', "title:* AND (", "a\\", '{"match_all": {}}', "\0"])
def test_what_a_person_types_stays_text(text):
    body = bm25_leg(text, ["text"], size=50).body
    assert json.loads(json.dumps(body))["query"]["multi_match"]["query"] == text


def test_the_knn_leg():
    leg = knn_leg(VECTOR, size=50, kind=VECTOR_INDEX_TYPES["flat"])
    body = {"field": "embedding", "query_vector": VECTOR, "k": 50, "num_candidates": 100}
    assert (leg.name, leg.kind) == ("knn", "knn")
    assert leg.body == {"knn": body} | COMMON


def test_the_query_vector_is_written_as_shortest_float32():
    written = orjson.dumps(knn()["query_vector"], option=orjson.OPT_SERIALIZE_NUMPY)
    assert written == b"[0.6,0.8]"


def test_the_knn_leg_is_filtered_before_the_search():
    assert knn(filter=FILTER)["filter"] == FILTER


@pytest.mark.parametrize("kind", VECTOR_INDEX_TYPES)
def test_quantised_candidates_are_scored_again(kind):
    oversample = VECTOR_INDEX_TYPES[kind].oversample
    expected = None if oversample is None else {"oversample": oversample}
    assert knn(kind=kind).get("rescore_vector") == expected


@pytest.mark.parametrize(
    ("size", "asked", "sent"),
    [
        (1, None, 100),
        (66, None, 100),
        (67, None, 100),
        (100, None, 150),
        (10_000, None, 10_000),
        (9_000, None, 10_000),
        (50, 400, 400),
        (50, 10, 50),
        (50, 20_000, 10_000),
    ],
)
def test_the_candidates_are_never_fewer_than_the_hits_nor_more_than_allowed(size, asked, sent):
    body = knn(size=size, num_candidates=asked)
    assert (body["k"], body["num_candidates"]) == (size, sent)
