"""Which reader for which input: by its first bytes and its extension."""

from __future__ import annotations

import glob
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from es_hybrid.errors import SourceError
from es_hybrid.sources import files
from es_hybrid.sources.base import Item, Source
from es_hybrid.sources.delimited import Delimited
from es_hybrid.sources.folder import Pages
from es_hybrid.sources.jsonl import JsonLines
from es_hybrid.sources.pages import READERS
from es_hybrid.sources.parquet import MAGIC, Parquet

_DELIMITED = {".csv", ".tsv", ".tab"}
_PARQUET = {".parquet", ".pq"}
_JSON = {".jsonl", ".ndjson", ".json"}
_START = 1024  # bytes that are looked at
_NAMED = 3  # sources; the others are counted


def open_source(
    paths: Sequence[Path | str], *, delimiter: str | None = None, encoding: str | None = None
) -> Source:
    """One source for all paths, in their order.

    JSON Lines, CSV and TSV (all plain or gzipped), Parquet, text, Markdown and HTML files and
    folders of them may be mixed. What has no known extension, as standard input, is JSON Lines;
    with `delimiter` it is CSV.

    Args:
        paths: files, folders, patterns such as ``docs/**/*.md``, or ``-`` for standard input.
        delimiter: of CSV; None finds it out.
        encoding: of CSV and text files; None finds it out, else UTF-8.

    Raises:
        SourceError: a path is missing, empty, or not what it claims; a pattern matches nothing.
        UsageError: no such delimiter or encoding.
    """
    if not paths:
        raise SourceError("no input given: name files or folders, or - for stdin")
    expanded = [one for path in paths for one in _expanded(str(path))]
    several = len(expanded) > 1
    names = files.told_apart(expanded) if several else [None]
    sources = [
        _opened(path, name=name, delimiter=delimiter, encoding=encoding)
        for path, name in zip(expanded, names, strict=True)
    ]
    return _Several(sources) if several else sources[0]


def _expanded(path: str) -> list[str]:
    """The files that a pattern matches; a file of that very name goes before."""
    if path == files.STDIN or Path(path).exists() or not glob.has_magic(path):
        return [path]
    every = glob.glob(path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = [one for one in sorted(every) if not Path(one).is_dir()]
    if not found:
        raise SourceError(f"no file matches {path!r}: check the pattern")
    return found


def _opened(path: str, *, name: str | None, delimiter: str | None, encoding: str | None) -> Source:
    suffix = _suffix(path)
    if Path(path).is_dir() or (suffix in READERS and path != files.STDIN):
        return Pages(path, encoding=encoding, name=name)
    start = _start(path)
    if suffix in _PARQUET or start.startswith(MAGIC):
        return Parquet(path, name=name)
    if suffix in _DELIMITED or (delimiter is not None and suffix not in _JSON):
        return Delimited(path, delimiter=delimiter, encoding=encoding, name=name)
    _check_lines(path, start, known=suffix in _JSON)
    return JsonLines([path], names=None if name is None else [name])


def _check_lines(path: str, start: bytes, *, known: bool) -> None:
    """Refuse a file whose first bytes are none of JSON Lines.

    Args:
        path: the file.
        start: its first bytes.
        known: whether its extension says that it is JSON Lines; each line says what is wrong then,
            unless none can be right.

    Raises:
        SourceError: it is such a file.
    """
    if start.startswith(files.GZIP_MAGIC):
        return
    kinds = ", ".join(sorted(_JSON | _DELIMITED | _PARQUET | set(READERS)))
    if b"\0" in start:
        what = "no JSON Lines in UTF-8: convert it" if known else f"none of {kinds}: leave it out"
        raise SourceError(f"{path!r} is binary and {what}")
    if known:
        return
    if not (start.removeprefix(BOM_UTF8).lstrip() or b"{").startswith(b"{"):
        raise SourceError(
            f"{path!r} is none of {kinds}, and does not begin like JSON Lines: leave it out, or "
            "name its --delimiter if it is CSV"
        )


def _suffix(path: str) -> str:
    """The extension in lower case, without that of gzip; ``.txt.gz`` is not read."""
    name = Path(path).name.lower()
    return Path(name.removesuffix(".gz")).suffix


def _start(path: str) -> bytes:
    """The first bytes of a regular file; a pipe is not touched, and what is wrong is said later."""
    try:
        if path == files.STDIN or not Path(path).is_file():
            return b""
        with Path(path).open("rb") as opened:
            return opened.read(_START)
    except OSError:
        return b""


class _Several(Source):
    """Sources one after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        names = [source.name for source in sources[:_NAMED]]
        more = len(sources) - len(names)
        self.name = ",".join(names) + (f" and {more} more" if more else "")
        sizes = [source.size for source in sources]
        self.size = None if None in sizes else sum(cast("list[int]", sizes))
        self.types = {  # one source's word does not bind the others
            name: kind
            for name, kind in sources[0].types.items()
            if all(source.types.get(name) == kind for source in sources)
        }
        self.reading = " ".join(source.reading for source in sources)
        self.left_out = dict(sum((Counter(source.left_out) for source in sources), Counter()))

    def files(self) -> Sequence[str] | None:
        """Those of all; None if one of them is read only once."""
        several = [source.files() for source in self.sources]
        return None if None in several else [path for files in several for path in files or ()]

    def __iter__(self) -> Iterator[Item]:
        before = 0
        for source in self.sources:
            last = 0
            for item in source:
                last = item.position
                yield replace(item, position=before + last)
            before += source.size or last
