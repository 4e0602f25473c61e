"""A model becomes a document, and the index that it is for refers to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import VECTOR_FIELD, reserved_fields
from es_hybrid.errors import RequestRefused, UsageError
from es_hybrid.existing.index import Existing, existing_index
from es_hybrid.fitted.model import Fitted
from es_hybrid.model_references import MODELS_INDEX, REFERENCES_KEY, references

_THERE = "resource_already_exists_exception"

# Nothing but what people look for by hand is indexed; centres are numbers of no use to a search.
_BODY: Mapping[str, Any] = {
    "settings": {"index": {"hidden": True, "number_of_shards": 1, "auto_expand_replicas": "0-1"}},
    "mappings": {
        "dynamic": False,
        "properties": {
            **{name: {"type": "keyword"} for name in ("kind", "method", "field", "embedder")},
            "index": {"type": "keyword"},
            "created_at": {"type": "date"},
        },
    },
}


def check_field(index: Existing, field: str, *, kind: str) -> None:
    """Refuse a field that holds something else, before anything is fitted.

    Raises:
        UsageError: the documents have a field of this name that no model fills, or it is no name.
    """
    check_free(index, field, kind=kind, ours=field in references(index.mappings))


def check_free(index: Existing, field: str, *, kind: str, ours: bool) -> None:
    """Refuse a field that is no name for an object, or that holds what others wrote.

    Args:
        index: that is to get the field.
        field: its name.
        kind: what it is called where nobody asks for another name.
        ours: whether a field of this name that is there may be written again.

    Raises:
        UsageError: says which of them, and names another field.
    """
    if not field or "." in field or field.startswith("_"):
        raise UsageError(f"--field {field!r}: give one name without dots, such as {kind!r}")
    contract = index.contract
    vector_field = contract.vector_field if contract else VECTOR_FIELD
    taken = reserved_fields(passages=True, vector_field=vector_field, pictures=True)
    there = field in index.mappings.get("properties", {})
    if field in taken or (there and not ours):
        raise UsageError(
            f"index {index.index!r} has a field {field!r} of its own, which would be written over: "
            f"name another one with --field, such as {kind}_es"
        )


def attach(client: Elasticsearch, index: str, model: Fitted) -> str:
    """Keep a model, and let `index` refer to it, so that documents that come in are looked at.

    Earlier models stay, as another version of the index may refer to them: `prune_models` deletes
    those that nobody refers to.

    Args:
        client: whose cluster gets it.
        index: its own name, not an alias.
        model: what was fitted.

    Returns:
        The id of the document.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    identifier = f"{index}-{model.field}-{model.hash}"
    keep(client, identifier, {**model.to_record(), "index": index})
    _refer(client, index, model.field, identifier, properties=model.mapping())
    return identifier


def detach(client: Elasticsearch, name: str, field: str) -> None:
    """Leave documents that come in alone from now on; what was written to others stays.

    Raises:
        UsageError: no model fills this field.
        ServerError: the server refused, or cannot be reached.
    """
    index = existing_index(client, name)
    known = references(index.mappings)
    if field not in known:
        have = f"it has {', '.join(sorted(known))}" if known else "it has none"
        raise UsageError(f"no model fills the field {field!r} of {index.index!r}: {have}")
    _refer(client, index.index, field, None)


def keep(client: Elasticsearch, identifier: str, record: Mapping[str, Any]) -> None:
    """Keep what was fitted, in the one index for all of it.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    _make_room(client)
    where = path(MODELS_INDEX, "_doc", identifier)
    request(client, "PUT", where, params={"refresh": "true"}, body=record)


def _make_room(client: Elasticsearch) -> None:
    if request(client, "HEAD", path(MODELS_INDEX), ok=(404,)) is True:
        return
    try:
        request(client, "PUT", path(MODELS_INDEX), body=_BODY)
    except RequestRefused as error:
        if error.kind != _THERE:
            raise


def _refer(
    client: Elasticsearch,
    index: str,
    field: str,
    identifier: str | None,
    *,
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Elasticsearch replaces ``_meta`` whole, so that it is read just before."""
    mappings = existing_index(client, index).mappings
    known = {**references(mappings), field: identifier}
    kept = {name: model for name, model in known.items() if model is not None}
    body: dict[str, Any] = {"_meta": {**(mappings.get("_meta") or {}), REFERENCES_KEY: kept}}
    if properties:
        body["properties"] = dict(properties)
    request(client, "PUT", path(index, "_mapping"), body=body)
