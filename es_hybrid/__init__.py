"""Hybrid search on Elasticsearch: BM25 and kNN, fused by rank, on any licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from es_hybrid.client import connect
    from es_hybrid.embedders import Embedder, EmbedderInfo, load_embedder
    from es_hybrid.errors import EsHybridError
    from es_hybrid.fusion import rrf
    from es_hybrid.hits import Hit, SearchResult
    from es_hybrid.indexing import AsyncIndexer, Indexer, Report
    from es_hybrid.node import Node
    from es_hybrid.search import AsyncSearcher, Leg, Searcher

# Public name -> the module it lives in. Loaded when first used, so that the command line
# shows its help without loading an Elasticsearch client.
_HOMES = {
    "AsyncIndexer": "es_hybrid.indexing",
    "AsyncSearcher": "es_hybrid.search",
    "Embedder": "es_hybrid.embedders",
    "EmbedderInfo": "es_hybrid.embedders",
    "EsHybridError": "es_hybrid.errors",
    "Hit": "es_hybrid.hits",
    "Indexer": "es_hybrid.indexing",
    "Leg": "es_hybrid.search",
    "Node": "es_hybrid.node",
    "Report": "es_hybrid.indexing",
    "SearchResult": "es_hybrid.hits",
    "Searcher": "es_hybrid.search",
    "connect": "es_hybrid.client",
    "load_embedder": "es_hybrid.embedders",
    "rrf": "es_hybrid.fusion",
}

__all__ = [
    "AsyncIndexer",
    "AsyncSearcher",
    "Embedder",
    "EmbedderInfo",
    "EsHybridError",
    "Hit",
    "Indexer",
    "Leg",
    "Node",
    "Report",
    "SearchResult",
    "Searcher",
    "connect",
    "load_embedder",
    "rrf",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
