"""A live index: its contract is read, and the embedder proven against it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Mapping
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import Client, arequest, path, request
from es_hybrid.contract import Contract, check
from es_hybrid.embedders import Embedder, is_packaged, load_embedder
from es_hybrid.embedders.base import Send
from es_hybrid.errors import AccessDenied, ContractError, ServerUnreachable
from es_hybrid.json_values import shown
from es_hybrid.mapping import LiveIndex, live_index
from es_hybrid.refusals import explain
from es_hybrid.settings import Settings
from es_hybrid.steps import Request, Steps, run

_LONGEST_NAME = 200  # characters of an embedder's name in messages


def read_index(client: Elasticsearch, name: str) -> LiveIndex | None:
    """The live index behind `name`; None where there is none.

    Raises:
        ContractError: it has no readable contract.
        AccessDenied: these credentials may not read it.
        ServerError: the server refused, or cannot be reached.
    """
    answer = run(client, reading(name))
    return None if answer is None else live_index(name, answer)


def reading(name: str, *, expand: str = "all") -> Steps[Mapping[str, Any] | None]:
    """The indices behind `name` as ``GET /NAME`` says them, in steps; None where there are none.

    Args:
        name: an alias, index or pattern; several with commas.
        expand: what a pattern stands for: ``"all"``, or ``"open"`` as in a search, which leaves
            out what is hidden or closed.

    Raises:
        AccessDenied: these credentials may not read them.
        ServerError: the server refused, or cannot be reached.
    """
    answer = yield Request("GET", path(name), params={"expand_wildcards": expand}, ok=(403, 404))
    if not isinstance(answer, dict):
        raise ServerUnreachable(
            f"GET {path(name)} was answered with a page, not by an Elasticsearch: correct --url"
        )
    if answer.get("status") == 403:
        raise AccessDenied(
            f"cannot read with which embedder and analysis {name!r} was made "
            f"({explain(answer)[1]}): grant the index privilege `view_index_metadata` on it to "
            "this account or API key"
        )
    # {}: a pattern that nothing matches.
    return None if not answer or answer.get("status") == 404 else answer


def index_embedder(
    contract: Contract,
    given: str | Embedder | None,
    *,
    index: str,
    allowed: Collection[str] | None = None,
    send: Send | None = None,
) -> Embedder:
    """The embedder for a live index, proven to be the one that made its vectors.

    ``_meta`` is not trusted: only a packaged embedder is loaded by the name that stands there,
    or one that the caller allows.

    Args:
        contract: of the index.
        given: what the caller names or passes; None takes the contract's.
        index: its name, for messages.
        allowed: names that may be loaded on the word of an index, such as
            ``"sentence-transformers:NAME"``, or the path of a folder; None takes those of
            `Settings.allowed_embedders`.
        send: the way to the cluster, for an embedder that computes there; see `way`.

    Raises:
        ContractError: it must be named by the caller, or is another model.
    """
    made_with = contract.embedder.id
    named = shown(made_with, limit=_LONGEST_NAME)
    label = contract.embedder.label
    if given is None and label is not None:
        raise ContractError(
            f"index {index!r} holds ready vectors, {named}, and no text can be embedded like them: "
            "search it with --mode bm25, or with a vector (--vector FILE), or pass "
            f"the embedder that is called {shown(label)}; write to it with --vector-field or "
            "--vectors-file"
        )
    if given is None and not is_packaged(made_with) and not _is_allowed(made_with, allowed):
        raise ContractError(
            f"index {index!r} was made with {named}, which is not loaded on the word of an index: "
            f"pass {_flag(made_with)} (embedder=… in code), allow it in "
            "ES_HYBRID_ALLOWED_EMBEDDERS, or search with --mode bm25"
        )
    embedder = reached(given if given is not None else made_with, send)
    check(contract, embedder, index=index)
    return embedder


def reached(spec: str | Embedder, send: Send | None) -> Embedder:
    """The embedder called `spec`, given the way to the cluster if it computes there.

    Raises:
        UnknownEmbedder: nothing is registered under this name.
        UsageError: an option is unknown, or has a value that it cannot have.
        EmbedderError: its package is not installed.
    """
    embedder = load_embedder(spec)
    bind = getattr(embedder, "bind", None)
    if bind is not None and send is not None:
        bind(send)
    return embedder


def way(client: Client) -> Send:
    """The way to the cluster that a client leads to.

    Args:
        client: any client. Of an ``AsyncElasticsearch`` this must be called on the event loop, and
            what it returns in another thread, where models compute.
    """
    if not iscoroutinefunction(getattr(client, "perform_request", None)):
        return partial(request, client)
    loop = asyncio.get_running_loop()

    def send(method: str, path: str, **rest: Any) -> Any:
        asked = arequest(client, method, path, **rest)
        return asyncio.run_coroutine_threadsafe(asked, loop).result()

    return send


def _is_allowed(made_with: str, allowed: Collection[str] | None) -> bool:
    """Whether a person said that this may be loaded; a path or model by itself says it as well."""
    said = Settings().allowed_embedders if allowed is None else allowed
    return any(name and name in said for name in (made_with, made_with.partition(":")[2]))


def _flag(made_with: str) -> str:
    """How it is named on the command line, where that is sane."""
    plain = len(made_with) <= _LONGEST_NAME and shlex.quote(made_with) == made_with
    return f"--embedder {made_with}" if plain else "its embedder"
