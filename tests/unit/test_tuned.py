"""The setting of an index in its ``_meta``: read back whole, or left aside."""

import json
from dataclasses import replace

import pytest

from es_hybrid.contract import Contract
from es_hybrid.embedders import EmbedderInfo
from es_hybrid.tuned import TUNED_KEY, UNTUNED, Setting, Tuned, tuned_of

CONTRACT = Contract(
    embedder=EmbedderInfo(id="words-4", dims=4, revision="1"),
    text_fields=("title", "text"),
    analysis="standard",
    vector_index="flat",
    probes=(),
)
TUNED = Tuned(
    setting=Setting(method="linear", weights=(1.4, 0.6), fields=("title^2", "text")),
    source="judged",
    queries=225,
    embedder="words-4",
    text_fields=("title", "text"),
    date="2026-11-23T12:00:00+00:00",
)


def read(said, contract=CONTRACT):
    return tuned_of({"mappings": {"_meta": {TUNED_KEY: said}}}, contract)


def said(**changes):
    """As it stands in ``_meta``, with other values for some names of the setting or above it."""
    meta = json.loads(json.dumps(TUNED.to_meta()))
    for name, value in changes.items():
        place = meta["setting"] if name in meta["setting"] else meta
        place[name] = value
    return meta


@pytest.mark.parametrize(
    "setting",
    [
        TUNED.setting,
        Setting(),
        Setting(method="adaptive", earned=False, weights=(0.2, 1.8)),
        Setting(rank_constant=5, window=50),
    ],
    ids=str,
)
def test_a_setting_is_read_back_as_it_was_written(setting):
    tuned = replace(TUNED, setting=setting)
    assert read(json.loads(json.dumps(tuned.to_meta()))) == tuned


@pytest.mark.parametrize(
    "contract",
    [
        None,
        replace(CONTRACT, text_fields=("text",)),
        replace(CONTRACT, embedder=replace(CONTRACT.embedder, id="words-8")),
    ],
)
def test_what_was_tuned_for_something_else_is_left_aside(contract):
    assert read(said(), contract) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "magic"},
        {"method": None},
        {"normalizer": "softmax"},
        {"weights": [1]},
        {"weights": [-1, 1]},
        {"weights": [0, 0]},
        {"weights": ["much", 1]},
        {"weights": None},
        {"rank_constant": 0},
        {"rank_constant": "60"},
        {"window": 0},
        {"window": 10**6},
        {"window": True},
        {"fields": [1]},
        {"fields": "title"},
        {"source": "rumour"},
        {"queries": "many"},
        {"embedder": 7},
        {"text_fields": [None]},
        {"setting": 3},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_left_aside_since_a_search_needs_no_tuning(changes):
    assert read(said(**changes)) is None


@pytest.mark.parametrize("name", ["setting", "source", "queries", "embedder", "date"])
def test_what_lacks_something_is_left_aside(name):
    meta = said()
    del meta[name]
    assert read(meta) is None


@pytest.mark.parametrize("body", [{}, {"mappings": {}}, {"mappings": {"_meta": []}}])
def test_an_index_that_was_not_tuned_has_none(body):
    assert tuned_of(body, CONTRACT) is None


def test_a_setting_says_what_differs_from_everyday():
    assert str(UNTUNED) == "rrf (k 60), bm25 1 : knn 1"
    assert str(TUNED.setting) == "linear (minmax), bm25 1.4 : knn 0.6, fields title^2,text"
