"""Folders of text, Markdown and HTML files, and single ones: each file is a document.

Its id is its path below the folder, or as the file was named, so that a file keeps its document
when it is edited. Hidden files, links that lead out and other kinds of files are left out and
counted.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from es_hybrid.documents import DEFAULT_ID_FIELD, Record
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.field_types import FieldType
from es_hybrid.pictures import SUFFIXES
from es_hybrid.sources import encoding as encodings
from es_hybrid.sources import files
from es_hybrid.sources.base import Item, Source
from es_hybrid.sources.pages import READERS
from es_hybrid.sources.walking import Lying, walk

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_CHARSET_WITHIN = 1024  # bytes, where HTML wants it to stand


class Pages(Source):
    """The text, Markdown and HTML files of a folder, in the order of their paths; or one file.

    Args:
        path: the folder, or the file.
        encoding: None takes what an HTML file names, else UTF-8, or UTF-16 with its mark.
        name: what messages call it, the files in it included; None names files by their ids.

    Raises:
        SourceError: it is missing, cannot be read, or is a folder without any such file.
        UsageError: no such encoding.
    """

    types = MappingProxyType({"modified": FieldType("date")})

    def __init__(
        self, path: Path | str, *, encoding: str | None = None, name: str | None = None
    ) -> None:
        self.path = Path(path)
        self.encoding = None if encoding is None else encodings.check_encoding(encoding)
        self.reading = str(self.encoding)
        self.name = name or files.shown(str(path)) or files.shown(str(self.path.resolve()))
        self._before = f"{name}/" if name and self.path.is_dir() else ""
        self.left_out: Mapping[str, int] = {}
        if self.path.is_dir():
            self._survey()
        else:
            self.size = files.size(str(path), holding=None)
            if self.size is None:
                raise SourceError(f"{str(path)!r} is a pipe or a device: name a file or a folder")

    def _survey(self) -> None:
        """Walk once without reading, for the size and for what is left out."""
        left_out: Counter[str] = Counter()
        size = count = 0
        for found in walk(self.path, suffixes=READERS):
            if found.left_out:
                left_out[found.left_out] += 1
            else:
                count += 1
                size += found.size
        self.size, self.left_out = size, dict(sorted(left_out.items()))
        if not count:
            has = ", ".join(f"{n} {kind}" for kind, n in self.left_out.items()) or "nothing"
            raise SourceError(
                f"folder {str(self.path)!r} has no file ending in {', '.join(READERS)} (it has "
                f"{has}): {_instead(left_out, self.path)}"
            )

    def files(self) -> Sequence[str] | None:
        """The files that are read."""
        if not self.path.is_dir():
            return files.readable_again(str(self.path))
        found = (each for each in walk(self.path, suffixes=READERS) if not each.left_out)
        return [str(each.path) for each in found]

    def __iter__(self) -> Iterator[Item]:
        """A record for each file."""
        position = 0
        for found in self._found():
            if not found.left_out:
                position += found.size
                where = self._before + found.id.encode(errors="replace").decode()
                yield Item(where, _record(found, self.encoding), position)

    def _found(self) -> Iterator[Lying]:
        if self.path.is_dir():
            return walk(self.path, suffixes=READERS)
        return iter([Lying(self.path, self.path.as_posix(), self.size or 0)])


def _instead(left_out: Mapping[str, int], folder: Path) -> str:
    if any(f"{suffix} files" in left_out for suffix in SUFFIXES):
        return "index its pictures with --mapping images"
    return f"name data files themselves, such as '{folder}/*.jsonl'"


def _record(found: Lying, encoding: str | None) -> Record | RecordError:
    try:
        if found.fault:
            raise RecordError(found.fault)
        text, modified = _text(found.path, encoding)
        page = READERS[found.path.suffix.lower()](text)
    except RecordError as error:
        return error
    except AssertionError as error:  # html.parser's way to give up on a broken declaration
        return RecordError(f"not readable as HTML: {error}")
    if not page.text.strip():
        return RecordError("holds no text")
    return {
        **page.fields,
        DEFAULT_ID_FIELD: found.id,
        "title": page.title or found.path.stem,
        "text": page.text,
        "path": found.id,
        "modified": modified,
        "extension": found.path.suffix.lower().removeprefix("."),
    }


def _text(path: Path, encoding: str | None) -> tuple[str, str]:
    """What stands in the file, and when it was last changed (ISO 8601, UTC)."""
    try:
        with path.open("rb") as opened:
            facts = os.fstat(opened.fileno())
            data = b"" if facts.st_size > files.LARGEST else opened.read(files.LARGEST + 1)
            if (size := max(facts.st_size, len(data))) > files.LARGEST:  # it may have grown
                raise RecordError(f"{size:,} bytes, and {files.LARGEST:,} are the most")
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror}") from None
    modified = datetime.fromtimestamp(int(facts.st_mtime), UTC).isoformat()
    return _decoded(data, encoding or _declared(path, data) or encodings.guessed(data)), modified


def _declared(path: Path, data: bytes) -> str | None:
    """The encoding that an HTML file names for itself."""
    found = _CHARSET.search(data[:_CHARSET_WITHIN]) if ".htm" in path.suffix.lower() else None
    return found[1].decode() if found else None


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise RecordError(f"no text ({error}): name its encoding, as --encoding cp949") from None
    if "\0" in text:
        raise RecordError("binary, no text: it has a NUL byte")
    return text.replace("\r\n", "\n").replace("\r", "\n")
