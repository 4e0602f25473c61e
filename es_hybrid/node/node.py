"""The embedded Elasticsearch as one object: up, down, and which one is running."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import urlsplit

from es_hybrid.errors import NodeFailed, UsageError
from es_hybrid.node import config, process, server, state
from es_hybrid.node.account import Account, make_way, unprivileged
from es_hybrid.node.folders import Folders, of_node
from es_hybrid.node.home import default_home
from es_hybrid.node.java import find_jdk
from es_hybrid.node.lock import hold
from es_hybrid.node.progress import Say, quiet
from es_hybrid.node.start import Plan, revive, start
from es_hybrid.node.state import NodeState

START_SECONDS = 180.0
HEAP, SHARED_HEAP = "512m", "384m"  # of one server; of each of several
MOST = 9  # servers in one node: more would hardly fit on one machine


class Node:
    """An Elasticsearch on this machine, for development and tests.

    As a context manager it is up inside the block; one that was up before stays up after.

    >>> with Node() as node:  # doctest: +SKIP
    ...     print(node.url)
    http://127.0.0.1:9200

    Args:
        version: The server's version; data is kept apart for each major.
        port: The port on loopback; without one, 9200 or the next that is free.
        heap: The Java heap, such as ``"512m"`` or ``"2g"``, at least 128m; by default 512m, or
            384m for each of several servers.
        secure: Whether it speaks TLS and asks for a login; its data are its own.
        nodes: How many servers form the cluster, 1 to 9; each number has its own data.
        name: Names the node, so that several can run; ``ES_HYBRID_NODE``, or ``"default"``.
        home: The folder of downloads, servers and nodes.
        root: The folder of nodes, to keep the data elsewhere than the downloads.
        java_options: More options for the JVM, as :data:`config.TEST_JAVA_OPTIONS`.
        settings: More Elasticsearch settings, by their dotted names.
        timeout: Seconds a start may take.
        say: Called with a line of progress now and then.
    """

    def __init__(
        self,
        *,
        version: str = server.DEFAULT_VERSION,
        port: int | None = None,
        heap: str | None = None,
        secure: bool = False,
        nodes: int = 1,
        name: str | None = None,
        home: Path | None = None,
        root: Path | None = None,
        java_options: Sequence[str] = (),
        settings: Mapping[str, str] = MappingProxyType({}),
        timeout: float = START_SECONDS,
        say: Say = quiet,
    ) -> None:
        if not 1 <= nodes <= MOST:
            raise UsageError(f"{nodes} servers cannot form a node here: choose 1 to {MOST}")
        heap = heap or (HEAP if nodes == 1 else SHARED_HEAP)
        config.heap_options(heap)
        self._home = (home or default_home()).absolute()
        self._folders = Folders(
            of_node(name, home=self._home, root=root).absolute(),
            server.major(version),
            secure=secure,
            nodes=nodes,
        )
        self._version, self._port, self._heap = version, port, heap
        self._java_options, self._settings = tuple(java_options), dict(settings)
        self._timeout, self._say = timeout, say
        self._started = False

    @property
    def url(self) -> str:
        """The address of the running node.

        Raises:
            NodeFailed: It is not running.
        """
        if found := self.state():
            return found.url
        raise NodeFailed(f"the node {self._folders.node.name!r} is not running: `es-hybrid up`")

    def state(self) -> NodeState | None:
        """Return what runs under this node's name, or None."""
        return state.running(name=self._folders.node.name, root=self._folders.node.parent)

    def up(self) -> NodeState:
        """Start the node, or return the one that is running already.

        Of a node of several servers those that died are started again.

        Raises:
            NodeFailed: Another version or kind of node runs under this name, or the server did
                not start.
            PortTaken: The port asked for is taken.
            JavaNotFound: No JDK 21 or newer.
            DownloadFailed: The server could not be fetched.
        """
        _require_posix()
        account = unprivileged()
        for folder in (self._home / "servers", *(each.own for each in self._folders.each())):
            make_way(folder, account)
        with self._alone():
            if found := self.state():
                return self._accept(found, account)
            if process.stop_leftover(self._folders.node):
                self._say("stopped a server that an interrupted start had left behind")
            fresh = start(self._plan(account), say=self._say)
            self._started = True
        self._say(f"Elasticsearch {fresh.version} is up on {fresh.url}")
        return fresh

    def down(self) -> bool:
        """Stop the node and keep its data; return whether there was one to stop.

        Raises:
            NodeFailed: It belongs to another user.
        """
        self._started = False
        if not self._folders.node.is_dir():
            return False
        with self._alone():
            noted = state.load(self._folders.node)
            births = [(one.pid, one.created) for one in noted.servers] if noted else []
            stopped = process.stop_all(births)
            stopped |= process.stop_leftover(self._folders.node)
            state.forget(self._folders.node)
        return stopped

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started:
            self.down()

    def _alone(self) -> AbstractContextManager[None]:
        node = self._folders.node
        waiting = f"another run is starting or stopping the node {node.name!r}: waiting for it"
        return hold(node / state.LOCK, say=self._say, waiting=waiting)

    def _accept(self, found: NodeState, account: Account | None) -> NodeState:
        """Return the node found running, whole, if it is what was asked for."""
        self._compare(found)
        process.unmark(self._folders.node)
        if all(one.lives() for one in found.servers):
            return found
        return revive(self._plan(account), found, say=self._say)

    def _compare(self, found: NodeState) -> None:
        port = urlsplit(found.servers[0].url).port
        asked, runs = (self._folders.nodes, self._folders.secure), (found.nodes, bool(found.access))
        if asked != runs:
            raise NodeFailed(
                f"the node {found.name!r} runs {_kind(*runs)}, not {_kind(*asked)}: stop it with "
                "`es-hybrid down`, or set ES_HYBRID_NODE to another name to run both"
            )
        if found.version != self._version or self._port not in (None, port):
            raise NodeFailed(
                f"the node {found.name!r} runs Elasticsearch {found.version} on port {port}, not "
                f"{self._version} on {self._port or 'a free port'}: stop it with `es-hybrid down`, "
                "or set ES_HYBRID_NODE to another name to run both"
            )

    def _plan(self, account: Account | None) -> Plan:
        """Find or fetch everything the start needs."""
        java = find_jdk(home=self._home, account=account)
        return Plan(
            name=self._folders.node.name,
            version=self._version,
            server=server.ensure(
                self._version, home=self._home, java_home=java.home, say=self._say
            ),
            java_home=java.home,
            folders=self._folders,
            account=account,
            port=self._port,
            heap=self._heap,
            timeout=self._timeout,
            java_options=self._java_options,
            settings=self._settings,
            reservations=self._home / "ports",
        )


def _kind(nodes: int, secure: bool) -> str:
    servers = "one server" if nodes == 1 else f"{nodes} servers"
    return f"{servers} {'with' if secure else 'without'} security"


def _require_posix() -> None:
    if os.name != "posix":
        raise NodeFailed(
            f"the embedded Elasticsearch does not run on {os.name!r}: use WSL, or a server in "
            "Docker with `docker compose up`"
        )
