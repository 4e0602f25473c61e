"""A diagnosis of real indices: all vectors are read as they are, and what was planted is seen."""

import numpy as np
import pytest

from es_hybrid import Indexer, vector_stream
from es_hybrid.diagnosis import diagnose
from es_hybrid.errors import IndexNotFound, NoContract, UsageError
from es_hybrid.evaluation.measures import measured
from tests.commands import Terminal
from tests.embedders import WordEmbedder

DIMS = 8
LENGTHS = np.exp(np.random.default_rng(0).normal(size=300))
VECTORS = np.random.default_rng(1).normal(size=(300, DIMS)).astype(np.float32)
VECTORS *= (LENGTHS / np.linalg.norm(VECTORS, axis=1))[:, None].astype(np.float32)
RECORDS = [
    {"_id": f"d{row}", "text": f"document {row}", "vector": vector.tolist()}
    for row, vector in enumerate(VECTORS)
]


@pytest.fixture
def given(es, name):
    Indexer(es, name, vector_field="vector", label="toy").write(RECORDS)
    return name


def read(es, name, **options):
    index = vector_stream.vector_index(es, name)
    return vector_stream.gathered(vector_stream.batches(es, index, **options))


@pytest.mark.parametrize("similarity", ["cosine", "max_inner_product", "l2_norm"])
def test_vectors_and_their_lengths_are_read_as_they_were_given(es, name, similarity):
    Indexer(es, name, vector_field="vector", label="toy", similarity=similarity).write(RECORDS)
    found = read(es, name)
    order = [int(one[1:]) for one in found.ids]
    original = found.units * found.norms[:, None]
    assert sorted(order) == list(range(300))
    np.testing.assert_allclose(original, VECTORS[order], rtol=1e-5, atol=1e-6)


def test_passages_are_read_one_by_one_with_the_id_of_their_document(es, name):
    indexer = Indexer(es, name, embedder=Counting(), passages="8:0")
    indexer.write([{"_id": "long", "text": "one two three four. " * 12}, {"_id": "b", "text": "b"}])
    found = read(es, name)
    assert found.ids.count("long") > 1
    assert found.norms[0] > 1


class Counting(WordEmbedder):
    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


def test_a_sample_is_about_as_large_as_asked_and_the_same_each_time(es, given):
    first, second = read(es, given, sample=100), read(es, given, sample=100)
    assert 70 < len(first.ids) < 130
    assert first.ids == second.ids


def test_fields_that_are_asked_for_come_along(es, given):
    assert read(es, given, fields=("text",)).sources[0]["text"].startswith("document")


def test_lengths_that_differ_lead_to_the_advice_to_use_them(es, given):
    found = diagnose(es, given)
    assert found.documents == found.sampled == 300
    assert found.lengths.l2_variation > 0.5
    assert "use dot product" in [one.action for one in found.advice]


def test_judged_queries_are_asked_under_three_similarities_of_all_vectors(es, name):
    embedder = WordEmbedder()
    texts = [f"word{row % 30} again{row}" for row in range(120)]
    Indexer(es, name, embedder=embedder).write([{"text": text} for text in texts])
    found = read(es, name, fields=("text",))
    wanted = {source["text"]: one for one, source in zip(found.ids, found.sources, strict=True)}
    queries = {str(row): texts[row] for row in range(20)}
    qrels = {str(row): {wanted[texts[row]]: 1} for row in range(20)}
    judged = diagnose(es, name, embedder=embedder, queries=queries, qrels=qrels).judged
    assert judged["cosine"].mean == measured_by_numpy(found, embedder, queries, qrels)
    assert set(judged) == {"cosine", "dot product", "Euclidean"}


def measured_by_numpy(found, embedder, queries, qrels):
    scores = embedder.embed_queries(list(queries.values())) @ found.units.T
    run = {
        query: [found.ids[place] for place in sorted(range(120), key=lambda at: best(at, row))]
        for query, row in zip(queries, scores, strict=True)
        for best in [lambda at, row: (-row[at], found.ids[at])]
    }
    return pytest.approx(np.mean(list(measured(run, qrels, measure="nDCG@10").values())), abs=1e-6)


def test_the_command_prints_tables_json_and_a_page_with_the_same_numbers(
    es, url, given, capsys, monkeypatch, tmp_path
):
    typed, page = Terminal(capsys, monkeypatch), tmp_path / "out.html"
    told = typed("diagnose", given, "--url", url, "--report", str(page), "--json").json
    assert told["documents"] == 300
    assert f'value="{told["shape"]["anisotropy"]}"' in page.read_text()
    assert "What to do" in typed("diagnose", given, "--url", url).out


def test_an_index_without_vectors_is_refused(es, name):
    es.indices.create(index=name)
    with pytest.raises(NoContract, match=name):
        diagnose(es, name)


def test_an_index_that_is_not_there_is_named(es, name):
    with pytest.raises(IndexNotFound, match=name):
        diagnose(es, name)


def test_too_few_vectors_say_nothing(es, name):
    Indexer(es, name, embedder=WordEmbedder()).write([{"text": "a"}, {"text": "b"}])
    with pytest.raises(UsageError, match="has 2 vectors: of fewer than 20"):
        diagnose(es, name)


def test_qrels_without_queries_are_refused(es, url, given, capsys, monkeypatch):
    typed = Terminal(capsys, monkeypatch)
    ended = typed("diagnose", given, "--url", url, "--qrels", "q.tsv")
    assert (ended.code, "--queries" in ended.err) == (2, True)
