"""The connection options that every command with a server has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

_PANEL = "Connection (default: the node started by es-hybrid up)"


def _option(name: str, help: str) -> Any:  # noqa: A002 - typer's own word and type
    return typer.Option(name, help=help, rich_help_panel=_PANEL, show_default=False)


_OPTIONS: dict[str, Any] = {
    "url": Annotated[str | None, _option("--url", "Such as https://localhost:9200.")],
    "cloud_id": Annotated[str | None, _option("--cloud-id", "Of an Elastic Cloud deployment.")],
    "api_key": Annotated[str | None, _option("--api-key", "Better in ES_HYBRID_API_KEY.")],
    "username": Annotated[str | None, _option("--username", "For basic authentication.")],
    "password": Annotated[str | None, _option("--password", "Better in ES_HYBRID_PASSWORD.")],
    "ca_certs": Annotated[Path | None, _option("--ca-certs", "File of the CA to trust.")],
    "fingerprint": Annotated[
        str | None, _option("--fingerprint", "SHA-256 of the server's certificate.")
    ],
}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the connection options; it receives them as one argument `settings`.

    typer reads a command's signature, so that is what is extended: written once, the options
    are the same everywhere.
    """
    own = inspect.signature(command, eval_str=True)
    kept = [p for name, p in own.parameters.items() if name != "settings"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        from es_hybrid.settings import Settings

        given = {name: options.pop(name) for name in _OPTIONS}
        command(*args, settings=Settings.model_validate(given), **options)

    signature = own.replace(parameters=[*kept, *added])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]  # functions may carry one
    wrapped.__annotations__ = {name: p.annotation for name, p in signature.parameters.items()}
    return wrapped


def with_client(command: Callable[..., None]) -> Callable[..., None]:
    """Like `with_settings`, but the command receives a `client`."""

    @functools.wraps(command)
    def connected(*args: Any, settings: Any, **options: Any) -> None:
        from es_hybrid.client import connect

        client: Elasticsearch = connect(settings)
        with client:
            command(*args, client=client, **options)

    own = inspect.signature(command, eval_str=True)
    parameters = [
        p.replace(name="settings") if name == "client" else p for name, p in own.parameters.items()
    ]
    connected.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_settings(connected)
