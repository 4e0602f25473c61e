"""Searchers: the same methods for an `Elasticsearch` and for an `AsyncElasticsearch`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, get_args

from es_hybrid.embedders import Embedder
from es_hybrid.errors import EsHybridError, UsageError
from es_hybrid.filters import Filters
from es_hybrid.hits import SearchResult
from es_hybrid.json_values import shown
from es_hybrid.search.asked import Asked, asked
from es_hybrid.search.checks import choice
from es_hybrid.search.flow import rankings, search
from es_hybrid.search.headers import checked_headers, sending
from es_hybrid.search.known import Known, names
from es_hybrid.search.many import embedded
from es_hybrid.search.native import route
from es_hybrid.search.options import Fusion, Options, Query
from es_hybrid.search.paging import Pages
from es_hybrid.search.point_in_time import KEEP_ALIVE, PointInTime, closing, opening
from es_hybrid.search.rankings import Ranking
from es_hybrid.search.rounds import together
from es_hybrid.search.searched import Searched
from es_hybrid.search.tenancy import bound
from es_hybrid.steps import Steps, arun, run

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch


class _Searching:
    """What both searchers do, in steps; arguments as of `Searcher`."""

    _awaits: ClassVar[bool] = False

    def __init__(
        self,
        client: Any,
        name: str | Sequence[str],
        *,
        embedder: str | Embedder | None = None,
        filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
        routing: str | None = None,
        fusion: Fusion = "auto",
        allowed: Collection[str] | None = None,
    ) -> None:
        self._check(client)
        self.client = client
        self.name = names(name)
        self._bound = bound(filter, routing)
        self._fusion: Fusion = choice("fusion", fusion, get_args(Fusion))
        self._known = Known(
            self.name, embedder=embedder, allowed=allowed, route=route(client), client=client
        )

    def _check(self, client: Any) -> None:
        """Refuse a client of the other kind, whose answers nobody would await."""
        if iscoroutinefunction(getattr(client, "perform_request", None)) != self._awaits:
            other = "Searcher" if self._awaits else "AsyncSearcher"
            raise UsageError(
                f"{type(self).__name__} cannot use a {type(client).__name__}: take {other}"
            )

    def _search(self, queries: Sequence[Query]) -> Steps[list[SearchResult]]:
        if isinstance(queries, str | Mapping) or not isinstance(queries, Sequence):
            raise UsageError(f"{shown(queries)} is no list of searches: give a list of mappings")
        names = _names(queries)
        all_asked = [self._asked(one, name) for one, name in zip(queries, names, strict=True)]
        headers = {name: value for one in all_asked for name, value in one.headers.items()}
        steps = self._answers(all_asked, names)
        return (yield from sending(steps, headers) if headers else steps)

    def _asked(self, query: Query, name: str | None) -> Asked:
        try:
            if not isinstance(query, Mapping):
                raise UsageError(f'{shown(query)} is no search: give a mapping, {{"query": "tea"}}')
            one = asked(query.get("query"), self._options(query))
            self._bound.check(one, name=self.name)
        except EsHybridError as error:
            if name is not None:
                error.add_note(name)
            raise
        return one

    def _answers(
        self, searches: Sequence[Asked], names: Sequence[str | None]
    ) -> Steps[list[SearchResult]]:
        vectors = yield from embedded(searches, self._known)
        tasks = [search(one, self._known, self._bound, vectors) for one in searches]
        return (yield from together(tasks, names))

    def _rankings(self, queries: Sequence[Query]) -> Steps[list[tuple[Ranking, ...]]]:
        searches = [self._asked(one, None) for one in queries]
        vectors = yield from embedded(searches, self._known)
        tasks = [rankings(one, self._known, self._bound, vectors) for one in searches]
        return (yield from together(tasks))

    def _options(self, query: Query) -> Options:
        options: Any = {"fusion": self._fusion, **query}
        options.pop("query", None)
        made: Options = options
        return made

    def _prepare(self) -> Steps[Searched]:
        searched = yield from self._known.searched()
        if searched.contract.embedder.label is None:
            yield from self._known.embedder(searched)
        return searched

    def _open(
        self, keep_alive: str, headers: Mapping[str, str] | None = None
    ) -> Steps[PointInTime]:
        sent = checked_headers(headers)
        return (yield from sending(self._opening(keep_alive, sent), sent))

    def _opening(self, keep_alive: str, headers: Mapping[str, str]) -> Steps[PointInTime]:
        searched = yield from self._known.read()  # it may lead elsewhere since the last search
        routing = self._bound.routing
        return (
            yield from opening(searched, keep_alive=keep_alive, routing=routing, headers=headers)
        )


def _names(queries: Sequence[Query]) -> Sequence[str | None]:
    """What each search of a batch is called in the notes of an error; nothing if it is alone."""
    if len(queries) == 1:
        return [None]
    words = [one.get("query") if isinstance(one, Mapping) else one for one in queries]
    return [
        f"search {number} of {len(queries)}: {shown(said)}"
        for number, said in enumerate(words, start=1)
    ]


class Searcher(_Searching):
    """Searches the indices behind `name`.

    Their contracts are read, and the embedder proven against them, at the first search; both
    again when an answer leaves a doubt (a hit in an index that was not there before, something
    that fails, no hit at all), and each minute. If they are others then, all is asked once more.

    Args:
        client: any client; it is used, never changed.
        name: an alias, an index or a pattern, or several of them. All indices that are searched
            together must have been made by the same model in the same way.
        embedder: a name or an object; None loads the index's own if its weights ship in a
            package, or if `allowed` names it.
        filter: bound to this searcher: no call can widen it, and queries that read other
            documents than they find are refused. BM25 counts words in all documents of a shard,
            so that scores depend on those that are hidden as well.
        routing: only the shards of this routing value are searched.
        fusion: who fuses where a call does not say it: ``"auto"``, ``"native"`` or ``"client"``.
        allowed: names of embedders that may be loaded on the word of an index; None takes those
            of `Settings.allowed_embedders`.

    Raises:
        UsageError: name, filter, routing or fusion can never work.
    """

    client: Elasticsearch

    def search(self, query: str | None = None, **options: Unpack[Options]) -> SearchResult:
        """The best documents for `query`, for a vector, or for both.

        Args:
            query: what a person typed; it has no syntax.
            options: see `Options`.

        Raises:
            UsageError: an argument that can never work; nothing was sent.
            VectorError: the vector is none, or has another number of dimensions than the index.
            IndexNotFound: there is no such index.
            ContractError: the index was made by another model, or not by es_hybrid.
            LicenceMissing: native fusion was insisted on, and the licence does not allow it.
            PartialAnswer: a shard failed or was late.
            ServerError: the server refused, or cannot be reached.
        """
        return self.search_many([{"query": query, **options}])[0]

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Several searches in one round trip, each as :meth:`search` would answer it.

        Args:
            queries: such as ``[{"query": "tea"}, {"query": "coffee", "size": 3}]``. They share
                requests, so that headers of one are sent for all.

        Raises:
            EsHybridError: as :meth:`search`, for the first search that fails; its notes say which
                that is.
        """
        return run(self.client, self._search(queries))

    def rankings(self, queries: Sequence[Query]) -> list[tuple[Ranking, ...]]:
        """What each leg of several searches found, before anything is fused; for measurements.

        Args:
            queries: as for :meth:`search_many`. With ``fusion="native"`` there are none.

        Raises:
            EsHybridError: as :meth:`search_many`.
        """
        return run(self.client, self._rankings(queries))

    def searched(self) -> Searched:
        """The indices behind the name, read once."""
        return run(self.client, self._known.searched())

    def prepare(self) -> Searched:
        """Read the contracts and load the embedder, which the first search would do otherwise.

        Raises:
            EsHybridError: as :meth:`search`.
        """
        return run(self.client, self._prepare())

    def open_point_in_time(
        self, keep_alive: str = KEEP_ALIVE, *, headers: Mapping[str, str] | None = None
    ) -> PointInTime:
        """Keep the indices as they are now, for ``search(…, pit=…)``; close it when done.

        Args:
            keep_alive: how long it stays open without a search, such as ``"30s"``.
            headers: to open and close it with, such as ``{"X-Opaque-Id": "page-7"}``.
        """
        return run(self.client, self._open(keep_alive, headers))

    def close_point_in_time(self, pit: PointInTime) -> None:
        """Let go of a point in time; it may be closed already."""
        run(self.client, closing(pit))

    @contextmanager
    def point_in_time(
        self, keep_alive: str = KEEP_ALIVE, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[PointInTime]:
        """``with searcher.point_in_time() as pit:`` opens one and closes it."""
        pit = self.open_point_in_time(keep_alive, headers=headers)
        try:
            yield pit
        finally:
            self.close_point_in_time(pit)

    def pages(self, query: str | None = None, **options: Unpack[Options]) -> Iterator[SearchResult]:
        """Page after page of `size` hits until the window ends, all of one point in time.

        Args:
            query: as for :meth:`search`.
            options: as for :meth:`search`; `from_` is where the first page begins, and `window`
                how many hits there can be in all, 100 by default. Whoever reads a page for more
                than a minute gives a `pit` that is kept open longer.

        Raises:
            EsHybridError: as :meth:`search`, when the first page is asked for.
        """
        steps = Pages({"query": query, **options})
        opened = nullcontext(steps.pit) if steps.pit else self.point_in_time(headers=steps.headers)
        with opened as pit:
            while (page := steps.next(pit)) is not None:
                result = self.search_many([page])[0]
                if steps.holds(result):
                    yield result


class AsyncSearcher(_Searching):
    """As `Searcher`, with an ``AsyncElasticsearch``; models compute in a thread."""

    _awaits = True
    client: AsyncElasticsearch

    async def search(self, query: str | None = None, **options: Unpack[Options]) -> SearchResult:
        """As `Searcher.search`."""
        return (await self.search_many([{"query": query, **options}]))[0]

    async def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """As `Searcher.search_many`."""
        return await arun(self.client, self._search(queries))

    async def rankings(self, queries: Sequence[Query]) -> list[tuple[Ranking, ...]]:
        """As `Searcher.rankings`."""
        return await arun(self.client, self._rankings(queries))

    async def searched(self) -> Searched:
        """As `Searcher.searched`."""
        return await arun(self.client, self._known.searched())

    async def prepare(self) -> Searched:
        """As `Searcher.prepare`."""
        return await arun(self.client, self._prepare())

    async def open_point_in_time(
        self, keep_alive: str = KEEP_ALIVE, *, headers: Mapping[str, str] | None = None
    ) -> PointInTime:
        """As `Searcher.open_point_in_time`."""
        return await arun(self.client, self._open(keep_alive, headers))

    async def close_point_in_time(self, pit: PointInTime) -> None:
        """As `Searcher.close_point_in_time`."""
        await arun(self.client, closing(pit))

    @asynccontextmanager
    async def point_in_time(
        self, keep_alive: str = KEEP_ALIVE, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[PointInTime]:
        """As `Searcher.point_in_time`, with ``async with``; closed however it is left."""
        opening = asyncio.ensure_future(self.open_point_in_time(keep_alive, headers=headers))
        try:
            pit = await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(EsHybridError):
                await self.close_point_in_time(await opening)
            raise
        try:
            yield pit
        finally:
            await self.close_point_in_time(pit)

    async def pages(
        self, query: str | None = None, **options: Unpack[Options]
    ) -> AsyncIterator[SearchResult]:
        """As `Searcher.pages`, with ``async for``."""
        steps = Pages({"query": query, **options})
        opened = nullcontext(steps.pit) if steps.pit else self.point_in_time(headers=steps.headers)
        async with opened as pit:
            while (page := steps.next(pit)) is not None:
                result = (await self.search_many([page]))[0]
                if steps.holds(result):
                    yield result
