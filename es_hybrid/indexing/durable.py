"""Files that are there whole, or as they were before, whatever stops the process or the machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from shutil import copymode


def replaced(path: Path, chunks: Iterable[bytes]) -> None:
    """Put `chunks` in the place of what the file holds, at once and for good.

    https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html: whoever opens the file
    meanwhile finds either the old content or the new one.

    Raises:
        OSError: the disk is full, or nothing may be written there; the file is as it was.
    """
    path = path.resolve()  # a link stays a link
    made = path.with_name(path.name + ".new")
    try:
        with made.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            copymode(path, made)
        made.replace(path)
    except OSError:
        with suppress(OSError):
            made.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The name is on the disk as well; what has no such call, as Windows, does so by itself."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
