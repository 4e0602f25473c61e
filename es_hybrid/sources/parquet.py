"""Parquet: a few rows in memory at a time, types kept.

Integers, floats and booleans stay what they are. Times become ISO 8601, to the microsecond;
decimals become exact text (as JSON has no decimals), which ``--field price:number`` turns into a
number. A NaN in a column of numbers is a missing value, as in a data frame; within lists and
structs it is none. What JSON cannot say (binary, durations) is refused before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from math import isnan
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from es_hybrid.documents import DEFAULT_ID_FIELD, Record
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.field_types import FieldType
from es_hybrid.optional import library
from es_hybrid.sources import files
from es_hybrid.sources.base import Item, Source

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

MAGIC = b"PAR1"

_ROWS = 512  # converted at a time


class Parquet(Source):
    """One Parquet file, read by row batches; it knows the types of its columns.

    Args:
        path: the file.
        name: what messages call it; None takes the file's own name.

    Raises:
        SourceError: pyarrow is missing, the file is missing, cut off or no Parquet, or a column
            holds what JSON cannot say.
    """

    def __init__(self, path: Path | str, *, name: str | None = None) -> None:
        self.path = str(path)
        self.name = name or files.shown(self.path)
        self.size = files.size(self.path, holding="Parquet")
        if self.size is None:
            raise SourceError(f"{self.path!r} is a pipe: Parquet is read from its end, name a file")
        with self._opened() as opened:
            self.schema = _readable(opened.schema_arrow, self.name)
        self.types = MappingProxyType(_types(self.schema))

    def _opened(self) -> ParquetFile:
        parquet = _pyarrow_parquet()
        try:
            return parquet.ParquetFile(self.path)
        except Exception as error:  # ArrowInvalid, OSError …: pyarrow promises no common root
            raise SourceError(
                f"{self.path!r} is no whole Parquet file ({error}): if it is cut off, fetch it anew"
            ) from error

    def files(self) -> Sequence[str] | None:
        """The file; None of standard input or a pipe."""
        return files.readable_again(self.path)

    def __iter__(self) -> Iterator[Item]:
        """A record for each row."""
        number = 0
        with self._opened() as opened:
            total = max(opened.metadata.num_rows, 1)
            try:
                for number, row in enumerate(self._rows(opened), start=1):
                    position = (self.size or 0) * number // total
                    yield Item(f"{self.name} row {number}", _record(row), position)
            except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
                broken = files.broken_off(error)
                yield Item(f"{self.name} row {number + 1}", broken, self.size or 0)

    def _rows(self, opened: ParquetFile) -> Iterator[dict[str, Any]]:
        import pyarrow as pa

        for batch in opened.iter_batches(batch_size=_ROWS):
            table = pa.Table.from_batches([batch])
            yield from table.cast(self.schema, safe=False).to_pylist()


def _pyarrow_parquet() -> Any:
    needs = "Parquet needs pyarrow, which is not installed"
    return library("pyarrow.parquet", extra="parquet", needs=needs, raised=SourceError)


def _readable(schema: pa.Schema, name: str) -> pa.Schema:
    """The schema with types that Python reads without loss of meaning; else says which do not."""
    import pyarrow as pa

    bad = {field.name: str(field.type) for field in schema if not _has_json(field.type)}
    if bad:
        told = ", ".join(f"{column!r} ({kind})" for column, kind in bad.items())
        raise SourceError(
            f"{name} holds what JSON cannot say in {told}: write the file without "
            f"{'it' if len(bad) == 1 else 'them'}, or as text"
        )
    if twice := next((one for one in schema.names if schema.names.count(one) > 1), None):
        raise SourceError(f"{name} has two columns called {twice!r}: give each its own name")
    return pa.schema([field.with_type(_simple(field.type)) for field in schema])


def _parts(kind: pa.DataType) -> list[pa.DataType]:
    return [kind.field(number).type for number in range(kind.num_fields)]


def _has_json(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _has_json(kind.value_type)
    refused = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    if any(is_kind(kind) for is_kind in (*refused, types.is_duration, types.is_interval)):
        return False
    return all(_has_json(part) for part in _parts(kind))


def _simple(kind: pa.DataType) -> pa.DataType:
    """Python's times have microseconds: finer ones are cut. A zone becomes UTC, same instant."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if types.is_time64(kind):
        return pa.time64("us")
    if types.is_float16(kind):
        return pa.float32()
    if types.is_dictionary(kind):
        return _simple(kind.value_type)
    if types.is_list(kind):
        return pa.list_(_simple(kind.value_type))
    if types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return pa.struct([field.with_type(_simple(field.type)) for field in fields])
    return kind


def _types(schema: pa.Schema) -> dict[str, FieldType]:
    """What Elasticsearch should take the columns for; texts are left to the mapping."""
    from pyarrow import types

    known = (
        (types.is_integer, "integer"),
        (types.is_floating, "number"),
        (types.is_boolean, "boolean"),
        (types.is_date, "date"),
        (types.is_timestamp, "date"),
    )
    return {
        field.name: FieldType(name)
        for field in schema
        for is_kind, name in known
        if is_kind(field.type) and field.name != DEFAULT_ID_FIELD and field.type != "uint64"
    }


def _record(row: Mapping[str, Any]) -> Record | RecordError:
    try:
        return _plain({name: value for name, value in row.items() if not _is_nan(value)})
    except RecordError as error:
        return error


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without the nulls."""
    plain = ((name, _value(value)) for name, value in row.items())
    return {name: value for name, value in plain if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, list):
        pairs = [part for part in value if isinstance(part, tuple)]  # a map
        return _plain(_keyed(pairs)) if pairs else [_value(part) for part in value]
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    return value


def _keyed(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    if wrong := [key for key, _ in pairs if not isinstance(key, str)]:
        raise RecordError(f"{wrong[0]!r} is the key of a map, and JSON's keys are strings")
    return dict(pairs)
