"""Pruning: documents that came from a source, and that it has no more, are deleted.

Only those of the same source, and only as they were seen: a document that somebody changes in
the meantime stays. Whoever prunes has read the source to its end, without a record that could not
be indexed: that one's document would look as if it were gone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import orjson

from es_hybrid.documents import META_FIELD, Document
from es_hybrid.errors import UsageError
from es_hybrid.indexing.bulk import Prepared, batches
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.patience import Requests
from es_hybrid.indexing.patient import client_of
from es_hybrid.indexing.scan import Found, Scan
from es_hybrid.indexing.sending import Sender

# More is most often a source that was cut off, or another one of the same name.
SHARE = 0.2


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
        IndexNotFound: the index was deleted meanwhile.
        ServerError: the server refused, or cannot be reached.
    """
    had = 0
    gone: list[Found] = []
    with closing(_documents(requests, index, source=source, began=began)) as documents:
        for one in documents:
            had += 1
            if not is_there(one.id):
                gone.append(one)
    if len(gone) > share * had:
        told = f"{len(gone):,} of {had:,} documents of {source!r} are gone from it, above"
        return Pruned(had, len(gone), refused=f"{told} {share:.0%}: nothing was deleted")
    return Pruned(had, len(gone), _deleted(Sender(requests, index), gone))


def _deleted(sender: Sender, gone: Iterable[Found]) -> int:
    deleted = 0
    for batch in batches(map(_deletion, gone)):
        sent = sender.send(batch)
        if sent.error:
            raise sent.error
        deleted += len(sent.written)
    return deleted


def _deletion(found: Found) -> Prepared:
    """The line that deletes it, unless it was written since."""
    document = Document(found.id, {}, "", "", "")
    return Prepared(document, orjson.dumps({"delete": found.guarded}) + b"\n")


def _documents(
    requests: Requests, index: str, *, source: str, began: datetime
) -> Generator[Found, None, None]:
    """All documents of the source that were there before, each once."""
    of_source = {"term": {f"{META_FIELD}.source": source}}
    before = {"range": {f"{META_FIELD}.updated_at": {"lt": began.isoformat()}}}
    scan = Scan(index, source=False, filters=(of_source, before))
    with closing(pages(client_of(requests), scan)) as read:
        for page in read:
            yield from page.documents
