"""Bytes of a vector index, by the formulas of Elasticsearch's documentation.

https://www.elastic.co/docs/deploy-manage/production-guidance/optimize-performance/approximate-knn-search

Two differences, as a server 9.5.4 states its files (``_stats``, ``_disk_usage``): beside a vector
of 8 or 4 bits stand 16 bytes where that page has 4; and a graph takes less than its ``4 m`` bytes
for a vector where vectors are few, since neighbours are written as differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.recall.segments import visited
from es_hybrid.search.checks import number, whole
from es_hybrid.vector_index import (
    MAX_DIMS,
    VECTOR_INDEX_TYPES,
    VectorIndexType,
    vector_index_type,
)

_FLOAT = 4  # bytes
_CORRECTION = 16  # bytes beside a vector of 8 or 4 bits
_CORRECTION_OF_BBQ = 14
GIB = 2**30

# A shard of more is slow to move and to recover.
# https://www.elastic.co/docs/deploy-manage/production-guidance/optimize-performance/size-shards
LARGEST_SHARD = 50 * GIB

# Of a machine's memory, what the file system may cache: the heap takes no more than half.
_CACHED = 0.5

# Of DiskBBQ's clusters, what has to be in memory: 1 to 5 %.
_CLUSTERS_IN_MEMORY = 0.05


@dataclass(frozen=True, slots=True)
class Size:
    """What one vector index type needs, of one copy of the data, in bytes.

    Attributes:
        type: its name.
        refused: why it cannot hold these vectors; then all numbers are 0.
        exact: the float32 vectors, on disk; read to score candidates again.
        compared: the vectors that a search compares, if they are others than the exact ones.
        graph: what leads a search to them: graph, or centroids.
        memory: what should be in the file system's cache.
        formula: of `memory`.
        visits: vectors that a search compares in all shards, about; None where nobody says it.
    """

    type: str
    refused: str | None = None
    exact: int = 0
    compared: int = 0
    graph: int = 0
    memory: int = 0
    formula: str = ""
    visits: int | None = 0

    @property
    def disk(self) -> int:
        """All files of the vectors."""
        return self.exact + self.compared + self.graph


@dataclass(frozen=True, slots=True)
class Plan:
    """What every vector index type needs for these vectors.

    Attributes:
        docs: documents.
        vectors: vectors: as many, or one for each passage.
        dims: numbers of a vector.
        replicas: further copies.
        shards: primary shards; None takes as many as keep each at `LARGEST_SHARD`.
        machine: bytes of a machine's memory; None asks for no number of machines.
        prices: of a GiB and month of memory, and of disk; None asks for no cost.
        sizes: of each type.
    """

    docs: int
    vectors: int
    dims: int
    replicas: int
    shards: int | None
    machine: float | None
    prices: tuple[float, float] | None
    sizes: Sequence[Size]

    @property
    def copies(self) -> int:
        """Of all data."""
        return 1 + self.replicas

    def shards_of(self, size: Size) -> int:
        """Primary shards for one type."""
        return self.shards or max(1, ceil(size.disk / LARGEST_SHARD))

    def machines(self, size: Size) -> int | None:
        """Machines whose caches hold what should be in memory; a copy needs one of its own."""
        if self.machine is None:
            return None
        return max(self.copies, ceil(size.memory * self.copies / (self.machine * _CACHED)))

    def cost(self, size: Size) -> float | None:
        """Of a month, in the currency of the prices: what is cached, and all files."""
        if self.prices is None:
            return None
        memory, disk = self.prices
        return self.copies * (size.memory * memory + size.disk * disk) / GIB

    def to_dict(self) -> dict[str, Any]:
        """As JSON; bytes are of all copies."""
        return {
            "docs": self.docs,
            "vectors": self.vectors,
            "dims": self.dims,
            "replicas": self.replicas,
            "types": {one.type: self._told(one) for one in self.sizes},
        }

    def _told(self, one: Size) -> dict[str, Any]:
        if one.refused:
            return {"refused": one.refused}
        return {
            "memory_bytes": one.memory * self.copies,
            "disk_bytes": one.disk * self.copies,
            "exact_bytes": one.exact * self.copies,
            "compared_bytes": one.compared * self.copies,
            "graph_bytes": one.graph * self.copies,
            "formula": one.formula,
            "shards": self.shards_of(one),
            "visits": one.visits,
            "machines": self.machines(one),
            "cost": self.cost(one),
        }


def plan(
    docs: int,
    dims: int,
    *,
    passages: float = 1,
    replicas: int = 1,
    shards: int | None = None,
    machine: float | None = None,
    prices: tuple[float, float] | None = None,
) -> Plan:
    """What vectors need in memory and on disk, with every vector index type.

    Args:
        docs: documents, at least 1.
        dims: numbers of a vector, 1 to 4096.
        passages: vectors of a document, on average, at least 1.
        replicas: further copies, 0 and up.
        shards: primary shards, 1 to 1024; None takes as many as the size asks for.
        machine: bytes of a machine's memory.
        prices: of a GiB and month of memory, and of disk.

    Raises:
        UsageError: a number that can never work.

    >>> hnsw = plan(1_000_000, 1024).sizes[0]
    >>> hnsw.type, hnsw.memory
    ('hnsw', 4160000000)
    """
    whole("docs", docs, least=1, most=10**12)
    whole("dims", dims, least=1, most=MAX_DIMS)
    whole("replicas", replicas, least=0, most=100)
    number("passages", passages, least=1)
    if shards is not None:
        whole("shards", shards, least=1, most=1024)
    for what, value in (("memory", machine), *(("price", one) for one in prices or ())):
        if value is not None:
            number(what, value, least=0)
    vectors = ceil(docs * passages)
    sizes = [_size(kind, vectors, dims, shards=shards) for kind in VECTOR_INDEX_TYPES.values()]
    return Plan(docs, vectors, dims, replicas, shards, machine, prices, sizes)


def _size(kind: VectorIndexType, vectors: int, dims: int, *, shards: int | None) -> Size:
    try:
        vector_index_type(kind.name, dims=dims)
    except UsageError as error:
        return Size(kind.name, refused=str(error))
    exact = vectors * dims * _FLOAT
    if kind.name == "bbq_disk":
        return _clustered(kind, vectors, dims, exact)
    each, told = _compared(kind, dims)
    m = dict(kind.parameters).get("m")
    graph = 0 if m is None else vectors * 4 * m
    compared = vectors * each if kind.quantised else 0
    memory = (compared or exact) + graph
    formula = f"vectors × ({told}" + (f" + 4 × {m})" if m else ")")
    parts = shards or max(1, ceil((exact + compared + graph) / LARGEST_SHARD))
    visits = vectors if m is None else _visits(kind, vectors, parts)
    return Size(
        kind.name,
        exact=exact,
        compared=compared,
        graph=graph,
        memory=memory,
        formula=formula,
        visits=visits,
    )


def _compared(kind: VectorIndexType, dims: int) -> tuple[int, str]:
    """Bytes of one vector as it is compared, and how they are told."""
    if kind.name.startswith("int8"):
        return dims + _CORRECTION, f"dims + {_CORRECTION}"
    if kind.name.startswith("int4"):
        return ceil(dims / 2) + _CORRECTION, f"dims / 2 + {_CORRECTION}"
    if kind.name.startswith("bbq"):
        return ceil(dims / 8) + _CORRECTION_OF_BBQ, f"dims / 8 + {_CORRECTION_OF_BBQ}"
    return dims * _FLOAT, f"{_FLOAT} × dims"


def _visits(kind: VectorIndexType, vectors: int, shards: int) -> int:
    """What Lucene expects of a graph search for 10 hits, in one segment for each shard."""
    each = ceil(vectors / shards)
    return min(visited(kind.num_candidates(10), each), each) * shards


def _clustered(kind: VectorIndexType, vectors: int, dims: int, exact: int) -> Size:
    """DiskBBQ: centroids, and each vector in two clusters; little of it is read for a search."""
    each = dict(kind.parameters)["cluster_size"]
    clusters = ceil(vectors / each)
    centroids = clusters * dims * _FLOAT + clusters * (dims + _CORRECTION_OF_BBQ)
    compared = vectors * (ceil(dims / 8) + _CORRECTION_OF_BBQ + 2) * 2
    return Size(
        kind.name,
        exact=exact,
        compared=compared,
        graph=centroids,
        memory=ceil((compared + centroids) * _CLUSTERS_IN_MEMORY),
        formula=(
            f"{_CLUSTERS_IN_MEMORY:.0%} of vectors / {each} × (5 × dims + 14) "
            "+ vectors × 2 × (dims / 8 + 16)"
        ),
        visits=None,
    )
