"""What lies in a folder: files to read, each with its id, and what is left out, with the reason.

A file's id is its path below the folder, so that it keeps its document when it is edited.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG


@dataclass(frozen=True, slots=True)
class Lying:
    """Something that lies in a folder: a file to read, unless there is a reason not to.

    Attributes:
        path: where.
        id: its path below the folder, with ``/``.
        size: in bytes.
        left_out: of which kind it is, where that is not read.
        fault: why it should be read and cannot be.
    """

    path: Path
    id: str
    size: int = 0
    left_out: str = ""
    fault: str = ""


def walk(folder: Path, *, suffixes: Collection[str], root: Path | None = None) -> Iterator[Lying]:
    """All that lies below, sorted by name in each folder; links that lead out are left out.

    Args:
        folder: where to begin.
        suffixes: of the files that are read, in lower case, such as ``(".jpg",)``.
        root: the folder that ids begin at; None takes `folder`.
    """
    root = root or folder
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        yield Lying(folder, _id(folder, root), fault=f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        path = Path(entry.path)
        if why := _why_left_out(entry, root, suffixes):
            yield Lying(path, _id(path, root), left_out=why)
        elif entry.is_dir():
            yield from walk(path, suffixes=suffixes, root=root)
        else:
            yield _file(path, root)


def _why_left_out(entry: os.DirEntry[str], root: Path, suffixes: Collection[str]) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        # What a link to a folder inside leads to is met on its own way.
        if entry.is_dir() or not Path(entry.path).resolve().is_relative_to(root.resolve()):
            return "links to elsewhere"
    elif entry.is_dir():
        return None
    suffix = Path(entry.name).suffix.lower()
    if suffix in suffixes:
        return None
    return f"{suffix.encode(errors='replace').decode()} files" if suffix else "files of no kind"


def _file(path: Path, root: Path) -> Lying:
    try:
        facts = path.stat()
    except OSError as error:
        return Lying(path, _id(path, root), fault=f"cannot be read: {error.strerror}")
    fault = "" if S_ISREG(facts.st_mode) else "a pipe or a device, not a file"
    return Lying(path, _id(path, root), facts.st_size, fault=fault)


def _id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
