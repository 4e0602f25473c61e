"""The folders of one node: made before a start, handed to the account that runs it."""

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from es_hybrid.errors import NodeFailed, UsageError
from es_hybrid.node.account import Account
from es_hybrid.node.home import default_home

CLUSTER = "es-hybrid"


@dataclass(frozen=True)
class Folders:
    """Where one server of a node keeps what, one set for each kind of node.

    An older major cannot read the data of a newer one, data that needed a login must not be
    served without one, and one server alone cannot elect a master among three: each major,
    with and without security, for each number of servers, has its own data. ``node`` holds
    what concerns the node as a whole; it and the files directly in it, in ``cluster`` and in
    ``own`` stay the caller's, as does ``secrets``; the folders below ``own`` belong to whoever
    runs the server.
    """

    node: Path
    major: int
    secure: bool = False
    nodes: int = 1
    member: int = 1

    @property
    def cluster(self) -> Path:
        """What the servers of this kind of node share, such as ``9``, ``9-secure`` or ``9x3``."""
        several = f"x{self.nodes}" if self.nodes > 1 else ""
        return self.node / f"{self.major}{several}{'-secure' if self.secure else ''}"

    @property
    def own(self) -> Path:
        """The folder of this server."""
        return self.cluster / str(self.member) if self.nodes > 1 else self.cluster

    def each(self) -> "list[Folders]":
        """The folders of all servers of this node."""
        return [replace(self, member=number) for number in range(1, self.nodes + 1)]

    @property
    def secrets(self) -> Path:
        """The password, the certificate's key and the keystore of a secured node."""
        return self.cluster / "secrets"

    @property
    def ca(self) -> Path:
        """The certificate of the authority of a secured node, for everyone to read."""
        return self.cluster / "ca.crt"

    @property
    def data(self) -> Path:
        """The indices, kept between runs."""
        return self.own / "data"

    @property
    def config(self) -> Path:
        """Written anew at every start."""
        return self.own / "config"

    @property
    def logs(self) -> Path:
        """The server's own logs."""
        return self.own / "logs"

    @property
    def log(self) -> Path:
        """The log people read."""
        return self.logs / f"{CLUSTER}.log"

    @property
    def tmp(self) -> Path:
        """For temporary files, where the account may write whatever TMPDIR says."""
        return self.own / "tmp"

    @property
    def pid(self) -> Path:
        """Where the server writes its process number."""
        return self.tmp / "pid"

    @property
    def console(self) -> Path:
        """What the server printed while it started."""
        return self.own / "start.log"


def of_node(name: str | None, *, home: Path | None = None, root: Path | None = None) -> Path:
    """Return the folder of a node.

    Args:
        name: Its name; without one ``ES_HYBRID_NODE``, or ``"default"``.
        home: The folder of es_hybrid's files; nodes live in its ``nodes``.
        root: The folder of nodes, when it shall not be in ``home``.

    Raises:
        UsageError: The name cannot be a folder's.
    """
    name = name or os.environ.get("ES_HYBRID_NODE") or "default"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"{name!r} cannot name a node: use up to 64 letters, digits, '.', '_' and '-', "
            "and start with a letter or digit"
        )
    return (root or (home or default_home()) / "nodes") / name


def prepare(folders: Folders, *, server: Path) -> None:
    """Make the folders, with a fresh copy of the server's configuration in them.

    Raises:
        NodeFailed: They cannot be made.
    """
    try:
        shutil.rmtree(folders.config, ignore_errors=True)
        shutil.copytree(server / "config", folders.config)
        for folder in (folders.data, folders.logs, folders.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        folders.pid.unlink(missing_ok=True)
    except OSError as error:
        raise NodeFailed(
            f"the folder {folders.own} cannot be written ({error}): make it yours, "
            "or set ES_HYBRID_HOME to another folder"
        ) from error


def hand_over(folders: Folders, account: Account | None) -> None:
    """Give the server's folders to ``account``; nothing to do when the caller runs it.

    Raises:
        NodeFailed: The system does not allow it.
    """
    if account is None:
        return
    try:
        for folder in (folders.config, folders.data, folders.logs, folders.tmp):
            for path in (folder, *folder.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except OSError as error:
        raise NodeFailed(
            f"{folders.own} cannot be given to the account {account.name!r} ({error}): run as "
            "an unprivileged user, or set ES_HYBRID_HOME to a folder on a local disk"
        ) from error
