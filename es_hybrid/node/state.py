"""Which node runs, and where: a small file that outlives the process that started it."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from es_hybrid.node.folders import of_node
from es_hybrid.node.lock import try_hold

FILE = "state.json"
LOCK = "lock"  # held while a node is started or stopped


@dataclass(frozen=True)
class NodeState:
    """A running node.

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

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        return {**asdict(self), "data": str(self.data), "log": str(self.log)}


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
    state = load(folder)
    if state is None or lives(state):
        return state
    # Its process is gone. Only with the lock may its note go, too: whoever holds the
    # lock may just have written a new one.
    with try_hold(folder / LOCK) as held:
        if held and (stale := load(folder)) and not lives(stale):
            forget(folder)
    return None


def lives(state: NodeState) -> bool:
    """Tell whether the node's process is still there, and not another under its number."""
    from es_hybrid.node.process import is_ours

    return is_ours(state.pid, state.created)


def load(folder: Path) -> NodeState | None:
    """Return what is noted in a node's folder, None if nothing is, or nothing readable."""
    try:
        noted = json.loads((folder / FILE).read_text(encoding="utf-8"))
        known = {field.name: noted[field.name] for field in fields(NodeState)}
        return NodeState(**{**known, "data": Path(known["data"]), "log": Path(known["log"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(folder: Path, state: NodeState) -> None:
    """Note the state in one step, so that nobody reads half of it."""
    fresh = folder / f"{FILE}.{os.getpid()}"
    fresh.write_text(json.dumps(state.as_json(), indent=1), encoding="utf-8")
    fresh.replace(folder / FILE)


def forget(folder: Path) -> None:
    """Remove the note: the node runs no more."""
    (folder / FILE).unlink(missing_ok=True)
