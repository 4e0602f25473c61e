"""Pictures with captions, from JSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from es_hybrid.errors import SourceError


class Captioned(NamedTuple):
    """A picture's file and what people wrote about it, one caption or more."""

    file: Path
    captions: tuple[str, ...]


def read_captions(file: Path, folder: Path) -> list[Captioned]:
    """The pictures of a folder that have captions, by name.

    Args:
        file: JSON, an object of file name -> caption or list of captions; or CSV, the file name
            in the first column and a caption in the second, below a line of headings.
        folder: where the pictures are.

    Raises:
        SourceError: the file cannot be read so, or none of its pictures is in the folder.
    """
    try:
        text = file.read_text("utf-8-sig")
        pairs = _csv(text) if file.suffix.lower() == ".csv" else _json(text)
        found: dict[str, list[str]] = {}
        for name, caption in pairs:
            found.setdefault(name, []).append(caption)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"captions {str(file)!r} cannot be read ({error}): write JSON, file name -> captions, "
            "or CSV with file name and caption"
        ) from None
    known = [Captioned(folder / name, tuple(found[name])) for name in sorted(found)]
    there = [one for one in known if one.file.is_file()]
    if not there:
        raise SourceError(
            f"none of the {len(known):,} pictures of {str(file)!r} is in {str(folder)!r}: name "
            "their folder (--images)"
        )
    return there


def _json(text: str) -> Iterator[tuple[str, str]]:
    for name, captions in json.loads(text).items():
        for caption in [captions] if isinstance(captions, str) else captions:
            yield name, _said(caption)


def _csv(text: str) -> Iterator[tuple[str, str]]:
    rows = csv.reader(text.splitlines())
    next(rows, None)
    for row in rows:
        if row:
            yield row[0], _said(row[1] if len(row) > 1 else "")


def _said(caption: Any) -> str:
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"{caption!r} is no caption")
    return caption.strip()
