"""Whoever writes to an index may write its `_meta`, which loads no model and breaks no search."""

import json
from dataclasses import replace

import pytest

from es_hybrid import Searcher
from es_hybrid.contract import Contract, from_meta, probe
from es_hybrid.embedders import kinds
from es_hybrid.errors import ContractError, ContractMismatch
from es_hybrid.live import index_embedder
from es_hybrid.mapping import index_body
from es_hybrid.settings import Settings
from tests.embedders import OtherModel, WordEmbedder
from tests.fakes import FakeServer

WORDS = WordEmbedder()
HUB = "sentence-transformers:somebody/evil"


def contract(identifier=HUB, embedder=WORDS):
    info = replace(embedder.info, id=identifier)
    return Contract(info, ("title", "text"), "standard", "int8_hnsw", probe(embedder))


def meta(**changes):
    return json.loads(json.dumps(contract().to_meta())) | changes


def embedder_meta(**changes):
    return meta(embedder=meta()["embedder"] | changes)


@pytest.fixture
def loaded(monkeypatch):
    """Which models were loaded, by a loader that gives the words model."""
    names = []

    def load(name):
        names.append(name)
        return WordEmbedder()

    others = [kind for kind in kinds.OWN if kind.name != "sentence-transformers"]
    monkeypatch.setattr(kinds, "OWN", (*others, kinds.Kind("sentence-transformers", lambda: load)))
    monkeypatch.delenv("ES_HYBRID_ALLOWED_EMBEDDERS", raising=False)
    return names


@pytest.mark.parametrize(
    "identifier",
    [
        HUB,
        "sentence-transformers:/etc",
        "sentence-transformers:../../model",
        "/tmp/model",
        "somebody/evil",
        "words-64",
        "",
        "e5-small ",
        "e5-small?threads=64",
        "E5-SMALL",
        "openai:m?base_url=https://evil.example.com/v1",
        "elasticsearch:somebodys",
        "words:/etc/passwd",
        "x" * 1_000_000,
        "a\x1b[31m\nb; rm -rf ~",
    ],
    ids=lambda text: text[:12],
)
def test_a_name_in_meta_loads_nothing(loaded, identifier):
    with pytest.raises(ContractError, match="not loaded on the word of an index") as caught:
        index_embedder(contract(identifier), None, index="films")
    assert loaded == []
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("allowed", [[HUB], (HUB,), {HUB}, ["somebody/evil"], ["other", HUB]])
def test_a_name_that_is_allowed_is_loaded(loaded, allowed):
    index_embedder(contract(), None, index="films", allowed=allowed)
    assert loaded == ["somebody/evil"]


@pytest.mark.parametrize("allowed", [[], [""], ["somebody"], ["evil"], [HUB + "2"], ["e5-small"]])
def test_another_allowed_name_allows_nothing(loaded, allowed):
    with pytest.raises(ContractError):
        index_embedder(contract(), None, index="films", allowed=allowed)
    assert loaded == []


def test_an_allowed_model_does_not_allow_the_address_of_another_service():
    theirs = contract("openai:m?base_url=https://evil.example.com/v1")
    with pytest.raises(ContractError, match="not loaded on the word of an index"):
        index_embedder(theirs, None, index="films", allowed=["openai:m", "m"])


def test_names_are_allowed_in_the_environment(loaded, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_ALLOWED_EMBEDDERS", f"a, {HUB} ,/models/b")
    assert Settings().allowed_embedders == ("a", HUB, "/models/b")
    index_embedder(contract(), None, index="films")
    assert loaded == ["somebody/evil"]


def test_what_a_caller_allows_takes_the_place_of_the_environment(loaded, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_ALLOWED_EMBEDDERS", HUB)
    with pytest.raises(ContractError):
        index_embedder(contract(), None, index="films", allowed=())
    assert loaded == []


def test_a_text_allows_itself_and_not_its_parts(loaded):
    films = {"films-000001": {"mappings": index_body(contract(f"{HUB[:-1]}"))["mappings"]}}
    script = {("GET", "/films"): json.loads(json.dumps(films))}
    with FakeServer(script) as server, pytest.raises(ContractError, match="not loaded"):
        Searcher(server.client(), "films", allowed=HUB, fusion="client").search("tea")
    assert loaded == []


def test_an_allowed_model_is_proven_nevertheless(loaded):
    theirs = contract(embedder=OtherModel())
    with pytest.raises(ContractMismatch, match="another model"):
        index_embedder(theirs, None, index="films", allowed=[HUB])


BAD = [
    meta(embedder=None),
    meta(embedder="e5-small"),
    meta(embedder=[]),
    embedder_meta(id=5),
    embedder_meta(id=None),
    embedder_meta(id=["e5-small"]),
    embedder_meta(id={"a": 1}),
    embedder_meta(revision={}),
    embedder_meta(query_prefix=7),
    embedder_meta(dims="64"),
    embedder_meta(dims=True),
    embedder_meta(dims=0),
    embedder_meta(dims=-1),
    embedder_meta(dims=64.0),
    embedder_meta(dims=10**12),
    embedder_meta(dims=None),
    embedder_meta(max_tokens="many"),
    embedder_meta(max_tokens=[]),
    meta(probes="AAAA"),
    meta(probes=["é"]),
    meta(probes=[1]),
    meta(probes=None),
    meta(probes=[]),
    meta(probes=["A" * 1_000_000] * 3),
    meta(text_fields="title"),
    meta(text_fields=[7]),
    meta(text_fields=None),
    meta(analysis=[]),
    meta(vector_index={}),
    meta(vector_index="x" * 1_000_000),
    meta(similarity=[]),
    meta(similarity="max"),
    meta(normalisation={}),
    meta(passages=7),
    meta(passages={}),
    meta(passages={"tokens": "x"}),
    meta(passages={"tokens": []}),
    meta(schema=None),
    meta(schema=True),
    meta(schema=1.0),
    meta(schema="9" * 1_000_000),
    {},
    {"schema": 1},
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_damaged_contract_is_an_error_in_few_words(bad):
    with pytest.raises(ContractError) as caught:
        from_meta(bad, index="films")
    assert "'films'" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "written",
    [None, 7, "e5-small", [], {"es_hybrid": 7}, {"es_hybrid": []}, {"es_hybrid": None}],
)
def test_a_meta_of_somebody_else_is_no_contract(written):
    body = {"mappings": {"_meta": written, "properties": {"body": {"type": "text"}}}}
    hits = {"hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}, "status": 200}
    script = {("GET", "/films"): {"films": body}, ("POST", "/_msearch"): {"responses": [hits]}}
    with FakeServer(script) as server:
        searcher = Searcher(server.client(), "films", fusion="client")
        assert len(searcher.search("tea", mode="bm25")) == 0
        with pytest.raises(ContractError, match="was not made by es_hybrid"):
            searcher.search("tea")
