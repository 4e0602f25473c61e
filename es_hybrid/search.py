"""Search: the query is embedded -> two legs, one request -> fused -> hits that say why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.embedders import Embedder, query_vector
from es_hybrid.errors import IndexNotFound, UsageError
from es_hybrid.filters import Clause, combined, parse_filter
from es_hybrid.fusion import RANK_CONSTANT, check_rank_constant, rrf
from es_hybrid.hits import MODES, Mode, SearchResult
from es_hybrid.live import index_embedder, read_index
from es_hybrid.mapping import LiveIndex, check_index_name
from es_hybrid.queries import Leg, bm25_leg, knn_leg
from es_hybrid.rankings import Ranking, hit, ranking, union
from es_hybrid.refusals import failure
from es_hybrid.similarity import similarity
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from es_hybrid.vectors import Vectors, usable_query

# How many of each leg are fused. Elasticsearch's default of 10 is too few to find a document
# that both legs hold at rank 15.
WINDOW = 100

# Elasticsearch's index.max_result_window.
MAX_SIZE = 10_000

Filters = str | Clause | Sequence[str | Clause] | None


class Searcher:
    """Searches the index behind `name`.

    The index's contract is read, and the embedder proven against it, at the first search.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an alias or index made by es_hybrid.
        embedder: a name or an object; None loads the index's own if its weights ship in a package.
    """

    def __init__(
        self, client: Elasticsearch, name: str, *, embedder: str | Embedder | None = None
    ) -> None:
        self.client = client
        self.name = name
        self._given = embedder
        self._live: LiveIndex | None = None
        self._embedder: Embedder | None = None

    def search(
        self,
        query: str,
        *,
        mode: Mode = "hybrid",
        size: int = 10,
        filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
        window: int | None = None,
        rank_constant: int = RANK_CONSTANT,
    ) -> SearchResult:
        """The best `size` documents for `query`.

        Args:
            query: what a person typed; it has no syntax.
            mode: ``"hybrid"`` fuses both legs by reciprocal rank; ``"bm25"`` and ``"knn"`` run one.
            size: number of hits, 0 to 10,000.
            filter: ``"field=value"``, a filter clause, or several of them; applied to both legs.
            window: how many of each leg are fused, `size` to 10,000; None takes max(100, size).
            rank_constant: of reciprocal rank fusion, at least 1.

        Raises:
            UsageError: an argument that can never work; nothing was sent.
            IndexNotFound: there is no such index.
            ContractError: the index was made by another model, or not by es_hybrid.
            ServerError: the server refused, or cannot be reached.
        """
        began = time.perf_counter()
        depth = _checked(query, mode=mode, size=size, window=window)
        check_rank_constant(rank_constant)
        legs = self._legs(query, mode=mode, size=depth, filters=filter)
        rankings = self._ask(legs)
        fused = rrf(
            [list(ranking.found) for ranking in rankings],
            rank_constant=rank_constant,
            ties={key: tie for ranking in rankings for key, tie in ranking.ties.items()},
        )
        return SearchResult(
            hits=tuple(hit(entry, rankings) for entry in fused[:size]),
            total=union(rankings, found=len(fused)),
            mode=mode,
            fusion="client" if mode == "hybrid" else None,
            took_ms=(time.perf_counter() - began) * 1000,
        )

    @property
    def live(self) -> LiveIndex:
        """The index and its contract, read once.

        Raises:
            InvalidIndexName: there is none, and none can have this name.
            IndexNotFound: there is no such index.
            ContractError: it was not made by es_hybrid, or by a newer one.
        """
        if self._live is None:
            live = read_index(self.client, self.name) if self.name else None
            if live is None:
                check_index_name(self.name)
                raise IndexNotFound(
                    f"no index {self.name!r}: make it with es-hybrid index {self.name} FILE"
                )
            self._live = live
        return self._live

    @property
    def embedder(self) -> Embedder:
        """The embedder, proven once to be the one that made the index.

        Raises:
            ContractError: it is another model, or must be named by the caller.
        """
        if self._embedder is None:
            self._embedder = index_embedder(self.live, self._given)
        return self._embedder

    def _legs(self, query: str, *, mode: Mode, size: int, filters: Filters) -> list[Leg]:
        live = self.live
        clause = combined(_clauses(filters, live.fields))
        legs = []
        if mode != "knn":
            legs.append(bm25_leg(query, live.lexical_fields, size=size, filter=clause))
        if mode != "bm25":
            kind = VECTOR_INDEX_TYPES[live.contract.vector_index]
            legs.append(knn_leg(self._vector(query), size=size, kind=kind, filter=clause))
        return legs

    def _vector(self, query: str) -> Vectors:
        embedder = self.embedder
        kind = similarity(self.live.contract.similarity)
        vector = query_vector(embedder, query)
        return usable_query(vector, maker=embedder.info.id, scaled=kind.scaled)

    def _ask(self, legs: Sequence[Leg]) -> list[Ranking]:
        """All legs in one request.

        https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch
        """
        # Without this a failed shard answers 200, and its documents are missing in silence.
        header = {"index": self.name, "allow_partial_search_results": False}
        lines = [part for leg in legs for part in (header, leg.body)]
        answer = request(self.client, "POST", path("_msearch"), body=lines, ndjson=True)
        for response in answer["responses"]:
            if "error" in response:
                raise failure(response["status"], response, what="search", url=self.name)
        return [ranking(*pair) for pair in zip(legs, answer["responses"], strict=True)]


def _checked(query: str, *, mode: str, size: int, window: int | None) -> int:
    """How deep each leg goes."""
    if not query.strip():
        raise UsageError(f"query {query!r} is empty: type some words")
    if mode not in MODES:
        raise UsageError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)}")
    if not 0 <= size <= MAX_SIZE:
        raise UsageError(f"size {size} is not between 0 and {MAX_SIZE}")
    if mode != "hybrid":
        return max(size, 1)
    if window is not None and not max(size, 1) <= window <= MAX_SIZE:
        raise UsageError(f"window {window} is not between size {size} and {MAX_SIZE}")
    return window or max(WINDOW, size)


def _clauses(filters: Filters, fields: Mapping[str, str]) -> list[Clause]:
    if filters is None:
        return []
    given = [filters] if isinstance(filters, str | Mapping) else filters
    return [parse_filter(one, fields=fields) if isinstance(one, str) else one for one in given]
