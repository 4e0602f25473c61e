"""Whatever could not be indexed is kept, also what JSON cannot say."""

import errno
import json
from datetime import datetime
from io import FileIO

import numpy as np
import pytest

from es_hybrid.cli.dead_letters import show
from es_hybrid.errors import SourceError
from es_hybrid.indexing.dead_letters import DeadLetters, withdraw
from es_hybrid.indexing.letters import kinds, read_letters
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


def test_letters_that_a_run_writes_again_are_taken_back(path):
    for run, count in (("a", 3), ("b", 2)):
        letters = DeadLetters(path, run=run)
        for number in range(count):
            letters.keep(PROBLEM, {"n": number})
        letters.close()
    withdraw(path, run="a", after=1)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["run"], one["number"]) for one in told] == [("a", 1), ("b", 1), ("b", 2)]


def test_a_file_whose_letters_are_all_taken_back_is_gone(path):
    letters = DeadLetters(path, run="a")
    letters.keep(PROBLEM, {"n": 1})
    letters.close()
    withdraw(path, run="a")
    assert not path.exists()


def test_what_is_no_letter_of_the_run_stays_and_a_torn_line_goes(path):
    path.write_text('mine\n{"run": "a"}\n{"run": "a", "number": 7}\n{"run": "a", "num')
    withdraw(path, run="a", after=2)
    assert path.read_text() == 'mine\n{"run": "a"}\n'


def test_a_last_line_that_somebody_wrote_without_its_end_stays(path):
    path.write_text('{"run": "b", "number": 1}')
    withdraw(path, run="a")
    assert path.read_text() == '{"run": "b", "number": 1}'


def test_a_letter_begins_a_line_of_its_own_behind_a_torn_one(path):
    path.write_text('{"torn')
    letters = DeadLetters(path)
    letters.keep(PROBLEM, {"n": 1})
    letters.close()
    torn, letter = path.read_text().splitlines()
    assert (torn, json.loads(letter)["record"]) == ('{"torn', {"n": 1})


def test_no_part_of_a_letter_stays_that_the_disk_did_not_take_whole(path):
    letters = DeadLetters(path)
    letters.keep(PROBLEM, {"n": 1})

    class Full(FileIO):
        """A disk with room for ten more bytes."""

        def write(self, line):
            if len(line) > 10:
                return super().write(line[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

    letters.close()
    letters._file = Full(path, "ab")
    with pytest.raises(SourceError, match=r"No space left on device.*make room"):
        letters.keep(PROBLEM, {"name": "short"})
    letters.close()
    assert [json.loads(line)["record"] for line in path.read_text().splitlines()] == [{"n": 1}]


def test_a_ready_vector_is_kept_beside_the_record(path):
    letters = DeadLetters(path)
    letters.keep(PROBLEM, {"n": 1}, vector=np.array([0.1, 2], np.float32))
    letters.close()
    (letter,) = read_letters(path)
    assert letter.vector.tolist() == [np.float32(0.1), 2]
    assert letter.replayable


def test_letters_are_shown_by_their_error_with_examples(path):
    letters = DeadLetters(path)
    for number in range(9):
        problem = Problem("dead_lettered", f"line {number}", f"why {number % 2}", error="bad")
        letters.keep(problem, {"n": number})
    letters.keep(PROBLEM, None)
    letters.close()
    often, once = kinds(read_letters(path))
    assert (often.error, often.count, often.replayable) == ("bad", 9, 9)
    assert [one["reason"] for one in often.examples] == ["why 0", "why 1"]
    assert (once.error, once.count, once.replayable) == ("RecordError", 1, 0)


def test_lines_that_are_no_letters_are_counted(path):
    path.write_bytes(b'no JSON\n[1]\n{"fate": "rejected"}\n\xff\n')
    assert [(kind.error, kind.count) for kind in kinds(read_letters(path))] == [
        ("no dead letter", 3),
        ("rejected", 1),
    ]


def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(SourceError, match=r"cannot read .*dead\.jsonl"):
        list(read_letters(path))


def test_of_letters_without_a_record_it_is_told_how_to_be_rid_of_them(path, capsys):
    kept(path, None, {"title": "차"})
    show(path)
    said = capsys.readouterr().out
    assert "2 dead letters, 1 with a record" in said
    assert f"of 1 there is no record: mend the source, index it again, then delete {path}" in said
