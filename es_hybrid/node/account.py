"""The unprivileged account that runs the server when root calls: it refuses to run as root."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import NodeFailed


@dataclass(frozen=True)
class Account:
    """A user of this machine, with its numbers."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Return the account the server shall run under, or None to run it as the caller.

    For root that is ``ES_HYBRID_USER``, or ``nobody``.

    Raises:
        NodeFailed: There is no such account, or it is root's.
    """
    import pwd

    if os.geteuid() != 0:
        return None
    name = os.environ.get("ES_HYBRID_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise NodeFailed(
            f"Elasticsearch refuses to run as root and there is no account {name!r} to run it: "
            "set ES_HYBRID_USER to one that exists"
        ) from None
    if entry.pw_uid == 0:
        raise NodeFailed(
            f"Elasticsearch refuses to run as root, and {name!r} is root: "
            "set ES_HYBRID_USER to an unprivileged account, or unset it"
        )
    return Account(name, entry.pw_uid, entry.pw_gid)


def barrier(path: Path, account: Account) -> Path | None:
    """Return the outermost folder on the way to ``path`` that ``account`` cannot enter, if any.

    Missing folders are no barrier. Access control lists are not looked at.
    """
    real = path.resolve()
    folders = [folder for folder in (*reversed(real.parents), real) if folder.is_dir()]
    return next((folder for folder in folders if not _may_enter(folder, account)), None)


def _may_enter(folder: Path, account: Account) -> bool:
    about = folder.stat()
    if about.st_uid == account.uid:
        return bool(about.st_mode & stat.S_IXUSR)
    if about.st_gid == account.gid:
        return bool(about.st_mode & stat.S_IXGRP)
    return bool(about.st_mode & stat.S_IXOTH)


def require_way(path: Path, account: Account | None) -> None:
    """Check that ``account`` can enter every folder on the way to ``path``.

    Raises:
        NodeFailed: It cannot; the message names the folder.
    """
    if account and (folder := barrier(path, account)):
        raise NodeFailed(
            f"the account {account.name!r}, which runs Elasticsearch for root, cannot enter "
            f"{folder} on the way to {path}: set ES_HYBRID_HOME to a folder it can enter, such as "
            f"/var/lib/es-hybrid, or run `chmod o+x {folder}`"
        )


def make_way(folder: Path, account: Account | None) -> None:
    """Make ``folder`` for ``account`` to enter, whatever the caller's umask.

    Without an account nothing is made: the caller enters what the caller makes.

    Raises:
        NodeFailed: A folder that was there before is closed to the account.
    """
    if account is None:
        return
    require_way(folder, account)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        path.chmod(0o755)
