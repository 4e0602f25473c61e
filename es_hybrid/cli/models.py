"""``es-hybrid models``: what anomalies and clusters keep, and how what nobody uses is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.flags import AsJson
from es_hybrid.cli.help import Command, Group
from es_hybrid.cli.output import print_json

if TYPE_CHECKING:
    from es_hybrid.write_back import KeptModel

models = typer.Typer(
    name="models",
    cls=Group,
    help="List the fitted models of anomalies and clusters, and delete those that nobody uses.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@models.command("list", cls=Command, rich_help_panel="Commands")
@with_client
def list_(client: Any, as_json: AsJson = False) -> None:
    """List the models that --write-back kept, and the indices that use each."""
    from es_hybrid.write_back import kept_models

    found = kept_models(client)
    if as_json:
        print_json([one.to_dict() for one in found])
        return
    for one in found:
        typer.echo(f"{_told(one)}; used by {', '.join(one.used_by) or 'none'}")
    if not found:
        typer.echo("no models: es-hybrid anomalies or clusters --write-back makes one")


@models.command(cls=Command, rich_help_panel="Commands")
@with_client
def prune(
    client: Any,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which would be deleted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the models that no index refers to any more.

    A model that an older version of an index refers to stays, so that a rollback finds it; so does
    one that is younger than an hour. Needs to see all indices: log in with a username and password.
    """
    from es_hybrid.write_back import prune_models

    found = prune_models(client, dry_run=dry_run)
    if as_json:
        print_json({"unused": [one.to_dict() for one in found], "deleted": not dry_run})
        return
    for one in found:
        typer.echo(f"{'would delete' if dry_run else 'deleted'} {_told(one)}")
    if not found:
        typer.echo("nothing to delete: an index uses each model, or it is younger than an hour")


def _told(model: KeptModel) -> str:
    return (
        f"{model.id}: {model.kind} by {model.method} in {model.field}, "
        f"of {model.index}, {model.created_at[:16]}"
    )
