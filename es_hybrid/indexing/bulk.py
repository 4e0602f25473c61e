"""Bulk: send documents, look at every item, and send again what may still succeed.

The stock helpers do not retry single items and take fields of a document for bulk metadata;
here the action line holds nothing but the id.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import Document
from es_hybrid.errors import RequestRefused, ServerUnreachable
from es_hybrid.refusals import explain

# "Start with 100 … keep under a couple tens of megabytes". Embedding takes far longer than
# sending, so there is nothing to win from more: what is sent is safe if the run is interrupted.
MAX_BYTES = 5 * 1024 * 1024
MAX_DOCUMENTS = 100

ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 15.0  # seconds; doubled each time, full jitter
_TOO_LARGE = 413

_UNFIT = re.compile(r"failed to parse field \[(.+?)\] of type \[\w+\]")
_OTHER_TYPE = "index under another name with --field {field}:"
_WAYS_OUT = (  # by what Elasticsearch says of a value
    ("passed as String", "make it a number, or have it converted with --field {field}:integer"),
    ("data loss", _OTHER_TYPE + "number"),
    ("decimal part", _OTHER_TYPE + "number"),
    ("", "correct it, or " + _OTHER_TYPE + "keyword"),
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document and the two lines that the bulk API reads for it."""

    document: Document
    lines: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document: written, or refused with a reason.

    Attributes:
        document: the document.
        reason: why it was refused; None where it was written.
        kind: Elasticsearch's own error type, such as ``"document_parsing_exception"``.
        attempts: how often it was sent.
    """

    document: Document
    reason: str | None = None
    kind: str | None = None
    attempts: int = 1


def prepared(document: Document, body: dict[str, Any]) -> Prepared:
    """The lines for one document; whatever its fields are called, they stay data."""
    action = orjson.dumps({"index": {"_id": document.id}})
    source = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return Prepared(document, b"%s\n%s\n" % (action, source))


def batches(items: Iterable[Prepared]) -> Iterator[list[Prepared]]:
    """Cut into requests of at most `MAX_BYTES` and `MAX_DOCUMENTS`, at least one document each.

    A request is yielded as soon as it is full.
    """
    batch: list[Prepared] = []
    size = 0
    for item in items:
        if batch and (size + len(item.lines) > MAX_BYTES or len(batch) == MAX_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.lines)
    if batch:
        yield batch


def send(
    client: Elasticsearch,
    index: str,
    batch: Sequence[Prepared],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Write a batch; every document comes back exactly once, in no promised order.

    Items answered 429 or 5xx are sent again alone; a broken connection or an unreadable answer
    sends all again, which is safe because ids are stable. A request that is too large is halved.

    Raises:
        AccessDenied: the credentials may not write here.
        ServerUnreachable: still no connection after the last attempt.
        RequestRefused: the whole request was refused for a reason that will not pass.
    """
    done: list[Outcome] = []
    pending = list(batch)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            items = _post(client, index, pending)
        except (ServerUnreachable, RequestRefused) as error:
            if getattr(error, "status", None) == _TOO_LARGE:
                return done + _halves(client, index, pending, error, sleep=sleep)
            if attempt == ATTEMPTS or not _passing(error):
                raise
        else:
            pending = _sort_out(pending, items, done, last=attempt == ATTEMPTS)
        if not pending:
            break
        sleep(random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))  # noqa: S311 - jitter
    return done


def _passing(error: ServerUnreachable | RequestRefused) -> bool:
    return isinstance(error, ServerUnreachable) or _may_pass(error.status)


def _post(client: Elasticsearch, index: str, batch: Sequence[Prepared]) -> list[dict[str, Any]]:
    body = b"".join(item.lines for item in batch)
    answer = request(client, "POST", path(index, "_bulk"), body=body, ndjson=True)
    told = answer.get("items", ()) if isinstance(answer, dict) else ()
    items = [next(iter(item.values())) for item in told]
    if len(items) != len(batch):
        raise ServerUnreachable(
            f"the answer to a bulk request has {len(items)} items for {len(batch)} documents: "
            "something between here and Elasticsearch cuts answers off"
        )
    return items


def _sort_out(
    batch: Sequence[Prepared], items: Sequence[dict[str, Any]], done: list[Outcome], *, last: bool
) -> list[Prepared]:
    """Append what is settled to `done`; return what is worth another attempt."""
    again: list[Prepared] = []
    for sent, item in zip(batch, items, strict=True):
        error = item.get("error")
        if error is None:
            done.append(Outcome(sent.document))
        elif _may_pass(item["status"]) and not last:
            again.append(sent)
        else:
            done.append(Outcome(sent.document, _reason(error)))
    return again


def _reason(error: object) -> str:
    """What Elasticsearch says, and the way out where the first values gave a field its type."""
    kind, said = explain(error)
    if found := _UNFIT.search(said):
        way_out = next(way for words, way in _WAYS_OUT if words in said)
        said += f"; {way_out.format(field=found[1])}"
    return f"{kind}: {said}"


def _may_pass(status: int) -> bool:
    return status == 429 or status >= 500


def _halves(
    client: Elasticsearch,
    index: str,
    batch: Sequence[Prepared],
    error: Exception,
    *,
    sleep: Callable[[float], None],
) -> list[Outcome]:
    if len(batch) == 1:
        return [Outcome(batch[0].document, str(error))]
    middle = len(batch) // 2
    first = send(client, index, batch[:middle], sleep=sleep)
    return first + send(client, index, batch[middle:], sleep=sleep)
