"""Elasticsearch's own fusion: its retrievers' bodies, and whether a server runs them.

The ``rrf`` and ``linear`` retrievers need a trial or Enterprise licence and the module
``rank-rrf``. https://www.elastic.co/docs/reference/elasticsearch/rest-apis/retrievers
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from es_hybrid import capabilities
from es_hybrid.capabilities import Capabilities
from es_hybrid.errors import RequestRefused
from es_hybrid.filters import Clause
from es_hybrid.fusion import RANK_CONSTANT
from es_hybrid.refusals import is_licence_refusal
from es_hybrid.search.asked import Asked
from es_hybrid.search.details import highlighting
from es_hybrid.search.queries import Body, Frame, LegSearch, knn_section
from es_hybrid.steps import Steps

# The first server that weighs the legs of rrf (linear always did), and whose linear knows l2_norm
# and a minimum (elastic/elasticsearch#129359). 8.19 has some of it; it is fused here as well.
_WEIGHTED_RRF, _L2_NORM, _MINIMUM = (9, 2), (9, 1), (9, 1)

# The first server whose retrievers tell of a shard that failed within a leg, where partial answers
# are not allowed; older ones leave it out in silence (elastic/elasticsearch#136529, #136732).
_FAILURES_TOLD = (9, 3)

# Ways of a kNN leg that the native retriever does not have.
_OWN_WAYS = {"exact:script_score", "exact:scanned"}

# The second one is said of a fusion inside another retriever.
_UNKNOWN = re.compile(
    r"unknown retriever \[(rrf|linear)\]|\[retriever\]: .*unknown field \[(rrf|linear)\]"
)


class Route:
    """What is known of one server's fusion: read once, and whether it was refused.

    Attributes:
        can: the server's capabilities; None until they were read.
        able: whether the native fusion may be tried.
        packs: whether query vectors may be base64, which is written and read several times as fast
            as numbers; False until that is known.
        refused: whether it was refused.
    """

    def __init__(self) -> None:
        self.can: Capabilities | None = None
        self.able = self.packs = False
        self.refused = False

    def known(self) -> Steps[Capabilities]:
        """The server's capabilities, in steps."""
        if self.can is None:
            self.can = yield from capabilities.reading()
            self.able = self.can.native_fusion is not False and tells_failures(self.can)
            self.packs = self.can.base64_queries
        return self.can


# A client's transport -> what is known of the server behind it. Clients that are derived with
# other options share their transport.
_ROUTES: WeakKeyDictionary[Any, Route] = WeakKeyDictionary()


def route(client: Any) -> Route:
    """What is known of the server behind `client`, by all searchers that use it."""
    try:
        return _ROUTES.setdefault(client.transport, Route())
    except TypeError:  # a transport of somebody's own that cannot be referred to weakly
        return Route()


def is_refusal(error: Exception) -> bool:
    """Whether a server says that it has no native fusion: for its licence, or as unknown."""
    return isinstance(error, RequestRefused) and (
        is_licence_refusal(error) or bool(_UNKNOWN.search(str(error)))
    )


def tells_failures(can: Capabilities) -> bool:
    """Whether a failing shard cannot go unnoticed in the legs of a native retriever."""
    return can.release is None or can.release >= _FAILURES_TOLD


def obstacle(asked: Asked, legs: Sequence[LegSearch], can: Capabilities) -> str | None:
    """What of a search the native retrievers cannot do; None where they can do it all."""
    lacking = {
        "a timeout is not handed to the legs of native retrievers": asked.timeout is not None,
        "explain needs the legs' own answers": asked.explain,
        "adaptive weights are made of the legs' own answers": asked.method == "adaptive",
        "allow_partial needs the legs' own answers": asked.allow_partial,
        "the native knn retriever returns no passages": any(leg.in_passages for leg in legs),
        "the native knn retriever knows no exact search": any(leg.way in _OWN_WAYS for leg in legs),
        **_too_new(asked, legs, can.release or _WEIGHTED_RRF),
    }
    return next((what for what, lacks in lacking.items() if lacks), None)


def _too_new(
    asked: Asked, legs: Sequence[LegSearch], release: tuple[int, int]
) -> Mapping[str, bool]:
    weighted = asked.method == "rrf" and any(leg.weight != 1 for leg in legs)
    l2_norm = asked.method == "linear" and any(leg.normalizer == "l2_norm" for leg in legs)
    least = asked.min_score is not None
    return {
        "weights of rrf need Elasticsearch 9.2": weighted and release < _WEIGHTED_RRF,
        "l2_norm needs Elasticsearch 9.1": l2_norm and release < _L2_NORM,
        "min_score of linear needs Elasticsearch 9.1": least and release < _MINIMUM,
    }


def body(asked: Asked, legs: Sequence[LegSearch], shared: Sequence[Clause], frame: Frame) -> Body:
    """The body of one search that fuses `legs`, limited by the `shared` filters.

    Where hits are reordered afterwards, all of the window are asked for.
    """
    reordered = asked.rerank is not None or asked.mmr is not None
    size, start = (asked.window, 0) if reordered else (asked.size, asked.start)
    ask = {
        "retriever": {asked.method: _retriever(asked, legs, shared)},
        "size": size,
        "_source": frame.source,
        **({"from": start} if start else {}),
    }
    return frame.around(ask | _besides(asked, legs))


def _besides(asked: Asked, legs: Sequence[LegSearch]) -> Body:
    """What Elasticsearch tells of a fused list beside its hits."""
    wanted = {
        "aggs": asked.aggs,
        "track_total_hits": asked.exact_totals or None,
        "collapse": None if asked.collapse is None else {"field": asked.collapse},
        "highlight": None if asked.highlight is None else highlighting(asked.highlight, legs),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _retriever(asked: Asked, legs: Sequence[LegSearch], shared: Sequence[Clause]) -> Body:
    fused: Body = {
        "retrievers": [_weighted(leg, asked) for leg in legs],
        "rank_window_size": asked.window,
    }
    if asked.method == "rrf" and asked.rank_constant != RANK_CONSTANT:
        fused["rank_constant"] = asked.rank_constant
    if asked.min_score is not None:
        fused["min_score"] = asked.min_score
    return fused | _filter(shared)


def _weighted(leg: LegSearch, asked: Asked) -> Body:
    """One leg: bare, or with its weight and normalizer."""
    if asked.method == "linear":
        return {"retriever": _leg(leg), "weight": leg.weight, "normalizer": leg.normalizer}
    return _leg(leg) if leg.weight == 1 else {"retriever": _leg(leg), "weight": leg.weight}


def _leg(leg: LegSearch) -> Body:
    if leg.clause is None:
        return {"knn": knn_section(replace(leg, shared=()))}  # the retriever hands those down
    least = {} if leg.minimum is None else {"min_score": leg.minimum}
    return {"standard": {"query": leg.clause, **_filter(leg.filters), **least}}


def _filter(clauses: Sequence[Clause]) -> Body:
    if not clauses:
        return {}
    return {"filter": clauses[0] if len(clauses) == 1 else list(clauses)}
