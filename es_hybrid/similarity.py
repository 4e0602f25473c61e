"""Similarities: what "near" means, how Elasticsearch scores it, and the way back from a score.

https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from es_hybrid.errors import UsageError

DEFAULT_SIMILARITY = "cosine"

Normalisation = Literal["l2", "none"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Similarity:
    """One way to compare two vectors.

    Attributes:
        name: what a person calls it: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        field: ``similarity`` of Elasticsearch's vector field.
        normalisation: ``"l2"``: vectors are stored at length 1; ``"none"``: as they came.
        raw: what is compared, from a `_score`: cosine, inner product, or distance.
        cosine: from what is compared and the lengths of query and document.
        scores: `_score` of documents (n, dims) for a query (dims,), float64, larger is nearer.
        script: the same in painless, on the field ``FIELD``.
    """

    name: str
    field: str
    normalisation: Normalisation
    raw: Callable[[float], float]
    cosine: Callable[[float, float, float], float]
    scores: Callable[[Floats, Floats], Floats]
    script: str

    @property
    def scaled(self) -> bool:
        """Whether vectors are brought to length 1; a cosine then needs no lengths."""
        return self.normalisation == "l2"


def _inner_product(score: float) -> float:
    """Undo Elasticsearch's ``v < 0 ? 1 / (1 - v) : v + 1``."""
    return 1 - 1 / score if score < 1 else score - 1


def _inner_product_scores(documents: Floats, query: Floats) -> Floats:
    products = documents @ query
    return np.where(products < 0, 1 / (1 - np.minimum(products, 0)), products + 1)


def _distance_scores(documents: Floats, query: Floats) -> Floats:
    scores: Floats = 1 / (1 + np.square(documents - query).sum(axis=1))
    return scores


def _cosine_of_distance(distance: float, query: float, document: float) -> float:
    """The law of cosines."""
    return (query**2 + document**2 - distance**2) / (2 * query * document)


def _unit_rows(documents: Floats) -> Floats:
    rows: Floats = documents / np.linalg.norm(documents, axis=1, keepdims=True)
    return rows


_DOT = "double v = dotProduct(params.query, 'FIELD'); "

SIMILARITIES: Mapping[str, Similarity] = {
    one.name: one
    for one in (
        Similarity(
            name="cosine",
            field="dot_product",  # of unit vectors: the same, and cheaper
            normalisation="l2",
            raw=lambda score: 2 * score - 1,
            cosine=lambda raw, _query, _document: raw,
            scores=lambda documents, query: np.maximum((1 + documents @ query) / 2, 0),
            script=_DOT + "return Math.max((1 + v) / 2, 0);",
        ),
        Similarity(
            name="max_inner_product",
            field="max_inner_product",
            normalisation="none",
            raw=_inner_product,
            cosine=lambda raw, query, document: raw / (query * document),
            scores=_inner_product_scores,
            script=_DOT + "return v < 0 ? 1 / (1 - v) : v + 1;",
        ),
        Similarity(
            name="l2_norm",
            field="l2_norm",
            normalisation="none",
            raw=lambda score: sqrt(max(1 / score - 1, 0)),
            cosine=_cosine_of_distance,
            scores=_distance_scores,
            script="double d = l2norm(params.query, 'FIELD'); return 1 / (1 + d * d);",
        ),
    )
}

# A vector field of somebody else's, whose vectors may have any length: Elasticsearch scales them.
COSINE_OF_ANY_LENGTH = Similarity(
    name="cosine",
    field="cosine",
    normalisation="l2",
    raw=SIMILARITIES["cosine"].raw,
    cosine=SIMILARITIES["cosine"].cosine,
    scores=lambda documents, query: np.maximum((1 + _unit_rows(documents) @ query) / 2, 0),
    script="return Math.max((1 + cosineSimilarity(params.query, 'FIELD')) / 2, 0);",
)

# Contracts say what a person says; the field's own word for unit vectors is understood.
_ALSO = {"dot_product": "cosine"}


def similarity(name: str) -> Similarity:
    """The similarity called `name`.

    Raises:
        UsageError: there is none of this name.

    >>> similarity("max_inner_product").raw(31.0)
    30.0
    """
    found = SIMILARITIES.get(_ALSO.get(name, name)) if isinstance(name, str) else None
    if found is None:
        raise UsageError(f"unknown similarity {name!r}: choose one of {', '.join(SIMILARITIES)}")
    return found


def field_similarity(field: str) -> Similarity:
    """By ``similarity`` of a vector field's mapping, whoever wrote it.

    Raises:
        UsageError: there is none of this name.

    >>> field_similarity("dot_product").name, field_similarity("cosine").name
    ('cosine', 'cosine')
    """
    kinds = (COSINE_OF_ANY_LENGTH, *SIMILARITIES.values())
    return next((one for one in kinds if one.field == field), None) or similarity(field)


def raw_and_cosine(
    kind: Similarity,
    score: float,
    *,
    query_norm: float | None,
    norm: Any,
) -> tuple[float, float | None]:
    """What a kNN `_score` says: the value that was compared, and the cosine, -1 to 1.

    Args:
        kind: the similarity of the field.
        score: Elasticsearch's `_score`.
        query_norm: length of the query vector as it was sent.
        norm: length of the document's vector as it is stored, as far as it is known.

    Returns:
        The value, and the cosine: None where it needs a length that is not known.
    """
    raw = kind.raw(score)
    if kind.scaled:
        return raw, raw
    if not (query_norm and isinstance(norm, int | float) and norm > 0):
        return raw, None
    return raw, min(max(kind.cosine(raw, query_norm, norm), -1.0), 1.0)
