"""A gate for new versions of an index: how well they answer judged queries."""

from __future__ import annotations

from pathlib import Path

from elasticsearch import Elasticsearch

from es_hybrid.embedders import Embedder
from es_hybrid.evaluation import measured, read_collection
from es_hybrid.evaluation.runs import ids
from es_hybrid.evaluation.searching import search_all, ways
from es_hybrid.existing.verify import Gate
from es_hybrid.search import Searcher

_MODE, _MEASURE, _SIZE = "hybrid", "nDCG@10", 10


def ndcg_gate(folder: Path) -> Gate:
    """Mean nDCG@10, 0 to 1, of hybrid search over the queries of a BEIR folder.

    Raises:
        SourceError: it is none, or has no judged query.
    """
    collection = read_collection(folder)

    def gate(client: Elasticsearch, index: str, embedder: Embedder) -> float:
        searcher = Searcher(client, index, embedder=embedder)
        found = search_all(searcher, collection.queries, ways=ways([_MODE]), depth=_SIZE)
        values = measured(ids(found[_MODE]), collection.qrels, measure=_MEASURE)
        return sum(values.values()) / len(values)

    return gate
