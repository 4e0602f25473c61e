"""Embedding: longest first, and one bad text does not take the others with it."""

import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.indexing import embedding
from es_hybrid.indexing.embedding import embedded
from tests.embedders import FailsOn, FewerRows, NanFor, NothingFor, WordEmbedder


def documents(*texts):
    return [document({"_id": n, "text": text}, Fields()) for n, text in enumerate(texts)]


def run(embedder, *texts):
    """Text -> what became of it."""
    found = list(embedded(embedder, documents(*texts)))
    assert len(found) == len(texts)
    return {one.document.text: one for one in found}


def test_the_longest_texts_are_embedded_first(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 2)
    embedder = WordEmbedder()
    run(embedder, "aa", "aaaa", "a", "aaa")
    assert embedder.calls == [["aaaa", "aaa"], ["aa", "a"]]


def test_each_document_gets_its_own_vector_of_length_one_and_the_norm_before():
    found = run(WordEmbedder(), "shark", "shark sea sea")
    assert found["shark"].vector.max() == 1
    assert found["shark sea sea"].vector.max() == pytest.approx(2 / 5**0.5)
    assert found["shark sea sea"].norm == pytest.approx(5**0.5)


def test_embedding_is_lazy(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 1)
    embedder = WordEmbedder()
    next(embedded(embedder, documents("a", "b", "c")))
    assert len(embedder.calls) == 1


def test_nothing_to_embed_asks_nothing():
    embedder = WordEmbedder()
    assert run(embedder) == {}
    assert embedder.calls == []


@pytest.mark.parametrize(
    ("embedder", "reason"),
    [
        (NanFor("poison"), "words-64 gave a vector with NaN or infinity"),
        (NothingFor("poison"), "words-64 gave a vector of length zero"),
        (FailsOn("poison"), "words-64 failed: RuntimeError: cannot read 'poison'"),
    ],
    ids=["nan", "zero", "raises"],
)
def test_one_bad_text_is_set_aside_with_its_reason(embedder, reason):
    found = run(embedder, "shark", "poison", "sea")
    bad = found.pop("poison")
    assert (bad.fault, bad.vector, bad.norm) == (reason, None, 0.0)
    assert all(one.fault is None and one.vector is not None for one in found.values())


def test_an_embedder_that_loses_rows_is_never_matched_with_the_wrong_texts():
    found = run(FewerRows(), "shark", "sea")
    assert all("shape" in one.fault for one in found.values())


def test_other_batches_are_not_asked_again_for_a_spoiled_one(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 2)
    embedder = FailsOn("poison")
    run(embedder, "aaaaaaaa", "poison", "bb", "b")
    assert embedder.calls == [["aaaaaaaa"], ["bb", "b"]]
