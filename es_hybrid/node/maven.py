"""Files from Maven repositories, fetched with jgo (no Maven needed) and kept.

jgo writes a download straight to its final place and only warns about a wrong checksum,
so a download that was cut off would later pass for a whole file. Here a file arrives in
a folder of its own, is read through once, and only then takes its place, in one step.
"""

import json
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from es_hybrid.errors import DownloadFailed
from es_hybrid.node.lock import hold
from es_hybrid.node.progress import Say, download_meter, quiet

if TYPE_CHECKING:
    from jgo.maven import MavenContext

SILENCE = 30  # seconds without a byte before a connection counts as dead
FRESH = 24 * 60 * 60  # seconds a list of versions is believed without asking again

# Without a handler of its own, jgo's warnings would reach stderr beside our own message.
logging.getLogger("jgo").addHandler(logging.NullHandler())


def fetch(
    group: str,
    artifact: str,
    version: str,
    *,
    home: Path,
    packaging: str = "jar",
    say: Say = quiet,
) -> Path:
    """Return a jar or zip on disk, downloaded unless it is there already.

    Args:
        group: Maven group, such as ``"org.apache.lucene"``.
        artifact: Maven artifact, such as ``"lucene-analysis-nori"``.
        version: The exact version.
        home: The folder of es_hybrid's files; the file is kept in its ``downloads``.
        packaging: ``"jar"`` or ``"zip"``.
        say: Told how far a large download is.

    Raises:
        DownloadFailed: It could not be fetched, or what came is not a whole archive.
    """
    place = cached(group, artifact, version, home=home, packaging=packaging)
    with hold(place.with_name(place.name + ".lock"), say=say, waiting=f"waiting for {place.name}"):
        if is_whole(place):
            return place
        with _arriving(place) as folder, _explained(place):
            came = _download(group, artifact, version, packaging=packaging, into=folder, say=say)
            _accept(came, place)
    return place


def cached(group: str, artifact: str, version: str, *, home: Path, packaging: str = "jar") -> Path:
    """Return where :func:`fetch` keeps this file, whether it is there or not."""
    folder = home / "downloads" / Path(*group.split(".")) / artifact / version
    return folder / f"{artifact}-{version}.{packaging}"


def versions(group: str, artifact: str, *, home: Path) -> list[str]:
    """Return the published versions as the repositories list them; asked again after a day.

    Without a network the last answer still serves.

    Raises:
        DownloadFailed: They could not be listed, and never were before.
    """
    kept = home / "downloads" / Path(*group.split(".")) / artifact / "versions.json"
    if kept.exists() and time.time() - kept.stat().st_mtime < FRESH:
        return _read(kept)
    with hold(kept.with_suffix(".lock")), _arriving(kept) as folder:
        if not (found := _list_versions(group, artifact, into=folder)):
            return _read(kept)
        fresh = folder / kept.name
        fresh.write_text(json.dumps(found))
        fresh.replace(kept)
    return found


def _read(kept: Path) -> list[str]:
    if not kept.exists():
        name = kept.parent.name
        raise DownloadFailed(f"the versions of {name} could not be listed: {_way_out()}")
    return list(json.loads(kept.read_text()))


@contextmanager
def _arriving(place: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``place``; what a killed run left in it is removed first."""
    folder = place.with_name(place.name + ".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    """Turn what can go wrong on the way into DownloadFailed, with the way out."""
    import requests

    try:
        yield
    except requests.RequestException as error:
        raise DownloadFailed(
            f"{place.name} could not be fetched ({error}): {_way_out(place)}"
        ) from error
    except RuntimeError as error:  # jgo's word for "no repository has it"
        raise DownloadFailed(
            f"{place.name} is in none of the Maven repositories asked: check the version "
            f"{place.parent.name!r}; otherwise {_way_out(place)}"
        ) from error
    except OSError as error:
        raise DownloadFailed(
            f"{place.name} could not be written to {place.parent} ({error}): make room or "
            "grant access there, or set ES_HYBRID_HOME to another folder"
        ) from error


def _accept(came: Path, place: Path) -> None:
    if not is_whole(came):
        raise DownloadFailed(
            f"{place.name} arrived damaged ({came.stat().st_size} bytes): run the command again; "
            f"if that keeps happening, {_way_out(place)}"
        )
    came.replace(place)


def is_whole(path: Path) -> bool:
    """Tell whether every entry of an archive can be read and matches its checksum."""
    with suppress(OSError, zipfile.BadZipFile, EOFError), zipfile.ZipFile(path) as archive:
        return archive.testzip() is None
    return False


def _way_out(place: Path | None = None) -> str:
    from jgo.maven import MavenContext

    name = next(iter(MavenContext().remote_repos))
    settings = os.environ.get("JGO_CONFIG_FILE", "~/.config/jgo.conf")
    by_hand = f", or put the file by hand at {place}" if place else ""
    return (
        f"set HTTPS_PROXY if you need a proxy, name a mirror as `{name} = URL` under "
        f"[repositories] in {settings}{by_hand}"
    )


def _download(
    group: str, artifact: str, version: str, *, packaging: str, into: Path, say: Say
) -> Path:
    """Fetch one file with jgo into the folder ``into``; a seam that tests replace."""
    project = _context(into, say).project(group, artifact)
    return Path(project.at_version(version).artifact(packaging=packaging).resolve())


def _list_versions(group: str, artifact: str, *, into: Path) -> list[str]:
    """Ask the repositories for all versions, empty when none answers; a seam that tests replace."""
    project = _context(into, quiet).project(group, artifact)
    project.update()
    with suppress(ElementTree.ParseError):  # a proxy's login page is no list of versions
        return list(project.metadata.versions)
    return []


def _context(folder: Path, say: Say) -> "MavenContext":
    """Return jgo's default repositories, with the user's own mirrors from jgo's settings."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        resolver=PythonResolver(progress_callback=download_meter(say)),
        repo_cache=folder,
        timeout=SILENCE,
    )
    context.remote_repos.update(GlobalSettings.load().repositories)
    return context
