"""Plan: which documents the index already has exactly like this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import META_FIELD, Document

_HASH = f"{META_FIELD}.content_hash"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a batch.

    Attributes:
        write: new or changed, in order.
        unchanged: how many the index has already.
    """

    write: tuple[Document, ...]
    unchanged: int


def plan(client: Elasticsearch, index: str, documents: Sequence[Document]) -> Plan:
    """Compare a batch with the index by content hash; sees what is not refreshed yet.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    answer = request(
        client,
        "POST",
        path(index, "_mget"),
        params={"_source_includes": _HASH},
        body={"ids": [document.id for document in documents]},
    )
    write = tuple(
        document
        for document, found in zip(documents, answer["docs"], strict=True)
        if found.get("_source", {}).get(META_FIELD, {}).get("content_hash") != document.content_hash
    )
    return Plan(write, len(documents) - len(write))
