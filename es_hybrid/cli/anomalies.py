"""``es-hybrid anomalies``: documents unlike the others, and windows unlike what was before."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.output import Interrupted, say, stop
from es_hybrid.cli.patience import Patience, patiently
from es_hybrid.cli.reporting import Json, ReportFile, check_report, deliver

_FAILED = 1

Name = Annotated[str, typer.Argument(help="An index, or an alias of one.", metavar="NAME")]
Filter = Annotated[
    list[str] | None,
    typer.Option(help="field=value, or a clause as JSON; several must all hold."),
]
Forget = Annotated[
    bool, typer.Option("--forget", help="New documents are left alone from now on; nothing else.")
]


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
        typer.Option(help="Of neighbours: which one counts. Default: more than are expected odd."),
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --write-back: check all, write nothing.")
    ] = False,
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

    With --write-back documents get anomaly.score and anomaly.flag, and each that is indexed from
    then on as well: filter by anomaly.flag in Kibana, or with --filter anomaly.flag=true here.

    Example: es-hybrid anomalies films --method recent --time-field released --window 4w
    """
    from es_hybrid.anomalies import Options
    from es_hybrid.anomalies import anomalies as found_in
    from es_hybrid.anomalies.told import anomalies_report
    from es_hybrid.cli.progress import progress_bar
    from es_hybrid.existing.rights import needed
    from es_hybrid.fitted import MODELS_INDEX
    from es_hybrid.write_back import detach

    if forget:
        detach(client, name, field)
        say(f"new documents of {name} get no {field} any more; what was written stays")
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
    job, on = (
        ("anomalies --write-back", (name, MODELS_INDEX)) if write_back else ("anomalies", (name,))
    )
    shown = write_back and sys.stderr.isatty()
    with needed(job, *on), progress_bar("writing", shown=shown) as bar:
        try:
            found = found_in(
                client,
                name,
                options,
                filter=filter,
                write=write_back,
                dry_run=dry_run,
                progress=bar.update,
                **patiently(patience),
            )
        except KeyboardInterrupt:
            raise interrupted(bar.last.done if bar.last else 0) from None
    deliver(found, lambda: anomalies_report(found), file=report, as_json=as_json)
    if not found.complete:
        stop(_FAILED)


def interrupted(done: int) -> Interrupted:
    """What the person should know at Ctrl-C."""
    return Interrupted(
        f"interrupted after {done:,} documents were written to: run the same command again"
        if done
        else "interrupted: nothing was written to any document"
    )
