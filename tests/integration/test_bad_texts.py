"""Whatever the text: a document is indexed and found, or set aside with a reason; no run breaks."""

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from tests.embedders import WordEmbedder

GOOD = {"_id": "good", "text": "the sea is deep"}
MB = 1024 * 1024


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": value}
    return value


INDEXED = {
    "a NUL": {"text": "before\0after"},
    "controls": {"text": "a\x01\x02\x1b[31mb\x7f"},
    "a byte order mark": {"text": "\ufeffword"},
    "right to left": {"text": "\u202eשלום\u202c peace"},
    "a family of emoji": {"text": "👨‍👩‍👧‍👦 word 🇰🇷"},
    "zero-width spaces": {"text": "zero\u200bwidth"},
    "no characters": {"text": "word \uffff\U0010ffff\ue000"},
    "a heap of accents": {"text": "word a" + "\u0301" * 5000},
    "a word of 40,000 letters": {"text": "word " + "y" * 40_000},
    "4 MB of words": {"text": "word " * (4 * MB // 5)},
    "a keyword of 9 MB": {"text": "word", "tag": "가" * (3 * MB)},
    "the longest keyword that is kept": {"text": "word", "tag": "😀" * 1024},
    "3,000 fields": {"text": "word", "many": {f"f{i}": i for i in range(3000)}},
    "objects 15 deep": {"text": "word", "deep": nested(15)},
    "one path written in two ways": {"text": "word", "a.b": 1, "a": {"c": 2}},
    "64 bits": {"text": "word", "n": 2**63 - 1},
}
SET_ASIDE = {
    "nothing": ({"text": ""}, "no text in"),
    "spaces": ({"text": " \t\n"}, "no text in"),
    "a no-break space": ({"text": "\xa0"}, "no text in"),
    "an ideographic space": ({"text": "\u3000"}, "no text in"),
    "zero-width characters": ({"text": "\u200b\u200d\ufeff\u2060"}, "no text in"),
    "a Hangul filler": ({"text": "\u3164"}, "no text in"),
    "half a surrogate pair": ({"text": "word \ud800"}, "surrogates not allowed"),
    "half a pair in a name": ({"text": "word", "x\udc00": 1}, "surrogates not allowed"),
    "half a pair in a value": ({"text": "word", "tag": ["\udfff"]}, "surrogates not allowed"),
    "65 bits": ({"text": "word", "n": 2**64}, "64-bit range"),
    "objects 150 deep": ({"text": "word", "deep": nested(150)}, "mapping depth [20]"),
    "objects 300 deep": ({"text": "word", "deep": nested(300)}, "Recursion limit"),
    "a name of dots": ({"text": "word", "..": 1}, "only dots"),
    "a name of nothing": ({"text": "word", "": 1}, "empty string"),
    "a name of spaces": ({"text": "word", " ": 1}, "only whitespace"),
    "an object as text": ({"text": {"a": 1}}, "give a string"),
    "a value where an object was": ({"text": "word", "es": {"a": 1}, "es.a.b": 2}, "es.a"),
}


def write(es, name, record):
    return Indexer(es, name, embedder=WordEmbedder(), analysis="korean").write([GOOD, record])


@pytest.mark.parametrize("what", INDEXED)
def test_is_indexed_and_its_words_are_found(es, name, what):
    record = {"_id": "odd", **INDEXED[what]}
    report = write(es, name, record)
    assert [problem.reason for problem in report.problems] == []
    query = record["text"][:40].replace("\u200b", " ").split()[0]
    found = Searcher(es, name, embedder=WordEmbedder()).search(query, mode="bm25", size=1)
    assert [hit.id for hit in found] == ["odd"]


@pytest.mark.parametrize("what", SET_ASIDE)
def test_is_set_aside_with_its_reason_and_the_others_are_indexed(es, name, what):
    record, reason = SET_ASIDE[what]
    report = write(es, name, {"_id": "odd", **record})
    assert (report.read, report.indexed, len(report.problems)) == (2, 1, 1)
    assert reason in report.problems[0].reason


@pytest.fixture(scope="module")
def searcher(es):
    Indexer(es, "t-bad-queries", embedder=WordEmbedder()).write([GOOD])
    yield Searcher(es, "t-bad-queries", embedder=WordEmbedder())
    request(es, "DELETE", path("t-bad-queries-000001"), ok=(404,))


@pytest.mark.parametrize(
    "query",
    ["a\0b", "!!!", "😀", "\u202eabc", "y" * 100_000, "sea " * 2000, "*:* AND (", "\\", '"', "<b>"],
)
@pytest.mark.parametrize("mode", ["bm25", "hybrid"])
def test_any_query_that_can_be_seen_is_answered(searcher, query, mode):
    assert len(searcher.search(f"sea {query}", mode=mode)) == 1


@pytest.mark.parametrize("query", ["", " ", "\u3000", "\u200b", "\u3164", "half \ud800"])
def test_a_query_without_text_is_refused_before_anything_is_sent(searcher, query):
    with pytest.raises(UsageError, match="query"):
        searcher.search(query)
