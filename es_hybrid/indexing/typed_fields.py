"""Typed fields of an index: its mapping remembers them, new ones are added, none is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import META_FIELD, METADATA_FIELDS, VECTOR_FIELD, stored_name
from es_hybrid.errors import ContractMismatch, UsageError
from es_hybrid.field_types import FieldType
from es_hybrid.mapping import LiveIndex

Types = Mapping[str, FieldType]


def check_names(types: Types, text_fields: Sequence[str]) -> None:
    """Refuse types where none can be.

    Raises:
        UsageError: of a text field, a field of es_hybrid or Elasticsearch, or an object.
    """
    for name, kind in types.items():
        if why := _untypable(name, types, text_fields):
            raise UsageError(f"field {name!r} cannot be typed {kind}: {why}")


def _untypable(name: str, types: Types, text_fields: Sequence[str]) -> str | None:
    top = name.partition(".")[0]
    if name in text_fields:
        return "it is a text field; its whole value can be filtered by already"
    if top in (VECTOR_FIELD, META_FIELD):
        return "it is written by es_hybrid itself"
    if top in METADATA_FIELDS:
        return f"it is Elasticsearch's own name; the column is kept as {stored_name(name)!r}"
    if inner := next((other for other in types if other.startswith(name + ".")), None):
        return f"it is an object, as {inner!r} is typed too; leave one of them out"
    return None


def without_conflict(hints: Types, text_fields: Sequence[str], live: LiveIndex | None) -> Types:
    """Those types that a source knows by itself and that fit; they are never insisted on."""
    return {
        name: kind
        for name, kind in hints.items()
        if not _untypable(name, {}, text_fields)
        and (live is None or _has_instead(live, name, kind) is None)
    }


def check_live(live: LiveIndex, types: Types) -> None:
    """Compare the types that are asked for with a live index.

    Raises:
        ContractMismatch: a field has another type there; names both.
    """
    for name, kind in types.items():
        if has := _has_instead(live, name, kind):
            raise ContractMismatch(
                f"index {live.index!r} has {has}, and Elasticsearch cannot make it {kind} "
                f"({kind.mapping()['type']}): leave --field {name}:{kind} out, or index under "
                "another name"
            )


def _has_instead(live: LiveIndex, name: str, kind: FieldType) -> str | None:
    """What the index has in the way of this type; None where there is nothing."""
    wanted = kind.mapping()["type"]
    for path_ in accumulate(name.split("."), "{}.{}".format):
        has = live.fields.get(path_)
        if has is not None and (path_, has) != (name, wanted):
            declared = live.types.get(path_)
            return f"field {path_!r} as {has}{f' (--field {path_}:{declared})' if declared else ''}"
    if any(field.startswith(name + ".") for field in live.fields):
        return f"field {name!r} as an object"
    return None


def add(client: Elasticsearch, index: str, types: Types) -> None:
    """Add typed fields to a live index, or tell it another format of dates.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    properties = {name: kind.mapping() for name, kind in types.items()}
    request(client, "PUT", path(index, "_mapping"), body={"properties": properties})
