"""Where the server compares all vectors anyway: then a recall of 1 proves nothing.

Lucene searches each segment by itself. A small one gets no graph, and where a graph search would
visit as many vectors as pass the filter, all of them are compared instead:
`HnswGraphSearcher.expectedVisitedNodes(k, n) = (int) (ln(n) k)`, used by
`Lucene99HnswVectorsReader.search` and `Lucene99HnswVectorsWriter.shouldCreateGraph`. Before
Lucene 10.2 all were compared only where no more pass the filter than there are candidates.
https://github.com/apache/lucene
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.vector_index import VectorIndexType

# The first Elasticsearch with Lucene 10.2.
_EXPECTS = (9, 1)

# Of ``flat_index_threshold``, which Elasticsearch has since 9.4; see its dense-vector page.
_SINCE = (9, 4)
_THRESHOLD, _THRESHOLD_OF_BBQ = 150, 300


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of an index.

    Attributes:
        vectors: how many each has, about: documents without a vector are spread evenly.
        threshold: `k` of the rule by which a segment gets a graph; 0 always makes one.
        graph: whether the vector index type has graphs at all.
        expects: whether the server works out how many vectors a search would visit.
    """

    vectors: Sequence[int]
    threshold: int
    graph: bool = True
    expects: bool = True

    def exhaustive(self, num_candidates: int, *, share: float = 1.0) -> bool:
        """Whether every segment is small enough that all its vectors are compared.

        Args:
            num_candidates: of the search.
            share: of the vectors that pass its filter, 0 to 1.
        """
        return self.graph and all(
            not has_graph(count, self.threshold)
            or self._looked_at(num_candidates, count) >= count * share
            for count in self.vectors
        )

    def _looked_at(self, candidates: int, vectors: int) -> int:
        return visited(candidates, vectors) if self.expects else candidates


def visited(candidates: int, vectors: int) -> int:
    """How many vectors Lucene expects a graph search to look at.

    >>> visited(100, 1000)
    690
    """
    return int(log(vectors) * candidates) if vectors > 0 else 0


def has_graph(vectors: int, threshold: int) -> bool:
    """Whether a segment of so many vectors gets a graph.

    >>> has_graph(1000, 150), has_graph(2000, 150)
    (False, True)
    """
    return vectors > visited(threshold, vectors)


def read_segments(
    client: Elasticsearch,
    index: str,
    *,
    kind: VectorIndexType,
    vectors: int,
    release: tuple[int, int] | None,
) -> Segments | None:
    """The segments of an index; None where the server does not tell, for want of a privilege.

    Args:
        client: whose cluster is asked.
        index: which index.
        kind: its vector index type.
        vectors: how many it has in all.
        release: the server's version; None where it is not told.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    answer = request(client, "GET", path(index, "_segments"), ok=(403, 404, 405, 410))
    copies = answer.get("indices", {}).get(index, {}).get("shards", {}).values()
    primaries = [copy for shard in copies for copy in shard if copy["routing"]["primary"]]
    counts = [one["num_docs"] for copy in primaries for one in copy["segments"].values()]
    if not sum(counts):
        return None
    newest = release or _SINCE  # it does not tell its version: serverless
    threshold = _THRESHOLD_OF_BBQ if kind.name.startswith("bbq") else _THRESHOLD
    share = min(vectors / sum(counts), 1.0)
    return Segments(
        [round(count * share) for count in counts],
        threshold if newest >= _SINCE else 0,
        graph=kind.name.endswith("hnsw"),
        expects=newest >= _EXPECTS,
    )
