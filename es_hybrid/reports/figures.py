"""Figures by Matplotlib (extra: ``report``), drawn as SVG that takes its colours from the page.

Matplotlib writes each colour as it was given. Those of `_INKS` stand for roles, and become
variables of the page's style sheet, which knows whether it is light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO
from statistics import median
from typing import Any, NamedTuple, Protocol

from es_hybrid.optional import library
from es_hybrid.reports.fonts import families, writable
from es_hybrid.reports.labels import SIZE, Label, apart

_TEXT, _FAINT = "#010203", "#010204"
_SERIES = tuple(f"#0102{number:02x}" for number in range(0x10, 0x18))
_INKS = {_TEXT: "var(--text)", _FAINT: "var(--faint)"} | {
    ink: f"var(--series-{number})" for number, ink in enumerate(_SERIES)
}

_WIDTH = 7.5  # inches; a page scales it
_PLANE, _MARGIN = (820, 560), 24  # pixels
_POINTED_AT = "<style>circle:hover{fill-opacity:1;stroke:var(--text);stroke-width:2}</style>"
_PRINTED = (  # on white
    *("#b35900", "#2a6fbb", "#2c8a57", "#8a4fbf"),
    *("#b03a5b", "#6d6a1c", "#0f7d86", "#6b7280"),
)
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a dollar sign in a name is one
    "svg.fonttype": "none",  # text stays text: it can be read aloud, found and copied
    "svg.hashsalt": "es_hybrid",  # the same numbers give the same file
    "font.size": 9,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "grid.color": _FAINT,
    "grid.linewidth": 0.4,
}


class Point(NamedTuple):
    """A value, and the interval around it where one is known."""

    value: float
    low: float | None = None
    high: float | None = None


class Figure(Protocol):
    """Something that can be drawn."""

    @property
    def title(self) -> str:
        """What it shows."""
        ...

    @property
    def told(self) -> str:
        """The same in words, for people who do not see it."""
        ...

    def svg(self) -> str:
        """The drawing, as an ``<svg>`` element."""
        ...


@dataclass(frozen=True, slots=True)
class Bars:
    """Groups of bars with intervals.

    Attributes:
        title: what it shows.
        told: the same in words.
        groups: below each group of bars.
        series: name -> a point for each group.
        unit: of the axis.
    """

    title: str
    told: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[Point]]
    unit: str = ""

    def svg(self) -> str:
        """The drawing."""
        width = 0.8 / max(len(self.series), 1)
        with _drawn(height=3.0) as (axes, out):
            for number, (name, points) in enumerate(self.series.items()):
                places = [group + width * number for group in range(len(points))]
                bars = axes.bar(places, [p.value for p in points], width * 0.9, label=name)
                for bar in bars:
                    bar.set_color(_series(number))
                for place, point in zip(places, points, strict=True):
                    if point.low is not None and point.high is not None:
                        axes.plot([place, place], [point.low, point.high], color=_TEXT, lw=1)
            middle = width * (len(self.series) - 1) / 2
            axes.set_xticks([group + middle for group in range(len(self.groups))], self.groups)
            axes.set_ylabel(self.unit)
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            _legend(axes, many=len(self.series) > 1)
        return _inked(out)


@dataclass(frozen=True, slots=True)
class Lines:
    """Values along an axis.

    Attributes:
        title: what it shows.
        told: the same in words.
        along: what the axis counts.
        places: on it.
        series: name -> a value for each place; None leaves a gap.
        unit: of the values.
        mark: a value that is to be reached, drawn across.
        log: whether the axis is logarithmic.
    """

    title: str
    told: str
    along: str
    places: Sequence[float]
    series: Mapping[str, Sequence[float | None]]
    unit: str = ""
    mark: float | None = None
    log: bool = False

    def svg(self) -> str:
        """The drawing."""
        with _drawn(height=3.2) as (axes, out):
            for number, (name, values) in enumerate(self.series.items()):
                shown = [float("nan") if value is None else value for value in values]
                axes.plot(self.places, shown, "o-", ms=3, color=_series(number), label=name)
            if self.mark is not None:
                axes.axhline(self.mark, color=_TEXT, lw=0.8, ls="--")
            if self.log:
                axes.set_xscale("log")
                axes.set_xticks(self.places, [f"{place:g}" for place in self.places])
                axes.minorticks_off()
            axes.set_xlabel(self.along)
            axes.set_ylabel(self.unit)
            axes.grid()
            _legend(axes, many=len(self.series) > 1)
        return _inked(out)


@dataclass(frozen=True, slots=True)
class Changes:
    """One bar for each query, from the one that lost most to the one that won most.

    Attributes:
        title: what it shows.
        told: the same in words.
        values: of the queries, in any order.
        unit: of the values.
    """

    title: str
    told: str
    values: Sequence[float]
    unit: str = ""

    def svg(self) -> str:
        """The drawing."""
        values = sorted(self.values)
        with _drawn(height=2.4) as (axes, out):
            places = range(len(values))
            for number, sign in enumerate((-1, 1)):
                part = [value if value * sign > 0 else 0.0 for value in values]
                axes.fill_between(places, part, step="mid", color=_series(number), lw=0)
            axes.axhline(0, color=_FAINT, lw=0.8)
            axes.set_xlabel(f"{len(values):,} queries, sorted")
            axes.set_ylabel(self.unit)
            axes.grid(axis="y")
            axes.set_axisbelow(True)
        return _inked(out)


class Dot(NamedTuple):
    """A point of a `Scatter`: where it is, which group it belongs to, and what it tells."""

    x: float
    y: float
    group: int
    told: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """Points on a plane, each of which tells what it is when somebody points at it.

    Attributes:
        title: what it shows.
        told: the same in words.
        dots: in any order; of their places only nearness counts, so that no axis is drawn.
        groups: their names.
    """

    title: str
    told: str
    dots: Sequence[Dot]
    groups: Sequence[str]

    def svg(self) -> str:
        """The drawing, with a ``<title>`` for each point, which browsers show without a script."""
        wide, high = _PLANE
        parts = [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_ink(dot.group)}" '
            f'fill-opacity="0.65"><title>{_escaped(dot.told)}</title></circle>'
            for dot, (x, y) in zip(self.dots, self._places(), strict=True)
        ]
        # Names let the pointer through to the points below them.
        names = [
            f'<text x="{one.x:.1f}" y="{one.y:.1f}" text-anchor="middle" '
            f'dominant-baseline="central" pointer-events="none" fill="var(--text)" '
            f'stroke="var(--page)" stroke-width="3" paint-order="stroke" font-size="{SIZE}" '
            f'font-weight="600">{_escaped(one.name)}</text>'
            for one in self._names(self.groups)
        ]
        inside = "".join([_POINTED_AT, *parts, *names])
        return f'<svg width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">{inside}</svg>'

    @property
    def unwritten(self) -> Sequence[str]:
        """Names that no font of this machine can write: a picture has numbers instead."""
        return [name for name in self.groups if not writable(name)]

    def png(self) -> bytes:
        """The same as a picture on white.

        A name that no font of this machine can write is shown as the number of its group.

        Raises:
            EsHybridError: Matplotlib is not installed.
        """
        wide, high = _PLANE
        canvas = _canvas("agg", "a picture of a map needs", figsize=(wide / 72, high / 72), dpi=144)
        axes = canvas.figure.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(high, 0))
        axes.set_axis_off()
        colours = [_PRINTED[dot.group % len(_PRINTED)] for dot in self.dots]
        if self.dots:
            across, down = zip(*self._places(), strict=True)
            axes.scatter(across, down, s=14, c=colours, alpha=0.65, lw=0)
        shown = [name if writable(name) else str(place) for place, name in enumerate(self.groups)]
        style: dict[str, Any] = {"ha": "center", "va": "center", "family": list(families())}
        for one in self._names(shown):
            text = axes.text(one.x, one.y, one.name, parse_math=False, size=SIZE, **style)
            text.set_path_effects(_halo())
        file = BytesIO()
        canvas.figure.savefig(file, format="png")
        return file.getvalue()

    def _places(self) -> list[tuple[float, float]]:
        """Of each point, from the upper left, within a margin."""
        columns = [_spread([dot.x for dot in self.dots]), _spread([-dot.y for dot in self.dots])]
        wide, high = (length - 2 * _MARGIN for length in _PLANE)
        return [(_MARGIN + wide * x, _MARGIN + high * y) for x, y in zip(*columns, strict=True)]

    def _names(self, names: Sequence[str]) -> list[Label]:
        """Each name near the middle of its group."""
        wide, high = _PLANE
        return apart(list(self._middles(names)), wide=wide, high=high)

    def _middles(self, names: Sequence[str]) -> Iterator[Label]:
        places = self._places()
        for number, name in enumerate(names):
            mine = [at for dot, at in zip(self.dots, places, strict=True) if dot.group == number]
            if mine:
                yield Label(name, median(x for x, _ in mine), median(y for _, y in mine))


def _spread(values: Sequence[float]) -> list[float]:
    """From 0 to 1."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / ((high - low) or 1) for value in values]


def _halo() -> list[Any]:
    """White around letters, so that they can be read on points."""
    effects = library("matplotlib.patheffects", extra="report", needs="a picture of a map needs")
    return [effects.withStroke(linewidth=3, foreground="white")]


def _escaped(text: str) -> str:
    """As text of an element; names of other elements in there are no names."""
    return escape(text).replace("#", "&#35;")


def _ink(number: int) -> str:
    return _INKS[_series(number)]


def _series(number: int) -> str:
    return _SERIES[number % len(_SERIES)]


def _legend(axes: Any, *, many: bool) -> None:
    if many:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


@contextmanager
def _drawn(*, height: float) -> Iterator[tuple[Any, StringIO]]:
    """Axes to draw on; what was drawn is in the file afterwards."""
    needs = "a report with figures needs"
    matplotlib = library("matplotlib", extra="report", needs=needs)
    out = StringIO()
    with matplotlib.rc_context(_STYLE):
        canvas = _canvas("svg", needs, figsize=(_WIDTH, height), layout="constrained")
        yield canvas.figure.add_subplot(), out
        canvas.figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})


def _canvas(kind: str, needs: str, **shape: Any) -> Any:
    """Matplotlib's canvas of this kind, with a figure to draw on; no window, no global state."""
    backend = library(f"matplotlib.backends.backend_{kind}", extra="report", needs=needs)
    figure = library("matplotlib.figure", extra="report", needs=needs)
    return backend.FigureCanvas(figure.Figure(**shape))


def _inked(out: StringIO) -> str:
    """The ``<svg>`` element alone, in the page's colours."""
    drawing = out.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    return re.sub("#0102[0-9a-f]{2}", lambda ink: _INKS.get(ink[0], ink[0]), drawing)
