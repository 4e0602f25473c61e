"""Elasticsearch's vector index types: one table of what each needs.

https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import UsageError

DEFAULT_VECTOR_INDEX = "int8_hnsw"
MAX_DIMS = 4096


@dataclass(frozen=True, slots=True)
class VectorIndexType:
    """One value of ``index_options.type``.

    Attributes:
        name: as Elasticsearch writes it.
        graph: it is an HNSW graph; otherwise every vector is compared.
        min_dims: fewest dimensions.
        even_dims: the number of dimensions must be even (two 4-bit numbers share a byte).
        oversample: candidates per hit that are scored again with the exact vectors, at least 1;
            None where the index itself holds the exact vectors.
    """

    name: str
    graph: bool
    min_dims: int = 1
    even_dims: bool = False
    oversample: float | None = None

    def options(self) -> dict[str, Any]:
        """The mapping's ``index_options``: nothing is left to version or licence."""
        return {"type": self.name} | ({"m": 16, "ef_construction": 100} if self.graph else {})


VECTOR_INDEX_TYPES = {
    kind.name: kind
    for kind in (
        VectorIndexType("hnsw", graph=True),
        VectorIndexType("int8_hnsw", graph=True, oversample=1.0),
        VectorIndexType("int4_hnsw", graph=True, even_dims=True, oversample=2.0),
        VectorIndexType("bbq_hnsw", graph=True, min_dims=64, oversample=3.0),
        VectorIndexType("flat", graph=False),
        VectorIndexType("int8_flat", graph=False, oversample=1.0),
        VectorIndexType("int4_flat", graph=False, even_dims=True, oversample=2.0),
        VectorIndexType("bbq_flat", graph=False, min_dims=64, oversample=3.0),
    )
}


def vector_index_type(name: str, *, dims: int) -> VectorIndexType:
    """The type called `name`, if it can hold vectors of `dims` dimensions.

    Raises:
        UsageError: unknown, or it cannot hold them.
    """
    kind = VECTOR_INDEX_TYPES.get(name)
    if kind is None:
        raise UsageError(
            f"unknown vector index {name!r}: choose one of {', '.join(VECTOR_INDEX_TYPES)}"
        )
    if not kind.min_dims <= dims <= MAX_DIMS:
        raise UsageError(
            f"{name} holds vectors of {kind.min_dims} to {MAX_DIMS} dimensions, not {dims}: "
            "choose another vector index"
        )
    if kind.even_dims and dims % 2:
        raise UsageError(f"{name} needs an even number of dimensions, not {dims}: choose int8_hnsw")
    return kind
