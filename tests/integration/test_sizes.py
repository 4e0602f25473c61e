"""What es-hybrid plan says is what a real server needs."""

import numpy as np
import pytest

from es_hybrid import capabilities
from es_hybrid.client import path, request
from es_hybrid.sizing import plan
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

DIMS, VECTORS = 64, 2500  # of fewer, bbq_hnsw makes no graph
KINDS = [name for name in VECTOR_INDEX_TYPES if name != "bbq_disk"]  # written under a licence
QUANTISED = ("veq_size_bytes", "veb_size_bytes")


@pytest.fixture(scope="module")
def name(es):
    """One index with a vector field of each type, the same vectors in all, in one segment."""
    made = "t-sizes"
    fields = {
        kind: {
            "type": "dense_vector",
            "dims": DIMS,
            "similarity": "dot_product",
            "index_options": VECTOR_INDEX_TYPES[kind].options(),
        }
        for kind in KINDS
    }
    mappings = {"properties": fields, "_source": {"enabled": False}}
    request(es, "PUT", path(made), body={"mappings": mappings})
    rows = np.random.default_rng(1).normal(size=(VECTORS, DIMS)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    lines = [line for row in rows for line in ({"index": {}}, dict.fromkeys(KINDS, row))]
    for start in range(0, len(lines), 400):
        part = lines[start : start + 400]
        answer = request(es, "POST", path(made, "_bulk"), body=part, ndjson=True)
        assert not answer["errors"]
    merge = {"max_num_segments": "1"}
    request(es, "POST", path(made, "_forcemerge"), params=merge, timeout=300)
    request(es, "POST", path(made, "_refresh"))
    yield made
    request(es, "DELETE", path(made), ok=(404,))


@pytest.fixture(scope="module")
def planned():
    return {one.type: one for one in plan(VECTORS, DIMS).sizes}


@pytest.fixture(scope="module")
def files(es, name):
    """Field -> bytes of its files by kind, as the server keeps them outside the heap."""
    if (capabilities.read(es).release or (0, 0)) < (9, 1):
        pytest.skip("servers before 9.1 do not tell the files of a vector field")
    stats = request(es, "GET", path(name, "_stats", "dense_vector"))
    return stats["indices"][name]["primaries"]["dense_vector"]["off_heap"]["fielddata"]


@pytest.mark.parametrize("kind", KINDS)
def test_exact_and_compared_vectors_are_planned_to_the_byte(files, planned, kind):
    assert files[kind]["vec_size_bytes"] == planned[kind].exact
    assert sum(files[kind].get(name, 0) for name in QUANTISED) == planned[kind].compared


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith("hnsw")])
def test_a_graph_is_not_larger_than_planned_and_more_than_half_of_it(files, planned, kind):
    assert 0.5 * planned[kind].graph < files[kind]["vex_size_bytes"] <= planned[kind].graph


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_is_planned_within_a_tenth(es, name, planned, kind):
    params = {"run_expensive_tasks": "true"}
    usage = request(es, "POST", path(name, "_disk_usage"), params=params)[name]["fields"]
    assert usage[kind]["knn_vectors_in_bytes"] == pytest.approx(planned[kind].disk, rel=0.1)
