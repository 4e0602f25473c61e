"""``es-hybrid keys``: API keys with the least privileges."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import AsJson
from es_hybrid.cli.help import Command, Group
from es_hybrid.cli.output import print_json

keys = typer.Typer(
    name="keys",
    cls=Group,
    help="Make, list and revoke API keys with the least privileges.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@keys.command(cls=Command, rich_help_panel="Commands")
@with_client
def create(
    client: Any,
    role: Annotated[
        str,
        typer.Argument(
            help="setup, writer, reader or pruner; several with + in between.", metavar="ROLE"
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            help="The index, or the alias before it; several with commas.", metavar="NAME"
        ),
    ],
    expires: Annotated[
        str, typer.Option(help="When it ends: 30d, 12h, 90m; never for a key without an end.")
    ] = "30d",
    as_json: AsJson = False,
) -> None:
    """Make an API key for one job on one index; it is shown once.

    setup makes the index, writer writes documents, reader searches, pruner deletes documents. None
    of them may touch another index. Log in with a username and password.

    index needs setup+writer the first time, then writer; search and status need reader; enrich
    setup+writer, with --into on both names; adopt and rollback setup+reader; rebuild
    setup+writer+pruner.
    """
    from es_hybrid.keys import create_key

    key = create_key(client, role, name, expires=expires)
    if as_json:
        print_json(key.to_dict())
        return
    typer.echo(f"id      {key.id}\nkey     {key.encoded}")
    for one, may in zip(key.roles, key.may, strict=True):
        typer.echo(f"{one:<8}may {may}")
    ends = f"{key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else "never"
    typer.echo(f"on      {key.index}\nends    {ends}")
    typer.echo("It is not shown again. Use it with ES_HYBRID_API_KEY=… es-hybrid …")


@keys.command("list", cls=Command, rich_help_panel="Commands")
@with_client
def list_(
    client: Any,
    name: Annotated[
        str | None, typer.Argument(help="Only those for this index or alias.", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the keys that es_hybrid made and that still open something.

    The keys themselves are known to nobody but those who have them.
    """
    from es_hybrid.keys import list_keys

    found = list_keys(client, name)
    if as_json:
        print_json([key.to_dict() for key in found])
        return
    for key in found:
        ends = f"{key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else "never"
        typer.echo(f"{key.id}  {'+'.join(key.roles)} on {key.index}, ends {ends}")
    if not found:
        typer.echo("no keys: make one with es-hybrid keys create")


@keys.command(cls=Command, rich_help_panel="Commands")
@with_client
def revoke(
    client: Any,
    ids: Annotated[
        list[str],
        typer.Argument(help="Of keys, as es-hybrid keys list says them.", metavar="ID..."),
    ],
    as_json: AsJson = False,
) -> None:
    """Let keys open nothing any more, at once and for ever."""
    from es_hybrid.keys import revoke_keys

    revoke_keys(client, ids)
    if as_json:
        print_json({"revoked": ids})
    else:
        typer.echo(f"revoked: {', '.join(ids)}")
