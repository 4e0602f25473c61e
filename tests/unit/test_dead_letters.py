"""Whatever could not be indexed is kept, also what JSON cannot say."""

import json
from datetime import datetime

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.indexing.dead_letters import DeadLetters
from es_hybrid.indexing.report import Problem

PROBLEM = Problem("rejected", "docs.jsonl line 3", "no text", id="7", error="RecordError")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dead.jsonl"


def kept(path, *records):
    letters = DeadLetters(path)
    for record in records:
        letters.keep(PROBLEM, record)
    letters.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_letter_has_the_record_its_place_and_the_reason(path):
    (letter,) = kept(path, {"title": "차"})
    assert datetime.fromisoformat(letter.pop("time")).tzinfo
    assert letter.pop("record") == {"title": "차"}
    assert letter == {
        "fate": "rejected",
        "where": "docs.jsonl line 3",
        "reason": "no text",
        "id": "7",
        "error": "RecordError",
        "attempts": 0,
        "run": "",
        "number": 1,
        "source": "",
    }


def test_a_letter_without_a_record_says_so(path):
    assert kept(path, None)[0]["record"] is None


def test_there_is_no_file_where_there_is_nothing_to_keep(path):
    DeadLetters(path).close()
    assert not path.exists()


def test_letters_of_a_later_run_are_appended(path):
    kept(path, {"n": 1})
    assert [letter["record"]["n"] for letter in kept(path, {"n": 2})] == [1, 2]


def test_a_letter_is_on_disk_before_the_run_ends(path):
    letters = DeadLetters(path)
    letters.keep(PROBLEM, {"n": 1})
    assert path.read_text().endswith("\n")
    letters.close()


def deep(levels):
    record = {}
    for _ in range(levels):
        record = {"in": record}
    return record


@pytest.mark.parametrize(
    "record",
    [
        {"n": 2**70},
        {"n": "\ud800"},
        {"n": {1: 2}},
        {"n": {1, 2}},
        {"n": b"x"},
        {"n": [float("nan")]},
        deep(260),
        deep(5000),
    ],
    ids=["integer", "surrogate", "key", "set", "bytes", "not finite", "deep", "very deep"],
)
def test_a_record_that_is_not_json_is_kept_as_text(path, record):
    (letter,) = kept(path, record)
    assert letter["reason"] == "no text"
    assert letter["record"]


def test_a_number_that_json_does_not_have_can_be_read_in_the_letter(path):
    assert kept(path, {"n": [1.0, float("nan")]})[0]["record"] == "{'n': [1.0, nan]}"


def test_nothing_is_kept_where_no_file_is_named():
    letters = DeadLetters(None)
    letters.keep(PROBLEM, {"n": 1})
    letters.close()


@pytest.mark.parametrize("name", [".", "no/such/folder/dead.jsonl"])
def test_a_file_that_cannot_be_written_is_told_before_it_is_needed(tmp_path, name):
    with pytest.raises(SourceError, match=r"cannot keep dead letters in .*--dead-letters"):
        DeadLetters(tmp_path / name)
