"""The index that is written to: found and compared with what is wanted, or created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.contract import Contract, probe
from es_hybrid.embedders import DEFAULT_EMBEDDER, Embedder, load_embedder
from es_hybrid.errors import ContractMismatch, PluginMissing, RequestRefused
from es_hybrid.field_types import FieldType
from es_hybrid.indexing import typed_fields
from es_hybrid.live import index_embedder, read_index
from es_hybrid.mapping import (
    DEFAULT_ANALYSIS,
    LiveIndex,
    check_analysis,
    check_index_name,
    first_version,
    index_body,
)
from es_hybrid.vector_index import DEFAULT_VECTOR_INDEX, vector_index_type


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks of the index; None leaves it to the index, or to the default.

    Attributes:
        embedder: a name or an object.
        text_fields: searched and embedded.
        analysis: an analysis profile.
        vector_index: a vector index type.
        shards: primary shards of a new index.
        replicas: copies of each shard of a new index; None adapts to the number of nodes.
        types: field -> the type that it must have.
        hints: field -> the type that it gets if nothing speaks against it.
    """

    embedder: str | Embedder | None = None
    text_fields: tuple[str, ...] | None = None
    analysis: str | None = None
    vector_index: str | None = None
    shards: int = 1
    replicas: int | None = None
    types: Mapping[str, FieldType] = field(default_factory=dict)
    hints: Mapping[str, FieldType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """An index to write to, and the embedder that makes its vectors.

    Attributes:
        name: the alias.
        index: the index behind it.
        contract: what it promises.
        embedder: proven to be the model of the contract.
        exists: whether the index is there already.
        types: the typed fields, those that the index has already and those that are new.
        new_types: of these, what a live index does not know yet.
    """

    name: str
    index: str
    contract: Contract
    embedder: Embedder
    exists: bool
    types: Mapping[str, FieldType] = field(default_factory=dict)
    new_types: Mapping[str, FieldType] = field(default_factory=dict)


def find(
    client: Elasticsearch, name: str, wanted: Wanted, *, default_text: tuple[str, ...]
) -> Target:
    """The target called `name`; a missing index is described, not yet created.

    Raises:
        UsageError: a bad name, analysis or vector index.
        ContractMismatch: the live index was made differently; names both.
        ServerError: the server refused, or cannot be reached.
    """
    check_index_name(name)
    _check_wanted(wanted)
    live = read_index(client, name)
    if live is None:
        return _new(name, wanted, default_text)
    _compare(live, wanted)
    types = _types(wanted, live.contract.text_fields, live)
    return Target(
        name,
        live.index,
        live.contract,
        index_embedder(live, wanted.embedder),
        exists=True,
        types=types,
        new_types={name: kind for name, kind in types.items() if live.types.get(name) != kind},
    )


def _types(
    wanted: Wanted, text_fields: tuple[str, ...], live: LiveIndex | None
) -> Mapping[str, FieldType]:
    """What was asked for, then what the index has, then what the source knows by itself."""
    typed_fields.check_names(wanted.types, text_fields)
    if live:
        typed_fields.check_live(live, wanted.types)
    hints = typed_fields.without_conflict(wanted.hints, text_fields, live)
    return {**hints, **(live.types if live else {}), **wanted.types}


def _check_wanted(wanted: Wanted) -> None:
    if wanted.analysis is not None:
        check_analysis(wanted.analysis)


def _new(name: str, wanted: Wanted, default_text: tuple[str, ...]) -> Target:
    embedder = load_embedder(wanted.embedder or DEFAULT_EMBEDDER)
    kind = vector_index_type(wanted.vector_index or DEFAULT_VECTOR_INDEX, dims=embedder.info.dims)
    contract = Contract(
        embedder=embedder.info,
        text_fields=wanted.text_fields or default_text,
        analysis=wanted.analysis or DEFAULT_ANALYSIS,
        vector_index=kind.name,
        probes=probe(embedder),
    )
    types = _types(wanted, contract.text_fields, None)
    return Target(name, first_version(name), contract, embedder, exists=False, types=types)


def _compare(live: LiveIndex, wanted: Wanted) -> None:
    contract = live.contract
    pairs = (
        ("--analysis", contract.analysis, wanted.analysis),
        ("--vector-index", contract.vector_index, wanted.vector_index),
        ("--text-fields", ",".join(contract.text_fields), ",".join(wanted.text_fields or ())),
    )
    for option, has, asked in pairs:
        if asked and asked != has:
            raise ContractMismatch(
                f"index {live.index!r} was made with {option} {has}, not {asked}: "
                f"leave {option} out, or index under another name"
            )


def create(client: Elasticsearch, target: Target, wanted: Wanted) -> bool:
    """Create the index with its alias, at once; False if somebody else just did.

    Raises:
        PluginMissing: the analysis needs a plugin that the server does not have.
        ServerError: the server refused, or cannot be reached.
    """
    body = index_body(
        target.contract, shards=wanted.shards, replicas=wanted.replicas, types=target.types
    )
    body["aliases"] = {target.name: {"is_write_index": True}}
    try:
        request(client, "PUT", path(target.index), body=body)
    except RequestRefused as error:
        if error.kind == "resource_already_exists_exception":
            return False
        raise _explained(error, target.contract.analysis) from error
    return True


# How servers say that an analyzer, tokenizer or filter is not there.
_MISSING_ANALYSIS = (
    "unknown tokenizer type",
    "unknown filter type",
    "unknown analyzer type",
    "failed to find",
)


def _explained(error: RequestRefused, analysis: str) -> Exception:
    if not any(words in str(error).lower() for words in _MISSING_ANALYSIS):
        return error
    plugin = {"korean": "analysis-nori"}.get(analysis, "analysis-common")
    other = "cjk" if analysis == "korean" else "standard"
    return PluginMissing(
        f"this server cannot do --analysis {analysis} ({error}): install its plugin {plugin} "
        f"(elasticsearch-plugin install {plugin}) on every node, or take --analysis {other}"
    )


def refresh(client: Elasticsearch, index: str) -> Any:  # noqa: ANN401 - Elasticsearch's answer
    """Make all that was written searchable."""
    return request(client, "POST", path(index, "_refresh"))
