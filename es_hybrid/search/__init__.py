"""Search: the query is embedded -> its legs, one request -> fused -> hits that say why."""

from es_hybrid.search.searcher import Searcher

__all__ = ["Searcher"]
