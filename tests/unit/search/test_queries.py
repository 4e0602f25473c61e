"""The exact body of each leg."""

import json

import numpy as np
import orjson
import pytest

from es_hybrid.search.queries import (
    Frame,
    bm25_leg,
    body,
    knn_leg,
    query_leg,
    restricted_leg,
    selection,
    these,
)
from es_hybrid.similarity import SIMILARITIES
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

VECTOR = np.array([0.6, 0.8], np.float32)
FILTER = {"term": {"lang": "ko"}}
OTHER = {"term": {"year": 1}}
EXCLUDED = {"excludes": ["embedding", "es_hybrid"]}
COMMON = {"size": 50, "sort": ["_score", "_shard_doc"], "_source": EXCLUDED}
FRAME = Frame(source=EXCLUDED)


def knn(size=50, kind="flat", **options):
    return body(knn_leg(VECTOR, size=size, kind=VECTOR_INDEX_TYPES[kind], **options), FRAME)["knn"]


def test_the_bm25_leg():
    leg = bm25_leg("hot tea", ["title", "text"], size=50)
    query = {"query": "hot tea", "fields": ["title", "text"], "type": "best_fields"}
    assert (leg.name, leg.kind) == ("bm25", "bm25")
    assert body(leg, FRAME) == {"query": {"multi_match": query}} | COMMON


def test_the_bm25_leg_is_filtered_beside_its_score():
    leg = bm25_leg("tea", ["text"], size=50, filters=(FILTER,))
    query = body(leg, FRAME)["query"]["bool"]
    assert query == {"must": leg.clause, "filter": FILTER}


def test_a_leg_passes_the_filters_of_all_legs_and_its_own():
    leg = query_leg({"match_all": {}}, size=5, name="all", filters=(FILTER,), shared=(OTHER,))
    assert selection(leg)["query"]["bool"]["filter"] == {"bool": {"filter": [OTHER, FILTER]}}
    assert knn(filters=(FILTER,), shared=(OTHER,))["filter"] == {
        "bool": {"filter": [OTHER, FILTER]}
    }


def test_a_minimum_is_a_score_of_a_query_and_a_cosine_of_knn():
    least = bm25_leg("tea", ["text"], size=50, minimum=2.5)
    assert selection(least)["min_score"] == 2.5
    assert knn(minimum=0.5)["similarity"] == 0.5


@pytest.mark.parametrize("text", ['"unbalanced', "title:* AND (", "a\\", '{"match_all": {}}', "\0"])
def test_what_a_person_types_stays_text(text):
    clause = bm25_leg(text, ["text"], size=50).clause
    assert json.loads(json.dumps(clause))["multi_match"]["query"] == text


def test_the_knn_leg():
    leg = knn_leg(VECTOR, size=50, kind=VECTOR_INDEX_TYPES["flat"])
    section = {"field": "embedding", "query_vector": VECTOR, "k": 50, "num_candidates": 100}
    assert (leg.name, leg.kind) == ("knn", "knn")
    assert body(leg, FRAME) == {"knn": section} | COMMON


def test_the_query_vector_is_written_as_shortest_float32():
    written = orjson.dumps(knn()["query_vector"], option=orjson.OPT_SERIALIZE_NUMPY)
    assert written == b"[0.6,0.8]"


def test_the_knn_leg_is_filtered_before_the_search():
    assert knn(filters=(FILTER,))["filter"] == FILTER


def test_a_frame_is_around_every_body():
    frame = Frame(source=False, fields=("year",), pit={"id": "p"}, timeout="2s")
    made = body(bm25_leg("tea", ["text"], size=1), frame)
    assert (made["_source"], made["fields"]) == (False, ["year"])
    assert (made["pit"], made["timeout"]) == ({"id": "p"}, "2s")


def test_an_inner_product_needs_the_lengths_to_tell_a_cosine():
    leg = knn_leg(
        VECTOR,
        size=5,
        kind=VECTOR_INDEX_TYPES["flat"],
        similarity=SIMILARITIES["max_inner_product"],
    )
    assert body(leg, FRAME)["fields"] == ["es_hybrid.norm"]


def test_a_restricted_leg_asks_for_certain_documents_however_low_they_score():
    leg = knn_leg(VECTOR, size=50, kind=VECTOR_INDEX_TYPES["int8_hnsw"], minimum=0.9)
    section = body(restricted_leg(leg, [("i", "a"), ("i", "b")]), FRAME)["knn"]
    assert (section["k"], section["num_candidates"], "similarity" in section) == (2, 100, False)
    assert section["filter"] == these([("i", "a"), ("i", "b")])


def test_documents_of_two_indices_are_told_apart():
    either = these([("i", "a"), ("j", "a")])["bool"]["should"]
    assert [one["bool"]["filter"][0] for one in either] == [
        {"term": {"_index": "i"}},
        {"term": {"_index": "j"}},
    ]


def test_a_query_for_no_documents_matches_none():
    assert these([]) == {"match_none": {}}


@pytest.mark.parametrize("kind", VECTOR_INDEX_TYPES)
def test_quantised_candidates_are_scored_again(kind):
    oversample = VECTOR_INDEX_TYPES[kind].oversample
    expected = None if oversample is None else {"oversample": oversample}
    assert knn(kind=kind).get("rescore_vector") == expected


@pytest.mark.parametrize("asked", [0, 1, 2.5, 10])
def test_so_many_candidates_are_scored_again_as_a_search_says(asked):
    assert knn(kind="bbq_hnsw", oversample=asked)["rescore_vector"] == {"oversample": asked}


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
    section = knn(size=size, num_candidates=asked)
    assert (section["k"], section["num_candidates"]) == (size, sent)
