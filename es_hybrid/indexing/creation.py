"""A new index: its analysis is settled by the first documents, then it is created, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.analysis import AUTO, WITHOUT_PLUGIN, detected
from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, PluginMissing, RequestRefused
from es_hybrid.indexing.target import Target, Wanted, existing
from es_hybrid.live import read_index
from es_hybrid.mapping import index_body, write_alias, write_alias_body

# How servers say that an analyzer, tokenizer or filter is not there.
_MISSING_ANALYSIS = (
    "unknown tokenizer type",
    "unknown filter type",
    "unknown analyzer type",
    "unknown char_filter type",
    "failed to find",
)
_BAD_ALIAS = "invalid_alias_name_exception"
_STREAMS_ONLY = "that creates data streams only"
_NO_SHARDS = "not available when running in serverless mode"


def create(
    client: Elasticsearch, target: Target, wanted: Wanted, *, texts: Iterable[str], serverless: bool
) -> Target:
    """Create the index with its alias, at once.

    An analysis that nobody asked for is detected; whether the server can do it is learnt by
    trying, which needs no right but to create the index.

    Args:
        client: whose cluster gets the index.
        target: what is to be created.
        wanted: what the caller asked for.
        texts: of the first documents; only read where the analysis is to be detected.
        serverless: whether the cluster is known to decide about shards itself.

    Returns:
        The target as it exists now; not `created` if somebody else just did that.

    Raises:
        PluginMissing: the analysis asked for needs a plugin that the server does not have.
        ContractMismatch: somebody else just created it in another way.
        ServerError: the server refused, or cannot be reached.
    """
    if target.contract.analysis != AUTO:
        return _created(client, target, wanted, serverless=serverless)
    settled = target.settled(detected(texts))
    while True:
        analysis = settled.contract.analysis
        try:
            return _created(client, settled, wanted, serverless=serverless)
        except PluginMissing:
            if analysis not in WITHOUT_PLUGIN:
                raise
            settled = settled.settled(WITHOUT_PLUGIN[analysis], note=_instead(analysis))


def _created(client: Elasticsearch, target: Target, wanted: Wanted, *, serverless: bool) -> Target:
    body = index_body(
        target.contract,
        shards=wanted.shards,
        replicas=wanted.replicas,
        types=target.types,
        serverless=serverless,
    )
    body["aliases"] = {target.name: {"is_write_index": True}}
    try:
        alias = put_index(client, target.index, body)
    except RequestRefused as error:
        if error.kind == "resource_already_exists_exception":
            return _somebody_elses(client, target, wanted, error)
        if _NO_SHARDS in str(error) and not serverless:  # its flavour was not told
            return _created(client, target, wanted, serverless=True)
        raise _explained(error, target.contract.analysis) from error
    return replace(target, exists=True, created=True, alias=alias)


def put_index(client: Elasticsearch, index: str, body: Mapping[str, Any]) -> str | None:
    """Create an index with its `write_alias`, or without where that may not be.

    Args:
        client: whose cluster gets the index.
        index: its name.
        body: settings, mappings and other aliases.

    Returns:
        The alias; None where there is none.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    aliases = {**body.get("aliases", {}), **write_alias_body(index)}
    try:
        request(client, "PUT", path(index), body={**body, "aliases": aliases})
    except (AccessDenied, RequestRefused) as error:
        # A key may be for the index and its public alias only; 255 bytes are the longest name.
        if isinstance(error, RequestRefused) and error.kind != _BAD_ALIAS:
            raise
        request(client, "PUT", path(index), body=body)
        return None
    return write_alias(index)


def _somebody_elses(
    client: Elasticsearch, target: Target, wanted: Wanted, error: RequestRefused
) -> Target:
    live = read_index(client, target.index)
    if live is None:
        raise error
    return existing(live, target.name, replace(wanted, embedder=target.embedder))


def _explained(error: RequestRefused, analysis: str) -> Exception:
    if _STREAMS_ONLY in str(error):
        return RequestRefused(
            f"{error}; a data stream takes no document a second time under its id: index under a "
            "name that the template does not match",
            status=error.status,
            kind=error.kind,
        )
    if not any(words in str(error).lower() for words in _MISSING_ANALYSIS):
        return error
    plugin = _plugin(analysis)
    return PluginMissing(
        f"this server cannot do --analysis {analysis} ({error}): install its plugin {plugin} "
        f"(elasticsearch-plugin install {plugin}) on every node, or take --analysis "
        f"{WITHOUT_PLUGIN.get(analysis, 'cjk')}"
    )


def _instead(analysis: str) -> str:
    plugin = _plugin(analysis)
    return (
        f"{analysis} analysis would suit these texts, but this server lacks {plugin}: "
        f"{WITHOUT_PLUGIN[analysis]} serves them until you install it (elasticsearch-plugin "
        f"install {plugin}, on every node) and index under another name"
    )


def _plugin(analysis: str) -> str:
    return "analysis-nori" if analysis == "korean" else "analysis-common"
