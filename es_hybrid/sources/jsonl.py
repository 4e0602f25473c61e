"""JSON Lines, plain or gzipped, of any size: one line in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import orjson

from es_hybrid.documents import Record
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.sources import files
from es_hybrid.sources.base import Item, Source, checked

_BOM = b"\xef\xbb\xbf"

_STDIN = files.shown(files.STDIN)

# orjson reads an integer beyond 64 bits as a float, which would change it silently.
_DIGITS, _MAYBE_TOO_LARGE = bytes.maketrans(b"123456789", b"000000000"), b"0" * 19
_INT64, _UINT64 = -(2**63), 2**64

# orjson keeps the last of two values under one name. Where no more names stand in the line than
# are kept, none does so; what looks like one within a text only asks for a closer look.
_NAME = re.compile(rb'"[ \t\r]*:')


class JsonLines(Source):
    """One or more files of one JSON object per line; ``-`` is standard input.

    Blank lines are skipped. gzip is recognised by its first bytes, not by the file's name.

    Args:
        paths: the files.
        names: what messages call them; None takes as much of each path as tells them apart.

    Raises:
        SourceError: a file is missing, empty, a folder, or not readable.
    """

    def __init__(self, paths: Sequence[Path | str], *, names: Sequence[str] | None = None) -> None:
        if not paths:
            raise SourceError("no file given: name one or more .jsonl files, or - for stdin")
        self.paths = [str(path) for path in paths]
        self.names = names or files.told_apart(self.paths)
        self.name = ",".join(self.names)
        sizes = [files.size(path, holding="one JSON object per line") for path in self.paths]
        self.size = None if None in sizes else sum(cast("list[int]", sizes))

    def files(self) -> Sequence[str] | None:
        """The files; None of standard input or a pipe."""
        return files.readable_again(*self.paths)

    def __iter__(self) -> Iterator[Item]:
        """The items of all files, in order."""
        before = 0
        for name, path in zip(self.names, self.paths, strict=True):
            with files.opened(path) as raw:
                for item in _items(name, raw):
                    yield Item(item.where, item.record, before + item.position)
                before += files.position(raw)


def _items(name: str, raw: BufferedReader) -> Iterator[Item]:
    number = 0
    try:
        for number, line in enumerate(_lines(raw), start=1):
            if text := line if isinstance(line, RecordError) else line.strip():
                record = text if isinstance(text, RecordError) else parsed(text)
                if isinstance(record, RecordError) and number == 1 and name == _STDIN:
                    record = RecordError(f"{record} (with --delimiter standard input is CSV)")
                yield Item(f"{name} line {number}", record, files.position(raw))
    except files.READ_FAULTS as error:
        yield Item(f"{name} line {number + 1}", files.broken_off(error), files.position(raw))


def _lines(raw: BufferedReader) -> Iterator[bytes | RecordError]:
    lines = files.lines(files.unzipped(raw))
    first = next(lines, b"")
    yield first if isinstance(first, RecordError) else first.removeprefix(_BOM)
    yield from lines


def parsed(line: bytes) -> Record | RecordError:
    """The record on one line, or why it is none.

    >>> parsed(b'{"_id": 1}')
    {'_id': 1}
    >>> parsed(b"[1]")
    RecordError('a list, not an object with fields')
    """
    try:
        if _MAYBE_TOO_LARGE in line.translate(_DIGITS):
            json.loads(line, parse_int=_integer)
        return _unique(checked(orjson.loads(line)), line)
    except RecordError as error:
        return error
    except RecursionError:
        return RecordError("objects nested too deeply to be read: make it flatter")
    except ValueError as error:
        return _constant(line) or RecordError(f"not JSON: {error}")


def _unique(record: Record | RecordError, line: bytes) -> Record | RecordError:
    """The record, unless a name stands twice in one object of its line: which value is meant?"""
    if isinstance(record, RecordError):
        return record
    stand = len(_NAME.findall(line))
    if stand > len(record) and stand > _names(record):
        json.loads(line, object_pairs_hook=_object)
    return record


def _names(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_names, value.values()))
    return sum(map(_names, value)) if isinstance(value, list) else 0


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError(f"{twice!r} stands twice in one object: keep one of its values")
    return found


def _constant(line: bytes) -> RecordError | None:
    """Python's json.dumps writes NaN and Infinity, which JSON does not have."""
    try:
        json.loads(line, parse_constant=_refused)
    except RecordError as error:
        return error
    except (ValueError, RecursionError):
        pass
    return None


def _refused(constant: str) -> float:
    raise RecordError(f"{constant} is not JSON: write null, or leave the field out")


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) < 30 else _UINT64
    if not _INT64 <= value < _UINT64:
        raise RecordError(
            f"integer {digits[:30]} does not fit in 64 bits: Elasticsearch would round it, "
            "write it as a string"
        )
    return value
