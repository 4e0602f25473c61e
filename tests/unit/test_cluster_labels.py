"""Words of clusters by c-TF-IDF, and how many clusters there are, where both are known."""

import numpy as np
import pytest

from es_hybrid.clusters import kmeans
from es_hybrid.clusters.labels import weighted, words_of
from es_hybrid.errors import UsageError


def terms(text):
    return [(word, word) for word in text.split()]


def test_weights_are_those_of_the_formula():
    counts = np.array([[3.0, 1.0], [1.0, 1.0]])
    expected = np.sqrt([[3 / 4 - 1 / 2, 0], [0, 1 / 2 - 1 / 4]]) * np.log(
        1 + 3 / counts.sum(axis=0)
    )
    assert weighted(counts) == pytest.approx(expected)


def test_words_of_all_clusters_name_none():
    ships = [terms("the ship sails the sea"), terms("the ship on the sea")]
    bread = [terms("the bread of the oven"), terms("the oven bakes the bread")]
    assert words_of([ships, bread], most=2) == [("sea", "ship"), ("bread", "oven")]


def test_a_word_of_all_clusters_loses_to_a_rarer_one_though_it_stands_there_more_often():
    each = [[terms(f"이 이 이 이 이 이 이 이 {name}")] * 2 for name in ("배", "빵", "꽃")]
    assert [words[0] for words in words_of(each)] == ["배", "빵", "꽃"]


def test_of_few_documents_a_word_that_stands_in_each_sentence_names_no_cluster():
    ships = [terms("the ship sails and the wind blows"), terms("the ship and the storm at sea")]
    bread = [terms("the bread and the oven in town"), terms("the bread and the butter we like")]
    assert words_of([ships, bread]) == [("ship",), ("bread",)]


def test_a_word_of_one_document_names_no_cluster():
    found = words_of([[terms("a rare rare rare word"), terms("a word")], [terms("b c")] * 2])
    assert "rare" not in found[0]


def test_a_stem_is_shown_as_the_word_that_is_used_most():
    documents = [[("ship", "ships")], [("ship", "ships")], [("ship", "shipping")]]
    assert words_of([documents, [terms("oven")] * 2])[0] == ("ships",)


def test_without_terms_there_are_no_words():
    assert words_of([[], []]) == [(), ()]


def groups(number, *, each=40, dims=12):
    chance = np.random.default_rng(3)
    rows = np.repeat(np.eye(dims)[:number], each, axis=0)
    rows = rows + 0.1 * chance.normal(size=rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("number", [2, 3, 6])
def test_planted_groups_are_counted_by_the_silhouette(number):
    rows = groups(number)
    found = kmeans.fit(np.array_split(rows, 7), rows)
    assert len(found.centres) == number
    assert found.silhouette == max(found.silhouettes.values()) > 0.5
    assert found.fitted_on == len(rows)


def test_documents_beyond_the_sample_move_the_centres():
    rows = groups(2)
    far = np.tile(np.eye(12, dtype=np.float32)[5], (400, 1))
    found = kmeans.fit([rows, far], rows, clusters=2)
    assert found.centres[:, 5].max() > 0.5


@pytest.mark.parametrize("clusters", [-1, 0, 1, 80])
def test_a_number_that_cannot_be_is_refused(clusters):
    with pytest.raises(UsageError, match=f"clusters {clusters} must be 2 or more"):
        kmeans.fit([], groups(2), clusters=clusters)
