"""Plan: which documents the index already has exactly like this, or with this very text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from es_hybrid.client import path
from es_hybrid.documents import META_FIELD, Document
from es_hybrid.indexing.patience import Requests

_HASHES = f"{META_FIELD}.content_hash,{META_FIELD}.text_hash"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a batch.

    Attributes:
        write: new ones, or with another text, in order: they need vectors.
        rewrite: something else in them changed, so that the index has their vectors; in order.
        unchanged: how many the index has already.
    """

    write: tuple[Document, ...]
    rewrite: tuple[Document, ...]
    unchanged: int


def plan(
    requests: Requests, index: str, documents: Sequence[Document], *, anew: bool = False
) -> Plan:
    """Compare a batch with the index by both hashes; sees what is not refreshed yet.

    A document that came with its vector needs none of the index.

    Args:
        requests: how the index is asked.
        index: where they shall be.
        documents: no id twice.
        anew: whether none passes for unchanged: the hash of its content tells what was
            written, not what others made of it since by partial updates.

    Raises:
        ServerError: the server refused, or cannot be reached for longer than the patience lasts.
    """
    answer = requests.ask(
        "POST",
        path(index, "_mget"),
        params={"_source_includes": _HASHES},
        body={"ids": [document.id for document in documents]},
    )
    write: list[Document] = []
    rewrite: list[Document] = []
    for document, found in zip(documents, answer["docs"], strict=True):
        has = found.get("_source", {}).get(META_FIELD, {})
        if not anew and has.get("content_hash") == document.content_hash:
            continue
        same_text = document.vector is None and has.get("text_hash") == document.text_hash
        (rewrite if same_text else write).append(document)
    return Plan(tuple(write), tuple(rewrite), len(documents) - len(write) - len(rewrite))
