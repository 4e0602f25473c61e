"""A process that indexes pictures and is killed leaves a run that the same command goes on with."""

import subprocess
import sys
from pathlib import Path

import pytest

from es_hybrid.client import path, request
from tests.drawn import laid, plain, saved

ROOT = Path(__file__).parents[2]

# Indexes a folder; dies by its own hand, like by kill -9, before it embeds batch number CALL.
SCRIPT = """
import os, sys
from pathlib import Path
from es_hybrid import Indexer, connect
from es_hybrid.indexing import intake, journal
from es_hybrid.sources import Pictures
from tests.embedders import Colours

url, name, folder, call = sys.argv[1:]
intake.WINDOW, journal.EVERY, journal._SHARE = 8, 0.0, 0

class Dying(Colours):
    left = int(call) + 1  # the probes of the contract come first

    def embed_images(self, pictures):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), 9)
        return super().embed_images(pictures)

folder = Path(folder)
indexer = Indexer(
    connect(url=url), name, embedder=Dying(), dead_letters=folder.with_name("dead"),
    state=folder.with_name("state"),
)
report = indexer.write(Pictures(folder))
print(report.resumed, report.read, report.indexed + report.unchanged, len(report.problems))
"""


@pytest.fixture
def folder(tmp_path):
    """Forty pictures, of which one is cut off, and one is none."""
    shades = {f"{n:02}.png": saved(plain(color=(6 * n, 0, 99))) for n in range(40)}
    bad = {"11.png": saved(plain((400, 400), color=(1, 2, 3)))[:100], "30.png": b""}
    return laid(tmp_path / "photos", shades | bad)


def script(url, name, folder, call):
    command = [sys.executable, "-c", SCRIPT, url, name, str(folder), str(call)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


def test_a_run_that_is_killed_is_gone_on_with_and_loses_nothing(es, url, name, folder):
    killed = script(url, name, folder, 4)
    assert killed.returncode == -9, killed.stderr
    after = script(url, name, folder, 1_000_000)
    resumed, read, done, lost = map(int, after.stdout.split())
    assert (resumed > 0, read, done, lost) == (True, 40, 38, 2), after.stderr
    assert request(es, "GET", path(name, "_count"))["count"] == 38
    assert len(folder.with_name("dead").read_text().splitlines()) == 2
