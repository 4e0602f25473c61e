"""Which vectors each of Elasticsearch's index types can hold."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.vector_index import (
    DEFAULT_VECTOR_INDEX,
    MAX_DIMS,
    VECTOR_INDEX_TYPES,
    check_server,
    vector_index_type,
)

GRAPHS = {"hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw"}


@pytest.mark.parametrize("name", VECTOR_INDEX_TYPES)
def test_every_type_states_its_name_and_its_shape(name):
    options = vector_index_type(name, dims=64).options()
    graph = {"m": 16, "ef_construction": 100} if name in GRAPHS else {}
    clusters = {"cluster_size": 384} if name == "bbq_disk" else {}
    assert options == {"type": name} | graph | clusters


@pytest.mark.parametrize("name", VECTOR_INDEX_TYPES)
def test_what_is_quantised_is_scored_again_with_the_exact_vectors(name):
    assert VECTOR_INDEX_TYPES[name].quantised == (name not in {"hnsw", "flat"})


def test_the_default_holds_any_number_of_dimensions():
    for dims in (1, 63, 384, MAX_DIMS):
        assert vector_index_type(DEFAULT_VECTOR_INDEX, dims=dims).name == "int8_hnsw"


@pytest.mark.parametrize(
    ("name", "dims", "said"),
    [
        ("ivf", 384, r"unknown vector index 'ivf': choose one of hnsw, int8_hnsw"),
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


BBQ_DISK = VECTOR_INDEX_TYPES["bbq_disk"]


@pytest.mark.parametrize(
    ("release", "licence", "said"),
    [
        ((9, 1), "enterprise", "bbq_disk needs Elasticsearch 9.2, this one is 9.1: choose"),
        ((8, 19), None, "bbq_disk needs Elasticsearch 9.2"),
        ((9, 5), "basic", "licence enterprise or trial, this server has basic: choose"),
        (None, "basic", "this server has basic"),
    ],
)
def test_what_a_server_is_known_not_to_allow_is_refused(release, licence, said):
    with pytest.raises(UsageError, match=said):
        check_server(BBQ_DISK, release=release, licence=licence)


@pytest.mark.parametrize(
    ("release", "licence"),
    [((9, 5), "trial"), ((9, 5), None), (None, None), (None, "enterprise"), ((9, 2), "basic")],
)
def test_what_is_allowed_or_not_known_is_tried(release, licence):
    check_server(BBQ_DISK, release=release, licence=licence)


@pytest.mark.parametrize("name", sorted(set(VECTOR_INDEX_TYPES) - {"bbq_disk"}))
def test_the_other_types_are_on_every_supported_server(name):
    check_server(VECTOR_INDEX_TYPES[name], release=(8, 19), licence="basic")
