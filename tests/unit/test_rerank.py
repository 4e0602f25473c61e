"""Reranking by a tiny real cross-encoder, and by fakes that score words or fail on purpose."""

import logging
import sys

import numpy as np
import pytest

from es_hybrid.embedders.base import LONGEST_TEXT
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.rerank import CrossEncoderReranker, reranked
from tests.cross_encoder import saved

TEXTS = ["tea", "coffee with milk", "", "bread in the morning " * 100, "tea"]


class WordsShared:
    """The score of a text is how many of the query's words it holds."""

    id = "words-shared"

    def __init__(self):
        self.calls = []

    def scores(self, query, texts):
        self.calls.append((query, texts))
        return [len(set(query.split()) & set(text.split())) for text in texts]


class Gives:
    """Whatever it is told to."""

    id = "gives"

    def __init__(self, values):
        self.values = values

    def scores(self, query, texts):
        return self.values


class Raises:
    id = "raises"

    def __init__(self, error):
        self.error = error

    def scores(self, query, texts):
        raise self.error


# The checked function


def test_texts_are_sorted_by_their_score():
    found = reranked(WordsShared(), "red round apple", ["a pear", "red apple", "apple"])
    assert found == [(1, 2.0), (2, 1.0), (0, 0.0)]


def test_texts_of_equal_score_stand_as_they_were_given():
    found = reranked(Gives([1, 5, 1, 5, 1]), "", list("abcde"))
    assert [place for place, _ in found] == [1, 3, 0, 2, 4]


def test_no_texts_need_no_model():
    model = WordsShared()
    assert reranked(model, "apple", []) == []
    assert model.calls == []


def test_very_long_texts_are_cut_as_an_embedder_cuts_them():
    model = WordsShared()
    reranked(model, "q" * 100_000, ["t" * 100_000])
    ((query, (text,)),) = model.calls
    assert len(query) == len(text) == LONGEST_TEXT


@pytest.mark.parametrize(
    "values", [[2, 1], (2.0, 1.0), np.array([2, 1], np.float16), np.array([2, 1], np.uint8)]
)
def test_scores_may_be_any_numbers_and_become_python_floats(values):
    found = reranked(Gives(values), "q", ["a", "b"])
    assert found == [(0, 2.0), (1, 1.0)]
    assert all(type(score) is float for _, score in found)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0], r"scores of shape \(1,\) for 2 texts"),
        ([1.0, 2.0, 3.0], r"scores of shape \(3,\) for 2 texts"),
        ([[1.0, 2.0], [3.0, 4.0]], r"scores of shape \(2, 2\) for 2 texts"),
        (1.0, r"scores of shape \(\) for 2 texts"),
        ([1.0, float("nan")], "the score nan to text 1 of 2"),
        ([float("inf"), 0.0], "the score inf to text 0 of 2"),
        (["high", "low"], "values of type <U4, not numbers"),
        ([1.0, None], "values of type object, not numbers"),
        ([True, False], "values of type bool, not numbers"),
        ([[1.0], [2.0, 3.0]], "failed: ValueError"),
    ],
)
def test_anything_but_one_finite_number_for_each_text_is_refused(values, said):
    with pytest.raises(EmbedderError, match=f"^gives .*{said}"):
        reranked(Gives(values), "q", ["a", "b"])


def test_a_failing_reranker_is_named_with_what_it_raised():
    with pytest.raises(EmbedderError, match=r"^raises failed: RuntimeError: out of memory$"):
        reranked(Raises(RuntimeError("out of memory")), "q", ["a"])


def test_an_error_that_a_reranker_words_itself_is_passed_on():
    with pytest.raises(EmbedderError, match=r"^ask me later$"):
        reranked(Raises(EmbedderError("ask me later")), "q", ["a"])


def test_ctrl_c_is_no_fault_of_the_reranker():
    with pytest.raises(KeyboardInterrupt):
        reranked(Raises(KeyboardInterrupt()), "q", ["a"])


# A real model, of one layer and random weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    made = tmp_path_factory.mktemp("models") / "cross-encoder"
    return saved(made, "BertForSequenceClassification", num_labels=1)


@pytest.fixture(scope="module")
def model(folder):
    return CrossEncoderReranker(folder, device="cpu")


def test_a_cross_encoder_scores_each_text_against_the_query(model):
    one_by_one = [model.scores("coffee", [text])[0] for text in TEXTS]
    together = model.scores("coffee", TEXTS)
    assert together.dtype == np.float32
    assert together == pytest.approx(np.array(one_by_one), abs=1e-6)
    assert len({round(float(score), 4) for score in together}) == len(set(TEXTS))


def test_a_cross_encoder_reads_query_and_text_together(model):
    for_tea, for_bread = model.scores("tea", TEXTS), model.scores("bread morning", TEXTS)
    assert np.ptp(for_tea - for_bread) > 1e-3


def test_a_cross_encoder_sorts_texts(model):
    scores = model.scores("coffee", TEXTS)
    found = reranked(model, "coffee", TEXTS)
    assert [score for _, score in found] == sorted(scores.tolist(), reverse=True)
    assert [scores[place] for place, _ in found] == [score for _, score in found]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_batch_size_changes_no_score(folder, model, batch_size):
    other = CrossEncoderReranker(folder, batch_size=batch_size, device="cpu")
    scores = other.scores("tea", TEXTS)
    assert scores == pytest.approx(model.scores("tea", TEXTS), abs=1e-6)


def test_what_is_longer_than_the_maximum_is_not_read(folder):
    short = CrossEncoderReranker(folder, max_length=8, device="cpu")
    first, second = short.scores("tea", ["milk " * 9 + "coffee", "milk " * 9 + "bread"])
    assert first == second


def test_a_cross_encoder_is_named_after_its_model(folder, model):
    assert model.id == f"cross-encoder:{folder}"


def test_a_cross_encoder_prints_nothing_while_it_scores(model, capfd, caplog):
    caplog.set_level(logging.INFO)
    capfd.readouterr()
    model.scores("tea", TEXTS)
    assert capfd.readouterr() == ("", "")


def test_a_classifier_of_several_labels_is_no_reranker(tmp_path):
    folder = saved(tmp_path, "BertForSequenceClassification", num_labels=3)
    with pytest.raises(EmbedderError, match=r"cross-encoder:.* scores of shape \(2, 3\)"):
        reranked(CrossEncoderReranker(folder, device="cpu"), "tea", ["milk", "coffee"])


def test_an_encoder_that_scores_no_pairs_is_refused(tmp_path):
    folder = saved(tmp_path, "BertModel")
    with pytest.raises(EmbedderError, match="holds a BertModel, which encodes texts but scores no"):
        CrossEncoderReranker(folder, device="cpu")


def test_a_broken_model_is_named_with_what_is_wrong(tmp_path):
    folder = saved(tmp_path, "BertForSequenceClassification", num_labels=1)
    (folder / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(EmbedderError, match=r"cannot be loaded \(\w+: .+\): name"):
        CrossEncoderReranker(folder, device="cpu")


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_folder_without_a_model_is_refused(tmp_path, name):
    with pytest.raises(EmbedderError, match=r"is no folder with a cross-encoder .*config.json"):
        CrossEncoderReranker(tmp_path / name)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbedderError, match=r"pip install 'es_hybrid\[text\]'"):
        CrossEncoderReranker("some/model")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size 0 is below 1"),
        ({"max_length": 0}, "max_length 0 is below 1"),
        ({"max_length": -5}, "max_length -5 is below 1"),
    ],
)
def test_sizes_that_can_never_work_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        CrossEncoderReranker("some/model", **options)
