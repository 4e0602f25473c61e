"""``es-hybrid classify``: labels for the documents of an index."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import Embedder, Filter, Name
from es_hybrid.cli.output import interruptible, print_json, printable, say, stop, table
from es_hybrid.cli.patience import Patience, patiently
from es_hybrid.cli.reporting import Json, listed
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.labelling import Classified

_FAILED = 1


@with_client
def classify(
    client: Any,
    name: Name,
    labels: Annotated[
        str | None,
        typer.Option(help="Names that the model reads, such as snow,road,sea.", metavar="A,B,…"),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(
            help="What a name is put into; several may be given. Default: 'a photo of {}' for "
            "pictures, the bare name for texts.",
        ),
    ] = None,
    examples: Annotated[
        str | None,
        typer.Option(
            help="Instead of --labels: the field with the label of documents that have one.",
            metavar="FIELD",
        ),
    ] = None,
    k: Annotated[int, typer.Option(help="Of --examples: how many of the nearest vote.")] = 10,
    field: Annotated[str, typer.Option(help="The object that gets name and score.")] = "label",
    filter: Filter = None,  # noqa: A002 - Elasticsearch's own word
    embedder: Embedder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide, show, and write nothing.")
    ] = False,
    patience: Patience = None,
    as_json: Json = False,
) -> None:
    """Give every document a label, with a score, by its vector.

    With --labels the nearest name wins (zero-shot: the model has to read texts). With --examples
    the nearest documents that have a label vote, and keep theirs. Documents get label.name and
    label.score; what is indexed later gets them when this is run again.

    Example: es-hybrid classify photos --labels snow,road,sea --template "a photo of a {}"
    """
    from es_hybrid.cli.progress import progress_bar
    from es_hybrid.labelling import Options
    from es_hybrid.labelling import classify as classified

    options = Options(
        labels=tuple(listed("--labels", labels)) if labels else (),
        examples=examples,
        templates=tuple(template) if template else None,
        k=k,
        field=field,
    )
    with (
        progress_bar("classifying", shown=not dry_run and sys.stderr.isatty()) as bar,
        interruptible(
            lambda: f"interrupted after {counted(bar.done, 'document')}: run the same command again"
        ),
    ):
        found = classified(
            client,
            name,
            options,
            embedder=embedder,
            filter=filter,
            dry_run=dry_run,
            progress=bar.update,
            **patiently(patience),
        )
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    if not found.complete:
        stop(_FAILED)


def _print(found: Classified) -> None:
    rows = [[one.label, f"{one.documents:,}", f"{one.score:.2f}"] for one in found.counted]
    table(["label", "documents#", "mean score#"], rows)
    if found.agreement is not None:
        typer.echo(
            f"{counted(found.examples, 'example')}: the others give {found.agreement:.0%} of them "
            "the label that they have"
        )
    written = found.written
    if written is None:
        typer.echo("nothing was written: leave --dry-run out")
        return
    typer.echo(
        f"{written.read:,} read = {written.written:,} written + {written.unchanged:,} unchanged + "
        f"{written.gone:,} gone + {written.refused:,} refused"
    )
    for problem in written.problems:
        say(printable(f"refused: {problem.where}: {problem.reason}"))
    if found.counted:
        typer.echo(
            f'find them: es-hybrid search {found.name} "some words" --mode bm25 '
            f"--filter {found.field}.name={found.counted[0].label}"
        )
