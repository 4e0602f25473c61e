"""What vectors need: Elasticsearch's own example, and every number that can never work."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.sizing import plan
from es_hybrid.sizing.sizes import GIB
from es_hybrid.sizing.told import plan_report
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from tests.commands import Terminal


def sizes(*args, **options):
    return {one.type: one for one in plan(*args, **options).sizes}


def test_the_example_of_elasticsearchs_documentation_comes_out():
    hnsw = sizes(1_000_000, 1024)["hnsw"]
    assert (hnsw.graph, hnsw.exact, hnsw.memory) == (64_000_000, 4_096_000_000, 4_160_000_000)


@pytest.mark.parametrize(
    ("kind", "each"),
    [
        ("hnsw", 4 * 384 + 64),
        ("int8_hnsw", 384 + 16 + 64),
        ("int4_hnsw", 192 + 16 + 64),
        ("bbq_hnsw", 48 + 14 + 64),
        ("flat", 4 * 384),
        ("int8_flat", 384 + 16),
        ("int4_flat", 192 + 16),
        ("bbq_flat", 48 + 14),
    ],
)
def test_memory_is_what_is_compared_and_the_graph(kind, each):
    assert sizes(1000, 384)[kind].memory == 1000 * each


def test_every_type_is_planned():
    assert list(sizes(1000, 384)) == list(VECTOR_INDEX_TYPES)


def test_a_type_that_cannot_hold_the_vectors_says_why():
    found = sizes(1000, 33)
    refused = {name for name, one in found.items() if one.refused}
    assert refused == {"int4_hnsw", "int4_flat", "bbq_hnsw", "bbq_flat"}
    assert "even number" in found["int4_hnsw"].refused


def test_replicas_passages_and_machines_count():
    found = plan(10**6, 768, passages=3, replicas=2, machine=16 * GIB, prices=(2.0, 0.5))
    hnsw = found.sizes[0]
    assert (found.vectors, found.copies) == (3_000_000, 3)
    assert found.machines(hnsw) == 4  # 3 x 8.8 GiB in caches of 8 GiB each
    assert found.cost(hnsw) == pytest.approx(3 * (hnsw.memory * 2.0 + hnsw.disk * 0.5) / GIB)


def test_a_copy_never_shares_its_machine():
    found = plan(10, 64, replicas=2, machine=64 * GIB)
    assert found.machines(found.sizes[0]) == 3


@pytest.mark.parametrize(("docs", "shards"), [(1000, 1), (10**8, 3)])
def test_shards_keep_below_fifty_gibibytes(docs, shards):
    found = plan(docs, 384)
    assert found.shards_of(found.sizes[0]) == shards


def test_a_graph_visits_less_than_a_flat_index():
    found = sizes(10**6, 384)
    assert found["flat"].visits == 10**6
    assert found["hnsw"].visits == 13815  # ln(10^6) x 1000 candidates


def test_a_report_tells_what_the_json_tells():
    found = plan(10**6, 384, machine=GIB)
    row = plan_report(found).tables[0].rows[1]
    told = found.to_dict()["types"]["int8_hnsw"]
    assert [cell.value for cell in row[1:3]] == [told["memory_bytes"], told["disk_bytes"]]
    assert row[-1].value == told["machines"]


BAD = {
    "no document": (0, 384, {}),
    "half a document": (1.5, 384, {}),
    "no dimension": (10, 0, {}),
    "too many dimensions": (10, 4097, {}),
    "less than one vector each": (10, 384, {"passages": 0.5}),
    "a copy less": (10, 384, {"replicas": -1}),
    "no shard": (10, 384, {"shards": 0}),
    "a price below zero": (10, 384, {"prices": (-1.0, 0.0)}),
    "a number that is none": (10, 384, {"passages": float("nan")}),
}


@pytest.mark.parametrize(("docs", "dims", "options"), BAD.values(), ids=BAD)
def test_a_number_that_can_never_work_is_refused(docs, dims, options):
    with pytest.raises(UsageError):
        plan(docs, dims, **options)


@pytest.mark.parametrize("machine", ["64", "gb", "-1gb", "0gb", "many"])
def test_a_machine_without_a_size_is_refused(capsys, monkeypatch, machine):
    typed = Terminal(capsys, monkeypatch)
    ended = typed("plan", "--docs", "10", "--dims", "64", f"--machine={machine}")
    assert ended.code == 2
    assert f"'{machine}'" in ended.err


def test_the_command_needs_no_server(capsys, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", "http://127.0.0.1:1")
    ended = Terminal(capsys, monkeypatch)("plan", "--docs", "1000000", "--dims", "1024")
    assert ended.code == 0
    assert "7.75 GiB" in ended.out  # hnsw, two copies
