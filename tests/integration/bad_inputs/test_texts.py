"""Whatever the text: a document is stored as it is and found, or set aside with a reason."""

import json
import unicodedata

import pytest

from es_hybrid import Searcher
from tests.embedders import WordEmbedder

GOOD = {"_id": "good", "text": "the sea is deep"}

STORED = {
    # No more fits into 512 MB of heap: Elasticsearch counts it five times against a tenth of it.
    "10 MB single field": {"text": "word " + ("y" * 99 + " ") * 100_000},
    "NUL": {"text": "before\0after"},
    "RTL, ZWJ and emoji": {"text": "word \u202eשלום\u202c 👨‍👩‍👧‍👦 🇰🇷"},
    "ends of lines inside": {"text": "word\none\rtwo\r\nthree\u2028four\u2029five\x85six"},
    "over 1,000 fields": {"text": "word", "many": {f"f{i}": i for i in range(3000)}},
    "controls": {"text": "a\x01\x02\x1b[31mb\x7f"},
    "a byte order mark inside": {"text": "\ufeffword"},
    "zero-width spaces": {"text": "zero\u200bwidth"},
    "no characters": {"text": "word \uffff\U0010ffff\ue000"},
    "a word of 40,000 letters": {"text": "word " + "y" * 40_000},
    "a keyword of 9 MB": {"text": "word", "tag": "가" * 3_000_000},
    "the longest keyword that is kept": {"text": "word", "tag": "😀" * 1024},
    "objects 15 deep": {"text": "word", "deep": json.loads('{"a":' * 15 + "1" + "}" * 15)},
    "one path written in two ways": {"text": "word", "a.b": 1, "a": {"c": 2}},
    "64 bits": {"text": "word", "n": 2**63 - 1},
}

# One line of a file, and why it is set aside.
SET_ASIDE = {
    "empty": (b'{"text": ""}', "no text in"),
    "whitespace": (b'{"text": " \\t\\n"}', "no text in"),
    "lone surrogate": (b'{"text": "word \\ud800"}', "not JSON"),
    "invalid UTF-8": (b'{"text": "word \xff"}', "not JSON"),
    "duplicate keys": (b'{"text": "word", "n": 1, "n": 2}', "'n' stands twice in one object"),
    "nesting depth 1000": (
        b'{"text": "word", "deep": ' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        "nested too deeply",
    ),
    "dotted-key conflict": (b'{"text": "word", "es": {"a": 1}, "es.a.b": 2}', "es.a"),
    "2^70": (b'{"text": "word", "n": 1180591620717411303424}', "does not fit in 64 bits"),
    "NaN literal": (b'{"text": "word", "n": NaN}', "NaN is not JSON: write null"),
    "a no-break space": (b'{"text": "\\u00a0"}', "no text in"),
    "an ideographic space": (b'{"text": "\\u3000"}', "no text in"),
    "zero-width characters": (b'{"text": "\\u200b\\u200d\\ufeff\\u2060"}', "no text in"),
    "a Hangul filler": (b'{"text": "\\u3164"}', "no text in"),
    "65 bits": (b'{"text": "word", "n": 18446744073709551616}', "does not fit in 64 bits"),
    "objects 150 deep": (
        b'{"text": "word", "deep": ' + b'{"a":' * 150 + b"1" + b"}" * 151,
        "mapping depth [20]",
    ),
    "a name of dots": (b'{"text": "word", "..": 1}', "only dots"),
    "a name of nothing": (b'{"text": "word", "": 1}', "empty string"),
    "a name of spaces": (b'{"text": "word", " ": 1}', "only whitespace"),
    "an object as text": (b'{"text": {"a": 1}}', "give a string"),
}

# What no file can hold, but a program can give.
HALF_PAIRS = {
    "in a text": {"text": "word \ud800"},
    "in a name": {"text": "word", "x\udc00": 1},
    "in a value": {"text": "word", "tag": ["\udfff"]},
}


@pytest.fixture
def lines(tmp_path):
    """Writes lines to a file, the good one first."""

    def file(*others, before=b""):
        path = tmp_path / "docs.jsonl"
        path.write_bytes(before + b"\n".join([json.dumps(GOOD).encode(), *others]))
        return path

    return file


@pytest.fixture
def found(es, name):
    """The ids that BM25 finds."""

    def ids(query):
        searcher = Searcher(es, name, embedder=WordEmbedder())
        return [hit.id for hit in searcher.search(query, mode="bm25", size=3, source=False)]

    return ids


@pytest.mark.parametrize("what", STORED)
def test_is_stored_as_it_is_and_found(write, lines, stored, found, what):
    record = {"_id": "odd", **STORED[what]}
    report = write(lines(json.dumps(record).encode()))
    assert [problem.reason for problem in report.problems] == []
    assert {"_id": "odd", **stored("odd")}.items() >= record.items()
    assert found(record["text"][:40].replace("\u200b", " ").split()[0]) == ["odd"]


@pytest.mark.parametrize("what", SET_ASIDE)
def test_is_set_aside_with_its_reason_and_the_others_are_indexed(write, lines, what):
    line, reason = SET_ASIDE[what]
    report = write(lines(line, b'{"text": "green tea"}'))
    assert (report.read, report.indexed, len(report.problems)) == (3, 2, 1)
    assert report.problems[0].where == "docs.jsonl line 2"
    assert reason in report.problems[0].reason


@pytest.mark.parametrize("what", HALF_PAIRS)
def test_half_a_surrogate_pair_is_set_aside_alone(write, what):
    report = write(GOOD, HALF_PAIRS[what])
    assert (report.read, report.indexed, len(report.problems)) == (2, 1, 1)
    assert "surrogates not allowed" in report.problems[0].reason


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_both_forms_of_one_letter_are_found_by_both(write, lines, found, form):
    record = {"_id": "odd", "text": unicodedata.normalize(form, "café 커피")}
    assert write(lines(json.dumps(record).encode())).indexed == 2
    assert found(unicodedata.normalize("NFC", "café")) == ["odd"]
    assert found(unicodedata.normalize("NFD", "커피")) == ["odd"]


def test_a_byte_order_mark_is_no_part_of_the_first_record(write, lines, stored):
    assert write(lines(before=b"\xef\xbb\xbf")).indexed == 1
    assert {"_id": "good", **stored("good")}.items() >= GOOD.items()


def test_a_heap_of_accents_is_stored_and_found(write, found):
    assert write(GOOD, {"_id": "odd", "text": "word a" + "\u0301" * 5000}).indexed == 2
    assert found("word") == ["odd"]


def test_a_document_that_is_larger_than_the_nodes_memory_allows_is_set_aside_at_once(write):
    huge = {"_id": "huge", "text": "word " + ("y" * 99 + " ") * 130_000}
    report = write(huge, GOOD)
    if report.indexed == 2:
        pytest.skip("this server holds it: before 9.x a text is counted once")
    assert (report.indexed, report.dead_lettered) == (1, 1)
    assert "a larger heap" in report.problems[0].reason
