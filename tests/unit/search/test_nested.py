"""The legs of an index with passages: the best passage counts, and comes along."""

import numpy as np
import pytest

from es_hybrid.search.exact import exact_leg
from es_hybrid.search.nested import best_norm, best_passage
from es_hybrid.search.queries import NESTED_VECTOR, knn_leg, script_leg, selection, with_vector
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

VECTOR = np.array([0.6, 0.8], np.float32)
FILTER = {"term": {"lang": "ko"}}
BEST = {
    "size": 1,
    "_source": ["passages.text", "passages.start", "passages.end", "passages.norm"],
}


def knn(kind="int8_hnsw", **options):
    options = {"field": NESTED_VECTOR} | options
    return knn_leg(VECTOR, size=50, kind=VECTOR_INDEX_TYPES[kind], **options)


def scripted(**options):
    return selection(script_leg(knn(**options)))["query"]["bool"]


@pytest.mark.parametrize("kind", VECTOR_INDEX_TYPES)
def test_knn_looks_at_the_vectors_of_passages_and_brings_the_best_one(kind):
    plain = selection(knn(kind, field="embedding", filters=(FILTER,)))["knn"]
    expected = plain | {"field": "passages.embedding", "inner_hits": BEST}
    assert selection(knn(kind, filters=(FILTER,)))["knn"] == expected


def test_a_script_scores_each_passage_and_the_filter_stays_on_the_document():
    nested = scripted(filters=(FILTER,))["must"]["nested"]
    assert (nested["path"], nested["score_mode"], nested["inner_hits"]) == ("passages", "max", BEST)
    assert "'passages.embedding'" in nested["query"]["script_score"]["script"]["source"]
    assert scripted(filters=(FILTER,))["filter"] == [FILTER]


def test_a_script_without_a_filter_scores_all_documents():
    assert scripted()["filter"] == []


def test_without_scripts_passages_are_scanned_whatever_the_index():
    with pytest.raises(StopIteration) as ended:
        next(exact_leg(knn(), name="films", quantised=True, painless=False))
    assert ended.value.value.way == "exact:scanned"
    has = {"nested": {"path": "passages", "query": {"exists": {"field": "passages.embedding"}}}}
    assert with_vector(ended.value.value)["bool"]["filter"] == [has]


def test_the_passage_is_read_from_the_inner_hit():
    source = {"text": "tea", "start": 3, "end": 6, "norm": 2.0}
    found = {"inner_hits": {"passages": {"hits": {"hits": [{"_source": source}]}}}}
    passage = best_passage(found, cosine=0.5)
    assert (passage.text, passage.start, passage.end, passage.cosine) == ("tea", 3, 6, 0.5)
    assert best_norm(found) == 2.0


@pytest.mark.parametrize("found", [{}, {"inner_hits": {"passages": {"hits": {"hits": []}}}}])
def test_a_document_with_one_vector_has_no_passage(found):
    assert (best_passage(found, cosine=0.5), best_norm(found)) == (None, None)
