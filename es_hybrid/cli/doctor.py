"""``es-hybrid doctor``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_settings
from es_hybrid.cli.output import print_json, stop, table

_MARK = {True: "ok", False: "NO", None: "?"}


@with_settings
def doctor(
    settings: Any,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show which cluster is used and why, what it can do, and what is missing here.

    Secrets are masked. Exits with 1 if something needs mending.
    """
    from es_hybrid.doctor import examine

    diagnosis = examine(settings)
    if as_json:
        print_json(diagnosis.to_dict())
    else:
        rows = [[_MARK[c.ok], c.name, c.value, c.advice or ""] for c in diagnosis.checks]
        table(["", "what", "found", "advice"], rows)
    if any(check.ok is False for check in diagnosis.checks):
        stop(1)
