"""Folders of pictures: each file is a document, whose id is its path below the folder.

Beside the picture a document has what can be read and filtered: captions, the names of the file
and of its folders, and what the camera wrote. Files are read by a few threads, ahead of what is
being indexed; their pixels are decoded later, and only of pictures that need a vector.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xxhash import xxh3_128_hexdigest

from es_hybrid.documents import DEFAULT_ID_FIELD, Picture, Record
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.field_types import FieldType
from es_hybrid.pictures import SUFFIXES, facts, file_bytes, opened
from es_hybrid.pictures.decoding import imaging
from es_hybrid.sources import files
from es_hybrid.sources.ahead import ahead
from es_hybrid.sources.base import Item, Source
from es_hybrid.sources.captions import TAGS, Captions, beside
from es_hybrid.sources.walking import Lying, walk

_CAPTION = "caption"


class Pictures(Source):
    """The pictures of a folder, in the order of their paths; or one file.

    A record has ``title`` (the file's name in words), ``caption``, ``tags`` (the folders that the
    picture lies in, and those of its captions), ``path``, ``width``, ``height``, ``format``, and
    where it is known ``taken_at``, ``location`` and ``camera``. Captions come from `captions`,
    from a text file beside the picture (``sea.txt`` for ``sea.jpg``), and from the picture itself.

    Args:
        folder: the folder, or one file.
        captions: CSV, TSV or JSON, as `sources.captions` says.

    Raises:
        SourceError: a path is missing, cannot be read, or is a folder without pictures.
        EsHybridError: Pillow is not installed.
    """

    modality = "image"
    types = MappingProxyType({"taken_at": FieldType("date"), "location": FieldType("geo")})

    def __init__(self, folder: Path | str, *, captions: Path | str | None = None) -> None:
        imaging()
        self.folder = Path(folder)
        self.name = files.shown(str(folder)) or files.shown(str(self.folder.resolve()))
        self.captions = None if captions is None else Captions(captions)
        self._captions_file = None if captions is None else str(captions)
        self.reading = "pictures"
        self.left_out: Mapping[str, int] = {}
        self.size = 0
        if self.folder.is_dir():
            self._survey()
        else:
            self.size = files.size(str(folder), holding="a picture") or 0

    def _survey(self) -> None:
        """Walk once without reading, for the size and for what is left out."""
        left_out: Counter[str] = Counter()
        names = []
        for found in self._walk():
            if not found.left_out:
                names.append(found.id)
                self.size = (self.size or 0) + found.size
            elif not self._tells(found.path):
                left_out[found.left_out] += 1
        if not names:
            has = ", ".join(f"{n} {kind}" for kind, n in sorted(left_out.items())) or "nothing"
            raise SourceError(
                f"folder {str(self.folder)!r} has no picture ending in {', '.join(SUFFIXES)} "
                f"(it has {has}): name another folder, or leave --mapping images out"
            )
        if self.captions and (unmet := self.captions.without_picture(names)):
            left_out["captions of no picture"] = unmet
        self.left_out = dict(sorted(left_out.items()))

    def _tells(self, path: Path) -> bool:
        """Whether it is a file with captions."""
        if str(path) == self._captions_file:
            return True
        bases = (path.with_suffix(""), *(path.with_suffix(suffix) for suffix in SUFFIXES))
        return path.suffix.lower() == ".txt" and any(one.is_file() for one in bases)

    def files(self) -> Sequence[str] | None:
        """The pictures, and the captions."""
        more = [] if self._captions_file is None else [self._captions_file]
        beside_them = (one.path for one in self._found(".txt") if self._tells(one.path))
        found = (one.path for one in self._found() if not one.fault)
        return [*map(str, (*found, *beside_them)), *more]

    def __iter__(self) -> Iterator[Item]:
        """A record for each picture, with the picture."""
        position = 0
        for found, item in ahead(self._found(), self._item):
            position += found.size
            item.position = position
            yield item

    def _walk(self, *suffixes: str) -> Iterator[Lying]:
        return walk(self.folder, suffixes=suffixes or SUFFIXES)

    def _found(self, *suffixes: str) -> Iterator[Lying]:
        if self.folder.is_dir():
            return (one for one in self._walk(*suffixes) if not one.left_out)
        one = Lying(self.folder, self.folder.name, self.size or 0)
        return iter(() if suffixes else (one,))

    def _item(self, found: Lying) -> Item:
        where = found.id.encode(errors="replace").decode()
        if found.fault:
            return Item(where, RecordError(found.fault))
        more = dict(self.captions.of(found.id)) if self.captions else {}
        tags = [*Path(found.id).parts[:-1], *more.pop(TAGS, ())]
        told = {
            "title": in_words(found.path.stem),
            **more,
            DEFAULT_ID_FIELD: found.id,
            "path": found.id,
        }
        return picture_item(where, told | _unless_empty(TAGS, tags), found.path)


def picture_item(where: str, told: Record, path: Path) -> Item:
    """A picture's file as an item, or the reason why there is no record.

    Args:
        where: its place, for messages.
        told: what is said of it; what stands in it and beside it is added.
        path: the file.
    """
    try:
        data = file_bytes(path)
        with opened(data) as picture:
            about = facts(picture)
        captions = _texts((told.get(_CAPTION), beside(path), about.description))
    except RecordError as error:
        return Item(where, error, picture=Picture(path, "", told))
    record = {name: value for name, value in told.items() if name != _CAPTION}
    record |= about.fields() | _unless_empty(_CAPTION, captions)
    return Item(where, record, picture=Picture(path, xxh3_128_hexdigest(data), told))


def in_words(stem: str) -> str:
    """The name of a file as people would write it.

    >>> in_words("beach-sunset_2024.07")
    'beach sunset 2024 07'
    """
    return " ".join(re.split(r"[\W_]+", stem)).strip() or stem


def _texts(found: Sequence[Any]) -> list[Any]:
    """All captions of a picture, each once."""
    flat = [one for part in found for one in (part if isinstance(part, list) else [part])]
    return list(dict.fromkeys(one for one in flat if one not in (None, "")))


def _unless_empty(name: str, values: list[Any]) -> dict[str, Any]:
    if not values:
        return {}
    return {name: values[0] if len(values) == 1 and name == _CAPTION else values}
