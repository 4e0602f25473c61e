"""Where names stand on a map: near their groups, within the drawing, and not on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple
from unicodedata import east_asian_width

SIZE = 12  # pixels of a letter's height

_WIDE, _NARROW = 1.0, 0.7  # widths of letters in bold, of their height: Hangul and kanji, others
_LINE = 1.3  # from one line to the next, of the letters' height


class Label(NamedTuple):
    """A name, and the middle of it: pixels from the upper left."""

    name: str
    x: float
    y: float

    @property
    def half(self) -> float:
        """Half of its width in pixels, as well as can be told without a font."""
        wide = sum(east_asian_width(letter) in "WF" for letter in self.name)
        return SIZE / 2 * (_WIDE * wide + _NARROW * (len(self.name) - wide))

    def meets(self, other: Label) -> bool:
        """Whether both stand on each other."""
        near = abs(self.y - other.y) < SIZE * _LINE
        return near and abs(self.x - other.x) < self.half + other.half


def apart(wanted: Sequence[Label], *, wide: float, high: float) -> list[Label]:
    """The labels, moved as little as it takes; where there is no room, they stay.

    Args:
        wanted: those that come first are moved least.
        wide: pixels of the drawing.
        high: likewise.
    """
    placed: list[Label] = []
    for label in wanted:
        inside = label._replace(x=_between(label.x, label.half, wide - label.half))
        free = (one for one in _lines(inside, high) if not any(map(one.meets, placed)))
        placed.append(next(free, inside))
    return placed


def _lines(label: Label, high: float) -> Iterator[Label]:
    """The label itself, then a line below and above, then two, as far as the drawing goes."""
    for distance in count():
        places = {label.y + distance * SIZE * _LINE, label.y - distance * SIZE * _LINE}
        inside = [y for y in sorted(places, reverse=True) if SIZE / 2 <= y <= high - SIZE / 2]
        if distance and not inside:
            return
        yield from (label._replace(y=y) for y in inside)


def _between(value: float, low: float, high: float) -> float:
    """The nearest value in a range; the middle of one that is empty."""
    return (low + high) / 2 if low > high else min(max(value, low), high)
