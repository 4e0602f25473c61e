"""Downloads: whole or not there. jgo is replaced by a function that writes a file."""

import os
import zipfile

import pytest
import requests

from es_hybrid.errors import DownloadFailed
from es_hybrid.node import maven

LIB = ("org.example", "lib", "1.2")


@pytest.fixture
def repository(monkeypatch):
    """A repository that counts what it hands out; ``answer`` writes the file or raises."""

    class Repository:
        calls = 0

        def answer(self, path):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.txt", "whole" * 100)

        def download(self, group, artifact, version, *, packaging, into, say):
            self.calls += 1
            path = into / f"{artifact}.{packaging}"
            self.answer(path)
            return path

    fake = Repository()
    monkeypatch.setattr(maven, "_download", fake.download)
    return fake


def truncate(path):
    path.write_bytes(b"PK\3\4 only the beginning")


def flip(path):
    """A whole directory, but one entry's bytes are not what its checksum says."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "AAAA")
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"AABA"))


def test_a_file_is_fetched_once(tmp_path, repository):
    first = maven.fetch(*LIB, home=tmp_path)
    assert maven.fetch(*LIB, home=tmp_path) == first
    assert repository.calls == 1
    assert first == tmp_path / "downloads/org/example/lib/1.2/lib-1.2.jar"


@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_download_never_takes_its_place(tmp_path, repository, damage):
    repository.answer = damage
    with pytest.raises(DownloadFailed, match="arrived damaged"):
        maven.fetch(*LIB, home=tmp_path)
    assert not maven.cached(*LIB, home=tmp_path).exists()


@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_file_is_fetched_again(tmp_path, repository, damage):
    damage(maven.fetch(*LIB, home=tmp_path))
    assert maven.is_whole(maven.fetch(*LIB, home=tmp_path))
    assert repository.calls == 2


def test_what_a_killed_download_left_is_cleared(tmp_path, repository):
    place = maven.cached(*LIB, home=tmp_path)
    part = place.with_name(place.name + ".part")
    part.mkdir(parents=True)
    truncate(part / "lib.jar")
    assert maven.is_whole(maven.fetch(*LIB, home=tmp_path))
    assert not part.exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectionError("no route"), r"no route.*HTTPS_PROXY.*by hand at"),
        (RuntimeError("nobody has it"), r"check the version '1\.2'"),
        (OSError(28, "No space left"), r"No space left.*ES_HYBRID_HOME"),
    ],
)
def test_a_failed_download_says_the_way_out(tmp_path, repository, error, words):
    def fail(path):
        raise error

    repository.answer = fail
    with pytest.raises(DownloadFailed, match=words):
        maven.fetch(*LIB, home=tmp_path)


def test_the_last_list_of_versions_serves_without_a_network(tmp_path, monkeypatch):
    answers = iter([["1.0", "1.1"], []])
    monkeypatch.setattr(maven, "_list_versions", lambda *_, into: next(answers))
    assert maven.versions("org.example", "lib", home=tmp_path) == ["1.0", "1.1"]
    os.utime(tmp_path / "downloads/org/example/lib/versions.json", (0, 0))
    assert maven.versions("org.example", "lib", home=tmp_path) == ["1.0", "1.1"]


def test_versions_that_were_never_listed_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(maven, "_list_versions", lambda *_, into: [])
    with pytest.raises(DownloadFailed, match="the versions of lib could not be listed"):
        maven.versions("org.example", "lib", home=tmp_path)
