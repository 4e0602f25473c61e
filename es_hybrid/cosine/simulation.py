"""The paper's simulation: items in clusters, popular ones and others, and users who pick them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from es_hybrid.cosine.factorisation import Matrix

# Section 4 of the paper. How a user's preferences for clusters are drawn, and the most items that
# a user has, it does not say: those two are ours.
_ITEM_EXPONENTS = (0.25, 1.5)
_USER_EXPONENT = 0.5
_PREFERENCES = 0.5  # of a symmetric Dirichlet distribution: most users like one or two clusters
_MOST_ITEMS = 0.5  # of all items


@dataclass(frozen=True, slots=True)
class Interactions:
    """Who took what, and what is true of the items.

    Attributes:
        x: 1 where a user took an item, else 0; float32, shape (users, items).
        clusters: of each item, int64, shape (items,), rising.
    """

    x: NDArray[np.float32]
    clusters: NDArray[np.int64]


def simulated(
    *, users: int = 20_000, items: int = 1_000, clusters: int = 5, seed: int = 0
) -> Interactions:
    """Users who pick items with a probability of (liking for its cluster) times (popularity).

    Popularity falls within a cluster as rank^-β, each cluster with a β of its own, uniform in 0.25
    to 1.5; the number of a user's items has the density n^-0.5 (Steck et al. 2024, section 4).

    Args:
        users: how many.
        items: how many; sorted by cluster, popular ones first.
        clusters: how many.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    belongs = np.sort(random.integers(clusters, size=items))
    popularity = _popularity(belongs, random.uniform(*_ITEM_EXPONENTS, size=clusters))
    liking = random.dirichlet(np.full(clusters, _PREFERENCES), size=users)
    amounts = _amounts(users, most=max(1, int(items * _MOST_ITEMS)), random=random)
    x = np.zeros((users, items), np.float32)
    for user in range(users):
        chances = liking[user, belongs] * popularity
        x[user, _drawn(chances, amounts[user], random)] = 1
    return Interactions(x, belongs)


def _popularity(clusters: NDArray[np.int64], exponents: Matrix) -> Matrix:
    first = np.searchsorted(clusters, clusters)  # where each item's cluster begins
    ranks = 1 + np.arange(len(clusters)) - first
    return ranks ** -exponents[clusters]


def _amounts(users: int, *, most: int, random: np.random.Generator) -> NDArray[np.int64]:
    numbers = np.arange(1, most + 1)
    chances = numbers**-_USER_EXPONENT
    return random.choice(numbers, size=users, p=chances / chances.sum())


def _drawn(chances: Matrix, amount: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`amount` items without replacement: the Gumbel top-k trick (Kool et al. 2019)."""
    with np.errstate(divide="ignore"):
        keys = np.log(chances) + random.gumbel(size=len(chances))
    return np.argpartition(-keys, amount - 1)[:amount]
