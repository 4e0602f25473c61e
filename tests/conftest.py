"""What all tests share, and how they are shared out among workers."""

import os
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.node.lock import hold
from tests.commands import Terminal

FAULTS = "tests/faults/"
WORKER = "PYTEST_XDIST_WORKER"  # what pytest-xdist sets for each of its workers alone


def pytest_configure() -> None:
    """No width of a terminal: workers inherit one from readline, which pytest loads."""
    for variable in ("COLUMNS", "LINES"):
        os.environ.pop(variable, None)


# The hook is pytest-xdist's: without it these tests run as well, one after another.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files to each worker, as their tests share indices; all faults are one file to it.

    Tests of faults mostly wait and need a node of their own, so they belong on one worker, beside
    tests that compute.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = nodeid.partition("::")[0]
            return FAULTS if file.startswith(FAULTS) else file

    return Scheduling(config, log)


@pytest.fixture
def typed(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Runs ``es-hybrid`` with the arguments that it is called with."""
    return Terminal(capsys, monkeypatch)


@pytest.fixture(scope="session")
def scenes_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small CLIP that knows `tests.scenes`: ``open_clip:FOLDER`` loads it."""
    from tests.scenes import train

    whole = tmp_path_factory.getbasetemp()
    # Of the run, not of the worker: trained once, by the worker that needs it first.
    folder = (whole.parent if WORKER in os.environ else whole) / "scenes-clip"
    with hold(folder.with_name("scenes-clip.lock")):
        if not (folder / "model.safetensors").exists():  # what `train` writes last
            train(folder)
    return folder
