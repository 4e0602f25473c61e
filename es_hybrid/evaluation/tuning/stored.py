"""A setting is written into the index that it was tuned for, or taken out of it."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.existing.index import existing_index
from es_hybrid.tuned import TUNED_KEY, Tuned


def store(client: Elasticsearch, index: str, tuned: Tuned | None) -> None:
    """Write `tuned` into the ``_meta`` of an index, in which all else stays.

    Elasticsearch replaces ``_meta`` whole, so that it is read just before.

    Args:
        client: of the server.
        index: its own name, not an alias.
        tuned: None takes what is there away.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    meta = dict(existing_index(client, index).mappings.get("_meta") or {})
    meta.pop(TUNED_KEY, None)
    if tuned is not None:
        meta[TUNED_KEY] = tuned.to_meta()
    request(client, "PUT", path(index, "_mapping"), body={"_meta": meta})
