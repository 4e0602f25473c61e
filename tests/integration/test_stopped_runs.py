"""A process that is killed anywhere leaves a run that the same command goes on with."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import RunInProgress
from es_hybrid.sources import JsonLines
from tests.embedders import WordEmbedder

# Indexes a file; dies by its own hand, like by kill -9, at the call number CALL of WHERE.
SCRIPT = """
import os, sys
from pathlib import Path
from es_hybrid import Indexer, connect
from es_hybrid.indexing import durable, intake, journal, sending
from es_hybrid.sources import JsonLines
from tests.embedders import FailsOn

url, name, file, where, call = sys.argv[1:]
intake.WINDOW, journal.EVERY, journal._SHARE = 16, 0.0, 0
places = {
    "sending": (sending.Sender, "post"),
    "the journal": (journal.Journal, "enter"),
    "its name": (durable.Path, "replace"),
    "nowhere": (durable.Path, "unlink"),
}
owner, attribute = places[where]
real, calls = getattr(owner, attribute), []

def dies(*arguments, **options):
    calls.append(1)
    if len(calls) == int(call):
        os.kill(os.getpid(), 9)
    return real(*arguments, **options)

setattr(owner, attribute, dies)
file = Path(file)
indexer = Indexer(
    connect(url=url), name, embedder=FailsOn("poison"), dead_letters=file.with_name("dead"),
    state=file.with_name("state"),
)
indexer.write(JsonLines([file]))
"""
NEVER = "1000000"


def line(number):
    """Of ten records, one repeats an id, one has no text, one is refused and one poisonous."""
    kinds = {
        3: {"_id": str(number - 1), "text": "another"},
        5: {"_id": str(number), "text": ""},
        7: {"_id": str(number), "text": "words", "year": "long ago"},
        9: {"_id": str(number), "text": "poison"},
    }
    return kinds.get(number % 10, {"_id": str(number), "text": f"word{number}", "year": 1})


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "docs.jsonl"
    made.write_text("".join(json.dumps(line(number)) + "\n" for number in range(120)))
    return made


@pytest.fixture
def other(es, name):
    """A name for what an uninterrupted run makes."""
    yield f"{name}-whole"
    request(es, "DELETE", path(f"{name}-whole-000001"), ok=(404,))


def script(url, name, file, where="nowhere", call=NEVER):
    command = [sys.executable, "-c", SCRIPT, url, name, str(file), where, call]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


ROOT = Path(__file__).parents[2]


def write(client, name, file, **options):
    indexer = Indexer(
        client,
        name,
        embedder=WordEmbedder(),
        dead_letters=file.with_name("dead"),
        **{"state": file.with_name("state")} | options,
    )
    return indexer.write(JsonLines([file]))


def state(es, name):
    """Content hash by id."""
    request(es, "POST", path(name, "_refresh"))
    body = {"size": 1000, "_source": ["es_hybrid.content_hash"]}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {hit["_id"]: hit["_source"]["es_hybrid"]["content_hash"] for hit in hits}


def letters(file):
    """Where each lost record was read, and why it was lost; twice if it has two letters."""
    told = map(json.loads, file.with_name("dead").read_text().splitlines())
    return sorted((one["where"], one["error"]) for one in told)


@pytest.mark.parametrize("call", ["1", "3", "6"])
@pytest.mark.parametrize("where", ["sending", "the journal", "its name"])
def test_a_run_that_is_killed_anywhere_ends_as_if_nobody_had(
    es, url, name, other, file, where, call
):
    killed = script(url, name, file, where, call)
    assert killed.returncode == -9, killed.stderr
    written = len(state(es, name)) if call != "1" else 0
    after = script(url, name, file)
    assert after.returncode == 0, after.stderr
    resumed = letters(file)
    file.with_name("dead").unlink()
    assert script(url, other, file).returncode == 0
    assert (state(es, name), resumed) == (state(es, other), letters(file))
    assert call == "1" or 0 < written < len(state(es, name))


def test_a_second_run_on_one_machine_is_refused_while_the_first_lasts(es, name, file):
    refused = []

    class Second(WordEmbedder):
        """While it embeds, somebody starts the same command again."""

        def embed_documents(self, texts):
            if "word1 " in " ".join(texts) and not refused:
                with pytest.raises(RunInProgress) as caught:
                    write(es, name, file)
                refused.append(str(caught.value))
            return super().embed_documents(texts)

    indexer = Indexer(es, name, embedder=Second(), state=file.with_name("state"))
    assert indexer.write(JsonLines([file])).read == 120
    assert f"another run writes to {name!r} from this machine (pid" in refused[0]


def test_two_runs_of_two_machines_at_once_leave_what_one_would(es, url, name, other, tmp_path):
    records = [{"_id": str(n), "text": f"word{n}"} for n in range(400)]
    reports = []

    def run():
        with Elasticsearch(url, request_timeout=30) as client:
            indexer = Indexer(client, name, embedder=WordEmbedder())
            reports.append(indexer.write(records))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Indexer(es, other, embedder=WordEmbedder()).write(records)
    assert state(es, name) == state(es, other)
    assert [one.indexed + one.unchanged for one in reports] == [400, 400]
