"""Queries that mean harm, or ask for what cannot be: words are only words, the rest is named."""

import json

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import InvalidFilter, UsageError
from es_hybrid.search import Leg
from tests.embedders import WordEmbedder

SEA, SECRET = "sea", "secret"
RECORDS = [
    {"_id": SEA, "text": "the sea is deep"},
    {"_id": SECRET, "text": "a quiet harbour", "password": "hunter2"},
]

# What BM25 finds: neither wildcards nor operators, fields or patterns mean anything in a query.
WORDS = {
    "*": ("*", []),
    "a* OR b* of 2,000": ("se* OR qu* OR de* OR ha* OR " * 500, []),
    "a regex": ("/.*.*.*/", []),
    "unbalanced quotes": ('"sea', [SEA]),
    "100 kB": ("sea " * 25_000, [SEA]),
    "only stop words": ("the of and", [SEA]),  # they are words, as in "to be or not to be"
    "a field's secret": ("password:hunter2", []),
    "another quote": ("\\", []),
    "NUL": ("sea a\0b", [SEA]),
    "right to left": ("sea \u202eabc", [SEA]),
    "a long word": ("sea " + "y" * 100_000, [SEA]),
    "syntax": ("sea *:* AND (", [SEA]),
    "markup": ("sea <b> 😀 !!!", [SEA]),
}

SCRIPT = {"script": {"script": {"source": "System.exit(1)"}}}
REFUSED = {
    "script": ({"filter": json.dumps(SCRIPT)}, InvalidFilter, "'script' is not one of"),
    "script within": (
        {"filter": json.dumps({"bool": {"must": [SCRIPT]}})},
        InvalidFilter,
        "'script' is not one of",
    ),
    "filter depth 100": (
        {"filter": '{"bool": {"must": ' * 100 + '{"term": {"password": "hunter2"}}' + "}}" * 100},
        InvalidFilter,
        "nested deeper than",
    ),
    "size 10,001": ({"size": 10_001}, UsageError, "size 10001"),
    "negative k": ({"size": -1}, UsageError, "size -1"),
    "negative num_candidates": ({"num_candidates": -1}, UsageError, "num_candidates -1"),
}


@pytest.fixture(scope="module")
def searcher(es):
    name = "t-bad-queries"
    Indexer(es, name, embedder=WordEmbedder(), analysis="english").write(RECORDS)
    yield Searcher(es, name, embedder=WordEmbedder())
    request(es, "DELETE", path(f"{name}-000001"))


def found(searcher, query, **options):
    return [hit.id for hit in searcher.search(query, **options)]


@pytest.mark.parametrize("what", WORDS)
def test_a_query_is_words_and_nothing_else(searcher, what):
    query, ids = WORDS[what]
    assert found(searcher, query, mode="bm25") == ids


@pytest.mark.parametrize("what", [what for what, (_, ids) in WORDS.items() if ids])
def test_both_legs_answer_whatever_stands_around_the_words(searcher, what):
    assert found(searcher, WORDS[what][0])[0] == SEA


@pytest.mark.parametrize("query", ["", " ", "\u3000", "\u200b", "\u3164", "half \ud800"])
def test_a_query_without_text_is_refused(searcher, query):
    with pytest.raises(UsageError, match="query"):
        searcher.search(query)


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_searched_for_is_named(searcher, what):
    options, error, said = REFUSED[what]
    with pytest.raises(error) as refused:
        searcher.search("sea", **options)
    assert said in str(refused.value)


def test_a_negative_k_of_a_leg_is_named():
    with pytest.raises(UsageError, match="k -1"):
        Leg.knn(k=-1)


def test_fewer_num_candidates_than_hits_lose_no_hits(searcher):
    assert found(searcher, "sea", mode="knn", size=2, num_candidates=1) == [SEA, SECRET]
