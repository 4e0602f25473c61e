"""Nearest neighbours within a sample, by scikit-learn, and how much two lists of them agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.optional import sklearn
from es_hybrid.vectors import Vectors

Ranks = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


def nearest(vectors: Vectors, *, k: int, metric: str = "euclidean") -> tuple[Floats, Ranks]:
    """Distances and rows of the `k` nearest others of every row, both of shape (n, k).

    Args:
        vectors: shape (n, dims), more than `k` rows.
        k: 1 to n - 1.
        metric: scikit-learn's name of a distance.

    Raises:
        EsHybridError: scikit-learn is not installed.
    """
    neighbors = sklearn("neighbors", needs="comparing vectors needs")
    model = neighbors.NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric)
    # Without an argument no row is its own neighbour.
    distances, rows = model.fit(vectors).kneighbors()
    return distances, rows


def by_dot_product(vectors: Vectors, *, k: int, queries: int) -> Ranks:
    """Rows with the largest dot product with each of the first rows, itself left out.

    Args:
        vectors: shape (n, dims), more than `k` rows.
        k: 1 to n - 1.
        queries: how many of the first rows ask, 1 to n.

    Returns:
        Best first, shape (queries, k).
    """
    products = vectors[:queries] @ vectors.T
    np.fill_diagonal(products, -np.inf)
    return np.argsort(-products, axis=1, kind="stable")[:, :k]


def overlap(first: Ranks, second: Ranks) -> float:
    """Mean share of a row's neighbours that both lists name, 0 to 1; both of shape (n, k)."""
    shared = [len(np.intersect1d(one, other)) for one, other in zip(first, second, strict=True)]
    return float(np.mean(shared) / first.shape[1])
