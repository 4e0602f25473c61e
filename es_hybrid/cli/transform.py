"""``es-hybrid transform``: fit what an embedder's vectors pass from then on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Name
from es_hybrid.cli.output import print_json
from es_hybrid.cli.reporting import Json
from es_hybrid.texts import counted


@with_client
def transform(
    client: Any,
    name: Name,
    method: Annotated[
        str,
        typer.Option(
            help="centre, standardise, whiten, all-but-the-top, or pca (fewer dimensions).",
            show_default=False,
        ),
    ],
    components: Annotated[
        int | None,
        typer.Option(
            help="Directions that pca and whiten keep, or that all-but-the-top takes away."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Documents to fit on. Default: all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a transform on an index's vectors, for an embedder to use.

    It is kept in the index es_hybrid-models under its hash. An embedder named with that hash makes
    transformed vectors, of documents and of queries: rebuild the index with it, or index anew.
    Whether it helps, es-hybrid eval tells.

    Example: es-hybrid transform films --method centre
    """
    from es_hybrid.diagnosis.remedies import fit_transform

    kept = fit_transform(client, name, method, components=components, sample=sample)
    if as_json:
        print_json(kept.to_dict())
        return
    typer.echo(
        f"{kept.method} fitted on {counted(kept.fitted_on, 'vector')} of {name}: "
        f"{counted(kept.dims, 'dimension')}\n"
        f"use it: es-hybrid rebuild {name} --embedder '{kept.embedder}'"
    )
