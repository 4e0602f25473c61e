"""The demo corpus: the documentation of the Python that runs these tests."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "stdlib_docs.py"
KINDS = {"module", "class", "function", "method", "property", "exception"}

Corpus = dict[str, dict[str, str]]


def write_corpus(*, seed: str = "0") -> subprocess.CompletedProcess[bytes]:
    """Run the script as people do; the seed orders sets, which must not show."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "ES_HYBRID_SECRET": "hunter2-never-shown"}
    command = [sys.executable, str(SCRIPT)]
    return subprocess.run(command, env=environment, capture_output=True, check=True)


@pytest.fixture(scope="module")
def written() -> subprocess.CompletedProcess[bytes]:
    return write_corpus()


@pytest.fixture(scope="module")
def lines(written: subprocess.CompletedProcess[bytes]) -> list[dict[str, str]]:
    return [json.loads(line) for line in written.stdout.splitlines()]


@pytest.fixture(scope="module")
def corpus(lines: list[dict[str, str]]) -> Corpus:
    return {line["_id"]: line for line in lines}


def test_ids_are_unique_and_sorted(lines):
    ids = [line["_id"] for line in lines]
    assert ids == sorted(set(ids))


def test_a_demo_needs_thousands_of_documents(corpus):
    assert len(corpus) >= 7_000, "8,781 in Python 3.11; Tk and turtle are a thousand of them"


def test_every_document_says_what_it_is(lines):
    keys = {"_id", "title", "text", "module", "kind", "python"}
    assert [line for line in lines if set(line) != keys or not all(line.values())] == []
    assert {line["kind"] for line in lines} == KINDS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("csv", "module"),
        ("csv.reader", "function"),
        ("csv.DictReader", "class"),
        ("os.fsync", "function"),
        ("os.path.join", "function"),
        ("json.loads", "function"),
        ("json.JSONDecodeError", "exception"),
        ("random.choice", "function"),
        ("asyncio.TaskGroup", "class"),
        ("pathlib.Path.glob", "method"),
        ("socket.socket.recv", "method"),
        ("datetime.timedelta.days", "property"),
        ("builtins.str.split", "method"),
    ],
)
def test_people_find_names_as_they_import_them(corpus, name, kind):
    assert corpus[name]["kind"] == kind


@pytest.mark.parametrize(
    "name",
    ["json.decoder.JSONDecodeError", "asyncio.runners.run", "posix.fsync", "io.open", "os.error"],
)
def test_an_object_has_one_name(corpus, name):
    assert name not in corpus


@pytest.mark.parametrize("name", ["antigravity", "this", "idlelib", "test", "__main__"])
def test_demos_are_not_imported(corpus, name):
    assert name not in {line["module"].partition(".")[0] for line in corpus.values()}


def test_builtins_are_titled_as_people_type_them(corpus):
    assert corpus["builtins.print"]["title"] == "print"
    assert corpus["builtins.str.split"]["title"] == "str.split"


def test_text_is_signature_then_docstring(corpus):
    assert corpus["os.fsync"]["text"].startswith("fsync(fd)\n\nForce write of fd to disk.")


def test_inherited_docstrings_do_not_multiply(lines):
    text, count = Counter(line["text"] for line in lines).most_common(1)[0]
    assert count <= 10, text


def test_equal_runs_write_equal_bytes(written):
    assert write_corpus(seed="1").stdout == written.stdout


def test_nothing_of_this_machine_shows(written):
    assert b"hunter2-never-shown" not in written.stdout
    assert sys.executable.encode() not in written.stdout


def test_the_count_goes_to_stderr_and_no_warning_does(written, lines):
    message = written.stderr.decode().splitlines()
    assert len(message) == 1
    assert message[0].startswith(f"{len(lines)} documents; ")


def test_a_file_gets_the_same_bytes(tmp_path, written):
    out = tmp_path / "stdlib.jsonl"
    command = [sys.executable, str(SCRIPT), "--out", str(out)]
    subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "0"}, check=True)
    assert out.read_bytes() == written.stdout
