"""Transforms on a real cluster: fitted, kept, used in writing and searching, and not forged."""

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher, vector_stream
from es_hybrid.client import path, request
from es_hybrid.diagnosis.remedies import fit_transform
from es_hybrid.embedders import load_embedder
from es_hybrid.errors import ContractError, ContractMismatch, EmbedderError, UsageError
from es_hybrid.fitted import MODELS_INDEX
from tests.commands import Terminal
from tests.embedders import WordEmbedder, ships

RECORDS = [
    {"_id": str(row), "text": f"always the same words and word{row} word{row % 7}"}
    for row in range(60)
]


class Cone(WordEmbedder):
    """Words that every text shares turn all vectors into one direction."""

    name = "cone"


@pytest.fixture(autouse=True)
def packaged(monkeypatch):
    ships(monkeypatch, "cone-64", Cone)


@pytest.fixture
def films(es, name):
    Indexer(es, name, embedder="cone-64").write(RECORDS)
    return name


@pytest.fixture
def other(es, films):
    name = f"{films}-transformed"
    yield name
    request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


def units(es, name):
    index = vector_stream.vector_index(es, name)
    return vector_stream.gathered(vector_stream.batches(es, index))


def test_an_index_made_with_a_transform_has_transformed_vectors_and_finds_with_them(
    es, films, other
):
    kept = fit_transform(es, films, "centre")
    Indexer(es, other, embedder=kept.embedder).write(RECORDS)
    before, after = units(es, films), units(es, other)
    assert np.linalg.norm(before.units.mean(axis=0)) > 0.7
    assert np.linalg.norm(after.units.mean(axis=0)) < 0.2
    hit = Searcher(es, other).search(RECORDS[33]["text"], mode="knn").hits[0]
    assert (hit.id, hit.knn.cosine) == ("33", pytest.approx(1, abs=1e-5))


def test_the_contract_names_the_transform_and_another_is_refused(es, films, other):
    kept = fit_transform(es, films, "centre")
    Indexer(es, other, embedder=kept.embedder).write(RECORDS)
    assert kept.hash in vector_stream.vector_index(es, other).contract.embedder.id
    with pytest.raises(ContractMismatch):
        Searcher(es, other, embedder="cone-64").search("word3", mode="knn")


def test_lengths_stay_those_of_the_embedder(es, films, other):
    kept = fit_transform(es, films, "all-but-the-top", components=2)
    Indexer(es, other, embedder=kept.embedder).write(RECORDS)
    before, after = units(es, films), units(es, other)
    order = np.argsort(before.ids), np.argsort(after.ids)
    np.testing.assert_allclose(before.norms[order[0]], after.norms[order[1]], rtol=1e-4)


def test_pca_makes_an_index_of_fewer_dimensions(es, films, other):
    kept = fit_transform(es, films, "pca", components=8)
    Indexer(es, other, embedder=kept.embedder).write(RECORDS)
    assert vector_stream.vector_index(es, other).contract.embedder.dims == kept.dims == 8


def test_a_transform_that_was_changed_on_the_cluster_is_not_used(es, films, other):
    kept = fit_transform(es, films, "centre")
    change = {"doc": {"method": "whiten"}}
    request(es, "POST", path(MODELS_INDEX, "_update", kept.hash), body=change)
    with pytest.raises(EmbedderError, match="holds other numbers than it was named by"):
        Indexer(es, other, embedder=kept.embedder).write(RECORDS)


def test_a_transform_that_is_gone_is_named(es, other):
    with pytest.raises(EmbedderError, match="has no transform '00aa'"):
        Indexer(es, other, embedder="cone-64?transform=00aa").write(RECORDS)


def test_without_a_cluster_it_is_said_where_the_transform_is():
    with pytest.raises(EmbedderError, match="is kept on the cluster"):
        load_embedder("cone-64?transform=00aa").embed_queries(["a"])


def test_vectors_are_transformed_once_only(es, films, other):
    kept = fit_transform(es, films, "centre")
    Indexer(es, other, embedder=kept.embedder).write(RECORDS)
    with pytest.raises(ContractError, match="were transformed already"):
        fit_transform(es, other, "whiten")


def test_ready_vectors_have_no_embedder_to_use_a_transform(es, name):
    Indexer(es, name, vector_field="v", label="toy").write(
        [{"text": str(row), "v": [row + 1.0, 1.0]} for row in range(20)]
    )
    with pytest.raises(ContractError, match="came ready-made"):
        fit_transform(es, name, "centre")


def test_an_unknown_method_is_refused_before_anything_is_read(es):
    with pytest.raises(UsageError, match="unknown transform 'center'"):
        fit_transform(es, "nowhere", "center")


def test_the_command_tells_how_to_use_it(url, films, capsys, monkeypatch):
    ended = Terminal(capsys, monkeypatch)("transform", films, "--method", "centre", "--url", url)
    assert f"rebuild {films} --embedder 'cone-64?transform=" in ended.out


def test_the_index_of_transforms_is_hidden_also_where_a_transform_makes_it(es, films):
    request(es, "DELETE", path(MODELS_INDEX), ok=(404,))
    fit_transform(es, films, "centre")
    settings = request(es, "GET", path(MODELS_INDEX, "_settings"))
    assert settings[MODELS_INDEX]["settings"]["index"]["hidden"] == "true"
