"""Both legs, and their fusion by ranks, beside an independent measurement of the same collections.

legs.py [--collections cranfield,korquad-dev]

The other measurement searched exactly, with embedders that were called by hand and fused with rank
constant 60 and equal weights. Here all goes through es_hybrid: `Indexer` writes, `Searcher` asks.
Of KorQuAD it asked 500 questions without saying which, and its multilingual-e5-small seems to have
read 256 tokens of a paragraph, where ``e5-small`` reads 512 and finds more; here 500 are drawn by
``numpy.random.default_rng(0)``, and e5-small is cut there too. Whole paragraphs stand beside it.

Limits: BM25 within 0.005 of it, kNN within 0.01. Fusion is shown without a limit: where the legs
share nothing, the first of either tie, and the order of the documents in the index decides.
Collections are read from ES_HYBRID_SHARED (default ../shared).
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import numpy as np
from quality import ANALYSIS, ASKED, SHARED, embedder

import es_hybrid
from es_hybrid.embedders import Embedder, EmbedderInfo, load_embedder
from es_hybrid.embedders.e5 import E5Small
from es_hybrid.embedders.e5.tokens import Tokenizer
from es_hybrid.evaluation import Collection, measured, read_collection
from es_hybrid.evaluation.runs import ids
from es_hybrid.evaluation.searching import Ways, search_all
from es_hybrid.node import Node
from es_hybrid.sources import JsonLines

NAME = "bench-legs"
TOKENS = 256
WAYS: Ways = {
    "bm25": {"mode": "bm25"},
    "knn": {"mode": "knn", "exact": True},
    "rrf": {"mode": "hybrid", "exact": True, "method": "rrf"},
}
LIMITS = {"bm25": 0.005, "knn": 0.01}
CUT = f"e5-small, {TOKENS} tokens"

# nDCG@10 of bm25, kNN and RRF.
OTHERS = {
    ("cranfield", "e5-small"): (0.335, 0.360, 0.378),
    ("cranfield", "minilm"): (0.335, 0.374, 0.398),
    ("korquad-dev", CUT): (0.957, 0.853, 0.922),
    ("korquad-dev", "e5-small"): None,
    ("korquad-dev", "minilm"): (0.957, 0.051, 0.360),
}


class ShortE5(E5Small):
    """``e5-small`` that reads no more than `TOKENS` tokens."""

    @cached_property
    def info(self) -> EmbedderInfo:
        """Another model, as far as an index is concerned."""
        return replace(E5Small().info, id=CUT, max_tokens=TOKENS)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._weights, limit=TOKENS)


@dataclass(frozen=True, slots=True)
class Row:
    """One way to search: nDCG@10 here and there; None where nothing was measured there."""

    title: str
    way: str
    here: float
    there: float | None

    @property
    def missed(self) -> bool:
        """Whether it is further from the other than the limit."""
        if self.there is None or self.way not in LIMITS:
            return False
        return abs(self.here - self.there) > LIMITS[self.way]

    def __str__(self) -> str:
        beside = "" if self.there is None else f"{self.there:.3f} {self.here - self.there:+.3f}"
        return f"{self.title:32} {self.way:5} {self.here:.3f} {beside}{' MISSED' * self.missed}"


def loaded(name: str) -> Embedder:
    """The embedder of a row."""
    return ShortE5() if name == CUT else load_embedder(embedder(name))


def judged(name: str) -> Collection:
    """The queries that are asked."""
    whole = read_collection(SHARED / name)
    if len(whole.queries) <= ASKED:
        return whole
    drawn = np.random.default_rng(0).choice(len(whole.queries), ASKED, replace=False)
    queries = [*whole.queries]
    return whole.only({queries[number] for number in drawn})


def rows(url: str, name: str, model: str) -> Iterator[Row]:
    """Index, search in all ways, measure."""
    made, collection = loaded(model), judged(name)
    index = f"{NAME}-{name}"
    with es_hybrid.connect(url=url) as client:
        client.options(ignore_status=404).indices.delete(index=f"{index}-000001")
        indexer = es_hybrid.Indexer(client, index, embedder=made, analysis=ANALYSIS[name])
        indexer.write(JsonLines([SHARED / name / "corpus.jsonl"]))
        searcher = es_hybrid.Searcher(client, index, embedder=made)
        found = search_all(searcher, collection.queries, ways=WAYS)
    others = OTHERS[name, model] or (None, None, None)
    for (way, rankings), there in zip(found.items(), others, strict=True):
        values = measured(ids(rankings), collection.qrels, measure="nDCG@10")
        yield Row(f"{name}, {model}", way, fmean(values.values()), there)


def main() -> bool:
    """Measure and print; whether a limit is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collections", default="cranfield,korquad-dev")
    wanted, missed = parser.parse_args().collections.split(","), False
    with Node(name=NAME) as node:
        for name, model in OTHERS:
            if name not in wanted:
                continue
            for row in rows(node.url, name, model):
                print(row, flush=True)
                missed = missed or row.missed
    return missed


if __name__ == "__main__":
    sys.exit(main())
