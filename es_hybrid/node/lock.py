"""One at a time: a lock file that the system releases when its holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from es_hybrid.errors import NodeFailed
from es_hybrid.node.progress import Say, quiet


@contextmanager
def hold(path: Path, *, say: Say = quiet, waiting: str = "") -> Iterator[None]:
    """Hold the lock file ``path``, waiting for whoever holds it now.

    Args:
        path: The lock file; made when missing, and left behind on purpose (removing it
            would let a third caller lock a new file while a second waits on the old one).
        say: Told ``waiting`` once, when the lock is not free at once.
        waiting: What to say then.

    Raises:
        NodeFailed: The file cannot be written.
    """
    import fcntl

    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file releases the lock


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        raise NodeFailed(
            f"the folder {path.parent} cannot be written ({error.strerror}): make it yours, run "
            "as the user it belongs to, or set ES_HYBRID_HOME to another folder"
        ) from error


@contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Hold ``path`` if nobody else does and the file may be written; yields whether it is held."""
    import fcntl

    try:
        file = path.open("a")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
