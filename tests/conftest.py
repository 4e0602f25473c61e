"""What all tests share."""

from pathlib import Path
from typing import Any

import pytest

from tests.commands import Terminal


@pytest.fixture
def typed(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Runs ``es-hybrid`` with the arguments that it is called with."""
    return Terminal(capsys, monkeypatch)


@pytest.fixture(scope="session")
def scenes_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small CLIP that knows `tests.scenes`: ``open_clip:FOLDER`` loads it."""
    from tests.scenes import train

    folder = tmp_path_factory.mktemp("scenes") / "clip"
    train(folder)
    return folder
