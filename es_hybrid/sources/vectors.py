"""Ready vectors beside the records: in a column of each, or in a .npy file, row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from es_hybrid.documents import Record
from es_hybrid.errors import RecordError, SourceError, VectorError
from es_hybrid.sources.base import Item, Source
from es_hybrid.vectors import Vectors, unusable, vector

# Records whose vectors say how many dimensions there are: most of them decide.
LOOKED_AT = 100

# Records whose vectors are looked at together.
TOGETHER = 512

# What the numbers of a file may be, by numpy's name; each becomes float32.
DTYPES = ("float32", "float64", "float16", "int8")


class GivenVectors(Source):
    """Records whose vectors are ready: each item carries its own, or says why it has none.

    Args:
        source: where the records come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name, self.size = source.name, source.size
        self.types = source.types
        self.left_out = source.left_out
        self.reading = source.reading

    def files(self) -> Sequence[str] | None:
        """Those of the records."""
        return self.source.files()

    @property
    @abstractmethod
    def dims(self) -> int:
        """Number of dimensions.

        Raises:
            SourceError: no record has a vector.
        """

    @property
    @abstractmethod
    def label(self) -> str:
        """What the vectors are called where nobody names the model that made them."""

    def _give(self, items: Sequence[Item], values: Any, where: Callable[[int], str]) -> None:
        """Each item gets the row made of its values, or why there is none.

        Args:
            items: as many as `values`.
            values: a sequence or array of what stands where a vector should be.
            where: the place of the n-th, for messages.
        """
        rows = self._matrix(values)
        if rows is None:
            for place, (item, given) in enumerate(zip(items, values, strict=True)):
                item.vector = self._checked(given, where=where(place))
            return
        for item, row in zip(items, rows, strict=True):
            item.vector = row
        for place, why in unusable(rows).items():
            items[place].vector = _unusable(where(place), why)

    def _matrix(self, values: Any) -> Vectors | None:
        """All at once, float32, shape (n, dims); None where one of them is to be looked at."""
        given = isinstance(values, np.ndarray)
        try:
            array = np.asarray(values)
        except ValueError:  # ragged
            return None
        if array.dtype.kind not in "fiu" or array.shape != (len(values), self.dims):
            return None
        if not given and any(isinstance(one[0], bool | np.bool_) for one in values):
            return None  # beside numbers, numpy takes truth values for such
        with np.errstate(over="ignore"):  # too large for float32 becomes inf, and is named
            return np.array(array, np.float32, order="C", copy=given or None)

    def _checked(self, values: Any, *, where: str) -> Vectors | RecordError:
        try:
            row = vector(values, maker=where)
        except VectorError as error:
            return RecordError(f"{error}: give a list of {self.dims} numbers")
        if len(row) != self.dims:
            return RecordError(
                f"{where} holds {len(row)} numbers, the others {self.dims}: all vectors of an "
                "index have equally many"
            )
        faults = unusable(row[None, :])
        return _unusable(where, faults[0]) if faults else row


def _unusable(where: str, why: str) -> RecordError:
    return RecordError(f"{where} holds {why}: correct it, or leave the record out")


class VectorColumn(GivenVectors):
    """Vectors in one column of the records: lists of numbers, or such lists as JSON text.

    Args:
        source: where the records come from.
        column: which column; it is not kept as a field.
    """

    def __init__(self, source: Source, column: str) -> None:
        super().__init__(source)
        self.column = column
        self.types = {name: kind for name, kind in source.types.items() if name != column}
        self._items = iter(source)
        self._looked_at: list[Item] = []

    @property
    def label(self) -> str:
        """The column's name."""
        return self.column

    @cached_property
    def dims(self) -> int:
        """Numbers in most vectors of the first records, which are read for that."""
        self._looked_at += islice(self._items, LOOKED_AT)
        if not self._looked_at:
            raise SourceError("there is no record to index: the source is empty")
        lengths = Counter(
            len(values)
            for item in self._looked_at
            if not isinstance(item.record, RecordError)
            and hasattr(values := self._values(item.record), "__len__")
            and not isinstance(values, str | dict)
        )
        if not lengths or not (most := lengths.most_common(1)[0][0]):
            raise SourceError(
                f"none of the first {len(self._looked_at)} records has a vector in "
                f"{self.column!r}: name the column with --vector-field"
            )
        return most

    def __iter__(self) -> Iterator[Item]:
        """The records without the column, and what stood there as their vectors."""
        _ = self.dims
        items = chain(self._looked_at, self._items)
        while some := list(islice(items, TOGETHER)):
            self._read(some)
            yield from some
        self.left_out = self.source.left_out

    def _read(self, items: Sequence[Item]) -> None:
        records = [(item, r) for item in items if not isinstance(r := item.record, RecordError)]
        given = [(item, record, self._values(record)) for item, record in records]
        for item, _, values in given:
            if values is None:
                item.vector = RecordError(f"no vector in {self.column!r}: give each record one")
        given = [each for each in given if each[2] is not None]
        values = [values for _, _, values in given]
        self._give([each[0] for each in given], values, lambda _: f"vector field {self.column!r}")
        for item, record, _ in given:
            if not isinstance(item.vector, RecordError):  # else it stays, for the dead letters
                item.record = {k: value for k, value in record.items() if k != self.column}

    def _values(self, record: Record) -> Any:
        values = record.get(self.column)
        try:
            return orjson.loads(values) if isinstance(values, str) else values
        except ValueError:
            return values


class VectorFile(GivenVectors):
    """Vectors in a .npy file: one row for each record, in the same order.

    The file may be larger than the memory: a few rows are read at a time.

    Args:
        source: where the records come from.
        file: a two-dimensional array of float32, float64, float16 or int8.

    Raises:
        SourceError: the file is missing, no such array, or holds Python objects.
    """

    def __init__(self, source: Source, file: Path) -> None:
        super().__init__(source)
        self.file = file
        self._rows = _Rows(file)

    @property
    def label(self) -> str:
        """The file's name without its ending."""
        return self.file.stem

    @property
    def dims(self) -> int:
        """Columns of the array."""
        return self._rows.dims

    def files(self) -> Sequence[str] | None:
        """Those of the records, and that of the vectors."""
        files = self.source.files()
        return None if files is None else [*files, str(self.file)]

    def __iter__(self) -> Iterator[Item]:
        """The records with their rows; `left_out` counts the rows that nobody wanted."""
        read = 0
        items = iter(self.source)
        while some := list(islice(items, TOGETHER)):
            self._read(some, read)
            yield from some
            read += len(some)
        surplus = self._rows.count - read
        more = {f"rows of {self.file.name} behind the last record": surplus} if surplus > 0 else {}
        self.left_out = {**self.source.left_out, **more}

    def _read(self, items: Sequence[Item], first: int) -> None:
        """The rows from the `first` on; those of places without a record are passed over."""
        rows = self._rows.read(first, len(items))
        self._give(items[: len(rows)], rows, lambda row: f"row {first + row} of {self.file.name}")
        for number, item in enumerate(items[len(rows) :], start=first + len(rows)):
            item.vector = self._lacking(number)

    def _lacking(self, row: int) -> RecordError:
        name, count = self.file.name, self._rows.count
        if row < count:
            return RecordError(f"row {row} of {name} is gone: the file was cut off meanwhile")
        return RecordError(
            f"{name} has {count:,} rows, none for this record: make both of the same records"
        )


class _Rows:
    """The rows of a .npy file, read from it a few at a time.

    They are not mapped into memory: a process is killed where a mapped file is cut off under it.

    Args:
        file: as of `VectorFile`.

    Attributes:
        count: rows of the array.
        dims: its columns.
    """

    def __init__(self, file: Path) -> None:
        array = _mapped(file)
        self.file = file
        self.count: int = array.shape[0]
        self.dims: int = array.shape[1]
        self._dtype = array.dtype
        self._begin = array.offset
        self._by_columns = not array.flags.c_contiguous

    def read(self, first: int, count: int) -> npt.NDArray[Any]:
        """So many rows from the `first` on, or as many as there are; shape (n, dims)."""
        count = max(min(count, self.count - first), 0)
        with self.file.open("rb") as opened:
            if not self._by_columns:
                return self._numbers(opened, first * self.dims, count * self.dims, of=self.dims)
            columns = [
                self._numbers(opened, column * self.count + first, count)[:, 0]
                for column in range(self.dims)
            ]
        whole = min(map(len, columns))
        return np.stack([column[:whole] for column in columns], axis=1)

    def _numbers(
        self, opened: BufferedReader, first: int, count: int, *, of: int = 1
    ) -> npt.NDArray[Any]:
        """So many numbers of the file as rows of `of` each; fewer where it was cut off."""
        size = self._dtype.itemsize
        opened.seek(self._begin + first * size)
        read = opened.read(count * size)
        whole = len(read) // (of * size) * of
        return np.frombuffer(read, self._dtype, whole).reshape(-1, of)


def _mapped(file: Path) -> np.memmap[Any, Any]:
    """The array as numpy finds it, checked against the length of the file; not read."""
    rows = _opened(file)
    if rows.dtype.newbyteorder("=").name not in DTYPES:
        raise SourceError(
            f"{str(file)!r} holds {rows.dtype}: convert it to float32 (or {', '.join(DTYPES[1:])})"
        )
    if rows.ndim != 2 or not rows.size:
        raise SourceError(
            f"{str(file)!r} has shape {rows.shape}: it needs one row for each record, and one "
            "column for each dimension"
        )
    return rows


def _opened(file: Path) -> np.memmap[Any, Any]:
    if file.exists() and not file.is_file():  # opening a pipe would wait for a writer
        raise SourceError(f"{str(file)!r} is no .npy file: name one that numpy.save wrote")
    try:
        # Pickles are refused: loading one runs whatever it says.
        rows = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise SourceError(f"no file {str(file)!r}: check the path") from None
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(
            f"{str(file)!r} is no .npy file that can be read ({_why(error)}): write it with "
            "numpy.save, as an array of float32"
        ) from None
    if not isinstance(rows, np.memmap):  # an .npz archive
        rows.close()
        raise SourceError(f"{str(file)!r} is an archive of arrays: save one array with numpy.save")
    return rows


def _why(error: Exception) -> str:
    """What numpy says, without its advice to load what runs code."""
    said = str(error).partition("\n")[0]
    return "it holds Python objects, or is another kind of file" if "pickle" in said else said
