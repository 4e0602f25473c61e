"""JSON Lines, plain or gzipped, of any size: one line in memory at a time."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import cast

import orjson

from es_hybrid.documents import Record
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.sources.base import Item, Source, checked

STDIN = "-"
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"

# orjson reads an integer beyond 64 bits as a float, which would change it silently.
_MAYBE_TOO_LARGE = re.compile(rb"\d{19}")
_INT64, _UINT64 = -(2**63), 2**64


class JsonLines(Source):
    """One or more files of one JSON object per line; ``-`` is standard input.

    Blank lines are skipped. gzip is recognised by its first bytes, not by the file's name.

    Raises:
        SourceError: a file is missing, empty, a folder, or not readable.
    """

    def __init__(self, paths: Sequence[Path | str]) -> None:
        if not paths:
            raise SourceError("no file given: name one or more .jsonl files, or - for stdin")
        self.paths = [str(path) for path in paths]
        self.name = ",".join(_name(path) for path in self.paths)
        sizes = [_size(path) for path in self.paths]
        self.size = None if None in sizes else sum(cast("list[int]", sizes))

    def __iter__(self) -> Iterator[Item]:
        """The items of all files, in order."""
        before = 0
        for path in self.paths:
            with _opened(path) as raw:
                for item in _items(path, raw):
                    yield Item(item.where, item.record, before + item.position)
                before += _position(raw)


def _size(path: str) -> int | None:
    if path == STDIN:
        return None
    try:
        facts = Path(path).stat()
        if not (S_ISREG(facts.st_mode) or S_ISDIR(facts.st_mode)):
            return None  # a pipe: opening it to look would take from what it holds
        Path(path).open("rb").close()
    except FileNotFoundError:
        raise SourceError(f"no file {path!r}: check the path") from None
    except IsADirectoryError:
        raise SourceError(f"{path!r} is a folder: name the .jsonl files in it") from None
    except OSError as error:
        raise SourceError(f"cannot read {path!r}: {error.strerror}") from None
    if not facts.st_size:
        raise SourceError(f"{path!r} is empty: it needs one JSON object per line")
    return facts.st_size


def _name(path: str) -> str:
    if path == STDIN:
        return "stdin"
    return Path(path).name.encode(errors="replace").decode()  # file names may be any bytes


def _opened(path: str) -> AbstractContextManager[BufferedReader]:
    """The bytes; standard input stays open afterwards, as it belongs to the whole process."""
    if path == STDIN:
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(path).open("rb")


def _items(path: str, raw: BufferedReader) -> Iterator[Item]:
    name = _name(path)
    number = 0
    try:
        for number, line in enumerate(_lines(raw), start=1):
            if text := line.strip():
                yield Item(f"{name} line {number}", parsed(text), _position(raw))
    except (EOFError, OSError, zlib.error) as error:
        reason = f"the file breaks off here and the rest is unread: {error}"
        yield Item(f"{name} line {number + 1}", RecordError(reason), _position(raw))


def _lines(raw: BufferedReader) -> Iterator[bytes]:
    zipped = raw.peek(2)[:2] == _GZIP_MAGIC
    lines = iter(gzip.GzipFile(fileobj=raw) if zipped else raw)
    first = next(lines, b"")
    yield first.removeprefix(_BOM)
    yield from lines


def _position(raw: BufferedReader) -> int:
    return raw.tell() if raw.seekable() else 0


def parsed(line: bytes) -> Record | RecordError:
    """The record on one line, or why it is none.

    >>> parsed(b'{"_id": 1}')
    {'_id': 1}
    >>> parsed(b"[1]")
    RecordError('a list, not an object with fields')
    """
    try:
        if _MAYBE_TOO_LARGE.search(line):
            json.loads(line, parse_int=_integer)
        return checked(orjson.loads(line))
    except RecordError as error:
        return error
    except (ValueError, RecursionError) as error:
        return RecordError(f"not JSON: {error}")


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) < 30 else _UINT64
    if not _INT64 <= value < _UINT64:
        raise RecordError(
            f"integer {digits[:30]} does not fit in 64 bits: Elasticsearch would round it, "
            "write it as a string"
        )
    return value
