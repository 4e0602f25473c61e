"""Journal: which records of a source are settled, for a run that goes on after it was stopped.

A record is settled when Elasticsearch confirmed it or its dead letter is on the disk. The index
itself tells a later run what it holds already, so that the journal keeps only what no index
knows: the numbers of the report, and how many records at the start of the source they are about.
Records behind these may be in the index as well; they count as unchanged when they are met again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG
from typing import Any
from uuid import uuid4

import orjson

from es_hybrid.indexing.durable import replaced
from es_hybrid.indexing.report import Tally
from es_hybrid.indexing.state import unwritable

_SCHEMA = 1

# Seconds between two entries at least; and an entry, which waits for what is on its way, may take
# a fiftieth of the time.
EVERY = 2.0
_SHARE = 50

_START = 4096  # bytes that are looked at


@dataclass(frozen=True, slots=True)
class About:
    """What has to be the same, so that a run can go on.

    Attributes:
        source: the files, as `fingerprint` tells them.
        options: how their records are read.
        index: the id of the index; None as long as there is none.
    """

    source: str
    options: str
    index: str | None


class Journal:
    """The entries of one run; there is one file, which holds the last.

    Args:
        path: the file.
        about: the run that begins now.
        restart: begin anew, whatever the file says.

    Attributes:
        run: the run that began with the first record.
        settled: what it has settled; None where nothing is.
        superseded: a run that read the same source and is not gone on with.

    Raises:
        StateError: the file cannot be written.
    """

    def __init__(self, path: Path, about: About, *, restart: bool = False) -> None:
        self.path = path
        self.about = about
        self.run = uuid4().hex
        self.settled: Tally | None = None
        self.superseded: str | None = None
        self._next = 0.0
        found = _read(path)
        if found and found.about.source == about.source:
            if found.about == about and about.index is not None and not restart:
                self.run, self.settled = found.run, found.tally
            else:
                self.superseded = found.run

    @property
    def due(self) -> bool:
        """Whether it is time for an entry."""
        return time.monotonic() >= self._next

    def enter(self, tally: Tally, *, began: float | None = None) -> None:
        """Note that all that was read is settled.

        Args:
            tally: the numbers; `done` of it equals `read`.
            began: when the work on this entry began, by `time.monotonic`.

        Raises:
            StateError: it cannot be written; the entry before stays.
        """
        entry = _Entry(self.about, self.run, tally)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replaced(self.path, [entry.to_json()])
        except OSError as error:
            raise unwritable(self.path.parent, error) from error
        now = time.monotonic()
        self._next = now + max(EVERY, _SHARE * (now - (began or now)))

    def made(self, index: str | None) -> None:
        """The index is there now, and this is its id."""
        self.about = replace(self.about, index=index)

    def close(self) -> None:
        """The source was read to its end: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Entry:
    about: About
    run: str
    tally: Tally

    def to_json(self) -> bytes:
        about = {name: getattr(self.about, name) for name in About.__slots__}
        entry = {"schema": _SCHEMA, "run": self.run, **about, "tally": self.tally.to_dict()}
        return orjson.dumps(entry, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _read(path: Path) -> _Entry | None:
    """The last entry; None where there is none that this version understands."""
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        about = About(**{name: told[name] for name in About.__slots__})
        known = told["schema"] == _SCHEMA
        return _Entry(about, str(told["run"]), Tally.from_dict(told["tally"])) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(files: Sequence[str] | None, *, reading: str) -> str | None:
    """What changes if one of the files does: names, sizes, times, first bytes; 32 hex digits.

    Args:
        files: those that a source reads; None where it is read only once.
        reading: how they are read.

    Returns:
        None where they cannot be read a second time.
    """
    if files is None:
        return None
    digest = blake2b(reading.encode(), digest_size=16)
    try:
        for file in files:
            with Path(file).open("rb", buffering=0) as opened:
                facts = os.fstat(opened.fileno())
                if not S_ISREG(facts.st_mode):
                    return None
                about = (str(Path(file).resolve()), facts.st_size, facts.st_mtime_ns)
                digest.update(repr((*about, opened.read(_START))).encode())
    except OSError:
        return None  # the source will say so
    return digest.hexdigest()
