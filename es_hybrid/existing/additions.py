"""What es_hybrid adds to an index and to its documents: fields of its own, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from es_hybrid.contract import Contract
from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, Document
from es_hybrid.errors import ContractError, UsageError
from es_hybrid.existing.index import Existing
from es_hybrid.filters import Clause
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.embedding import Embedded, Vector
from es_hybrid.indexing.scan import Found
from es_hybrid.mapping import index_body
from es_hybrid.objects import change_at
from es_hybrid.vectors import packed

# The analysis of an index that has its own: no profile of es_hybrid.
OWN_ANALYSIS = "own"

_ANY_PROFILE = "standard"


def properties(contract: Contract) -> dict[str, Any]:
    """The mapping of the fields that es_hybrid writes beside the user's own."""
    ours = replace(contract, text_fields=(), analysis=_ANY_PROFILE)
    made: dict[str, Any] = index_body(ours)["mappings"]["properties"]
    return _nested(made)


def _nested(properties: Mapping[str, Any]) -> dict[str, Any]:
    """With a field such as ``body.vector`` inside its object."""
    found: dict[str, Any] = {}
    for name, spec in properties.items():
        head, _, rest = name.partition(".")
        found[head] = {"properties": _nested({rest: spec})} if rest else spec
    return found


def check_room(index: Existing, contract: Contract) -> None:
    """Refuse to add fields over those that are there, or to an index that would lose by it.

    Raises:
        ContractError: a field of the user's own has the name of one of ours.
        UsageError: the documents are not kept whole, so that an update would lose fields.
    """
    names = {META_FIELD, vectors_of(contract)}
    taken = index.mappings.get("properties", {})
    for name in sorted(names):
        if name in taken or name in index.fields:
            raise ContractError(
                f"index {index.index!r} has a field {name!r} of its own: if it holds vectors, have "
                f"them proven with es-hybrid adopt {index.name} --vector-field {name}; otherwise "
                "name another with --vector-field, or copy the index with --into"
            )
    kept = index.mappings.get("_source", {})
    if kept.get("enabled") is False or kept.get("includes") or kept.get("excludes"):
        raise UsageError(
            f"index {index.index!r} does not keep its documents whole (_source is "
            f"{kept}), and an update would lose what is missing: index them anew from their source"
        )


def vectors_of(contract: Contract) -> str:
    """The field that holds all vectors of a document."""
    return PASSAGES_FIELD if contract.passages else contract.vector_field


def has_vector(contract: Contract) -> Clause:
    """The query for documents with a vector."""
    if not contract.passages:
        return {"exists": {"field": contract.vector_field}}
    vector = f"{PASSAGES_FIELD}.{contract.vector_field}"
    return {"nested": {"path": PASSAGES_FIELD, "query": {"exists": {"field": vector}}}}


def addition(item: Embedded, contract: Contract, *, base64: bool) -> dict[str, Any]:
    """What a document gets, by full names: its vectors, and of which text they are.

    A hash of the whole content is taken away, as other programs write to the index as well.

    Args:
        item: the document with its vectors.
        contract: of the index.
        base64: whether the server reads vectors in base64.
    """
    made: dict[str, Any] = {
        "text_hash": item.document.text_hash,
        "content_hash": None,
        "updated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    if item.passages:
        passages = [
            {
                "text": passage.text,
                "start": passage.start,
                "end": passage.end,
                contract.vector_field: _values(vector, base64=base64),
                "norm": vector.norm,
            }
            for passage, vector in zip(item.passages, item.vectors, strict=True)
        ]
        return {PASSAGES_FIELD: passages, META_FIELD: made}
    [vector] = item.vectors
    made["norm"] = vector.norm
    return {contract.vector_field: _values(vector, base64=base64), META_FIELD: made}


def removal(contract: Contract) -> dict[str, Any]:
    """What takes a document's vectors away, where it has no text any more, by full names."""
    made = {"text_hash": None, "content_hash": None, "norm": None}
    return {vectors_of(contract): None, META_FIELD: made}


def _values(vector: Vector, *, base64: bool) -> Any:
    values = vector.values
    return packed(values[None, :])[0] if base64 and values is not None else values


def update(document: Document, found: Found, added: Mapping[str, Any]) -> Prepared:
    """The lines that add to a document, unless it changed since it was read.

    Args:
        document: whose fate is told by them.
        found: its state, with the object in its source that the vector lies in, if any.
        added: field -> value, by full names.
    """
    changes: dict[str, Any] = {}
    for name, value in added.items():
        changes |= change_at(found.source, name, value)
    pair = ({"update": found.guarded}, {"doc": changes})
    lines = (orjson.dumps(one, option=_LINE) for one in pair)
    return Prepared(document, b"".join(lines))


_LINE = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
