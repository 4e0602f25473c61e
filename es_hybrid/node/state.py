"""Which node runs, and where: a small file that outlives the process that started it."""

import json
import os
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from es_hybrid.node.access import Access
from es_hybrid.node.folders import of_node
from es_hybrid.node.lock import try_hold

FILE = "state.json"
LOCK = "lock"  # held while a node is started or stopped


@dataclass(frozen=True)
class Member:
    """One server of a node.

    Attributes:
        name: Its name in the cluster.
        url: Its address.
        pid: Its process number.
        created: When that process began, in seconds since 1970.
        log: The file of its log.
        transport: Where it talks to the others; None where it is alone.
    """

    name: str
    url: str
    pid: int
    created: float
    log: Path
    transport: int | None = None

    def lives(self) -> bool:
        """Tell whether its process is still there, and not another under its number."""
        from es_hybrid.node.process import is_ours

        return is_ours(self.pid, self.created)


@dataclass(frozen=True)
class NodeState:
    """A running node; of several servers, ``url``, ``pid`` and ``log`` are of one that lives.

    Attributes:
        name: The name it was started under.
        url: Its address, such as ``"http://127.0.0.1:9200"``.
        version: Its Elasticsearch version.
        pid: The process number of the server.
        created: When that process began, in seconds since 1970.
        nodes: How many servers form the cluster.
        heap: The Java heap of each, such as ``"512m"``.
        data: The folder of its indices.
        log: The file of its log.
        members: Its servers, those that died meanwhile included.
        ca_certs: The file of the authority to trust; None where the node is not secured.
        password_file: The file with the password of ``elastic``; None likewise.
        fingerprint: SHA-256 of the node's certificate; None likewise.
    """

    name: str
    url: str
    version: str
    pid: int
    created: float
    nodes: int
    heap: str
    data: Path
    log: Path
    members: tuple[Member, ...] = ()
    ca_certs: Path | None = None
    password_file: Path | None = None
    fingerprint: str | None = None

    @property
    def servers(self) -> tuple[Member, ...]:
        """Its servers, also where an older note did not list them."""
        alone = Member(self.name, self.url, self.pid, self.created, self.log)
        return self.members or (alone,)

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all its servers that live."""
        return tuple(member.url for member in self.servers if member.lives())

    @property
    def access(self) -> Access | None:
        """What opens it; None where it is not secured."""
        if self.ca_certs is None or self.password_file is None:
            return None
        return Access(self.ca_certs, self.password_file)

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values; the password itself is not among them."""
        said = {name: _plain(value) for name, value in asdict(self).items()}
        said["members"] = [
            {name: _plain(value) for name, value in asdict(member).items()}
            for member in self.members
        ]
        return said


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def running(
    *, home: Path | None = None, name: str | None = None, root: Path | None = None
) -> NodeState | None:
    """Return the node that runs under this name, or None.

    Args:
        home: The folder of es_hybrid's files, by default the usual one.
        name: By default ``ES_HYBRID_NODE``, or ``"default"``.
        root: The folder of nodes, if it is not in ``home``.
    """
    folder = of_node(name, home=home, root=root)
    if (state := load(folder)) is None:
        return None
    if alive := living(state):
        return alive
    # Its process is gone. Only with the lock may its note go, too: whoever holds the
    # lock may just have written a new one.
    with try_hold(folder / LOCK) as held:
        if held and (stale := load(folder)) and not living(stale):
            forget(folder)
    return None


def living(state: NodeState) -> NodeState | None:
    """Return the state as one of its living servers has it; None if they are all dead."""
    member = next((member for member in state.servers if member.lives()), None)
    if member is None:
        return None
    return replace(state, url=member.url, pid=member.pid, created=member.created, log=member.log)


def load(folder: Path) -> NodeState | None:
    """Return what is noted in a node's folder, None if nothing is, or nothing readable."""
    try:
        noted = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return NodeState(**_known(NodeState, noted))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(kind: type, noted: dict[str, Any]) -> dict[str, Any]:
    """Return what ``kind`` is made of; what an older note lacks may have a default."""
    return {
        field.name: _restored(field.name, noted[field.name])
        for field in fields(kind)
        if field.name in noted or field.default is MISSING
    }


def _restored(name: str, value: Any) -> Any:
    if name == "members":
        return tuple(Member(**_known(Member, member)) for member in value)
    paths = ("data", "log", "ca_certs", "password_file")
    return Path(value) if name in paths and value is not None else value


def save(folder: Path, state: NodeState) -> None:
    """Note the state in one step, so that nobody reads half of it."""
    fresh = folder / f"{FILE}.{os.getpid()}"
    fresh.write_text(json.dumps(state.as_json(), indent=1), encoding="utf-8")
    fresh.replace(folder / FILE)


def forget(folder: Path) -> None:
    """Remove the note: the node runs no more."""
    (folder / FILE).unlink(missing_ok=True)
