"""One run at a time writes to an index, on one machine and by one account.

Two machines may do it at once, and nothing breaks: ids are stable and a document is written whole,
with the hashes of what it holds, so that whichever write is the last leaves it consistent, and a
later run writes again what differs from its source. On one machine two runs are most often the
same command started twice, which would embed everything twice; and they share a journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from es_hybrid.errors import RunInProgress
from es_hybrid.indexing.state import unwritable

try:
    import fcntl
except ImportError:  # Windows, where a second run is as safe as one on another machine
    fcntl = None  # type: ignore[assignment]  # looked at below


@contextmanager
def locked(file: Path, *, name: str) -> Iterator[None]:
    """Hold the lock as long as the context lasts; the system lets go of it if the process dies.

    Args:
        file: the lock; it stays behind, as taking it away could break another's.
        name: the alias that is written through, for the message.

    Raises:
        RunInProgress: another run holds it; names its process.
        StateError: the file cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = FileIO(file, "a+")
    except OSError as error:
        raise unwritable(file.parent, error) from error
    with held:
        _take(held, name)
        held.truncate(0)
        held.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            held.truncate(0)


def _take(held: FileIO, name: str) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        pid = held.read(20).decode(errors="replace")
        raise RunInProgress(
            f"another run writes to {name!r} from this machine{f' (pid {pid})' if pid else ''}: "
            "wait until it ends, or stop it; what it has written is kept"
        ) from None
