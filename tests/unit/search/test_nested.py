"""The legs of an index with passages: the best passage counts, and comes along."""

import numpy as np
import pytest

from es_hybrid.errors import UsageError
from es_hybrid.search.nested import best_norm, best_passage, in_passages
from es_hybrid.search.queries import bm25_leg, knn_leg, rescored_leg, scanned_leg, script_leg
from es_hybrid.similarity import similarity
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

VECTOR = np.array([0.6, 0.8], np.float32)
FILTER = {"term": {"lang": "ko"}}
COSINE = similarity("cosine")
BEST = {
    "size": 1,
    "_source": ["passages.text", "passages.start", "passages.end", "passages.norm"],
}


def knn(kind="int8_hnsw", **options):
    return knn_leg(VECTOR, size=50, kind=VECTOR_INDEX_TYPES[kind], **options)


def scripted(**options):
    leg = script_leg(VECTOR, size=50, similarity=COSINE, **options)
    return in_passages(leg).body["query"]["bool"]


@pytest.mark.parametrize("kind", VECTOR_INDEX_TYPES)
def test_knn_looks_at_the_vectors_of_passages_and_brings_the_best_one(kind):
    leg = knn(kind, filter=FILTER)
    changed = in_passages(leg).body["knn"]
    assert changed == leg.body["knn"] | {"field": "passages.embedding", "inner_hits": BEST}


def test_the_leg_that_was_given_is_left_as_it_was():
    leg = knn()
    in_passages(leg)
    assert leg.body["knn"]["field"] == "embedding"


@pytest.mark.parametrize("leg", [knn(), bm25_leg("tea", ["text"], size=50)], ids=["knn", "bm25"])
def test_all_passages_are_left_out_of_the_users_fields(leg):
    excluded = in_passages(leg).body["_source"]["excludes"]
    assert excluded == [*leg.body["_source"]["excludes"], "passages"]


def test_bm25_sees_the_whole_text():
    leg = bm25_leg("tea", ["text"], size=50, filter=FILTER)
    assert in_passages(leg).body["query"] == leg.body["query"]


def test_a_script_scores_each_passage_and_the_filter_stays_on_the_document():
    nested = scripted(filter=FILTER)["must"]["nested"]
    assert (nested["path"], nested["score_mode"], nested["inner_hits"]) == ("passages", "max", BEST)
    assert "'passages.embedding'" in nested["query"]["script_score"]["script"]["source"]
    assert scripted(filter=FILTER)["filter"] == [FILTER]


def test_a_script_without_a_filter_scores_all_documents():
    assert scripted()["filter"] == []


@pytest.mark.parametrize(
    "leg",
    [rescored_leg(knn()), scanned_leg(VECTOR, size=50, similarity=COSINE)],
    ids=["re", "scan"],
)
def test_other_ways_of_exact_search_are_refused_with_the_way_out(leg):
    with pytest.raises(UsageError, match="--vector-index flat"):
        in_passages(leg)


def test_the_passage_is_read_from_the_inner_hit():
    source = {"text": "tea", "start": 3, "end": 6, "norm": 2.0}
    found = {"inner_hits": {"passages": {"hits": {"hits": [{"_source": source}]}}}}
    passage = best_passage(found, cosine=0.5)
    assert (passage.text, passage.start, passage.end, passage.cosine) == ("tea", 3, 6, 0.5)
    assert best_norm(found) == 2.0


@pytest.mark.parametrize("found", [{}, {"inner_hits": {"passages": {"hits": {"hits": []}}}}])
def test_a_document_with_one_vector_has_no_passage(found):
    assert (best_passage(found, cosine=0.5), best_norm(found)) == (None, None)
