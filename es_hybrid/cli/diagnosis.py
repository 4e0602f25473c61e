"""``es-hybrid diagnose``: whether the cosine of an index's vectors means anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Embedder, Name
from es_hybrid.cli.reporting import Json, ReportFile, check_report, deliver
from es_hybrid.errors import UsageError


@with_client
def diagnose(
    client: Any,
    name: Name,
    sample: Annotated[int, typer.Option(min=20, max=20_000, help="Documents to look at.")] = 5_000,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="Judged queries, to compare similarities: a BEIR folder, or a file of queries.",
            metavar="PATH",
        ),
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option(help="Which documents answer them.", metavar="FILE")
    ] = None,
    embedder: Embedder = None,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Look at an index's vectors: does their cosine mean anything?

    What normalising threw away, whether all lie in one cone, which documents are near to
    everything, twins, how many dimensions are really used, how much dot product or Euclidean
    distance would change; with judged queries, which is the best. Ends in advice.

    Example: es-hybrid diagnose films --report films.html
    """
    from es_hybrid.diagnosis import diagnose as diagnosed
    from es_hybrid.diagnosis.told import diagnosis_report

    check_report(report)
    found = diagnosed(client, name, sample=sample, embedder=embedder, **_judgements(queries, qrels))
    deliver(found, lambda: diagnosis_report(found), file=report, as_json=as_json)


def _judgements(queries: Path | None, qrels: Path | None) -> dict[str, Any]:
    if queries is None:
        if qrels is not None:
            raise UsageError("--qrels says what answers the queries: give them with --queries")
        return {}
    from es_hybrid.evaluation import read_collection

    collection = read_collection(queries, qrels)
    return {"queries": collection.queries, "qrels": collection.qrels}
