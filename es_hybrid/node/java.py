"""The JDK that runs the server: found on this machine, or brought by cjdk.

Elasticsearch needs a full JDK: a runtime without ``jdk.jlink`` cannot start it, and the
analysis plugin is compiled with ``javac``. An unfit candidate is passed over, not fatal.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import JavaNotFound
from es_hybrid.node.account import Account, barrier
from es_hybrid.node.home import default_home
from es_hybrid.node.progress import Say, quiet

MINIMUM = 21  # Elasticsearch 9; 8.19 would run on 17, but one rule is easier to meet than two
BROUGHT = "25"  # the release install_jdk fetches: long-term support, seen to run both majors

USUAL_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/lib64/jvm/*",
    "/usr/java/*",
    "/usr/local/openjdk*",
    "/opt/java/*",
    "/opt/jdk*",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
    "~/.asdf/installs/java/*",
    "~/.local/share/mise/installs/java/*",
)


@dataclass(frozen=True)
class Jdk:
    """A JDK that can run the server.

    Attributes:
        home: Its folder, the one with ``bin/java``.
        version: Its feature release, such as 25.
        source: What led to it, such as ``"JAVA_HOME"``.
    """

    home: Path
    version: int
    source: str


class Unfit(Exception):
    """A Java that cannot run the server; the text says why."""


def find_jdk(
    *, minimum: int = MINIMUM, home: Path | None = None, account: Account | None = None
) -> Jdk:
    """Return the first JDK that fits, looked for from the most to the least explicit place.

    The order: ``ES_JAVA_HOME``, ``JAVA_HOME``, the one from :func:`install_jdk`, ``java`` on
    the PATH, then the folders where installers put them, newest first.

    Args:
        minimum: The oldest feature release that will do.
        home: The folder of es_hybrid's files, where :func:`install_jdk` puts its JDK.
        account: Who must be able to run it, when that is not the caller.

    Raises:
        JavaNotFound: None fits; the message lists what was found and why it does not do.
    """
    unfit: dict[Path, str] = {}
    for source, folder in _candidates(home or default_home()):
        if folder in unfit:
            continue
        try:
            return Jdk(folder, _fitting(folder, minimum, account), source)
        except Unfit as error:
            unfit[folder] = f"{folder} ({source}): {error}"
    raise JavaNotFound(_nothing_fits(list(unfit.values()), minimum))


def install_jdk(home: Path, *, say: Say = quiet) -> Jdk:
    """Fetch a JDK with cjdk into ``home``, where :func:`find_jdk` will find it.

    Raises:
        JavaNotFound: cjdk is not installed, or could not fetch one.
    """
    try:
        import cjdk
    except ImportError:
        raise JavaNotFound(
            "no JDK can be fetched without cjdk: run `pip install 'es_hybrid[jdk]'`"
        ) from None
    say(f"fetching a JDK {BROUGHT}, about 200 MB (GPL-2.0 with Classpath Exception)")
    try:
        place = cjdk.java_home(vendor="adoptium", version=BROUGHT, cache_dir=home / "jdks")
    except (cjdk.CjdkError, OSError) as error:
        raise JavaNotFound(
            f"cjdk could not fetch a JDK ({error}): set HTTPS_PROXY if you need a proxy, or "
            f"install a JDK {MINIMUM} or newer yourself and set ES_JAVA_HOME to its folder"
        ) from error
    link = home / "jdk"
    link.unlink(missing_ok=True)
    link.symlink_to(place)
    return find_jdk(home=home)


def _candidates(home: Path) -> Iterator[tuple[str, Path]]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        if folder := os.environ.get(variable):
            yield variable, Path(folder).expanduser().absolute()
    yield from _if_there("es-hybrid up --install-jdk", home / "jdk")
    if java := shutil.which("java"):
        yield "java on the PATH", Path(java).resolve().parent.parent
    for pattern in USUAL_PLACES:
        yield from (("usual place", folder) for folder in _matching(pattern))


def _if_there(source: str, link: Path) -> Iterator[tuple[str, Path]]:
    if link.exists():
        yield source, link.resolve()


def _matching(pattern: str) -> list[Path]:
    """Return the Java folders a pattern names, newest name first, links followed."""
    anchor, *rest = Path(pattern).expanduser().parts
    found = {path.resolve() for path in Path(anchor).glob(str(Path(*rest)))}
    return sorted((path for path in found if _tool(path, "java")), key=_numbers, reverse=True)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _fitting(folder: Path, minimum: int, account: Account | None) -> int:
    """Return the feature release of the JDK in ``folder``; raise Unfit when it will not do."""
    if not _tool(folder, "java"):
        raise Unfit("there is no bin/java")
    if account and (closed := barrier(folder, account)):
        raise Unfit(f"the account {account.name!r} cannot enter {closed}")
    facts = _release(folder)
    version = feature(facts.get("JAVA_VERSION", "")) or _ask(folder)
    if version < minimum:
        raise Unfit(f"Java {version or 'of unknown version'}, older than {minimum}")
    modules = facts.get("MODULES", "jdk.jlink").split()
    if "jdk.jlink" not in modules or not _tool(folder, "javac"):
        raise Unfit(f"Java {version}, but only a runtime (no jdk.jlink or no javac), not a JDK")
    return version


def _tool(folder: Path, name: str) -> bool:
    return os.access(folder / "bin" / name, os.X_OK)


def _release(folder: Path) -> dict[str, str]:
    """Return the facts a JDK states about itself in its ``release`` file, if it has one."""
    try:
        text = (folder / "release").read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))


def feature(version: str) -> int:
    """Return the feature release a Java version string stands for, 0 when it is none.

    >>> [feature(text) for text in ("25.0.3", "21-ea", "1.8.0_402", "?")]
    [25, 21, 8, 0]
    """
    found = re.match(r"(?:1\.)?(\d+)", version)
    return int(found[1]) if found else 0


def _ask(folder: Path) -> int:
    """Run ``java -version``: only for a Java without a ``release`` file."""
    command = [str(folder / "bin" / "java"), "-version"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unfit(f"bin/java does not run ({error})") from error
    found = re.search(r'version "([^"]+)"', run.stderr)
    return feature(found[1]) if found else 0


def _nothing_fits(unfit: list[str], minimum: int) -> str:
    found = "found but unfit: " + "; ".join(unfit) if unfit else "no Java was found at all"
    return (
        f"Elasticsearch needs a JDK {minimum} or newer; {found}. Install one (Debian and Ubuntu: "
        f"`apt install openjdk-{minimum}-jdk-headless`, Fedora: `dnf install "
        f"java-{minimum}-openjdk-devel`, macOS: `brew install openjdk`), or set ES_JAVA_HOME to "
        "the folder of one, or let `pip install 'es_hybrid[jdk]'` and then "
        "`es-hybrid up --install-jdk` bring one"
    )
