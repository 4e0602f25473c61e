"""One page with everything in it: no script, no file beside it, nothing from a network.

Jinja2 (extra: ``report``) escapes what comes from documents and queries.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files

from es_hybrid.optional import library
from es_hybrid.reports.parts import Number, Ranged, Report


def page(report: Report, *, made: datetime | None = None) -> str:
    """The report as HTML; each number carries its full value in ``<data value=…>``.

    Args:
        report: what is shown.
        made: when it was measured; None is now.

    Raises:
        EsHybridError: Jinja2 or Matplotlib is not installed.
    """
    jinja2 = library("jinja2", extra="report", needs="a report needs")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["numeric"] = lambda cell: isinstance(cell, Number | Ranged)
    environment.tests["ranged"] = lambda cell: isinstance(cell, Ranged)
    template = (files("es_hybrid.reports") / "page.html.jinja").read_text("utf-8")
    when = (made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    html: str = environment.from_string(template).render(
        report=report,
        drawings=[
            (figure, _own_ids(figure.svg(), f"figure-{number}-"))
            for number, figure in enumerate(report.figures, start=1)
        ],
        made=when,
        version=version("es_hybrid"),
    )
    return html


def _own_ids(svg: str, prefix: str) -> str:
    """The drawing with names that no other drawing of the page has.

    >>> _own_ids('<g id="a"/><use href="#a" fill="url(#a)"/>', "1-")
    '<g id="1-a"/><use href="#1-a" fill="url(#1-a)"/>'
    """
    return re.sub(r'(\bid="|href="#|url\(#)', lambda start: start[0] + prefix, svg)
