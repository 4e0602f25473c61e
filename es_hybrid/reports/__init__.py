"""Reports: what a command found, as tables for a terminal and as one page with figures."""

from es_hybrid.reports.figures import Bars, Changes, Dot, Figure, Lines, Point, Scatter
from es_hybrid.reports.html import page
from es_hybrid.reports.parts import Cell, Number, Ranged, Report, Table, ranged, size

__all__ = [
    "Bars",
    "Cell",
    "Changes",
    "Dot",
    "Figure",
    "Lines",
    "Number",
    "Point",
    "Ranged",
    "Report",
    "Scatter",
    "Table",
    "page",
    "ranged",
    "size",
]
