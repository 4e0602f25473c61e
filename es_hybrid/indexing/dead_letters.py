"""Dead letters: every record that could not be indexed, kept with its reason, as JSON Lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from es_hybrid.errors import SourceError
from es_hybrid.indexing.report import Problem
from es_hybrid.json_values import not_finite


class DeadLetters:
    """Appends to a file that exists only once there is something to keep.

    Args:
        path: the file; None keeps nothing.

    Raises:
        SourceError: nothing could be kept there; better known before a record is refused.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        if path is not None:
            _try(path)

    def keep(self, problem: Problem, record: Mapping[str, Any] | None) -> None:
        """Append one line: what, why, when, and the record itself where there is one.

        Raises:
            SourceError: the file cannot be written.
        """
        if self.path is None:
            return
        line = _line(problem, record)
        try:
            self._file = self._file or self.path.open("ab")
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file, if one was opened."""
        if self._file:
            self._file.close()
            self._file = None


def _line(problem: Problem, record: Mapping[str, Any] | None) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    letter = {"time": now, **asdict(problem), "record": record}
    try:
        line = orjson.dumps(letter, default=str, option=orjson.OPT_APPEND_NEWLINE)
        if next(not_finite(record), None) is None:  # else there stands null for it
            return line
    except TypeError:  # orjson.JSONEncodeError: the record is no JSON, which may be its problem
        pass
    letter["record"] = _as_text(record)
    return orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)


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
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"cannot keep dead letters in {str(path)!r} ({error.strerror}): "
        "name another file with --dead-letters"
    )
