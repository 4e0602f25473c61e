"""Runs on the command line: gone on with, pruned, and their dead letters tried again."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from es_hybrid.client import path, request
from es_hybrid.indexing import intake, journal
from tests.embedders import WordEmbedder, ships

FILMS = [{"_id": str(n), "text": f"film {n}", "year": 2000 + n} for n in range(20)]
LETTERS = "{}.dead-letters.ndjson"


class Interrupts(WordEmbedder):
    """The process gets a signal while it embeds film 15; only the first time."""

    def __init__(self, signal):
        super().__init__()
        self.signals = [signal]

    def embed_documents(self, texts):
        if self.signals and any("film 15" in text for text in texts):
            os.kill(os.getpid(), self.signals.pop())
            time.sleep(1)
        return super().embed_documents(texts)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, node):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    ships(monkeypatch, "words-64", WordEmbedder)
    put(FILMS)


def put(records):
    Path("films.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))


def index(typed, name, *options):
    return typed("index", name, "films.jsonl", "--embedder", "words-64", *options)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_ended_is_gone_on_with_and_this_is_told(typed, name, monkeypatch, sent):
    monkeypatch.setattr(intake, "WINDOW", 8)
    monkeypatch.setattr(journal, "EVERY", 0.0)
    interrupts = Interrupts(sent)
    ships(monkeypatch, "words-64", lambda: interrupts)
    ended = index(typed, name)
    assert (ended.code, "interrupted after 8 records" in ended.err) == (130, True)
    ended = index(typed, name)
    assert (ended.code, "20 read = 20 indexed" in ended.out) == (0, True)
    assert "an interrupted run was gone on with: it had settled 8 records" in ended.err


def test_another_price_is_told_to_have_kept_its_vector(typed, name):
    index(typed, name)
    put([{**FILMS[0], "year": 1}, *FILMS[1:]])
    ended = index(typed, name)
    assert "0 embedded, 1 with the vectors that they had" in ended.out


@pytest.mark.parametrize(
    ("left", "options", "code", "said"),
    [
        (19, [], 0, ""),
        (10, [], 1, "10 of 20 documents of 'films.jsonl' are gone from it, above 20%"),
        (10, ["--yes"], 0, ""),
    ],
)
def test_what_is_gone_is_pruned_or_counted(typed, es, name, left, options, code, said):
    index(typed, name)
    put(FILMS[:left])
    ended = index(typed, name, "--prune", *options)
    request(es, "POST", path(name, "_refresh"))
    kept = request(es, "GET", path(name, "_count"))["count"]
    assert (ended.code, said in ended.err) == (code, True)
    assert kept == (20 if code else left)


def test_files_without_a_name_that_stays_are_not_pruned(typed, name):
    ended = typed("index", name, "*.jsonl", "--prune", "--embedder", "words-64")
    assert (ended.code, "--source films" in ended.err) == (2, True)


@pytest.fixture
def letters(typed, name):
    """A file of two letters: a year that is none, and a record without text."""
    put([*FILMS, {"_id": "x", "text": "film", "year": "old"}, {"_id": "y", "text": ""}])
    ended = index(typed, name)
    assert f"es-hybrid dead-letters show {LETTERS.format(name)}" in ended.err
    return LETTERS.format(name)


def test_dead_letters_are_shown_by_their_errors(typed, name, letters):
    ended = typed("dead-letters", "show", letters)
    assert "1 document_parsing_exception\n  films.jsonl line 21: document_parsing" in ended.out
    assert f"replay NAME {letters}" in ended.out


def test_dead_letters_are_shown_as_json(typed, letters):
    told = typed("dead-letters", "show", letters, "--json").json
    assert told["letters"] == 2
    assert {one["error"] for one in told["errors"]} == {"document_parsing_exception", "RecordError"}
    assert {one["examples"][0]["attempts"] for one in told["errors"]} == {0, 1}


def test_a_replay_empties_the_file_as_far_as_it_can(typed, name, letters):
    Path(letters).write_text(Path(letters).read_text().replace('"old"', "1999"))
    ended = typed("dead-letters", "replay", name, letters, "--embedder", "words-64", "--json")
    assert (ended.json["indexed"], ended.json["failed"], ended.json["left"]) == (1, 1, 1)
    assert (ended.code, "1 dead letter is left" in ended.err) == (1, True)
    assert len(Path(letters).read_text().splitlines()) == 1


def test_what_a_replay_leaves_for_want_of_a_record_is_named_with_its_file(typed, name, letters):
    Path(letters).write_text("no JSON\n")
    ended = typed("dead-letters", "replay", name, letters, "--embedder", "words-64")
    assert "1 letter = 0 indexed" in ended.out
    assert f"of 1 there is no record: mend the source, index it again, then delete {letters}" in (
        ended.out
    )


def test_a_single_letter_is_told_as_one(typed, tmp_path):
    file = tmp_path / "films.dead-letters.ndjson"
    file.write_text('{"record": {"_id": "x"}, "error": "RecordError", "reason": "no text"}\n')
    assert "\n1 dead letter, 1 with a record\n" in (typed("dead-letters", "show", str(file)).out)


def test_a_file_of_letters_that_is_missing_is_named(typed, name):
    ended = typed("dead-letters", "show", "nowhere.ndjson")
    assert (ended.code, "nowhere.ndjson" in ended.err) == (1, True)


def test_the_wrong_file_stops_a_run_and_the_same_command_goes_on(typed, name):
    put([*FILMS, *({"_id": f"bad-{n}"} for n in range(5))])
    stopped = index(typed, name, "--max-rejected", "2", "--json")
    assert (stopped.code, stopped.json["indexed"], stopped.json["rejected"]) == (1, 20, 5)
    assert stopped.json["stopped"] in stopped.err
    ended = index(typed, name, "--max-rejected", "none", "--json")
    assert (ended.code, ended.json["resumed"], ended.json["read"]) == (1, 25, 25)
