"""Pages: all documents of a scan, each once, from one point in time or as few as can be.

A page that the server cannot give now is asked for again, after a pause. A point in time is lost
when the server is started again, or was not asked for longer than its keep-alive. Then another is
opened, and read from its beginning, as the order of documents is another one there: what was read
before is known by its id, and left out. So every document that is there from the first moment to
the last is read exactly once.
https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import IndexNotFound, RequestRefused, ServerError, ServerUnreachable
from es_hybrid.indexing.patience import Requests, Trouble, passes
from es_hybrid.indexing.patient import patient, requests_of
from es_hybrid.indexing.scan import Found, Page, Scan, found, on_shard
from es_hybrid.indexing.seen import Seen, hashes
from es_hybrid.indexing.state import index_id

# Between two pages all of one is embedded, and the server may be waited for.
KEEP_ALIVE = "15m"

# Documents of the first page, bytes that the following ones are to have, and their limits.
_FIRST, _BYTES, _FEWEST, _MOST = 64, 4 * 1024 * 1024, 8, 1000

_LOST = "search_context_missing_exception"

# A page that fails so often may have a point in time that cannot be read any more, as on a
# server that is gone for good.
_ATTEMPTS = 5

_Hits = Sequence[Mapping[str, Any]]


def pages(client: Elasticsearch, scan: Scan) -> Generator[Page, None, None]:
    """All documents that the index shows at this moment; the next page is read meanwhile.

    Whoever may stop before the end closes it (`contextlib.closing`), and with it the point in
    time.

    Raises:
        IndexNotFound: it was deleted, or another one has its name now.
        ServerError: the server refused, or cannot be reached for longer than the run waits.
    """
    client = patient(client, met=True)
    requests = requests_of(client)
    identity = index_id(client, scan.index)
    seen = Seen()
    trouble: Trouble | None = None
    while True:
        try:
            with closing(_one_moment(requests, scan)) as read:
                for page in read:
                    if documents := _unread(page.documents, seen):
                        trouble = None
                        yield Page(documents, page.total)
            return
        except _Lost as lost:
            requests.patience.notice(f"reading {scan.index!r} from a new point in time: {lost}")
            trouble = requests.wait(lost.error, trouble)
            requests.patience.answered()
            if identity not in (None, index_id(client, scan.index)):
                raise _gone(scan.index) from lost
        except IndexNotFound as error:
            raise _gone(scan.index) from error


def _unread(documents: Sequence[Found], seen: Seen) -> tuple[Found, ...]:
    """Those that were not read before, which they are from now on."""
    keys = hashes(f"{one.id}\0{one.routing or ''}" for one in documents)
    new = [before is None for before in seen.find(keys)]
    seen.update(keys, keys)
    return tuple(one for one, is_new in zip(documents, new, strict=True) if is_new)


def _gone(index: str) -> IndexNotFound:
    return IndexNotFound(
        f"index {index!r} was deleted while it was read, and what has its name now, if anything, "
        "is another one: run the same command again"
    )


class _Lost(Exception):
    """A point in time cannot be read to its end; `error` says why."""

    def __init__(self, error: ServerError) -> None:
        super().__init__(str(error))
        self.error = error


def _one_moment(requests: Requests, scan: Scan) -> Generator[Page, None, None]:
    """All documents of one point in time.

    Raises:
        _Lost: another one is needed.
        ServerError: refused for good.
    """
    with (
        _point_in_time(requests, scan) as pit,
        ThreadPoolExecutor(scan.slices, thread_name_prefix="es_hybrid-scan") as pool,
    ):
        cuts = [_Cut(scan, number, pit) for number in range(scan.slices)]
        waiting = deque((cut, pool.submit(cut.next, requests)) for cut in cuts)
        while waiting:
            cut, future = waiting.popleft()
            hits = _answer(cut, future, pool, requests)
            if not hits:
                cut.check_whole()
                continue
            waiting.append((cut, pool.submit(cut.next, requests)))
            yield Page(tuple(map(found, hits)), sum(one.total for one in cuts))


def _answer(
    cut: _Cut, future: Future[_Hits], pool: ThreadPoolExecutor, requests: Requests
) -> _Hits:
    """The next hits of a slice; waits here, so that Ctrl-C ends it, and is not in its thread.

    Raises:
        _Lost: they cannot be had from this point in time.
        ServerError: refused for good.
    """
    trouble: Trouble | None = None
    while True:
        try:
            hits = future.result()
        except (RequestRefused, ServerUnreachable) as error:
            if getattr(error, "kind", None) == _LOST:
                raise _Lost(error) from error
            if not passes(error):
                raise
            if trouble and trouble.pauses >= _ATTEMPTS:
                raise _Lost(error) from error
            trouble = requests.wait(error, trouble)
            cut.size = max(_FEWEST, cut.size // 2)  # the server may have no room for more
            future = pool.submit(cut.next, requests)
            continue
        if trouble:
            requests.patience.answered()
        return hits


@contextmanager
def _point_in_time(requests: Requests, scan: Scan) -> Iterator[str]:
    params = {"keep_alive": KEEP_ALIVE, **on_shard(scan.shard)}
    opened = requests.ask("POST", path(scan.index, "_pit"), params=params)
    try:
        yield opened["id"]
    finally:
        with suppress(ServerError):  # it closes by itself, and what went wrong before is told
            request(requests.client, "DELETE", path("_pit"), body={"id": opened["id"]}, ok=(404,))


@dataclass(slots=True)
class _Cut:
    """One slice, and how far it was read."""

    scan: Scan
    number: int
    pit: str
    size: int = field(default_factory=lambda: _FIRST)
    after: list[Any] = field(default_factory=list)
    read: int = 0
    total: int = 0

    def next(self, requests: Requests) -> _Hits:
        """The hits of the next page, from one attempt; none at the end.

        Raises:
            ServerError: there is no answer, or a refusal.
        """
        params = {"allow_partial_search_results": "false"}
        answer = requests.once("POST", path("_search"), params=params, body=self._body())
        if not (isinstance(answer, dict) and "hits" in answer and "pit_id" in answer):
            raise ServerUnreachable(
                f"the answer to a search has no hits: {str(answer)[:200]!r}; look at what stands "
                "between here and Elasticsearch"
            )
        hits: _Hits = answer["hits"]["hits"]
        self.pit, self.total = answer["pit_id"], answer["hits"]["total"]["value"]
        if hits:
            self._went_on(hits)
        return hits

    def check_whole(self) -> None:
        """At the end, every document must have been met.

        Raises:
            _Lost: there were fewer or more.
        """
        if self.read != self.total:
            raise _Lost(
                ServerUnreachable(
                    f"a scan of {self.scan.index!r} found {self.read:,} of {self.total:,} "
                    "documents: something between here and Elasticsearch changes answers"
                )
            )

    def _went_on(self, hits: _Hits) -> None:
        self.read += len(hits)
        self.after = hits[-1]["sort"]
        bytes_ = len(orjson.dumps([(hit.get("_source"), hit.get("fields")) for hit in hits]))
        self.size = max(_FEWEST, min(_MOST, _BYTES * len(hits) // max(bytes_, 1)))

    def _body(self) -> dict[str, Any]:
        body = self.scan.body() | {"size": self.size}
        body["pit"] = {"id": self.pit, "keep_alive": KEEP_ALIVE}
        if self.scan.slices > 1:
            body["slice"] = {"id": self.number, "max": self.scan.slices}
        return body | ({"search_after": self.after} if self.after else {})
