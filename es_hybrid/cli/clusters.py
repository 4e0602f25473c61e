"""``es-hybrid clusters``: what an index is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Filter, Name
from es_hybrid.cli.output import say, stop
from es_hybrid.cli.patience import Patience, patiently
from es_hybrid.cli.reporting import Json, ReportFile, check_report, deliver
from es_hybrid.cli.write_back import DryRun, Forget, forget_field, writing
from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from es_hybrid.clusters import Found

_FAILED = 1
_KINDS = (".html", ".png")


@with_client
def clusters(
    client: Any,
    name: Name,
    clusters: Annotated[
        int | None, typer.Option(help="How many. Default: the number with the best silhouette.")
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            min=20, max=50_000, help="Documents that decide how many, and what on the map."
        ),
    ] = 5_000,
    filter: Filter = None,  # noqa: A002 - Elasticsearch's own word
    map: Annotated[  # noqa: A002 - what it is
        list[Path] | None,
        typer.Option(
            help="Draw a map: a page to point at, or a picture (.html, .png).", metavar="FILE"
        ),
    ] = None,
    write_back: Annotated[
        bool,
        typer.Option(
            "--write-back", help="Write number and label into the documents, and into new ones."
        ),
    ] = False,
    dry_run: DryRun = False,
    field: Annotated[str, typer.Option(help="The object that gets number and label.")] = "cluster",
    forget: Forget = False,
    patience: Patience = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Group documents by their vectors (k-means), and name each group by its words.

    With --write-back documents get cluster.id and cluster.label, and each that is indexed from
    then on as well: filter and count by cluster.label in Kibana, or with --filter and --facet
    cluster.label here.

    Example: es-hybrid clusters films --map films.html --map films.png
    """
    from es_hybrid.clusters import Options
    from es_hybrid.clusters import clusters as found_in
    from es_hybrid.clusters.told import clusters_report

    if forget:
        forget_field(client, name, field)
        return
    check_report(report)
    files = _checked_maps(map or [])
    with writing("clusters", name, wanted=write_back) as progress:
        found = found_in(
            client,
            name,
            Options(clusters=clusters, sample=sample, field=field),
            filter=filter,
            map_too=bool(files or report),
            write=write_back,
            dry_run=dry_run,
            progress=progress,
            **patiently(patience),
        )
    deliver(found, lambda: clusters_report(found), file=report, as_json=as_json)
    _draw(found, files)
    if not found.complete:
        stop(_FAILED)


def _checked_maps(files: list[Path]) -> list[Path]:
    for file in files:
        if file.suffix.lower() not in _KINDS:
            raise UsageError(f"--map {file}: name a file that ends in {' or '.join(_KINDS)}")
        check_report(file)
    return files


def _draw(found: Found, files: list[Path]) -> None:
    from es_hybrid.clusters.told import clusters_report, drawn

    for file in files:
        if file.suffix.lower() == ".png":
            picture = drawn(found)
            file.write_bytes(picture.png())
            if picture.unwritten:
                say(
                    f"no font of this machine has the letters of {picture.unwritten[0]!r}: labels "
                    "are numbers there; install one, such as Noto Sans CJK, or draw an .html"
                )
        else:
            from es_hybrid.reports import page

            file.write_text(page(clusters_report(found)), "utf-8")
        say(f"the map is in {file}")
