"""``es-hybrid up`` and ``down``, and what ``status`` says of the embedded Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.flags import AsJson, NodeName, ShowPassword
from es_hybrid.cli.output import print_json, say, stop

if TYPE_CHECKING:
    from es_hybrid.node import NodeState


def up(
    version: Annotated[
        str | None, typer.Option(help="Elasticsearch version. Default: the newest tried.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="HTTP port. Default: 9200, or the next free one."),
    ] = None,
    heap: Annotated[
        str | None,
        typer.Option(help="Java heap, such as 2g. Default: 512m, or 384m for each of several."),
    ] = None,
    name: NodeName = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="With TLS, users and API keys; it has its own data.")
    ] = False,
    nodes: Annotated[
        int, typer.Option(help="Servers in the cluster, 1 to 9; each number has its own data.")
    ] = 1,
    show_password: ShowPassword = False,
    install_jdk: Annotated[
        bool, typer.Option("--install-jdk", help="Fetch a JDK first, if none is found.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start a real Elasticsearch on this machine, for development.

    The first time it is downloaded (about 130 MB); data is kept between runs.
    """
    from es_hybrid.node import DEFAULT_VERSION, Node, default_home
    from es_hybrid.node.java import install_jdk as fetch_jdk

    if install_jdk:
        fetch_jdk(default_home(), say=say)
    node = Node(
        version=version or DEFAULT_VERSION,
        port=port,
        heap=heap,
        secure=secure,
        nodes=nodes,
        name=name,
        say=say,
    )
    _show(node.up(), show_password=show_password, as_json=as_json)


def down(name: NodeName = None, as_json: AsJson = False) -> None:
    """Stop the node started by `es-hybrid up`; its data stays."""
    from es_hybrid.node import Node

    stopped = Node(name=name).down()
    if as_json:
        print_json({"stopped": stopped})
    else:
        typer.echo("stopped" if stopped else "no node was running")


def node_status(name: str | None, *, show_password: bool, as_json: bool) -> None:
    """Show the node started by `es-hybrid up`; exits with 1 if none is running."""
    from es_hybrid.node import running

    state = running(name=name)
    if state is not None:
        _show(state, show_password=show_password, as_json=as_json)
        return
    if as_json:
        print_json({"running": False})
    else:
        typer.echo("no node is running: start one with es-hybrid up")
    stop(1)


def _show(state: NodeState, *, show_password: bool, as_json: bool) -> None:
    if as_json:
        print_json(_facts(state, show_password=show_password))
        return
    typer.echo(f"Elasticsearch {state.version} at {state.url} (pid {state.pid})")
    if len(state.servers) > 1:
        _show_servers(state)
    if state.access:
        _show_access(state, show_password=show_password)
    typer.echo(f"data {state.data}\nlog  {state.log}")


def _facts(state: NodeState, *, show_password: bool) -> dict[str, Any]:
    lives = [member.lives() for member in state.members]
    facts = {"running": True, **state.as_json()}
    facts["members"] = [
        {**member, "running": alive} for member, alive in zip(facts["members"], lives, strict=True)
    ]
    if state.access and show_password:
        facts["password"] = state.access.password()
    return facts


def _show_servers(state: NodeState) -> None:
    for member in state.servers:
        lives = f"pid {member.pid}" if member.lives() else "not running: es-hybrid up starts it"
        typer.echo(f"  {member.name} {member.url} ({lives})")


def _show_access(state: NodeState, *, show_password: bool) -> None:
    """How other programs log in; es-hybrid itself finds all of it."""
    secret = f"in {state.password_file}, or --show-password"
    if state.access and show_password:
        secret = state.access.password()
    typer.echo(f"user elastic, password {secret}")
    typer.echo(f"trust {state.ca_certs}\n   or SHA-256 {state.fingerprint}")
