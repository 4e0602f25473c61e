"""Text files line by line, with the place of each line for messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from es_hybrid.errors import SourceError
from es_hybrid.sources import files


class Line(NamedTuple):
    """One line that is not blank, and what messages call it."""

    where: str
    text: str


def lines(path: Path, *, holding: str) -> Iterator[Line]:
    """The lines of a UTF-8 file, gzipped or not, without those that are blank.

    Args:
        path: the file; ``-`` is standard input.
        holding: what should be in it, for the message about an empty one.

    Raises:
        SourceError: it is missing, empty, a folder, not readable, or no UTF-8.
    """
    name = files.shown(str(path))
    files.size(str(path), holding=holding)
    number = 0
    try:
        with files.opened(str(path)) as raw:
            for number, data in enumerate(files.unzipped(raw), start=1):
                text = data.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield Line(f"{name} line {number}", text)
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} line {number} is not UTF-8 ({error}): convert it") from None
    except files.READ_FAULTS as error:
        raise SourceError(f"{name} line {number + 1}: {files.broken_off(error)}") from error
