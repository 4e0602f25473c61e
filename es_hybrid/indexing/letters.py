"""Letters: a file of dead letters, read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from es_hybrid.documents import DEFAULT_ID_FIELD
from es_hybrid.errors import SourceError
from es_hybrid.indexing.dead_letters import lines
from es_hybrid.sources import Item, PictureRecords, Pictures, Source
from es_hybrid.sources.picture_records import IMAGE, IMAGE_URL
from es_hybrid.sources.pictures import picture_item
from es_hybrid.vectors import Vectors

# Of each type of error, each with another reason.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        line: as it stands in the file.
        told: what it says; empty where the line is no letter.
    """

    line: bytes
    told: Mapping[str, Any]

    @property
    def error(self) -> str:
        """The type of the error; an earlier es_hybrid did not tell it."""
        return str(self.told.get("error") or self.told.get("fate") or "no dead letter")

    @property
    def replayable(self) -> bool:
        """Whether it holds the record, and not only its text."""
        return isinstance(self.told.get("record"), dict)

    @property
    def written(self) -> bool:
        """Whether the record became a document, whose fields have their final names.

        That of a picture is kept as it was read.
        """
        return bool(self.told.get("fate") == "dead_lettered" and not self.of_picture)

    @property
    def of_picture(self) -> bool:
        """Whether a picture is read again with it."""
        return isinstance(self.picture or self.pictures_in, str)

    @property
    def picture(self) -> str | None:
        """The file of the picture that it is of."""
        return self.told.get("picture")

    @property
    def pictures_in(self) -> str | None:
        """The folder below which its record names a picture."""
        return self.told.get("pictures_in")

    @property
    def document(self) -> str | None:
        """The id of its document, where that is known; that of a picture may be its name."""
        record = self.told["record"] if self.of_picture else {}
        named = (record.get(name) for name in (DEFAULT_ID_FIELD, IMAGE, IMAGE_URL))
        return self.told.get("id") or next((one for one in named if isinstance(one, str)), None)

    @property
    def where(self) -> str:
        """Where the record was read."""
        return str(self.told.get("where", "a dead letter"))

    @property
    def source(self) -> str:
        """What the record was read from."""
        return str(self.told.get("source") or "dead letters")

    @property
    def vector(self) -> Vectors | None:
        """The ready vector that came with it, float32, shape (dims,)."""
        values = self.told.get("vector")
        return None if values is None else np.array(values, np.float32)


def read_letters(path: Path) -> Iterator[Letter]:
    """All letters of a file, in order.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        yield from map(_letter, lines(path))
    except OSError as error:
        raise SourceError(f"cannot read {str(path)!r}: {error.strerror}") from None


def _letter(line: bytes) -> Letter:
    try:
        told = orjson.loads(line)
    except ValueError:
        told = None
    return Letter(line, told if isinstance(told, dict) else {})


@dataclass(slots=True)
class Kind:
    """All letters of one type of error.

    Attributes:
        error: the type.
        count: how many.
        replayable: how many of them hold their record.
        examples: the first ones, each with another reason: its time, place, id and reason.
    """

    error: str
    count: int = 0
    replayable: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, letter: Letter) -> None:
        """Count one more."""
        self.count += 1
        self.replayable += letter.replayable
        reason = letter.told.get("reason")
        if len(self.examples) < EXAMPLES and reason not in {one["reason"] for one in self.examples}:
            names = ("time", "where", "id", "reason", "attempts")
            self.examples.append({name: letter.told.get(name) for name in names})


def kinds(letters: Iterable[Letter]) -> list[Kind]:
    """By type of error, the most frequent first."""
    found: dict[str, Kind] = {}
    for letter in letters:
        found.setdefault(letter.error, Kind(letter.error)).add(letter)
    return sorted(found.values(), key=lambda kind: -kind.count)


class LetterSource(Source):
    """The records of letters, as they were read the first time.

    Args:
        name: what they were read from.
        letters: all of them replayable.
    """

    size = None

    def __init__(self, name: str, letters: Iterable[Letter]) -> None:
        self.name = name
        self.letters = letters

    def __iter__(self) -> Iterator[Item]:
        """The records, in order."""
        for letter in self.letters:
            yield Item(letter.where, letter.told["record"], vector=letter.vector)


class PictureLetters(LetterSource):
    """The records of letters, each with the picture that it is of, as that is now."""

    modality = "image"
    types = Pictures.types

    def __iter__(self) -> Iterator[Item]:
        """The records, in order."""
        for letter in self.letters:
            path = Path(str(letter.picture))
            yield picture_item(letter.where, letter.told["record"], path)


def letter_source(letters: Sequence[Letter], *, allow_urls: bool) -> Source:
    """What reads letters of one kind again.

    Args:
        letters: at least one; of one source, and all of pictures in one folder, or none.
        allow_urls: whether addresses of pictures are read.
    """
    name, folder = letters[0].source, letters[0].pictures_in
    if isinstance(folder, str):
        records = LetterSource(name, letters)
        return PictureRecords(records, folder=folder, allow_urls=allow_urls)
    return (PictureLetters if letters[0].of_picture else LetterSource)(name, letters)
