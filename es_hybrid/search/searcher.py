"""Search: the query is embedded -> two legs, one request -> fused -> hits that say why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.capabilities import Capabilities
from es_hybrid.client import path, request
from es_hybrid.embedders import Embedder, query_vector
from es_hybrid.errors import IndexNotFound, RequestRefused
from es_hybrid.filters import Clause, combined, parse_filter
from es_hybrid.fusion import RANK_CONSTANT, rrf
from es_hybrid.hits import Mode, SearchResult
from es_hybrid.live import index_embedder, read_index
from es_hybrid.mapping import LiveIndex, check_index_name
from es_hybrid.refusals import failure
from es_hybrid.search.asked import Asked, asked, query_row
from es_hybrid.search.exact import exact_leg, scan
from es_hybrid.search.nested import in_passages
from es_hybrid.search.queries import Leg, bm25_leg, knn_leg
from es_hybrid.search.rankings import Ranking, hit, ranking, union
from es_hybrid.similarity import Similarity, similarity
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from es_hybrid.vectors import Vectors, usable_query

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
        self._painless: bool | None = None

    def search(
        self,
        query: str | None = None,
        *,
        vector: Any = None,  # noqa: ANN401 - any array of numbers
        mode: Mode | None = None,
        size: int = 10,
        filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
        window: int | None = None,
        rank_constant: int = RANK_CONSTANT,
        exact: bool = False,
        num_candidates: int | None = None,
    ) -> SearchResult:
        """The best `size` documents for `query`, for `vector`, or for both.

        Args:
            query: what a person typed; it has no syntax.
            vector: what the kNN leg looks for, instead of the embedded `query`; as many numbers
                as the index has dimensions.
            mode: ``"hybrid"`` fuses both legs by reciprocal rank; ``"bm25"`` and ``"knn"`` run
                one. None is hybrid where there are words, and knn where there are none.
            size: number of hits, 0 to 10,000.
            filter: ``"field=value"``, a filter clause, or several of them; applied to both legs.
            window: how many of each leg are fused, `size` to 10,000; None takes max(100, size).
            rank_constant: of reciprocal rank fusion, at least 1.
            exact: the kNN leg misses nothing; `SearchResult.knn` says how.
            num_candidates: how many vectors each shard looks at for an approximate kNN leg; None
                takes what reaches a recall of 0.97 and more (`vector_index`).

        Raises:
            UsageError: an argument that can never work; nothing was sent.
            VectorError: the vector is none, or has another number of dimensions than the index.
            IndexNotFound: there is no such index.
            ContractError: the index was made by another model, or not by es_hybrid.
            ServerError: the server refused, or cannot be reached.
        """
        began = time.perf_counter()
        what = asked(
            query,
            vector=vector,
            mode=mode,
            size=size,
            window=window,
            rank_constant=rank_constant,
            exact=exact,
            num_candidates=num_candidates,
        )
        rankings = self._rankings(what, combined(_clauses(filter, self.live.fields)))
        fused = rrf(
            [list(ranking.found) for ranking in rankings],
            rank_constant=rank_constant,
            ties={key: tie for ranking in rankings for key, tie in ranking.ties.items()},
        )
        return SearchResult(
            hits=tuple(hit(entry, rankings) for entry in fused[:size]),
            total=union(rankings, found=len(fused)),
            mode=what.mode,
            fusion="client" if what.mode == "hybrid" else None,
            took_ms=(time.perf_counter() - began) * 1000,
            knn=next((one.leg.way for one in rankings if one.leg.kind == "knn"), None),
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

    def _rankings(self, what: Asked, clause: Clause | None) -> list[Ranking]:
        legs = self._legs(what, clause)
        try:
            return self._ask(legs)
        except RequestRefused as error:
            scripted = any(leg.way == "exact:script_score" for leg in legs)
            if not (scripted and "script" in str(error)):
                raise
            self._painless = False  # it was not told, or scripts are forbidden
            return self._ask(self._legs(what, clause))

    def _legs(self, what: Asked, clause: Clause | None) -> list[Leg]:
        live = self.live
        legs = []
        if what.query is not None and what.mode != "knn":
            fields = live.lexical_fields
            legs.append(bm25_leg(what.query, fields, size=what.depth, filter=clause))
        if what.mode != "bm25":
            legs.append(self._knn_leg(what, clause))
        return [in_passages(leg) for leg in legs] if live.contract.passages else legs

    def _knn_leg(self, what: Asked, clause: Clause | None) -> Leg:
        contract = self.live.contract
        near = similarity(contract.similarity)
        vector = self._vector(what, near)
        kind = VECTOR_INDEX_TYPES[contract.vector_index]
        if not what.exact:
            return knn_leg(
                vector,
                size=what.depth,
                kind=kind,
                similarity=near,
                num_candidates=what.num_candidates,
                filter=clause,
            )
        return exact_leg(
            self.client,
            self.name,
            vector,
            size=what.depth,
            kind=kind,
            similarity=near,
            painless=self._can.painless if self._painless is None else self._painless,
            filter=clause,
        )

    @cached_property
    def _can(self) -> Capabilities:
        return capabilities.read(self.client)

    def _vector(self, what: Asked, near: Similarity) -> Vectors:
        if what.vector is not None:
            dims = self.live.contract.embedder.dims
            return query_row(what.vector, dims=dims, scaled=near.scaled)
        made = query_vector(self.embedder, what.query or "")
        return usable_query(made, maker=self.embedder.info.id, scaled=near.scaled)

    def _ask(self, legs: Sequence[Leg]) -> list[Ranking]:
        """All legs in one request, but for a scan.

        https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch
        """
        sent = [leg for leg in legs if leg.way != "exact:scanned"]
        answers = iter(self._answers(sent))
        return [
            ranking(
                leg,
                next(answers)
                if leg.way != "exact:scanned"
                else scan(self.client, self.name, leg, binary=self._can.base64_queries),
            )
            for leg in legs
        ]

    def _answers(self, legs: Sequence[Leg]) -> list[dict[str, Any]]:
        if not legs:
            return []
        # Without this a failed shard answers 200, and its documents are missing in silence.
        header = {"index": self.name, "allow_partial_search_results": False}
        lines = [part for leg in legs for part in (header, leg.body)]
        answer = request(self.client, "POST", path("_msearch"), body=lines, ndjson=True)
        for response in answer["responses"]:
            if "error" in response:
                raise failure(response["status"], response, what="search", url=self.name)
        responses: list[dict[str, Any]] = answer["responses"]
        return responses


def _clauses(filters: Filters, fields: Mapping[str, str]) -> list[Clause]:
    if filters is None:
        return []
    given = [filters] if isinstance(filters, str | Mapping) else filters
    return [parse_filter(one, fields=fields) if isinstance(one, str) else one for one in given]
