"""How well queries find what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from es_hybrid.vectors import Vectors, unit

Numbers = npt.NDArray[np.int64]
AT = (1, 5, 10)


def ranks(queries: Vectors, pictures: Vectors, owners: Numbers) -> Numbers:
    """On which place, from 1 on, each query finds its picture by cosine; ties count against it.

    Args:
        queries: shape (n, dims).
        pictures: shape (m, dims).
        owners: shape (n,): row of the picture that each query belongs to.
    """
    cosines = unit(queries).vectors @ unit(pictures).vectors.T
    own = cosines[np.arange(len(queries)), owners]
    places: Numbers = (cosines >= own[:, None]).sum(axis=1)
    return places


def recall_at(places: Numbers, at: Sequence[int] = AT) -> dict[int, float]:
    """Share of queries whose picture is among the first k, for each k.

    >>> recall_at(np.array([1, 7]))
    {1: 0.5, 5: 0.5, 10: 1.0}
    """
    return {k: float((places <= k).mean()) for k in at}
