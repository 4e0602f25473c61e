"""What a report consists of; a terminal and a page show the same parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from es_hybrid.reports.figures import Figure


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is, and as people read it.

    Attributes:
        value: the number; None where there is none.
        digits: behind the point.
        signed: whether a plus is written too.
        unit: written behind it, such as ``"ms"``.
        said: what people read instead, such as ``"3.9 GiB"``.
    """

    value: float | None
    digits: int = 0
    signed: bool = False
    unit: str = ""
    said: str = ""

    def __str__(self) -> str:
        """As people read it.

        >>> str(Number(0.0496, 3, signed=True)), str(Number(12345)), str(Number(None))
        ('+0.050', '12,345', '–')
        """
        if self.value is None:
            return "–"
        if self.said:
            return self.said
        sign = "+" if self.signed else ""
        text = f"{self.value:{sign},.{self.digits}f}"
        return f"{text} {self.unit}" if self.unit else text


def size(count: float) -> Number:
    """A number of bytes.

    >>> str(size(4_160_000_000)), str(size(900))
    ('3.87 GiB', '900 B')
    """
    scaled, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while scaled >= 1024 and len(units) > 1:
        scaled, units = scaled / 1024, units[1:]
    digits = 0 if units[0] == "B" or scaled >= 100 else 2
    return Number(count, said=f"{scaled:,.{digits}f} {units[0]}")


@dataclass(frozen=True, slots=True)
class Ranged:
    """A number and the interval around it; without one, the number alone.

    >>> str(Ranged(Number(0.35, 2), Number(0.301, 2), Number(0.4, 2)))
    '0.35 [0.30, 0.40]'
    """

    mean: Number
    low: Number
    high: Number

    @property
    def parts(self) -> Sequence[Number]:
        """What is known of the interval: both ends, or nothing."""
        return () if None in (self.low.value, self.high.value) else (self.low, self.high)

    def __str__(self) -> str:
        """As people read it."""
        ends = ", ".join(map(str, self.parts))
        return f"{self.mean} [{ends}]" if ends else str(self.mean)


def ranged(
    mean: float, low: float | None, high: float | None, *, digits: int = 3, signed: bool = False
) -> Ranged:
    """A number with its interval, all three written alike."""
    one, two, three = (Number(value, digits, signed) for value in (mean, low, high))
    return Ranged(one, two, three)


Cell = str | Number | Ranged


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading.

    Attributes:
        title: what it shows.
        columns: their names.
        rows: a cell for each column; the first one names the row.
        notes: how to read it, a sentence each.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers, which are set to the right."""
        return any(not isinstance(row[column], str) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture and what is said of it.

    Attributes:
        title: in a few words.
        text: what the picture shows.
        jpeg: the picture, a JPEG in base64.
    """

    title: str
    text: str
    jpeg: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Pictures side by side.

    Attributes:
        title: what they have in common.
        tiles: the pictures, in order.
    """

    title: str
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found.

    Attributes:
        title: in one line.
        facts: what it was measured on: name and value.
        tables: of which the first is the answer.
        figures: for the page alone; the tables have their numbers.
        notes: what a person should know before believing it.
        grids: pictures, for the page alone.
    """

    title: str
    facts: Sequence[tuple[str, Cell]] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = field(default=())
    grids: Sequence[Grid] = ()
