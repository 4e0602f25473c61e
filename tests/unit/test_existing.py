"""What is added to an index that exists, and what a new version takes over from an old one."""

from dataclasses import replace

import orjson
import pytest

from es_hybrid.contract import Contract, probe
from es_hybrid.documents import Fields, document
from es_hybrid.errors import ContractError, RecordError
from es_hybrid.existing.additions import addition, check_room, properties, removal, update
from es_hybrid.existing.body import copied_body
from es_hybrid.existing.index import Existing
from es_hybrid.existing.texts import text_document
from es_hybrid.indexing.embedding import embedded
from es_hybrid.indexing.scan import Found
from es_hybrid.objects import change_at, value_at, with_value, without
from es_hybrid.passages import PassageSize
from tests.embedders import WordEmbedder

WORDS = WordEmbedder(8)
CONTRACT = Contract(WORDS.info, ("title", "body.text"), "own", "int8_hnsw", probe(WORDS))
MAPPINGS = {
    "_meta": {"team": "search"},
    "dynamic": "strict",
    "properties": {"title": {"type": "text"}, "body": {"properties": {"text": {"type": "text"}}}},
}
SETTINGS = {
    "number_of_shards": "3",
    "uuid": "abc",
    "creation_date": "1",
    "provided_name": "films",
    "version": {"created": "9"},
    "blocks": {"write": "true"},
    "analysis": {"analyzer": {"mine": {"tokenizer": "standard"}}},
    "routing": {"allocation": {"initial_recovery": {"_id": "x"}}},
}


def existing(*, contract=None, **mappings):
    body = {"mappings": MAPPINGS | mappings, "settings": {"index": SETTINGS}}
    return Existing("films", "films-000001", body, contract)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"body": {"text": "a"}}, "a"),
        ({"body.text": "a"}, "a"),
        ({"body": [{"text": "a"}, {"text": "b"}, {"x": 1}, 7]}, ["a", "b"]),
        ({"body": "a"}, None),
        ({}, None),
    ],
)
def test_a_field_is_found_however_the_document_is_written(source, value):
    assert value_at(source, "body.text") == value


def test_the_text_and_its_hash_are_those_that_the_indexer_makes():
    source = {"title": "Caf\u0065\u0301", "text": "hot", "price": 3}
    ours = text_document(Found("7", source, 0, 1), ("title", "text"), index="i")
    theirs = document({"_id": "7", **source}, Fields())
    assert (ours.text, ours.text_hash) == (theirs.text, theirs.text_hash)


def test_an_object_is_no_text():
    with pytest.raises(RecordError, match="text field 'body'"):
        text_document(Found("7", {"body": {"text": "x"}}, 0, 1), ("body",), index="i")


def test_an_update_only_applies_to_the_state_that_was_read():
    found = Found("7", {"title": "Tea"}, 12, 3, routing="ann")
    made = text_document(found, ("title",), index="i")
    [item] = embedded(WORDS, [made])
    lines = update(made, found, addition(item, CONTRACT, base64=False)).lines.splitlines()
    action, body = map(orjson.loads, lines)
    expected = {"_id": "7", "if_seq_no": 12, "if_primary_term": 3, "routing": "ann"}
    assert action == {"update": expected}
    assert set(body["doc"]) == {"embedding", "es_hybrid"}


def test_vectors_lie_inside_the_object_that_their_field_names():
    contract = replace(CONTRACT, vector_field="body.vector")
    assert properties(contract)["body"]["properties"]["vector"]["type"] == "dense_vector"
    assert removal(contract)["body.vector"] is None


@pytest.mark.parametrize(
    ("source", "changed", "change"),
    [
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"c": 2}}, {"a": {"c": 2, "b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 3}}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a.b": 3}, {"a.b": 1}, {"a.b": 1}),
        ({"a": [{"c": 2}]}, {"a": [{"c": 2}], "a.b": 1}, {"a.b": 1}),
        ({"a": None}, {"a": None, "a.b": 1}, {"a.b": 1}),
    ],
)
def test_a_value_inside_an_object_replaces_nothing_beside_it(source, changed, change):
    assert with_value(source, "a.b", 1) == changed
    assert change_at(source, "a.b", 1) == change
    assert value_at(without(changed, "a.b"), "a.b") is None


@pytest.mark.parametrize("taken", ["embedding", "es_hybrid"])
def test_fields_of_the_users_own_are_never_taken(taken):
    index = existing(properties=MAPPINGS["properties"] | {taken: {"type": "keyword"}})
    with pytest.raises(ContractError, match=f"has a field {taken!r} of its own"):
        check_room(index, CONTRACT)


def test_a_copy_has_the_settings_that_can_be_asked_for():
    settings = copied_body(existing(), CONTRACT, notes={})["settings"]["index"]
    assert set(settings) == {"number_of_shards", "analysis", "routing"}
    assert settings["routing"] == {"allocation": {}}


def test_a_copy_has_the_mapping_of_its_source_and_the_fields_of_es_hybrid():
    made = copied_body(existing(), CONTRACT, notes={"a": 1})["mappings"]
    assert made["_meta"].keys() == {"team", "es_hybrid", "es_hybrid_existing"}
    assert made["properties"].keys() == {"title", "body", "embedding", "es_hybrid"}
    assert made["dynamic"] == "strict"


def test_a_new_version_has_none_of_the_vectors_of_the_old_one():
    passages = replace(CONTRACT, passages=PassageSize(64))
    old = existing(contract=passages, properties=MAPPINGS["properties"] | properties(passages))
    made = copied_body(old, CONTRACT, notes={})["mappings"]["properties"]
    assert "passages" not in made
    assert made["embedding"]["dims"] == 8


def test_another_analysis_replaces_that_of_the_text_fields_only():
    plain = replace(CONTRACT, text_fields=("title",))
    english = replace(plain, analysis="english")
    made = copied_body(existing(contract=plain), english, notes={})
    assert made["mappings"]["properties"]["title"]["analyzer"] == "es_hybrid_text"
    assert made["mappings"]["properties"]["body"] == MAPPINGS["properties"]["body"]
    assert {"mine", "es_hybrid_text"} <= set(made["settings"]["index"]["analysis"]["analyzer"])
