"""Vectors in two dimensions: PCA takes noise and time away, t-SNE keeps neighbours together.

van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008. Distances between groups
mean nothing there; only what lies together does.
"""

from __future__ import annotations

import numpy as np

from es_hybrid.fitted.model import Floats
from es_hybrid.optional import sklearn
from es_hybrid.vectors import Vectors

MOST = 2_000  # documents of a map: more take minutes, and hide each other

_COMPONENTS = 50
_PERPLEXITY = 30.0
_SEED = 7


def plane(units: Vectors) -> Floats:
    """A place for each vector, shape (n, 2), float64; the same each time.

    Args:
        units: float32, shape (n, dims), of length 1; at least 3.

    Raises:
        EsHybridError: scikit-learn is not installed.
    """
    count = min(_COMPONENTS, *units.shape)
    pca = sklearn("decomposition", needs="a map needs").PCA(count, random_state=_SEED)
    rows = pca.fit_transform(units)
    perplexity = min(_PERPLEXITY, (len(units) - 1) / 3)
    tsne = sklearn("manifold", needs="a map needs").TSNE(
        2, perplexity=perplexity, init="pca", random_state=_SEED
    )
    found: Floats = np.asarray(tsne.fit_transform(rows), np.float64)
    return found
