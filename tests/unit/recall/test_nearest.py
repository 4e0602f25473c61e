"""The nearest documents, worked out by hand: two dimensions, few documents."""

import numpy as np
import pytest

from es_hybrid.recall.nearest import nearest
from es_hybrid.vector_stream import Batch


def batch(rows, total=None):
    """Documents by name; a name that stands twice has two passages."""
    ids = tuple(name for name, _ in rows)
    stored = np.array([row for _, row in rows], np.float64)
    norms = np.linalg.norm(stored, axis=1)
    units = (stored / norms[:, None]).astype(np.float32)
    return Batch(ids, units, norms, ({},) * len(ids), total or len(set(ids)))


EAST, NORTH, FAR = ("east", [1, 0]), ("north", [0, 1]), ("far", [3, 4])
QUERY = np.array([[1.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("similarity", "second"), [("cosine", 0.6), ("max_inner_product", 1.0), ("l2_norm", -2.0)]
)
def test_each_similarity_has_its_own_second_nearest(similarity, second):
    # inner products: 1, 0, 3; squared distances: 0, 2, 4 + 16
    truth = nearest([batch([EAST, NORTH, FAR])], QUERY, k=2, similarity=similarity)
    assert truth.least == pytest.approx([second])
    assert (truth.counts.tolist(), truth.vectors) == ([2], 3)


def test_the_order_of_batches_does_not_matter():
    one, other = batch([EAST, FAR]), batch([NORTH])
    both = ([one, other], [other, one])
    found = [nearest(parts, QUERY, k=2, similarity="cosine") for parts in both]
    assert found[0].least == pytest.approx(found[1].least)


def test_a_document_is_as_near_as_its_best_passage_and_counts_once():
    passages = batch([("two", [0, 1]), ("two", [1, 0]), NORTH])
    truth = nearest([passages], QUERY, k=2, similarity="cosine")
    assert truth.least == pytest.approx([0.0])  # that of north
    assert truth.vectors == 3


def test_the_document_that_a_query_was_made_of_does_not_count():
    rows = [batch([EAST, NORTH, FAR])]
    truth = nearest(rows, QUERY, k=1, similarity="cosine", own=["east"])
    assert truth.least == pytest.approx([0.6])


def test_fewer_documents_than_wanted_are_all_that_there_are():
    truth = nearest([batch([EAST, NORTH])], QUERY, k=10, similarity="cosine")
    assert (truth.counts.tolist(), truth.least.tolist()) == ([2], [0.0])


def test_without_documents_there_is_nothing_to_find():
    truth = nearest([], QUERY, k=10, similarity="cosine")
    assert (truth.counts.tolist(), truth.least.tolist()) == ([0], [np.inf])


def test_progress_counts_documents():
    told = []
    parts = [batch([EAST, EAST], total=2), batch([NORTH], total=2)]
    nearest(parts, QUERY, k=1, similarity="cosine", progress=lambda *one: told.append(one))
    assert told == [(1, 2), (2, 2)]
