"""``es-hybrid anomalies``: documents unlike the others, and windows unlike what was before."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Filter, Name
from es_hybrid.cli.output import stop
from es_hybrid.cli.patience import Patience, patiently
from es_hybrid.cli.reporting import Json, ReportFile, check_report, deliver
from es_hybrid.cli.write_back import DryRun, Forget, forget_field, writing

_FAILED = 1


@with_client
def anomalies(
    client: Any,
    name: Name,
    method: Annotated[
        str, typer.Option(help="neighbours, mean, clusters or recent; see above.")
    ] = "neighbours",
    contamination: Annotated[
        float, typer.Option(help="Share of odd documents that is expected; so many are flagged.")
    ] = 0.01,
    k: Annotated[
        int | None,
        typer.Option(
            help="Of neighbours: which counts. Default: beyond a tenth of all, up to 1,000."
        ),
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="Of clusters: how many. Default: by silhouette.")
    ] = None,
    time_field: Annotated[
        str | None, typer.Option(help="Of recent: the date of a document.", metavar="FIELD")
    ] = None,
    window: Annotated[
        str, typer.Option(help="Of recent: how long, up to the newest date: 36h, 7d, 4w.")
    ] = "7d",
    filter: Filter = None,  # noqa: A002 - Elasticsearch's own word
    write_back: Annotated[
        bool,
        typer.Option(
            "--write-back", help="Write score and flag into the documents, and into new ones."
        ),
    ] = False,
    dry_run: DryRun = False,
    field: Annotated[str, typer.Option(help="The object that gets score and flag.")] = "anomaly",
    forget: Forget = False,
    patience: Patience = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Find documents that are unlike the others, by their vectors.

    neighbours: how far the k-th nearest other document is. mean: how far the mean of all is.
    clusters: how far the nearest cluster centre is. recent: how far the mean of what was before
    the newest window of time is, and whether the window as a whole differs (permutation test).
    With --filter all this is among the documents that match alone.

    With --write-back documents get anomaly.score and anomaly.flag, and each that is indexed from
    then on as well: filter by anomaly.flag in Kibana, or with --filter anomaly.flag=true here.

    Example: es-hybrid anomalies films --method recent --time-field released --window 4w
    """
    from es_hybrid.anomalies import Options
    from es_hybrid.anomalies import anomalies as found_in
    from es_hybrid.anomalies.told import anomalies_report

    if forget:
        forget_field(client, name, field)
        return
    check_report(report)
    options = Options(
        method=method,
        contamination=contamination,
        k=k,
        clusters=clusters,
        time_field=time_field,
        window=window,
        field=field,
    )
    with writing("anomalies", name, wanted=write_back) as progress:
        found = found_in(
            client,
            name,
            options,
            filter=filter,
            write=write_back,
            dry_run=dry_run,
            progress=progress,
            **patiently(patience),
        )
    deliver(found, lambda: anomalies_report(found), file=report, as_json=as_json)
    if not found.complete:
        stop(_FAILED)
