"""From a contract to the body of an index, and back."""

import json
from dataclasses import replace

import pytest

from es_hybrid.contract import Contract, probe
from es_hybrid.documents import EXACT_SUBFIELD
from es_hybrid.errors import InvalidIndexName, NewerSchema, NoContract, UsageError
from es_hybrid.mapping import (
    analysis_profiles,
    check_analysis,
    check_index_name,
    first_version,
    index_body,
    live_index,
)
from es_hybrid.passages import PassageSize
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from tests.embedders import WordEmbedder

EMBEDDER = WordEmbedder()
CONTRACT = Contract(
    embedder=EMBEDDER.info,
    text_fields=("title", "body"),
    analysis="standard",
    vector_index="int8_hnsw",
    probes=probe(EMBEDDER),
)


def body(**changes):
    return index_body(replace(CONTRACT, **changes))


def properties(**changes):
    return body(**changes)["mappings"]["properties"]


@pytest.mark.parametrize("name", VECTOR_INDEX_TYPES)
def test_nothing_about_the_vectors_is_left_to_version_or_licence(name):
    vector = properties(vector_index=name)["embedding"]
    stated = {"type", "dims", "index", "element_type", "similarity", "index_options"}
    assert set(vector) == stated
    graph = {"m", "ef_construction"} if name.endswith("hnsw") else set()
    clusters = {"cluster_size"} if name == "bbq_disk" else set()
    assert set(vector["index_options"]) == {"type"} | graph | clusters


def test_the_vector_field_is_what_the_contract_says():
    vector = properties(vector_index="flat")["embedding"]
    assert (vector["dims"], vector["similarity"]) == (64, "dot_product")
    assert vector["index_options"] == {"type": "flat"}


def test_the_text_fields_are_those_of_the_contract_and_no_others():
    assert list(properties()) == ["title", "body", "embedding", "es_hybrid"]


def test_passages_hold_the_vectors_in_place_of_the_document():
    plain, nested = properties(), properties(passages=PassageSize(256))
    assert list(nested) == ["title", "body", "passages", "es_hybrid"]
    assert nested["passages"]["type"] == "nested"
    assert nested["passages"]["properties"]["embedding"] == plain["embedding"]


def test_fields_of_passages_are_not_offered_to_filters():
    answer = {"films-000001": body(passages=PassageSize(256))}
    found = live_index("films", answer)
    assert found.contract.passages == PassageSize(256)
    assert not [name for name in found.fields if name.startswith("passages")]


def test_every_text_field_is_analysed_and_has_an_exact_subfield():
    for name in CONTRACT.text_fields:
        field = properties()[name]
        assert (field["type"], field["analyzer"]) == ("text", "es_hybrid_text")
        assert field["fields"][EXACT_SUBFIELD]["type"] == "keyword"


def test_there_is_an_analysis_profile_for_each_of_these():
    assert analysis_profiles() == ["cjk", "english", "korean", "standard"]


@pytest.mark.parametrize("analysis", analysis_profiles())
def test_every_analysis_defines_the_analyzer_of_the_text_fields(analysis):
    settings = body(analysis=analysis)["settings"]
    assert "es_hybrid_text" in settings["analysis"]["analyzer"]
    assert settings["index"]["number_of_shards"] == 1


def test_an_unknown_analysis_is_refused_with_those_that_are_known():
    with pytest.raises(
        UsageError, match=r"'klingon': choose one of cjk, english, korean, standard"
    ):
        check_analysis("klingon")
    with pytest.raises(UsageError, match=r"'\.\./documents'"):
        body(analysis="../documents")


def test_shards_and_replicas_are_those_asked_for():
    index = index_body(CONTRACT, shards=3, replicas=0)["settings"]["index"]
    assert (index["number_of_shards"], index["number_of_replicas"]) == (3, 0)
    assert "auto_expand_replicas" not in index


def test_replicas_adapt_to_the_nodes_where_nobody_asks():
    index = body()["settings"]["index"]
    assert index["auto_expand_replicas"] == "0-1"
    assert "number_of_replicas" not in index


def test_two_bodies_share_nothing():
    body()["mappings"]["properties"]["title"]["analyzer"] = "changed"
    assert properties()["title"]["analyzer"] == "es_hybrid_text"


def test_the_body_is_json():
    assert json.loads(json.dumps(body())).keys() == {"settings", "mappings"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is empty"),
        ("Films", "capital letters"),
        ("ÄRZTE", "capital letters"),
        ("a,b", "holds ','"),
        ("a b", "holds ' '"),
        ("films*", r"holds '\*'"),
        ('a"<>|?', "holds '\"' '<' '>'"),
        ("a/b", "holds '/'"),
        ("a\\b", r"holds '\\\\'"),
        ("a#b", "holds '#'"),
        ("cluster:films", "holds ':'"),
        ("-films", "starts with '-'"),
        ("_all", "starts with '_'"),
        ("+films", r"starts with '\+'"),
        (".", r"starts with '\.'"),
        ("..", r"starts with '\.'"),
        (".kibana", r"starts with '\.'"),
        ("x" * 249, "longer than 248 bytes"),
        ("차" * 83, "longer than 248 bytes"),
        ("\udcff", "is not Unicode"),
    ],
)
def test_a_bad_index_name_is_refused_with_the_rule_it_breaks(name, said):
    with pytest.raises(InvalidIndexName, match=said):
        check_index_name(name)


@pytest.mark.parametrize("name", ["films", "1", "영화", "my-docs_2.0", "x" * 248])
def test_a_good_index_name_is_taken(name):
    assert check_index_name(name) == name
    assert len(first_version(name).encode()) <= 255


def answer(**changes):
    """What ``GET /films`` answers, once our body went through JSON."""
    mappings = json.loads(json.dumps(body()["mappings"])) | changes
    return {"films-000001": {"aliases": {"films": {}}, "mappings": mappings}}


def test_a_live_index_gives_its_contract_back():
    live = live_index("films", answer())
    assert (live.name, live.index) == ("films", "films-000001")
    assert live.contract == CONTRACT


def test_a_live_index_knows_the_full_name_of_every_field():
    extra = {"author": {"properties": {"name": {"type": "keyword"}}}, "tags": {"type": "keyword"}}
    live = live_index("films", answer(properties=properties() | extra))
    expected = {"title": "text", "title.exact": "keyword", "author.name": "keyword"}
    assert expected.items() <= live.fields.items()
    assert live.fields["es_hybrid.norm"] == "float"


@pytest.mark.parametrize("mappings", [{}, {"_meta": {}}, {"_meta": {"es_hybrid": "yes"}}])
def test_an_index_without_a_contract_is_refused(mappings):
    with pytest.raises(NoContract, match=r"'films-000001' was not made by es_hybrid.*another name"):
        live_index("films", {"films-000001": {"mappings": mappings}})


def test_an_index_of_a_newer_es_hybrid_is_refused():
    newer = {"es_hybrid": CONTRACT.to_meta() | {"schema": 99}}
    with pytest.raises(NewerSchema, match="schema 99"):
        live_index("films", answer(_meta=newer))


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_a_name_that_stands_for_several_indices_is_refused(names):
    with pytest.raises(UsageError, match=f"'all' stands for {len(names)} indices .*: name one"):
        live_index("all", {index: {} for index in names})
