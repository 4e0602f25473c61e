"""Captions of pictures: from a table, a JSON file, or a text file beside each picture.

A table has a column that names the picture and one with its caption; a picture may stand in
several rows. In JSON each picture leads to its caption, to a list of them, or to an object of
fields. Other columns and fields become fields of the picture's document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from es_hybrid.errors import RecordError, SourceError
from es_hybrid.sources.delimited import Delimited

# What the columns are called, the more usual name first.
_PICTURE = ("image", "picture", "path", "file", "filename", "file_name", "image_name", "_id")
_CAPTION = ("caption", "captions", "text", "description", "comment")
TAGS = "tags"

_Told = dict[str, Any]


class Captions:
    """What is told of pictures, by their paths below the folder, or by their names alone.

    Args:
        path: a CSV or TSV file, or JSON.

    Raises:
        SourceError: it is missing, cannot be read, or tells nothing of pictures.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        found = _of_json(self.path) if _is_json(self.path) else _of_table(self.path)
        self._told: dict[str, _Told] = {}
        for name, fields in found:
            _merge(self._told.setdefault(_normal(name), {}), fields)
        if not self._told:
            raise SourceError(f"{str(path)!r} tells nothing of any picture: leave --captions out")

    def of(self, identifier: str) -> Mapping[str, Any]:
        """Fields of the picture with this path below the folder; empty where nothing is told."""
        for name in (identifier, PurePosixPath(identifier).name):
            if name in self._told:
                return self._told[name]
        return {}

    def without_picture(self, identifiers: Iterable[str]) -> int:
        """How many of the pictures that are told of are none of these."""
        there = set()
        for one in identifiers:
            there |= {one, PurePosixPath(one).name}
        return len(self._told.keys() - there)


def beside(picture: Path) -> str:
    """The text of ``photo.txt`` or ``photo.jpg.txt`` beside ``photo.jpg``; "" without one.

    Raises:
        RecordError: it is no text in UTF-8.
    """
    for file in (picture.with_name(picture.name + ".txt"), picture.with_suffix(".txt")):
        try:
            return " ".join(file.read_text(encoding="utf-8-sig").split())
        except FileNotFoundError:
            continue
        except (OSError, UnicodeError) as error:
            raise RecordError(f"its caption {file.name!r} cannot be read: {error}") from None
    return ""


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as opened:
            return opened.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))
    except OSError as error:
        raise SourceError(f"cannot read {str(path)!r}: {error.strerror}") from None


def _of_json(path: Path) -> Iterator[tuple[str, _Told]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise SourceError(f"{str(path)!r} is no JSON of captions: {error}") from None
    if not isinstance(found, dict):
        raise SourceError(
            f'{str(path)!r} holds a list: give an object, as {{"sea.jpg": "waves at noon"}}'
        )
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield name, _named(value)
        else:
            yield name, {"caption": value}


def _of_table(path: Path) -> Iterator[tuple[str, _Told]]:
    for item in Delimited(path):
        if isinstance(item.record, RecordError):
            raise SourceError(f"{item.where}: {item.record}")
        picture = next((name for name in _PICTURE if name in item.record), None)
        if picture is None:
            raise SourceError(
                f"{str(path)!r} has the columns {', '.join(item.record)}, and none that names a "
                f"picture: call it {_PICTURE[0]!r}, beside {_CAPTION[0]!r}"
            )
        rest = {name: value for name, value in item.record.items() if name != picture}
        if name := str(item.record[picture] or "").strip():
            yield name, _named(rest)


def _named(fields: Mapping[str, Any]) -> _Told:
    """With the caption under its usual name, and tags as a list."""
    told = {name: value for name, value in fields.items() if value not in (None, "")}
    caption = next((name for name in _CAPTION if name in told), None)
    if caption is not None:
        told["caption"] = told.pop(caption)
    if isinstance(tags := told.get(TAGS), str):
        told[TAGS] = [tag.strip() for tag in tags.replace(";", ",").split(",") if tag.strip()]
    return told


def _merge(told: _Told, more: Mapping[str, Any]) -> None:
    """Add another row of the same picture: what differs becomes a list."""
    for name, value in more.items():
        had = _listed(told.get(name))
        new = [one for one in _listed(value) if one not in had]
        both = [*had, *new]
        told[name] = both[0] if len(both) == 1 and not isinstance(value, list) else both


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _normal(name: str) -> str:
    """With ``/`` between folders, and without ``./`` before them."""
    return PurePosixPath(name.replace("\\", "/")).as_posix()
