"""Pruning: documents that came from a source, and that it has no more, are deleted.

Only those of the same source, and only as they were seen: a document that somebody changes in
the meantime stays. Whoever prunes has read the source to its end, without a record that could not
be indexed: that one's document would look as if it were gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from es_hybrid.client import path, request
from es_hybrid.documents import META_FIELD, Document
from es_hybrid.errors import UsageError
from es_hybrid.indexing.bulk import Prepared, batches
from es_hybrid.indexing.patience import Requests
from es_hybrid.indexing.sending import Sender

# More is most often a source that was cut off, or another one of the same name.
SHARE = 0.2

_PAGE = 1000
_KEEP_ALIVE = "5m"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of it.

    Attributes:
        had: documents of the source in the index.
        gone: of these, those that the source has no more.
        deleted: of the `gone`, those that were deleted.
        refused: why none was; None otherwise.
    """

    had: int
    gone: int
    deleted: int = 0
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class _Gone:
    id: str
    routing: str | None
    seq_no: int
    term: int

    def prepared(self) -> Prepared:
        """The line that deletes it, unless it was written since."""
        action = {"_id": self.id, "if_seq_no": self.seq_no, "if_primary_term": self.term}
        action |= {} if self.routing is None else {"routing": self.routing}
        return Prepared(Document(self.id, {}, "", "", ""), orjson.dumps({"delete": action}) + b"\n")


def check_share(share: float | None) -> float | None:
    """`share`, if it is one.

    Raises:
        UsageError: it is not from 0 to 1.
    """
    if share is not None and not 0 <= share <= 1:
        raise UsageError(f"prune {share!r} is no share: give 0 to 1, such as {SHARE}")
    return share


def prune(
    requests: Requests,
    index: str,
    *,
    source: str,
    is_there: Callable[[str], bool],
    began: datetime,
    share: float,
) -> Pruned:
    """Delete what is gone.

    Args:
        requests: how the server is asked, and how long it is waited for.
        index: has been refreshed.
        source: what the documents say that they came from.
        is_there: whether the source has a record of this id.
        began: when the source began to be read: what was written since is somebody else's.
        share: the most of the source's documents that may be deleted, 0 to 1.

    Raises:
        AccessDenied: these credentials may not delete.
        ServerError: the server refused, or cannot be reached.
    """
    had = 0
    gone: list[_Gone] = []
    for one in _documents(requests, index, source=source, began=began):
        had += 1
        if not is_there(one.id):
            gone.append(one)
    if len(gone) > share * had:
        told = f"{len(gone):,} of {had:,} documents of {source!r} are gone from it, above"
        return Pruned(had, len(gone), refused=f"{told} {share:.0%}: nothing was deleted")
    return Pruned(had, len(gone), _deleted(Sender(requests, index), gone))


def _deleted(sender: Sender, gone: list[_Gone]) -> int:
    deleted = 0
    for batch in batches(one.prepared() for one in gone):
        sent = sender.send(batch)
        if sent.error:
            raise sent.error
        deleted += len(sent.written)
    return deleted


def _documents(requests: Requests, index: str, *, source: str, began: datetime) -> Iterator[_Gone]:
    """All documents of the source that were there before, as of one moment."""
    before = {"range": {f"{META_FIELD}.updated_at": {"lt": began.isoformat()}}}
    body: dict[str, Any] = {
        "query": {"bool": {"filter": [{"term": {f"{META_FIELD}.source": source}}, before]}},
        "sort": "_shard_doc",
        "size": _PAGE,
        "_source": False,
        "seq_no_primary_term": True,
        "track_total_hits": False,
    }
    opened = requests.ask("POST", path(index, "_pit"), params={"keep_alive": _KEEP_ALIVE})
    pit = opened["id"]
    try:
        while True:
            body["pit"] = {"id": pit, "keep_alive": _KEEP_ALIVE}
            answer = requests.ask("POST", path("_search"), body=body)
            pit = answer.get("pit_id", pit)
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield _Gone(hit["_id"], hit.get("_routing"), hit["_seq_no"], hit["_primary_term"])
            if len(hits) < _PAGE:
                return
            body["search_after"] = hits[-1]["sort"]
    finally:
        request(requests.client, "DELETE", path("_pit"), body={"id": pit}, ok=(404,))
