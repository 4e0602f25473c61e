"""``es-hybrid dead-letters``: what could not be indexed, and another try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import AsJson
from es_hybrid.cli.help import Command, Group
from es_hybrid.cli.index_options import IndexOptions, names, pairs, read_settings
from es_hybrid.cli.output import print_json, printable, say, stop, styled
from es_hybrid.cli.patience import Patience, patiently
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.indexing.letters import Kind
    from es_hybrid.indexing.replay import Replayed

_FAILED = 1

dead_letters = typer.Typer(
    name="dead-letters",
    cls=Group,
    help="Show what could not be indexed, and try it again.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

_File = Annotated[
    Path,
    typer.Argument(help="Such as films.dead-letters.ndjson.", metavar="FILE", show_default=False),
]


@dead_letters.command(cls=Command, rich_help_panel="Commands")
def show(
    file: _File,
    as_json: AsJson = False,
) -> None:
    """Show the errors in a file of dead letters, the most frequent first, with examples.

    Each line of the file is a JSON object: the record, the type of the error, the reason, the
    attempts, the time, where the record was read, and where its picture lies if it has one.

    Example: es-hybrid dead-letters show films.dead-letters.ndjson
    """
    from dataclasses import asdict

    from es_hybrid.indexing.letters import kinds, read_letters

    found = kinds(read_letters(file))
    if as_json:
        count = sum(kind.count for kind in found)
        print_json({"letters": count, "errors": [asdict(kind) for kind in found]})
        return
    for kind in found:
        _print(kind)
    count, ready = sum(kind.count for kind in found), sum(kind.replayable for kind in found)
    typer.echo(f"{counted(count, 'dead letter')}, {ready:,} with a record")
    if ready:
        typer.echo(f"once the cause is mended: es-hybrid dead-letters replay NAME {file}")
    if ready < count:
        typer.echo(_without(count - ready, file))


def _without(count: int, file: Path) -> str:
    """What to do about what could not be read at all: nothing of it could be written again."""
    return f"of {count:,} there is no record: mend the source, index it again, then delete {file}"


def _print(kind: Kind) -> None:
    typer.echo(f"{kind.count:,} {styled(printable(kind.error), bold=True)}")
    for one in kind.examples:
        typer.echo(f"  {printable(str(one['where']))}: {printable(str(one['reason']))}")


@dead_letters.command(cls=Command, rich_help_panel="Commands")
@with_client
def replay(
    client: Any,
    name: Annotated[
        str, typer.Argument(help="The alias to write through, such as films.", metavar="NAME")
    ],
    file: _File,
    embedder: Annotated[
        str | None, typer.Option(help="As for es-hybrid index. Default: that of the index.")
    ] = None,
    text_fields: Annotated[str | None, typer.Option(help="As for es-hybrid index.")] = None,
    id_field: Annotated[str | None, typer.Option(help="As for es-hybrid index.")] = None,
    vector_field: Annotated[str | None, typer.Option(help="As for es-hybrid index.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="As for es-hybrid index.")] = None,
    map: Annotated[  # noqa: A002 - what it does
        list[str] | None, typer.Option(help="As for es-hybrid index.")
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", help="TOML file with these options, as for es-hybrid index."),
    ] = None,
    allow_urls: Annotated[
        bool, typer.Option("--allow-urls", help="As for es-hybrid index.")
    ] = False,
    patience: Patience = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Index the records of a file of dead letters again.

    Mend the cause first: the mapping, the model, the options, the records in the file itself, or
    the pictures that they are of, which are read again.
    Those that succeed leave the file; the others stay, with their new reason. A letter whose
    document was written later is out of date, and leaves it as well.

    Example: es-hybrid dead-letters replay films films.dead-letters.ndjson
    """
    from es_hybrid.indexing.replay import replay as replayed
    from es_hybrid.indexing.state import state_folder

    said = IndexOptions(
        embedder=embedder,
        text_fields=None if text_fields is None else names(text_fields),
        id_field=id_field,
        vector_field=vector_field,
        fields=pairs("--field", field, mark=":", like="year:number"),
        map=pairs("--map", map, mark="=", like="title=headline"),
    )
    options = said.over(read_settings(settings_file)) if settings_file else said
    done = replayed(
        client,
        name,
        file,
        state=state_folder(),
        allow_urls=allow_urls,
        embedder=options.embedder,
        text_fields=options.text_fields,
        id_field=options.id_field,
        vector_field=options.vector_field,
        fields=options.fields,
        columns=options.map,
        **patiently(patience),
    )
    print_json(done.to_dict()) if as_json else _tell(done, file)
    if done.left:
        left = counted(done.left, "dead letter is", "dead letters are")
        say(f"{left} left: es-hybrid dead-letters show {file}")
        stop(_FAILED)


def _tell(done: Replayed, file: Path) -> None:
    typer.echo(
        f"{counted(done.letters, 'letter')} = {done.indexed:,} indexed + "
        f"{done.unchanged:,} unchanged + {done.overtaken:,} overtaken + "
        f"{done.failed:,} failed again + {done.kept:,} without a record"
    )
    if done.kept:
        typer.echo(_without(done.kept, file))
