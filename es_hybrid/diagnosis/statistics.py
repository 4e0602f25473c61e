"""What a sample of vectors looks like; every number with the paper that defines it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.diagnosis.neighbours import by_dot_product, nearest, overlap
from es_hybrid.optional import library
from es_hybrid.vectors import Vectors

Floats = NDArray[np.floating[Any]]

NEIGHBOURS = 10
NEAR_DUPLICATE = 0.999  # cosine: what differs by less than a float's rounding and a word or two

_QUERIES = 500  # documents that ask, where rankings are compared
_PAIRS = 100_000  # of documents, drawn for distances


@dataclass(frozen=True, slots=True)
class Lengths:
    """What the vectors' lengths were before they were normalised.

    Attributes:
        l2_median: of the L2 norms.
        l2_variation: their standard deviation divided by their mean: 0 where normalising threw
            nothing away.
        l1_median: of the L1 norms.
        sparsity: Hoyer's measure of L1 / L2, 0 (all numbers alike) to 1 (one number alone); mean.
        l1_overlap: share of the 10 nearest that stay when vectors are divided by their L1 norm
            instead, 0 to 1.
    """

    l2_median: float
    l2_variation: float
    l1_median: float
    sparsity: float
    l1_overlap: float


@dataclass(frozen=True, slots=True)
class Shape:
    """How the directions lie.

    Attributes:
        mean_length: L2 norm of the mean of all unit vectors, 0 (even) to 1 (all one).
        anisotropy: mean cosine of two documents (Ethayarajh 2019, arXiv 1909.00512), -1 to 1.
        effective_rank: e to the entropy of the singular values' shares, 1 to dims (Roy and Vetterli
            2007); of the vectors less their mean.
        intrinsic_dimension: TwoNN's estimate (Facco et al. 2017, 10.1038/s41598-017-11873-y).
        contrast: mean of (farthest - nearest) / nearest distance of a document to others: near 0
            where all are equally far (Beyer et al. 1999).
    """

    mean_length: float
    anisotropy: float
    effective_rank: float
    intrinsic_dimension: float
    contrast: float


@dataclass(frozen=True, slots=True)
class Hubs:
    """Documents that are neighbours of very many (Radovanovic et al. 2010, JMLR 11).

    Attributes:
        skewness: of how often a document is among the 10 nearest of others; above 1 there are hubs.
        largest: the most often that one is.
        rows: of the most frequent ones, the first first.
        never: share of documents that are no other's neighbour, 0 to 1.
    """

    skewness: float
    largest: int
    rows: tuple[int, ...]
    never: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pairs with a cosine of at least `NEAR_DUPLICATE`.

    Attributes:
        documents: share of documents with such a partner, 0 to 1.
        pairs: rows of some of them.
    """

    documents: float
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Share of the 10 nearest that two similarities have in common, 0 to 1.

    Attributes:
        dot: cosine and dot product of the original vectors.
        euclidean: cosine and Euclidean distance of the original vectors.
    """

    dot: float
    euclidean: float


def lengths(units: Vectors, norms: Floats) -> Lengths:
    """Of unit vectors, shape (n, dims), and their original L2 norms, shape (n,)."""
    dims = units.shape[1]
    l1 = np.abs(units).sum(axis=1, dtype=np.float64)  # of a unit vector: L1 / L2
    most = np.sqrt(dims)
    hoyer = (most - l1) / (most - 1) if dims > 1 else np.zeros(len(units))  # Hoyer 2004, JMLR 5
    by_l1 = (units / l1[:, None]).astype(np.float32)
    k = _neighbours(len(units))
    return Lengths(
        l2_median=float(np.median(norms)),
        l2_variation=float(np.std(norms) / np.mean(norms)),
        l1_median=float(np.median(l1 * norms)),
        sparsity=float(np.clip(hoyer, 0, 1).mean()),
        l1_overlap=overlap(nearest(units, k=k)[1], nearest(by_l1, k=k)[1]),
    )


def shape(units: Vectors, *, seed: int = 0) -> Shape:
    """Of unit vectors, shape (n, dims), at least three different ones."""
    mean = units.mean(axis=0, dtype=np.float64)
    pairs = _distances(units, seed=seed)
    return Shape(
        mean_length=float(np.linalg.norm(mean)),
        anisotropy=float(1 - np.mean(pairs**2) / 2),
        effective_rank=_effective_rank(units - mean),
        intrinsic_dimension=_two_nn(units),
        contrast=_contrast(units),
    )


def pair_distances(units: Vectors, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Euclidean distances of random pairs, here and of directions drawn evenly in as many dims.

    The narrower the second, the less a distance can say: the curse of dimensionality.
    """
    even = np.random.default_rng(seed).normal(size=units.shape)
    even /= np.linalg.norm(even, axis=1, keepdims=True)
    return _distances(units, seed=seed), _distances(even.astype(np.float32), seed=seed)


def hubs(units: Vectors) -> Hubs:
    """Of unit vectors, shape (n, dims).

    Raises:
        EsHybridError: SciPy, which comes with scikit-learn, is not installed.
    """
    stats = library("scipy.stats", extra="analysis", needs="hubs need")
    rows = nearest(units, k=_neighbours(len(units)))[1]
    occurrences = np.bincount(rows.ravel(), minlength=len(units))
    first = np.argsort(-occurrences, kind="stable")[:NEIGHBOURS]
    return Hubs(
        skewness=float(stats.skew(occurrences)) if np.ptp(occurrences) else 0.0,
        largest=int(occurrences.max()),
        rows=tuple(first.tolist()),
        never=float(np.mean(occurrences == 0)),
    )


def duplicates(units: Vectors, *, shown: int = 10) -> Duplicates:
    """Of unit vectors, shape (n, dims), at least two."""
    distances, rows = nearest(units, k=1)
    close = distances[:, 0] <= np.sqrt(2 - 2 * NEAR_DUPLICATE)
    pairs = {
        (min(row, other), max(row, other))
        for row, other in zip(np.flatnonzero(close).tolist(), rows[close, 0].tolist(), strict=True)
    }
    return Duplicates(float(close.mean()), tuple(sorted(pairs)[:shown]))


def agreement(units: Vectors, norms: Floats) -> Agreement:
    """Of unit vectors, shape (n, dims), and their original L2 norms, shape (n,)."""
    original = (units * norms[:, None]).astype(np.float32)
    k, queries = _neighbours(len(units)), min(_QUERIES, len(units))
    by_cosine = by_dot_product(units, k=k, queries=queries)
    return Agreement(
        dot=overlap(by_cosine, by_dot_product(original, k=k, queries=queries)),
        euclidean=overlap(by_cosine, nearest(original, k=k)[1][:queries]),
    )


def _neighbours(documents: int) -> int:
    return min(NEIGHBOURS, documents - 1)


def _distances(vectors: Vectors, *, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    first, second = random.integers(len(vectors), size=(2, _PAIRS))
    apart = first != second
    found: Floats = np.linalg.norm(vectors[first[apart]] - vectors[second[apart]], axis=1)
    return found


def _effective_rank(centred: Floats) -> float:
    values = np.linalg.svd(centred, compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _two_nn(units: Vectors) -> float:
    """The maximum likelihood of how second-nearest distances grow over the nearest ones."""
    distances = nearest(np.unique(units, axis=0), k=2)[0]
    ratios = distances[:, 1] / np.maximum(distances[:, 0], np.finfo(np.float32).tiny)
    grown = np.log(ratios[(distances[:, 0] > 0) & (ratios > 1)])
    return float(len(grown) / grown.sum()) if len(grown) else 0.0


def _contrast(units: Vectors) -> float:
    queries = units[: min(_QUERIES, len(units))]
    squares = np.maximum(2 - 2 * (queries @ units.T).astype(np.float64), 0)
    np.fill_diagonal(squares, np.nan)
    nearest_, farthest = np.sqrt(np.nanmin(squares, axis=1)), np.sqrt(np.nanmax(squares, axis=1))
    there = nearest_ > np.sqrt(2 - 2 * NEAR_DUPLICATE)  # a duplicate's would be without limit
    if not there.any():
        return 0.0
    return float(np.mean((farthest[there] - nearest_[there]) / nearest_[there]))
