"""Dead letters: every record that could not be indexed, kept with its reason, as JSON Lines.

A letter carries the run that wrote it, and its number there, so that a run that goes on after it
was killed takes back those of the records that it reads again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.documents import Picture
from es_hybrid.errors import SourceError
from es_hybrid.indexing.durable import replaced
from es_hybrid.indexing.report import Problem
from es_hybrid.json_values import not_finite
from es_hybrid.vectors import Vectors


class DeadLetters:
    """Appends to a file that exists only once there is something to keep.

    Args:
        path: the file; None keeps nothing.
        run: which run writes.
        source: what the records were read from.
        settled: of a run that is gone on with, how many of its letters are settled; later ones are
            taken back, as their records are read again. None for a new run.

    Raises:
        SourceError: nothing could be kept there; better known before a record is refused.
    """

    def __init__(
        self, path: Path | None, *, run: str = "", source: str = "", settled: int | None = None
    ) -> None:
        self.path = path
        self._from = {"run": run, "source": source}
        self._number = settled or 0
        self._file: FileIO | None = None
        if path is not None:
            _try(path)
            if settled is not None:
                withdraw(path, run=run, after=settled)

    def keep(
        self,
        problem: Problem,
        record: Mapping[str, Any] | None,
        *,
        vector: Vectors | None = None,
        picture: Picture | None = None,
    ) -> None:
        """Append one line: what, why, when, and the record itself where there is one.

        Args:
            problem: what is wrong with it.
            record: as it can be indexed again.
            vector: that came with it, where the record does not hold it; shape (dims,).
            picture: of the record; what is told of it is kept then, and where it lies, and what
                stands in it is read again.

        Raises:
            SourceError: the file cannot be written, as on a full disk; no part of the line stays.
        """
        if self.path is None:
            return
        number = self._number + 1
        letter = {**self._from, "number": number, **_where(picture)}
        told = picture.told if picture and picture.told else record
        line = _line(letter, problem, told, vector)
        try:
            self._file = self._file or _opened(self.path)
            _append(self._file, line)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._number = number

    def sync(self) -> None:
        """Return when all letters are on the disk.

        Raises:
            SourceError: they cannot be written there.
        """
        if self._file is None or self.path is None or not self.path.is_file():
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file, if one was opened."""
        if self._file:
            self._file.close()
            self._file = None


def withdraw(path: Path, *, run: str, after: int = 0) -> None:
    """Take back the letters of a killed run with a number above `after`, and one that is torn.

    Raises:
        SourceError: the file cannot be written; it is as it was.
    """
    if not path.is_file():
        return
    try:
        if any(_is_withdrawn(line, run, after) for line in lines(path)):
            replace_lines(
                path, (line for line in lines(path) if not _is_withdrawn(line, run, after))
            )
    except OSError as error:
        raise unwritable(path, error) from error


def replace_lines(path: Path, kept: Iterator[bytes]) -> None:
    """Make these the lines of the file, at once; without any, there is no file.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    replaced(path, kept)
    if not path.stat().st_size:
        path.unlink()


def lines(path: Path) -> Iterator[bytes]:
    """All lines of the file, in order."""
    with path.open("rb") as file:
        yield from file


def _is_withdrawn(line: bytes, run: str, after: int) -> bool:
    whole = line.endswith(b"\n")
    if whole and run.encode() not in line:
        return False
    try:
        letter = orjson.loads(line)
        return bool(letter["run"] == run and letter["number"] > after)
    except ValueError:
        return not whole  # a process was killed while it wrote it
    except (TypeError, KeyError):
        return False  # not one of ours


def _opened(path: Path) -> FileIO:
    """The file, ready for a line of its own behind one that a killed process left unfinished."""
    file = path.open("ab", buffering=0)
    if path.is_file() and file.tell():
        with path.open("rb") as written:
            written.seek(-1, os.SEEK_END)
            if written.read(1) != b"\n":
                _append(file, b"\n")
    return file


def _append(file: FileIO, line: bytes) -> None:
    """The whole line, or nothing of it."""
    before = os.fstat(file.fileno()).st_size
    try:
        left = memoryview(line)
        while left:
            left = left[file.write(left) or 0 :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(file.fileno(), before)
        raise


def _where(picture: Picture | None) -> dict[str, str]:
    """Where a picture is read again: itself, or below which folder its record names it."""
    if picture is None:
        return {}
    name, path = ("picture", picture.path)
    if picture.folder is not None:
        name, path = ("pictures_in", picture.folder)
    return {name: str(path.absolute()).encode(errors="replace").decode()}


def _line(
    letter: dict[str, Any],
    problem: Problem,
    record: Mapping[str, Any] | None,
    vector: Vectors | None,
) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    letter = {"time": now, **letter, **asdict(problem), "record": record}
    letter |= {} if vector is None else {"vector": vector}
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    try:
        line = orjson.dumps(letter, default=str, option=options)
        if next(not_finite(record), None) is None:  # else there stands null for it
            return line
    except TypeError:  # orjson.JSONEncodeError: the record is no JSON, which may be its problem
        pass
    letter["record"] = _as_text(record)
    return orjson.dumps(letter, option=options)


def _as_text(record: Mapping[str, Any] | None) -> str:
    try:
        return repr(record)
    except RecursionError:
        return "nested too deeply to be written"


def _try(path: Path) -> None:
    """Open the file as it will be opened; leave none behind that was not there."""
    try:
        existed = path.exists()
        path.open("ab").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> SourceError:
    """That no letter can be kept, and what to do about it."""
    return SourceError(
        f"cannot keep dead letters in {str(path)!r} ({error.strerror}): "
        "make room, or name another file with --dead-letters; the same command then goes on"
    )
