"""CSV and TSV, plain or gzipped, of any size: one row in memory at a time.

Cells stay text, as only their owner knows whether 007 is a number: a field becomes one by its
type (``--field year:number``). An empty cell is a missing value. A formula is text like any other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Literal, cast

from es_hybrid.documents import Record
from es_hybrid.errors import RecordError, SourceError, UsageError
from es_hybrid.sources import encoding as encodings
from es_hybrid.sources import files
from es_hybrid.sources.base import Item, Source

_DELIMITERS = (",", "\t", ";", "|")
_NAMED = {"tab": "\t", r"\t": "\t"}
_SAMPLE = 64 * 1024  # characters that are looked at to find delimiter and quoting

_QUOTES = "write a quote inside quotes twice, and close what is opened"

_Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE


class _Text(TextIOWrapper):
    """Text over bytes that somebody else closes, such as standard input."""

    def close(self) -> None:
        """Leave the bytes open."""


@dataclass(frozen=True, slots=True)
class _Table:
    """An opened file: its columns, and the rows below them with the line where each begins."""

    columns: list[str]
    rows: Iterator[tuple[int, list[str] | RecordError]]
    encoding: str


class _Lines(Iterator[str]):
    """Lines for a reader of CSV, counted; one that was left out is raised and the next comes."""

    def __init__(self, lines: Iterable[str | RecordError]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if isinstance(line, RecordError):
            raise line
        return line


class Delimited(Source):
    """One CSV or TSV file with the names of its columns in the first line.

    Args:
        path: the file; ``-`` is standard input.
        delimiter: one character, or ``tab``; None takes the one that cuts the first line into
            the most columns.
        encoding: None takes UTF-8, or UTF-16 where the file begins with its mark.
        name: what messages call it; None takes the file's own name.

    Raises:
        SourceError: the file is missing, empty, not readable, or has no names of columns.
        UsageError: no such delimiter or encoding.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        delimiter: str | None = None,
        encoding: str | None = None,
        name: str | None = None,
    ) -> None:
        self.path = str(path)
        self.name = name or files.shown(self.path)
        self.delimiter = None if delimiter is None else _checked_delimiter(delimiter)
        self.encoding = None if encoding is None else encodings.check_encoding(encoding)
        self.reading = f"{self.delimiter} {self.encoding}"
        self.size = files.size(self.path, holding="a line with the names of the columns")
        if self.size is not None:  # better known before anything is written
            with files.opened(self.path) as raw:
                self._table(raw)

    def files(self) -> Sequence[str] | None:
        """The file; None of standard input or a pipe."""
        return files.readable_again(self.path)

    def __iter__(self) -> Iterator[Item]:
        """A record for each row."""
        line = 1
        with files.opened(self.path) as raw:
            table = self._table(raw)
            try:
                for line, row in table.rows:
                    if row:
                        record = _record(table, row)
                        yield Item(f"{self.name} line {line}", record, files.position(raw))
            except (*files.READ_FAULTS, UnicodeError) as error:
                broken = files.broken_off(error)
                yield Item(f"{self.name} line {line + 1}", broken, files.position(raw))

    def _table(self, raw: BufferedReader) -> _Table:
        try:
            content = cast("BufferedReader", files.unzipped(raw))
            encoding = self.encoding or encodings.guessed(content.peek(2))
            text = _Text(content, encoding, encodings.LENIENT, newline="")
            sample, more = _sample(text)
            delimiter = self.delimiter or _delimiter(sample)
            quoting = _quoting(sample, delimiter)
            rows = _rows(chain(io.StringIO(sample, newline=""), more), delimiter, quoting)
            _, first = next(rows, (1, []))
        except (*files.READ_FAULTS, UnicodeError) as error:
            raise SourceError(f"cannot read {self.path!r}: {error}") from None
        return _Table(self._columns(first, encoding), rows, encoding)

    def _columns(self, cells: list[str] | RecordError, encoding: str) -> list[str]:
        if isinstance(cells, RecordError):
            raise SourceError(f"{self.name} line 1: {cells}")
        names = [name.strip() or f"column_{n}" for n, name in enumerate(cells, start=1)]
        if fault := _header_fault(names, encoding):
            raise SourceError(f"{self.name} line 1: {fault}")
        return names


def _header_fault(names: Sequence[str], encoding: str) -> str | None:
    """Why these are no names of columns."""
    whole = " ".join(names)
    if "\0" in whole:
        return "the file is binary, no text: name a .csv or .tsv file"
    if fault := encodings.fault(whole, encoding):
        return fault
    if not names or all(_is_number(name) for name in names):
        return f"the first line must name the columns, and it is {whole!r}: put names above it"
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"two columns are called {twice!r}: give each its own name"
    return None


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdecimal()


def _sample(text: _Text) -> tuple[str, Iterator[str | RecordError]]:
    """Whole lines of the start to look at, and the lines behind them."""
    start = text.read(_SAMPLE)
    rest = text.readline(files.LARGEST + 1)
    if len(rest) <= files.LARGEST:
        return start + rest, files.lines(text)
    whole = max(start.rfind("\n"), start.rfind("\r")) + 1
    return start[:whole], _behind(text, rest)


def _behind(text: _Text, line: str) -> Iterator[str | RecordError]:
    """Why a line is left out of which this was read, and the lines behind it."""
    yield files.left_out(text, line)
    yield from files.lines(text)


def _record(table: _Table, row: list[str] | RecordError) -> Record | RecordError:
    if isinstance(row, RecordError):
        return row
    if len(row) != len(table.columns):
        return RecordError(
            f"{len(row)} cells under {len(table.columns)} columns: quote a cell that holds the "
            "delimiter, or name another with --delimiter"
        )
    if fault := encodings.fault("".join(row), table.encoding):
        return RecordError(fault)
    return {name: cell for name, cell in zip(table.columns, row, strict=True) if cell}


def _rows(
    lines: Iterable[str | RecordError], delimiter: str, quoting: _Quoting
) -> Iterator[tuple[int, list[str] | RecordError]]:
    """Each row, or what is wrong with it, with the line where it begins; blank ones are empty."""
    # One quote that is never closed would take the whole file into memory.
    csv.field_size_limit(max(csv.field_size_limit(), files.LARGEST))
    counted = _Lines(lines)
    reader = csv.reader(counted, delimiter=delimiter, quoting=quoting, strict=True)
    while True:
        line = counted.number + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield line, RecordError(f"{error}: {_QUOTES}")
            continue
        except RecordError as error:
            yield line, error
            continue
        if row is None:
            return
        yield line, row


def _checked_delimiter(text: str) -> str:
    delimiter = _NAMED.get(text, text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise UsageError(f"delimiter {text!r}: give one character, such as ';', or tab")
    return delimiter


def _delimiter(sample: str) -> str:
    """The one that cuts the first line into the most columns: names rarely hold any."""

    def columns(delimiter: str) -> int:
        first = next(_rows(io.StringIO(sample, newline=""), delimiter, csv.QUOTE_MINIMAL), (1, []))
        return 0 if isinstance(first[1], RecordError) else len(first[1])

    return max(_DELIMITERS, key=columns)


def _quoting(sample: str, delimiter: str) -> _Quoting:
    """Whether quotes quote: not where only without them all rows have one width.

    Many programs write TSV without any quoting, where a cell may begin with a quote.
    """
    quoted = _sampled(sample, delimiter, csv.QUOTE_MINIMAL)
    plain = _sampled(sample, delimiter, csv.QUOTE_NONE)
    widths = {len(row) for row in plain}
    opened = [cell for row in plain for cell in row if cell.startswith('"')]
    closed = [cell for cell in opened if len(cell) > 1 and cell.endswith('"')]
    even = len(widths) == 1 and widths != {1}
    if even and len({len(row) for row in quoted}) > 1 and len(closed) * 2 < len(opened):
        return csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL


def _sampled(sample: str, delimiter: str, quoting: _Quoting) -> list[list[str]]:
    """The rows that are not blank; one that cannot be read has no cells."""
    rows = (row for _, row in _rows(io.StringIO(sample, newline=""), delimiter, quoting))
    return [[] if isinstance(row, RecordError) else row for row in rows if row]
