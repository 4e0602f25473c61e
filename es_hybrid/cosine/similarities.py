"""Cosines of all pairs, and how well they tell pairs of one cluster from others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.cosine.factorisation import Matrix
from es_hybrid.optional import sklearn


def cosine_similarities(rows: Matrix) -> Matrix:
    """Cosines of all pairs of rows, shape (rows, rows), -1 to 1; 0 with a row of zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    cosines: Matrix = units @ units.T
    return cosines


def same_cluster_auc(similarities: Matrix, clusters: NDArray[Any]) -> float:
    """Area under the ROC curve: how likely a pair of one cluster is above a pair of two.

    Args:
        similarities: symmetric, shape (items, items).
        clusters: of each item, shape (items,).

    Returns:
        0 to 1; 0.5 is chance.

    Raises:
        EsHybridError: scikit-learn is not installed.
    """
    metrics = sklearn("metrics", needs="the AUC needs")
    first, second = np.triu_indices(len(clusters), 1)
    same = clusters[first] == clusters[second]
    return float(metrics.roc_auc_score(same, similarities[first, second]))
