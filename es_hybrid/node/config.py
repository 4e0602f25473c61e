"""What the server is told: its settings file, its JVM options and its environment."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from es_hybrid.errors import UsageError
from es_hybrid.node.folders import CLUSTER, Folders
from es_hybrid.node.seat import Seat

TEST_JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:-UseG1GC",
    "-XX:+UseSerialGC",
    "-XX:-AlwaysPreTouch",
)
"""Half the processor time of a start and half the memory, for queries about twice as slow."""

TRANSPORT_PORTS = "9300-9399"  # the server itself takes the first free one: no race
ALONE: Mapping[str, object] = {
    "discovery.type": "single-node",
    "transport.port": TRANSPORT_PORTS,
}
OPEN: Mapping[str, object] = {"xpack.security.enabled": False}

# The usual watermarks are shares: on a developer's disk that is 90 % full, with plenty of
# room left, new indices would silently stay red. A disk that is truly full is still a
# danger to the data, so the safety stays on, in absolute sizes.
FREE_DISK = {
    "cluster.routing.allocation.disk.watermark.low": "2gb",
    "cluster.routing.allocation.disk.watermark.high": "1gb",
    "cluster.routing.allocation.disk.watermark.flood_stage": "512mb",
}

OURS = {
    "http.port": "give the port as `port` (--port)",
    "network.host": "it listens on loopback only: it is for one machine",
    "http.host": "it listens on loopback only: it is for one machine",
    "transport.host": "it listens on loopback only: it is for one machine",
    "path.data": "choose its folder with `root` or ES_HYBRID_HOME",
    "path.logs": "choose its folder with `root` or ES_HYBRID_HOME",
    "xpack.security.enabled": "start it with `secure` (--secure), or without",
    "xpack.security.http.ssl.enabled": "start it with `secure` (--secure), or without",
    "xpack.security.transport.ssl.enabled": "start it with `secure` (--secure), or without",
    "cluster.name": "the name of the log file hangs on it",
}


def write_settings(
    folders: Folders,
    *,
    name: str,
    port: int,
    extra: Mapping[str, str],
    together: Mapping[str, object] = ALONE,
    login: Mapping[str, object] = OPEN,
) -> dict[str, object]:
    """Write ``elasticsearch.yml`` and return what it says; ``extra`` wins where it may.

    Args:
        folders: Of this server.
        name: Of this server.
        port: For HTTP.
        extra: The caller's own settings.
        together: How it finds the others, see :func:`together`.
        login: Who may come in, see :mod:`es_hybrid.node.security`.

    Raises:
        UsageError: ``extra`` sets something that this package decides.
    """
    if taken := next((key for key in extra if key in OURS), None):
        raise UsageError(f"the setting {taken!r} cannot be changed: {OURS[taken]}")
    settings = {
        "cluster.name": CLUSTER,
        "node.name": name,
        "path.data": str(folders.data),
        "path.logs": str(folders.logs),
        "network.host": "127.0.0.1",
        "http.port": port,
        **together,
        **login,
        **FREE_DISK,
        **extra,
    }
    # JSON values are YAML values, and quoting them this way is always right.
    lines = [f"{key}: {json.dumps(value)}\n" for key, value in settings.items()]
    (folders.config / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
    return settings


def together(seat: Seat, seats: Sequence[Seat]) -> Mapping[str, object]:
    """Return what one of several servers must know to find the others.

    Only the first one may found the cluster, so that there are never two.
    """
    if len(seats) == 1:
        return ALONE
    founds = {"cluster.initial_master_nodes": [seats[0].name]} if seat is seats[0] else {}
    return {
        "transport.port": seat.transport,
        "discovery.seed_hosts": [f"127.0.0.1:{other.transport}" for other in seats],
        **founds,
    }


def heap_options(heap: str) -> tuple[str, str]:
    """Return the JVM options for a heap such as ``"512m"``.

    >>> heap_options("1g")
    ('-Xms1g', '-Xmx1g')

    Raises:
        UsageError: It is no size, or less than the server needs to start.
    """
    found = re.fullmatch(r"(\d+)([mg])", heap.lower())
    if not found or (found[2] == "m" and int(found[1]) < 128) or int(found[1]) == 0:
        raise UsageError(f"{heap!r} is no heap size: give a number and m or g, from 128m upwards")
    return f"-Xms{heap.lower()}", f"-Xmx{heap.lower()}"


def environment(
    folders: Folders, *, java_home: Path, heap: str, java_options: Sequence[str]
) -> dict[str, str]:
    """Return the environment of the server: only what it needs.

    The caller's own is not passed on, since it may hold secrets and Java options that
    are none of the server's business.
    """
    kept = {key: value for key in ("LANG", "LC_ALL", "TZ") if (value := os.environ.get(key))}
    return {
        **kept,
        "PATH": f"{os.environ.get('PATH', '')}:/usr/local/bin:/usr/bin:/bin".lstrip(":"),
        "HOME": str(folders.tmp),
        "ES_JAVA_HOME": str(java_home),
        "ES_JAVA_OPTS": " ".join((*heap_options(heap), *java_options)),
        "ES_PATH_CONF": str(folders.config),
        "ES_TMPDIR": str(folders.tmp),
    }
