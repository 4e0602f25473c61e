"""``es-hybrid up``, ``down`` and ``status``: the embedded Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from es_hybrid.cli.output import print_json, say, stop

if TYPE_CHECKING:
    from es_hybrid.node import NodeState

_Name = Annotated[
    str | None,
    typer.Option("--name", help="Which node, if you keep several.", envvar="ES_HYBRID_NODE"),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def up(
    version: Annotated[
        str | None, typer.Option(help="Elasticsearch version. Default: the newest tried.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="HTTP port. Default: 9200, or the next free one."),
    ] = None,
    heap: Annotated[str, typer.Option(help="Java heap, such as 512m or 2g.")] = "512m",
    name: _Name = None,
    install_jdk: Annotated[
        bool, typer.Option("--install-jdk", help="Fetch a JDK first, if none is found.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Start a real Elasticsearch on this machine, for development.

    The first time it is downloaded (about 130 MB); data is kept between runs.
    """
    from es_hybrid.node import DEFAULT_VERSION, Node, default_home
    from es_hybrid.node.java import install_jdk as fetch_jdk

    if install_jdk:
        fetch_jdk(default_home(), say=say)
    node = Node(version=version or DEFAULT_VERSION, port=port, heap=heap, name=name, say=say)
    _show(node.up(), as_json=as_json)


def down(name: _Name = None, as_json: _Json = False) -> None:
    """Stop the node started by `es-hybrid up`; its data stays."""
    from es_hybrid.node import Node

    stopped = Node(name=name).down()
    if as_json:
        print_json({"stopped": stopped})
    else:
        typer.echo("stopped" if stopped else "no node was running")


def status(name: _Name = None, as_json: _Json = False) -> None:
    """Show the node started by `es-hybrid up`; exits with 1 if none is running."""
    from es_hybrid.node import running

    state = running(name=name)
    if state is not None:
        _show(state, as_json=as_json)
        return
    if as_json:
        print_json({"running": False})
    else:
        typer.echo("no node is running: start one with es-hybrid up")
    stop(1)


def _show(state: NodeState, *, as_json: bool) -> None:
    if as_json:
        print_json({"running": True, **state.as_json()})
        return
    typer.echo(f"Elasticsearch {state.version} at {state.url} (pid {state.pid})")
    typer.echo(f"data {state.data}\nlog  {state.log}")
