"""Embedding: longest first, and one bad text does not take the others with it."""

from dataclasses import replace

import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.indexing import embedding
from es_hybrid.indexing.embedding import embedded, too_long
from es_hybrid.passages import PassageSize, Splitter
from tests.embedders import CountingEmbedder, FailsOn, FewerRows, NanFor, NothingFor, WordEmbedder


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
    (short,), (long,) = (found[text].vectors for text in ("shark", "shark sea sea"))
    assert short.values.max() == 1
    assert (long.values.max(), long.norm) == pytest.approx((2 / 5**0.5, 5**0.5))


def test_embedding_is_lazy(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 1)
    embedder = WordEmbedder()
    next(embedded(embedder, documents("a", "b", "c")))
    assert len(embedder.calls) == 1


@pytest.mark.parametrize(("length", "together"), [(100, 64), (1_600, 40), (100_000, 32)])
def test_of_long_texts_fewer_are_embedded_at_a_time(length, together):
    embedder = WordEmbedder()
    run(embedder, *("a" * (length - number) for number in range(70)))
    assert len(embedder.calls[0]) == together


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
    assert (bad.fault, bad.vectors) == (reason, ())
    assert all(one.fault is None and len(one.vectors) == 1 for one in found.values())


def test_an_embedder_that_loses_rows_is_never_matched_with_the_wrong_texts():
    found = run(FewerRows(), "shark", "sea")
    assert all("shape" in one.fault for one in found.values())


def test_other_batches_are_not_asked_again_for_a_spoiled_one(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 2)
    embedder = FailsOn("poison")
    run(embedder, "aaaaaaaa", "poison", "bb", "b")
    assert embedder.calls == [["aaaaaaaa"], ["bb", "b"]]


LONG = "Sharks swim in the deep blue sea. The poison is in the old tea. Tea is hot."


def in_passages(embedder, *texts):
    splitter = Splitter(embedder, PassageSize(8))
    return list(embedded(embedder, documents(*texts), splitter=splitter))


def test_a_document_has_a_vector_for_each_passage_in_order():
    (found,) = in_passages(CountingEmbedder(), LONG)
    whole = list(embedded(CountingEmbedder(), documents(*(one.text for one in found.passages))))
    alone = {one.document.id: one.vectors[0].values.tolist() for one in whole}
    assert [one.text[:3] for one in found.passages] == ["Sha", "The", "Tea"]
    assert [one.values.tolist() for one in found.vectors] == [alone[number] for number in "012"]


def test_passages_of_all_documents_are_sorted_together(monkeypatch):
    monkeypatch.setattr(embedding, "BATCH", 3)
    embedder = CountingEmbedder()
    found = in_passages(embedder, "tea", LONG)
    assert [len(call) for call in embedder.calls] == [3, 1]
    assert [one.document.text for one in found] == [LONG, "tea"]


def test_long_documents_are_not_all_kept_back_until_the_last_is_embedded(monkeypatch):
    monkeypatch.setattr(embedding, "TOGETHER", 3)
    embedder = CountingEmbedder()
    splitter = Splitter(embedder, PassageSize(8))
    next(embedded(embedder, documents(LONG, LONG), splitter=splitter))
    assert len(embedder.calls) == 1


def test_one_bad_passage_sets_the_document_aside_and_says_where_it_begins():
    class Poisoned(CountingEmbedder):
        def _vector(self, text):
            return super()._vector(text) * ("poison" not in text)

    bad, good = sorted(in_passages(Poisoned(), LONG, "tea"), key=lambda one: one.document.id)
    assert bad.fault == "passage at character 34: counting-64 gave a vector of length zero"
    assert (bad.vectors, good.fault) == ((), None)


def test_a_text_whose_tokens_cannot_be_counted_is_set_aside():
    class Dumb(CountingEmbedder):
        def count_tokens(self, texts):
            if "poison" in texts[0]:
                raise RuntimeError("bitter")
            return super().count_tokens(texts)

    found = {one.document.id: one.fault for one in in_passages(Dumb(), "tea", "poison")}
    assert found == {"0": None, "1": "counting-64 failed: RuntimeError: bitter"}


@pytest.mark.parametrize(
    ("embedder", "found"),
    [(CountingEmbedder(limit=6), 2), (CountingEmbedder(), 0), (WordEmbedder(), 0)],
    ids=["limit", "no limit", "cannot count, has no limit"],
)
def test_texts_longer_than_the_model_reads_are_counted(embedder, found):
    assert too_long(embedder, ["tea", "a b c d", "a b c d e", "a b c d e f"]) == found


def test_what_cannot_count_says_so():
    class Unable(WordEmbedder):
        info = replace(WordEmbedder().info, max_tokens=6)

        def __init__(self):
            self.calls = []

    assert too_long(Unable(), ["a b c d e f"]) is None
