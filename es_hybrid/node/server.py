"""The official Elasticsearch server, as its makers publish it for tests: fetched and unpacked."""

import re
import shutil
import zipfile
from pathlib import Path

from es_hybrid.errors import DownloadFailed, NodeFailed, UsageError
from es_hybrid.node import maven
from es_hybrid.node.lock import hold
from es_hybrid.node.progress import Say, quiet

DEFAULT_VERSION = "9.5.4"
SUPPORTED = ("9.5.4", "8.19.21")  # the newest of each major that was run

GROUP = "org.elasticsearch.distribution.integ-test-zip"
ARTIFACT = "elasticsearch"
MEGABYTES = {8: 107, 9: 132}  # of the download, by major
OLDEST = (8, 19)


def ensure(version: str, *, home: Path, java_home: Path, say: Say = quiet) -> Path:
    """Return the folder of the server ``version``, fetched and given its analysis plugin.

    Args:
        version: Such as ``"9.5.4"``.
        home: The folder of es_hybrid's files; servers live in its ``servers``.
        java_home: The JDK that compiles the plugin.
        say: Told before the first download what comes, how big, and under which licence.

    Raises:
        UsageError: No version this package works with.
        DownloadFailed: It could not be fetched.
    """
    from es_hybrid.node import plugin

    major(version)
    place = home / "servers" / version
    waiting = f"waiting for another run that prepares Elasticsearch {version}"
    with hold(place.with_name(f"{version}.lock"), say=say, waiting=waiting):
        if not place.is_dir():
            _fetch(version, place, home=home, say=say)
        plugin.install(place, java_home=java_home, home=home, say=say)
    return place


def major(version: str) -> int:
    """Return the major of a version this package works with.

    >>> major("9.5.4")
    9

    Raises:
        UsageError: It is no version, or too old.
    """
    known = " or ".join(SUPPORTED)
    if not (found := re.fullmatch(r"(\d+)\.(\d+)\.\d+", version)):
        raise UsageError(f"{version!r} is no Elasticsearch version: give three numbers, as {known}")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise UsageError(f"Elasticsearch {version} is older than 8.19: choose {known}")
    return int(found[1])


def _fetch(version: str, place: Path, *, home: Path, say: Say) -> None:
    if not maven.is_whole(maven.cached(GROUP, ARTIFACT, version, home=home, packaging="zip")):
        say(_announcement(version, home))
    archive = maven.fetch(GROUP, ARTIFACT, version, home=home, packaging="zip", say=say)
    say(f"unpacking Elasticsearch {version}")
    try:
        _unpack(archive, place)
    except OSError as error:
        raise NodeFailed(
            f"Elasticsearch {version} could not be unpacked to {place} ({error}): make room "
            "there, or set ES_HYBRID_HOME to another folder"
        ) from error


def _announcement(version: str, home: Path) -> str:
    size = MEGABYTES.get(major(version), max(MEGABYTES.values()))
    return (
        f"fetching the official Elasticsearch {version} server once, about {size} MB, to {home}. "
        "It is by Elastic, under the licences in its LICENSE.txt (AGPL-3.0, SSPL or Elastic "
        "License 2.0; the x-pack modules Elastic License 2.0 only). This server is for "
        "development and tests: run a full Elasticsearch in production"
    )


def _unpack(archive: Path, place: Path) -> None:
    """Unpack beside ``place`` and move there in one step, so that half a server is never used."""
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(part)
    top = part / f"elasticsearch-{place.name}"
    if not (top / "bin" / "elasticsearch").is_file():
        raise DownloadFailed(
            f"{archive} holds no {top.name}/bin/elasticsearch, so it is not the server: "
            "remove it and run the command again"
        )
    _open_to_all(top)
    top.rename(place)
    part.rmdir()


def _open_to_all(folder: Path) -> None:
    """Let every account read the files and run the programs, whatever the caller's umask.

    The server may run under another account than the one that unpacks it, and Python's
    zipfile drops the permissions written in the archive.
    """
    for path in (folder, *folder.rglob("*")):
        program = path.is_dir() or path.parent.name in {"bin", "server-launcher"}
        path.chmod(0o755 if program else 0o644)
