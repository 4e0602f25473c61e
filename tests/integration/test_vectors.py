"""Vectors on a real node: every similarity, every way to be exact, and ready vectors."""

import json

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.cli import main
from es_hybrid.errors import ContractError, UsageError
from es_hybrid.similarity import SIMILARITIES

DIMS, COUNT = 64, 400
RANDOM = np.random.default_rng(5)
LENGTHS = RANDOM.uniform(0.5, 4, size=(COUNT, 1))
VECTORS = (RANDOM.normal(size=(COUNT, DIMS)) * LENGTHS).astype(np.float32)
QUERY = (RANDOM.normal(size=DIMS) * 2).astype(np.float32)
COSINES = VECTORS @ QUERY / (np.linalg.norm(VECTORS, axis=1) * np.linalg.norm(QUERY))


def records():
    """The n-th has id n and text ``tea n``."""
    return [{"_id": str(n), "text": f"tea {n}", "v": VECTORS[n].tolist()} for n in range(COUNT)]


def scores(similarity):
    """What Elasticsearch documents for each similarity."""
    products = VECTORS.astype(float) @ QUERY.astype(float)
    return {
        "cosine": (1 + COSINES) / 2,
        "max_inner_product": [1 / (1 - v) if v < 0 else v + 1 for v in products],
        "l2_norm": 1 / (1 + np.square(VECTORS.astype(float) - QUERY).sum(axis=1)),
    }[similarity]


def searcher(es, name, **options):
    Indexer(es, name, vector_field="v", label="toy", **options).write(records())
    return Searcher(es, name)


@pytest.mark.parametrize("kind", ["hnsw", "flat"])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_and_cosines_are_those_of_numpy(es, name, similarity, kind):
    found = searcher(es, name, similarity=similarity, vector_index=kind).search(vector=QUERY)
    expected = np.asarray(scores(similarity))
    for hit in found:
        assert hit.knn.score == pytest.approx(expected[int(hit.id)], rel=1e-5)
        assert hit.knn.cosine == pytest.approx(COSINES[int(hit.id)], abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("int8_hnsw", "exact:rescored"),
        ("bbq_flat", "exact:rescored"),
        ("flat", "exact:flat"),
        ("hnsw", "exact:scanned"),
    ],
)
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_an_exact_search_has_the_order_of_numpy_and_says_how(es, name, similarity, kind, way):
    found = searcher(es, name, similarity=similarity, vector_index=kind).search(
        vector=QUERY, exact=True, size=50
    )
    assert found.knn == way  # the test node runs no scripts
    assert [int(hit.id) for hit in found] == np.argsort(-np.asarray(scores(similarity)))[
        :50
    ].tolist()


def test_a_scan_obeys_the_filter_and_returns_the_users_fields(es, name):
    hits = searcher(es, name, vector_index="hnsw").search(
        vector=QUERY, exact=True, filter={"terms": {"_id": ["7", "8"]}}
    )
    assert sorted(hit.id for hit in hits) == ["7", "8"]
    assert hits.hits[0].source == {"text": f"tea {hits.hits[0].id}"}


def test_words_and_a_vector_are_fused(es, name):
    found = searcher(es, name).search("tea 7", vector=VECTORS[7], size=1)
    assert (found.hits[0].id, set(found.hits[0].legs)) == ("7", {"bm25", "knn"})


@pytest.fixture
def typed(node, capsys, tmp_path, monkeypatch):
    """Runs ``es-hybrid`` on the node; returns its code, what it printed and what it complained."""
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({k: r[k] for k in ("_id", "text")}) for r in records()[:8]]
    (tmp_path / "r.jsonl").write_text("\n".join(lines))
    np.save(tmp_path / "v.npy", VECTORS[:8])
    np.save(tmp_path / "q.npy", VECTORS[3])

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_a_file_of_vectors_is_indexed_and_searched_from_the_command_line(typed, name):
    code, out, _ = typed("index", name, "r.jsonl", "--vectors-file", "v.npy", "--json")
    report = json.loads(out)
    assert (code, report["indexed"], report["embedded"]) == (0, 8, 0)
    found = json.loads(typed("search", name, "--vector", "q.npy", "--exact", "--json")[1])
    assert (found["hits"][0]["id"], found["knn"]) == ("3", "exact:rescored")


def test_rows_without_records_and_records_without_rows_are_told(typed, name, tmp_path):
    np.save(tmp_path / "v.npy", VECTORS[:7])
    code, _, told = typed("index", name, "r.jsonl", "--vectors-file", "v.npy")
    assert code == 1
    assert "v.npy has 7 rows, none for this record" in told
    np.save(tmp_path / "v.npy", VECTORS[:9])
    assert "1 rows of v.npy" in typed("index", name, "r.jsonl", "--vectors-file", "v.npy")[2]


def test_words_find_ready_vectors_by_bm25_alone(typed, name):
    typed("index", name, "r.jsonl", "--vectors-file", "v.npy", "--label", "toy")
    assert typed("search", name, "tea 3", "--mode", "bm25")[0] == 0
    code, _, told = typed("search", name, "tea 3")
    assert code == 1
    assert "--mode bm25" in told


def test_another_label_is_refused_and_both_are_named(typed, name):
    typed("index", name, "r.jsonl", "--vectors-file", "v.npy", "--label", "toy")
    code, _, told = typed("index", name, "r.jsonl", "--vectors-file", "v.npy", "--label", "ada")
    assert code == 1
    assert "'given:toy'" in told
    assert "'given:ada'" in told


def test_bbq_disk_is_refused_before_anything_is_written(es, name):
    with pytest.raises(UsageError, match=r"bbq_disk .* choose --vector-index bbq_hnsw"):
        searcher(es, name, vector_index="bbq_disk")
    with pytest.raises(Exception, match="no index"):
        Searcher(es, name).search("tea", mode="bm25")


def test_a_vector_is_needed_to_search_by_knn_what_nobody_can_embed(es, name):
    with pytest.raises(ContractError, match="given:toy"):
        searcher(es, name).search("tea", mode="knn")
