"""One run at a time, on one machine."""

import os
import subprocess
import sys

import pytest

from es_hybrid.errors import RunInProgress, StateError
from es_hybrid.indexing.lock import locked
from es_hybrid.indexing.state import Places, state_folder


def test_a_second_run_is_refused_and_told_which_process_is_at_it(tmp_path):
    first, second = (locked(tmp_path / "l", name="films") for _ in range(2))
    with first, pytest.raises(RunInProgress) as caught, second:
        pass
    assert f"'films' from this machine (pid {os.getpid()})" in str(caught.value)


def test_the_next_run_may_begin_when_the_first_has_ended(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "l", name="films"):
            assert (tmp_path / "l").read_text() == str(os.getpid())


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from es_hybrid.indexing.lock import locked\n"
        "with locked(Path(sys.argv[1]), name='films'): os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "l")]
    assert subprocess.run(command, check=False).returncode == -9
    with locked(tmp_path / "l", name="films"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    nowhere = locked(tmp_path / "file" / "l", name="films")
    with pytest.raises(StateError, match="XDG_STATE_HOME"), nowhere:
        pass


@pytest.mark.parametrize(
    ("given", "expected"),
    [("/var/state", "/var/state/es-hybrid"), ("", "~"), ("relative", "~")],
)
def test_notes_lie_where_the_desktop_standard_says(monkeypatch, given, expected):
    monkeypatch.setenv("XDG_STATE_HOME", given)
    monkeypatch.setenv("HOME", "/home/me")
    assert str(state_folder()) == expected.replace("~", "/home/me/.local/state/es-hybrid")


def test_each_cluster_name_and_source_has_notes_of_its_own(tmp_path):
    places = [Places(tmp_path, *one) for one in (("a", "films"), ("b", "films"), ("a", "books"))]
    files = [one.lock for one in places] + [places[0].journal([f]) for f in ("x", "y")]
    assert len(set(files)) == 5
    assert all(one.parent == tmp_path for one in files)


def test_a_name_of_any_letters_makes_the_name_of_a_file(tmp_path):
    made = Places(tmp_path, "a", "영화" * 80).lock
    made.touch()
    assert len(made.name.encode()) < 100
