"""The language analysis of a full cluster, given back to the embedded server.

The server in the Maven repositories comes without Elasticsearch's own ``analysis-common``
module and ``analysis-nori`` plugin, so it knows neither ``english`` nor ``cjk_bigram`` nor
``nori``. Lucene's analyzers, which those names stand for, are there or can be fetched: a few
small Java classes in ``plugin_sources`` hand them to the server through its stable plugin
API, under the names and with the settings that real clusters use. One index body then fits
both. What cannot be had this way: custom normalizers with these filters, settings that name
a file, and the limit ``index.max_ngram_diff``.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import JavaNotFound, NodeFailed, PluginMissing
from es_hybrid.node import maven
from es_hybrid.node.lock import hold

NAME = "es-hybrid-analysis"
SOURCES = Path(__file__).with_name("plugin_sources")
JAVA_RELEASE = 21  # what Elasticsearch 9 asks for; a newer JDK compiles for it, too
LAYOUT = "1"  # raised when the plugin's folder changes although its sources do not
JAVAC_LINES = 6  # of its errors; the first one usually causes the others
NORI = ("org.apache.lucene", "lucene-analysis-nori")

_API = "org.elasticsearch.plugin.analysis."
_PACKAGE = "eshybrid.analysis."
_COMPONENT = re.compile(
    r'@NamedComponent\("(?P<name>\w+)"\)\s+public (?:static )?class (?P<type>\w+)'
    r" implements (?P<kind>\w+)"
)


@dataclass(frozen=True)
class Server:
    """An unpacked server: its folder and the versions that its jars state."""

    folder: Path
    elasticsearch: str
    lucene: str


def install(server: Path, *, java_home: Path, home: Path, say: Callable[[str], None]) -> None:
    """Put the analysis plugin into an unpacked server; does nothing if it is there already.

    Args:
        server: The unpacked server, with its ``lib`` folder.
        java_home: A JDK, 21 or newer.
        home: The folder of es_hybrid's files; the compiled plugin is kept in its ``plugins``.
        say: Told when something takes long.

    Raises:
        JavaNotFound: ``java_home`` has no compiler.
        DownloadFailed: Lucene's Korean analyzer could not be fetched.
        PluginMissing: There is no Korean analyzer for this server's Lucene.
        NodeFailed: The folder is no server, cannot be written, or the compiler refused.
    """
    target = inspect(server)
    key = fingerprint(target)
    place = server / "plugins" / NAME
    if (place / _jar(key)).exists():
        return
    built = home / "plugins" / key
    with hold(home / "plugins" / "lock", say=say, waiting="waiting for the analysis plugin"):
        try:
            if not built.exists():
                say("compiling the analysis plugin")
                _build(built, target, java_home=java_home, home=home)
            _put(built, place)
        except OSError as error:
            raise NodeFailed(
                f"the analysis plugin could not be written to {place} ({error}): "
                "make room or grant access there, or set ES_HYBRID_HOME to another folder"
            ) from error


def inspect(server: Path) -> Server:
    """Read an unpacked server's versions from the names of its jars.

    Raises:
        NodeFailed: The folder holds no server.
    """
    return Server(
        folder=server,
        elasticsearch=_version(server, "elasticsearch"),
        lucene=_version(server, "lucene-core"),
    )


def fingerprint(server: Server) -> str:
    """Return a short name for this plugin on this server: another one, another name."""
    digest = hashlib.sha256("\0".join((LAYOUT, server.elasticsearch, server.lucene)).encode())
    for source in _sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def components() -> dict[str, dict[str, str]]:
    """Return what ``named_components.json`` says: kind -> name in mappings -> Java class.

    Elasticsearch's own build writes that file from the annotations in the classes; here they
    are read from the sources. A server with a wrong file starts without any complaint.
    """
    found: dict[str, dict[str, str]] = {}
    for source in _sources():
        for match in _COMPONENT.finditer(source.read_text(encoding="utf-8")):
            nested = "" if match["type"] == source.stem else f"${match['type']}"
            kind = found.setdefault(_API + match["kind"], {})
            kind[match["name"]] = f"{_PACKAGE}{source.stem}{nested}"
    return found


def nearest(wanted: str, available: list[str]) -> str:
    """Return the release whose analyzer fits a server's Lucene: same major and minor.

    Not every patch release of Lucene has its own Korean analyzer, and a neighbour works.

    >>> nearest("10.5.1", ["9.12.2", "10.4.0", "10.5.0", "10.5.3"])
    '10.5.0'

    Raises:
        PluginMissing: No release shares major and minor.
    """
    major, minor, patch = wanted.split(".")
    patches = [int(v.split(".")[2]) for v in available if _is_patch_of(v, f"{major}.{minor}")]
    if not patches:
        raise PluginMissing(
            f"no {NORI[1]} is published for Lucene {wanted}: choose another server version"
        )
    return f"{major}.{minor}.{min(patches, key=lambda other: (abs(other - int(patch)), other))}"


def _is_patch_of(version: str, line: str) -> bool:
    return re.fullmatch(re.escape(line) + r"\.\d+", version) is not None


def _sources() -> list[Path]:
    return sorted(SOURCES.glob("*.java"))


def _jar(key: str) -> str:
    """The key in the jar's name tells an installed plugin from one of other sources."""
    return f"{NAME}-{key}.jar"


def _version(server: Path, jar: str) -> str:
    for path in (server / "lib").glob(f"{jar}-*.jar"):
        if match := re.fullmatch(re.escape(jar) + r"-(\d+\.\d+\.\d+)\.jar", path.name):
            return match[1]
    raise NodeFailed(
        f"{server} is no unpacked Elasticsearch: it has no lib/{jar}-VERSION.jar; "
        "remove that folder and run `es-hybrid up` again"
    )


def _build(built: Path, server: Server, *, java_home: Path, home: Path) -> None:
    """Make the plugin's folder beside ``built``, then give it that name in one step."""
    part = built.with_name(built.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    nori = _nori(server.lucene, home=home)
    shutil.copyfile(nori, part / nori.name)
    _compile(part / _jar(built.name), server, java_home=java_home, nori=nori)
    (part / "named_components.json").write_text(json.dumps(components(), indent=2))
    (part / "stable-plugin-descriptor.properties").write_text(_descriptor(server, built.name))
    part.rename(built)


def _nori(lucene: str, *, home: Path) -> Path:
    version = nearest(lucene, maven.versions(*NORI, home=home))
    return maven.fetch(*NORI, version, home=home)


def _compile(jar: Path, server: Server, *, java_home: Path, nori: Path) -> None:
    javac = java_home / "bin" / "javac"
    if not os.access(javac, os.X_OK):
        raise JavaNotFound(
            f"{javac} cannot be run: {java_home} is no JDK; "
            f"set ES_JAVA_HOME to a full JDK {JAVA_RELEASE} or newer"
        )
    classes = jar.with_suffix("")
    path = os.pathsep.join((str(server.folder / "lib" / "*"), str(nori)))
    options = ["--release", str(JAVA_RELEASE), "-encoding", "UTF-8", "-proc:none", "-nowarn"]
    result = subprocess.run(
        [javac, *options, "-d", classes, "-cp", path, *_sources()],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise NodeFailed(_refused(result.stderr, javac=javac, server=server))
    _pack(classes, jar)
    shutil.rmtree(classes)


def _refused(stderr: str, *, javac: Path, server: Server) -> str:
    first = "\n".join(stderr.splitlines()[:JAVAC_LINES])
    return (
        f"{javac} did not compile the analysis plugin for Elasticsearch {server.elasticsearch}: "
        f"set ES_JAVA_HOME to a JDK {JAVA_RELEASE} or newer, or choose another server version. "
        f"It said:\n{first}"
    )


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.write(path, path.relative_to(classes).as_posix())


def _descriptor(server: Server, key: str) -> str:
    """All five keys are needed, and the server refuses to start on a sixth."""
    return (
        f"name={NAME}\n"
        f"version={key}\n"
        "description=Analyzers, tokenizers and filters of a full cluster, from Lucene\n"
        f"elasticsearch.version={server.elasticsearch}\n"
        f"java.version={JAVA_RELEASE}\n"
    )


def _put(built: Path, place: Path) -> None:
    """Copy the folder in beside ``plugins``: a server refuses half a plugin inside it."""
    part, old = (place.parent.parent / f".{NAME}.{suffix}" for suffix in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(built, part)
    # Whatever the umask was: the account that runs the server must be able to read it.
    part.chmod(0o755)
    for path in part.iterdir():
        path.chmod(0o644)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(old)
    part.rename(place)
    shutil.rmtree(old, ignore_errors=True)
