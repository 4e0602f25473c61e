"""The text of a document that somebody else wrote: its fields may lie inside objects."""

from __future__ import annotations

from collections.abc import Sequence

from es_hybrid.documents import Document, Fields, document
from es_hybrid.indexing.scan import Found
from es_hybrid.objects import value_at


def text_document(found: Found, names: Sequence[str], *, index: str) -> Document:
    """A Document with the text and its hash, as the indexer makes them of the same fields.

    It has no other fields: nothing but what es_hybrid adds is ever written back.

    Raises:
        RecordError: a text field holds an object.
    """
    texts = {name: value_at(found.source, name) for name in names}
    fields = Fields(text=tuple(names), reserved=frozenset(), text_required=False)
    return document({"_id": found.id, **texts}, fields, where=where(found, index))


def where(found: Found, index: str) -> str:
    """Where a document stands; no two have the same.

    >>> where(Found("7", {}, 0, 1, routing="ann"), "films")
    'films/_doc/7?routing=ann'
    """
    routing = "" if found.routing is None else f"?routing={found.routing}"
    return f"{index}/_doc/{found.id}{routing}"
