"""Bulk: documents as the lines that the bulk API reads, cut into requests.

The stock helpers take fields of a document for bulk metadata; here the action line holds nothing
but the id.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import orjson

from es_hybrid.documents import Document

# "Start with 100 … keep under a couple tens of megabytes", says Elasticsearch.
MAX_BYTES = 5 * 1024 * 1024
MAX_DOCUMENTS = 1000

# Seconds that a document waits for others. Embedding is slow, and what is sent is safe if the run
# is interrupted; where vectors are given, requests are full long before.
MAX_AGE = 1.0


@dataclass(slots=True)
class Prepared:
    """A document and the two lines that the bulk API reads for it."""

    document: Document
    lines: bytes


def prepared(document: Document, beside: Iterable[bytes] = ()) -> Prepared:
    """The lines for one document; whatever its fields are called, they stay data.

    Args:
        document: its fields are taken as the JSON that was hashed: written once, never again.
        beside: what stands beside them: parts of the members of a JSON object, without its braces.
    """
    fields = document.json[:-1]
    comma = b"," if len(fields) > 1 else b""
    action = orjson.dumps(document.id)
    parts = (b'{"index":{"_id":', action, b"}}\n", fields, comma, *beside, b"}\n")
    return Prepared(document, b"".join(parts))


def batches(
    items: Iterable[Prepared], *, now: Callable[[], float] = time.monotonic
) -> Iterator[list[Prepared]]:
    """Cut into requests of at most `MAX_BYTES` and `MAX_DOCUMENTS`, at least one document each.

    A request is yielded as soon as it is full, or older than `MAX_AGE`.
    """
    batch: list[Prepared] = []
    size, since = 0, now()
    for item in items:
        if batch and (size + len(item.lines) > MAX_BYTES or len(batch) == MAX_DOCUMENTS):
            yield batch
            batch, size, since = [], 0, now()
        batch.append(item)
        size += len(item.lines)
        if now() - since > MAX_AGE:
            yield batch
            batch, size, since = [], 0, now()
    if batch:
        yield batch
