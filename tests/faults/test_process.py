"""Faults of the process that ingests, of its disk, and of another that does the same."""

import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from es_hybrid import Indexer
from es_hybrid.errors import EsHybridError, RunInProgress, SourceError, StateError
from es_hybrid.sources.jsonl import JsonLines
from tests.embedders import WordEmbedder
from tests.faults import acts
from tests.faults.checks import letters, plan
from tests.faults.proxy import Rule

CHECKOUT = Path(__file__).parents[2]


class Command:
    """``es-hybrid index`` on the plan, in a process that can be killed."""

    def __init__(self, scene, planned, **environment):
        arguments = ["index", scene.name, str(scene.file(planned)), "--embedder", "words-8"]
        arguments += ["--dead-letters", str(scene.dead), "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.command", *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "ES_HYBRID_URL": scene.proxy.url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)

    def end(self):
        """The exit code, and what it printed."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err.decode()


def run(scene, planned):
    """The report of the command, run to its end."""
    scene.proxy.follow()
    code, out, err = Command(scene, planned).end()
    assert code in {0, 1}, err
    return json.loads(out)


def once(planned):
    """One dead letter for each record that has one."""
    return dict.fromkeys(planned.lost | planned.rejected, 1)


KILLED = {
    "kill -9 before send": acts.before_sending,
    "kill -9 after send before journal": acts.after_sending,
}


@pytest.mark.parametrize("fault", KILLED)
def test_the_same_command_goes_on_after_kill_9(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)
    started = []
    act = KILLED[fault](lambda: started[0].kill())
    scene.proxy.follow(Rule(fault, act, at={18 + seed}))
    started.append(Command(scene, planned))
    assert started[0].end()[0] == -signal.SIGKILL
    assert scene.in_mid_run(fault, planned)
    assert (scene.wrong(planned, run(scene, planned)), letters(scene.dead)) == ([], once(planned))


def test_the_same_command_goes_on_after_kill_9_during_journal_write(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    scene.proxy.follow()
    killed = Command(scene, planned, FAULT_JOURNAL_KILL=str(6 - seed))
    assert killed.end()[0] == -signal.SIGKILL
    assert 0 < scene.acknowledged < planned.documents
    assert (scene.wrong(planned, run(scene, planned)), letters(scene.dead)) == ([], once(planned))


def test_sigterm_lets_what_is_on_its_way_arrive(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    started = []
    act = acts.meanwhile(lambda: started[0].kill(signal.SIGTERM))
    scene.proxy.follow(Rule("SIGTERM", act, at={18 + seed}))
    started.append(Command(scene, planned))
    code, _, err = started[0].end()
    assert scene.in_mid_run("SIGTERM", planned)
    assert (code, "interrupted after" in err) == (130, True)
    assert scene.proxy.written <= scene.proxy.acknowledged


def test_the_same_command_goes_on_after_sigterm(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    started = []
    act = acts.meanwhile(lambda: started[0].kill(signal.SIGTERM))
    scene.proxy.follow(Rule("SIGTERM", act, at={18 + seed}))
    started.append(Command(scene, planned))
    started[0].end()
    assert scene.in_mid_run("SIGTERM", planned)
    assert (scene.wrong(planned, run(scene, planned)), letters(scene.dead)) == ([], once(planned))


@pytest.fixture
def full(tmp_path):
    """A disk with room for nothing more, and what makes room on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk that is small enough to be full")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk):
    """Take all the room there is."""
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


@pytest.mark.parametrize(
    ("fault", "error", "attribute"),
    [
        ("disk full for the journal", StateError, "state"),
        ("disk full for dead letters", SourceError, "dead"),
    ],
)
def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(
    scene, full, monkeypatch, fault, error, attribute, seed
):
    planned = plan(seed)
    monkeypatch.setattr("es_hybrid.indexing.journal.EVERY", 0.0)
    monkeypatch.setattr("es_hybrid.indexing.journal._SHARE", 0)
    setattr(scene, attribute, full / attribute)
    scene.begin(planned)
    filling = Rule(fault, acts.meanwhile(partial(fill, full)), at={3 + seed})
    with pytest.raises(error, match="make room"):
        scene.ingest(planned, filling)
    assert scene.in_mid_run(fault, planned)
    (full / "filler").unlink()
    assert scene.wrong(planned, scene.ingest(planned)) == []


def test_dead_letters_on_a_full_device_are_said_to_be_lost_and_the_same_command_goes_on(
    scene, seed
):
    planned = plan(seed)
    scene.begin(planned)
    scene.dead.symlink_to("/dev/full")
    with pytest.raises(SourceError, match="No space left"):
        scene.ingest(planned)
    assert 0 < scene.acknowledged < planned.documents
    scene.dead.unlink()
    assert scene.wrong(planned, scene.ingest(planned)) == []
    assert letters(scene.dead).keys() == planned.rejected


@pytest.mark.parametrize("notes", ["shared", "apart"])
def test_two_ingesters_of_one_source_double_nothing(scene, tmp_path, notes, seed):
    planned = plan(seed)
    source = scene.file(planned)
    reports, refused = [], []

    def ingest(number):
        state = tmp_path / (notes if notes == "shared" else f"{notes}-{number}")
        indexer = Indexer(scene.patient, scene.name, embedder=WordEmbedder(8), state=state)
        try:
            reports.append(indexer.write(JsonLines([source])).to_dict())
        except EsHybridError as error:
            refused.append(error)

    both = [threading.Thread(target=ingest, args=[number]) for number in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert all(isinstance(error, RunInProgress) for error in refused)
    assert len(reports) + len(refused) == 2
    assert [scene.wrong(planned, report) for report in reports] == [[]] * len(reports)
