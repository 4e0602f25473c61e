"""Which vectors each of Elasticsearch's index types can hold."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.vector_index import (
    DEFAULT_VECTOR_INDEX,
    MAX_DIMS,
    VECTOR_INDEX_TYPES,
    vector_index_type,
)

GRAPHS = {"hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw"}


@pytest.mark.parametrize("name", VECTOR_INDEX_TYPES)
def test_every_type_states_its_name_and_every_graph_its_shape(name):
    options = vector_index_type(name, dims=64).options()
    graph = {"m": 16, "ef_construction": 100} if name in GRAPHS else {}
    assert options == {"type": name} | graph


@pytest.mark.parametrize("name", VECTOR_INDEX_TYPES)
def test_what_is_quantised_is_scored_again_with_the_exact_vectors(name):
    quantised = name not in {"hnsw", "flat"}
    assert (VECTOR_INDEX_TYPES[name].oversample is not None) == quantised


def test_the_default_holds_any_number_of_dimensions():
    for dims in (1, 63, 384, MAX_DIMS):
        assert vector_index_type(DEFAULT_VECTOR_INDEX, dims=dims).name == "int8_hnsw"


@pytest.mark.parametrize(
    ("name", "dims", "said"),
    [
        ("ivf", 384, r"unknown vector index 'ivf': choose one of hnsw, int8_hnsw"),
        ("bbq_disk", 384, "unknown vector index 'bbq_disk'"),
        ("", 384, "unknown vector index ''"),
        ("bbq_hnsw", 63, "64 to 4096 dimensions, not 63"),
        ("bbq_flat", 32, "64 to 4096 dimensions, not 32"),
        ("int4_hnsw", 383, "even number of dimensions, not 383"),
        ("int4_flat", 1, "even number of dimensions, not 1"),
        ("hnsw", 4097, "1 to 4096 dimensions, not 4097"),
        ("flat", 0, "1 to 4096 dimensions, not 0"),
    ],
)
def test_what_cannot_be_held_is_refused_with_the_limit(name, dims, said):
    with pytest.raises(UsageError, match=said):
        vector_index_type(name, dims=dims)
