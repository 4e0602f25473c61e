"""``es-hybrid embedders``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from es_hybrid.cli.output import print_json, table

if TYPE_CHECKING:
    from es_hybrid.embedders.catalogue import Entry


def embedders(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List what can embed texts here, and how to install what is missing.

    What is listed with its dimensions comes with its weights. The options of each stand behind a
    question mark: es-hybrid index films films.jsonl --embedder "hf:NAME?pooling=cls".
    """
    from es_hybrid.embedders.catalogue import catalogue

    found = catalogue()
    if as_json:
        print_json([entry.to_dict() for entry in found])
        return
    table(["embedder", "here", "dims#", "MB#", "languages", "options"], list(map(_row, found)))


def _row(entry: Entry) -> list[str]:
    here = f"ok ({entry.package})" if entry.package else "ok"
    return [
        entry.spec,
        here if entry.installed else entry.install,
        str(entry.dims or ""),
        str(entry.size or ""),
        entry.languages,
        ", ".join(entry.options),
    ]
