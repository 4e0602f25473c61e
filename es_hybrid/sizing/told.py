"""A plan as a report: the same numbers that its JSON has."""

from __future__ import annotations

from collections.abc import Sequence

from es_hybrid.reports import Bars, Cell, Number, Point, Report, Table, size
from es_hybrid.sizing.sizes import GIB, LARGEST_SHARD, Plan, Size


def plan_report(found: Plan) -> Report:
    """What every vector index type needs."""
    held = [one for one in found.sizes if not one.refused]
    return Report(
        f"What {found.vectors:,} vectors of {found.dims} dimensions need",
        (
            ("documents", Number(found.docs)),
            ("vectors", Number(found.vectors)),
            ("dimensions", Number(found.dims)),
            ("copies of all data", Number(found.copies)),
        ),
        [_needs(found, held), _formulas(held)],
        [_figure(found, held)],
        [
            "only vectors are counted: texts, their index and the Java heap come on top",
            *(one.refused for one in found.sizes if one.refused),
        ],
    )


def _needs(found: Plan, held: Sequence[Size]) -> Table:
    columns = ["type", "memory", "disk", "shards", "compared by a search"]
    columns += ["machines"] if found.machine is not None else []
    columns += ["a month"] if found.prices is not None else []
    rows: list[Sequence[Cell]] = []
    for one in held:
        row: list[Cell] = [
            one.type,
            size(one.memory * found.copies),
            size(one.disk * found.copies),
            Number(found.shards_of(one)),
            Number(one.visits),
        ]
        row += [Number(found.machines(one))] if found.machine is not None else []
        row += [Number(found.cost(one), 2)] if found.prices is not None else []
        rows.append(row)
    notes = [
        "memory: what the file system should be able to cache, beside the Java heap; all copies",
        f"shards: of one copy, so that none has more than {size(LARGEST_SHARD)}"
        if found.shards is None
        else "shards: as you wish",
        "compared by a search: vectors, about, for 10 hits; flat types compare all",
    ]
    return Table("What each vector index type needs", columns, rows, notes)


def _formulas(held: Sequence[Size]) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            one.type,
            one.formula,
            size(one.compared or one.exact),
            size(one.graph),
            size(one.exact),
        ]
        for one in held
    ]
    return Table(
        "Where that comes from, for one copy",
        ["type", "bytes in memory", "compared vectors", "graph", "exact vectors"],
        rows,
        ["disk: exact vectors 4 × vectors × dims, what is compared instead of them, and the graph"],
    )


def _figure(found: Plan, held: Sequence[Size]) -> Bars:
    told = "; ".join(
        f"{one.type}: {size(one.memory * found.copies)} in memory, "
        f"{size(one.disk * found.copies)} on disk"
        for one in held
    )
    return Bars(
        "Memory and disk, all copies",
        told,
        [one.type.replace("_", "\n", 1) for one in held],
        {
            "memory": [Point(one.memory * found.copies / GIB) for one in held],
            "disk": [Point(one.disk * found.copies / GIB) for one in held],
        },
        "GiB",
    )
