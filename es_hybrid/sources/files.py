"""What all readers of files share: opening, gzip, names for messages, and how far they are."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from stat import S_ISDIR, S_ISFIFO, S_ISREG
from typing import IO, AnyStr, cast

from es_hybrid.errors import RecordError, SourceError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"

# What reading may raise in the middle of a file: a disk, or a gzip that was cut off.
READ_FAULTS = (EOFError, OSError, zlib.error)

# Elasticsearch takes no request over 100 MB (http.max_content_length), so no line, cell or text
# needs more: without a limit a file of zeros, or a small gzip of them, would fill the memory.
LARGEST = 100 * 1024 * 1024
_ENDLESS = 5 * LARGEST  # what is read on to find where a longer line ends
_PIECE = 1024 * 1024


def size(path: str, *, holding: str | None) -> int | None:
    """Bytes of a file; None of a pipe or standard input.

    Args:
        path: the file, or ``-``.
        holding: what should be in it, for the message about an empty one; None allows that.

    Raises:
        SourceError: it is missing, empty, a folder, a device, or not readable.
    """
    if path == STDIN:
        return None
    try:
        facts = Path(path).stat()
        if S_ISFIFO(facts.st_mode):
            return None  # opening it to look would take from what it holds
        if not (S_ISREG(facts.st_mode) or S_ISDIR(facts.st_mode)):  # it may never end
            raise SourceError(f"{path!r} is a device or a socket: name a file, or - for stdin")
        Path(path).open("rb").close()
    except FileNotFoundError:
        raise SourceError(f"no file {path!r}: check the path") from None
    except IsADirectoryError:
        raise SourceError(f"{path!r} is a folder: name the files in it") from None
    except OSError as error:
        raise SourceError(f"cannot read {path!r}: {error.strerror}") from None
    if holding and not facts.st_size:
        raise SourceError(f"{path!r} is empty: it needs {holding}")
    return facts.st_size


def readable_again(*paths: str) -> list[str] | None:
    """The paths, if each is a regular file; None if one of them is read only once, as a pipe."""
    return list(paths) if all(path != STDIN and Path(path).is_file() for path in paths) else None


def shown(path: str) -> str:
    """The name of a file as messages show it; file names may be any bytes."""
    if path == STDIN:
        return "stdin"
    return _printable(Path(path).name)


def told_apart(paths: Sequence[str]) -> list[str]:
    """The names of files as messages show them, each with the folders that tell it from others.

    >>> told_apart(["a/x.csv", "b/x.csv", "b/y.csv", "-"])
    ['a/x.csv', 'b/x.csv', 'y.csv', 'stdin']
    """
    parts = {path: Path(path).parts for path in paths if path != STDIN}
    taken = dict.fromkeys(parts, 1)
    while True:
        tails = {path: parts[path][-count:] for path, count in taken.items()}
        met = Counter(tails.values())
        longer = [path for path, tail in tails.items() if met[tail] > 1 and tail != parts[path]]
        if not longer:
            named = {path: _printable(str(Path(*tail))) for path, tail in tails.items()}
            return [named.get(path, "stdin") for path in paths]
        taken |= {path: taken[path] + 1 for path in longer}


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()


def opened(path: str) -> AbstractContextManager[BufferedReader]:
    """The bytes; standard input stays open afterwards, as it belongs to the whole process."""
    if path == STDIN:
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(path).open("rb")


def unzipped(raw: BufferedReader) -> IO[bytes]:
    """The content, whether gzipped or not; gzip is known by its first bytes."""
    if raw.peek(2)[:2] == GZIP_MAGIC:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    return raw


def lines(content: IO[AnyStr]) -> Iterator[AnyStr | RecordError]:
    """The lines with their ends; instead of one above `LARGEST`, why it is left out.

    Raises:
        OSError: a line that does not end within five times as much.
    """
    while line := content.readline(LARGEST + 1):
        yield line if len(line) <= LARGEST else left_out(content, line)


def left_out(content: IO[AnyStr], line: AnyStr) -> RecordError:
    """Read on to the end of a line that is too long; why it is left out.

    Args:
        content: what the line comes from.
        line: what was read of it.

    Raises:
        OSError: as `lines`.
    """
    for _ in range(_ENDLESS // _PIECE):
        if not line or line[-1:] in ("\n", "\r", b"\n"):
            return RecordError(
                f"a line longer than {LARGEST:,}, which is more than Elasticsearch takes: cut "
                "it, or leave it out"
            )
        line = content.readline(_PIECE)
    raise OSError(f"a line does not end within {_ENDLESS:,}: it is no text")


def position(raw: BufferedReader) -> int:
    """Bytes of the file read so far, before decompression; 0 of a pipe."""
    return raw.tell() if raw.seekable() else 0


def broken_off(error: Exception) -> RecordError:
    """Why the rest of a file is unread."""
    return RecordError(f"the file breaks off here and the rest is unread: {error}")
