"""Reports: what a command found, as tables for a terminal and as one page with figures."""

from es_hybrid.reports.figures import Bars, Changes, Dot, Figure, Lines, Point, Scatter
from es_hybrid.reports.html import page
from es_hybrid.reports.parts import Cell, Grid, Number, Ranged, Report, Table, Tile, ranged, size

__all__ = [
    "Bars",
    "Cell",
    "Changes",
    "Dot",
    "Figure",
    "Grid",
    "Lines",
    "Number",
    "Point",
    "Ranged",
    "Report",
    "Scatter",
    "Table",
    "Tile",
    "page",
    "ranged",
    "size",
]
