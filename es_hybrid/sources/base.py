"""What a source yields: items, each a record or the reason why there is none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType
from typing import Any

from es_hybrid.documents import Picture, Record
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.field_types import FieldType
from es_hybrid.json_values import shown
from es_hybrid.vectors import Vectors


@dataclass(slots=True)
class Item:
    """One record as it was read.

    Attributes:
        where: its place, such as ``"docs.jsonl line 3"``.
        record: the record, or why this place holds none.
        position: bytes of the source read so far (of the file, before decompression).
        vector: of a record that came with one, or why it cannot be used; None where an embedder
            makes the vectors.
        picture: what is embedded instead of a text; None where a text is. Of one that cannot be
            read, what it takes to try it again.
    """

    where: str
    record: Record | RecordError
    position: int = 0
    vector: Vectors | RecordError | None = None
    picture: Picture | None = None


class Source(ABC):
    """Something that can be read from the start to the end.

    Attributes:
        name: what it is called in the documents that came from it.
        size: bytes in all, on the scale of `Item.position`; None where nobody knows.
        types: field -> the type that its values have, where the source knows.
        left_out: what lies there and is not read -> how often, such as ``{".png files": 3}``.
        reading: how it is read, where one can choose: the same files may hold other records.
        modality: what its records are: ``"text"``, or ``"image"`` where each has a picture.
    """

    name: str
    size: int | None
    types: Mapping[str, FieldType] = MappingProxyType({})
    left_out: Mapping[str, int] = MappingProxyType({})
    reading: str = ""
    modality: str = "text"

    @abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """The items, in order."""

    def files(self) -> Sequence[str] | None:
        """The files that all of it comes from, in order; None where it is read only once."""
        return None


class _Memory(Source):
    name = "records"
    size = None

    def __init__(self, records: Iterable[Any]) -> None:
        self.records = records

    def __iter__(self) -> Iterator[Item]:
        good: tuple[str, ...] = ()  # the names of the last record, as most have the same ones
        for number, record in enumerate(self.records, start=1):
            known = type(record) is dict and tuple(record) == good
            one = record if known else checked(record)
            if not known and not isinstance(one, RecordError):
                good = tuple(one)
            yield Item(f"record {number}", one)


def memory(records: Iterable[Any]) -> Source:
    """Any iterable of records (mappings), as a source.

    Raises:
        UsageError: a path, a single record, or nothing that can be iterated.
    """
    if isinstance(records, Mapping):
        raise UsageError(f"{shown(records)} is one record: write a list of it")
    several = hasattr(records, "__iter__") or hasattr(records, "__getitem__")
    if isinstance(records, str | bytes | PathLike) or not several:
        raise UsageError(
            f"{shown(records)} is no records: give mappings, or of files what "
            f"es_hybrid.sources.open_source([{shown(records)}]) returns"
        )
    return _Memory(records)


def checked(record: Any) -> Record | RecordError:
    """The record if it is a mapping with string keys, else the reason against it."""
    if not isinstance(record, Mapping):
        return RecordError(f"a {type(record).__name__}, not an object with fields")
    if wrong := [name for name in record if not isinstance(name, str)]:
        return RecordError(f"field name {wrong[0]!r} is not a string")
    return record if isinstance(record, dict) else dict(record)
