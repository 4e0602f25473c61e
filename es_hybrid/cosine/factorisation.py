"""Two ways to regularise a linear factor model, each solved in closed form.

X, shape (users, items), is approximated by X A Bᵀ with A and B of shape (items, rank): a user's
embedding is a row of X A, an item's a row of B. With X = U diag(s) Vᵀ, both solutions are made of
V's first columns and of the singular values s alone (Steck et al. 2024, arXiv 2403.05440,
sections 2.1 to 2.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import UsageError

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The strongest directions of X.

    Attributes:
        directions: V, float64, shape (items, rank): orthonormal columns.
        strengths: singular values of X, float64, shape (rank,), falling.
    """

    directions: Matrix
    strengths: Matrix


@dataclass(frozen=True, slots=True)
class Factors:
    """A fitted model, X A Bᵀ.

    Attributes:
        encoder: A, float64, shape (items, rank).
        items: B, float64, shape (items, rank): the items' embeddings.
    """

    encoder: Matrix
    items: Matrix

    def users(self, x: Matrix) -> Matrix:
        """The users' embeddings X A, shape (users, rank)."""
        return x @ self.encoder

    def predictions(self, x: Matrix) -> Matrix:
        """X A Bᵀ, shape (users, items)."""
        return self.users(x) @ self.items.T

    def rescaled(self, scale: Matrix) -> Factors:
        """The same predictions by A D and B D⁻¹, with D = diag(scale).

        Args:
            scale: shape (rank,), not zero.
        """
        return Factors(self.encoder * scale, self.items / scale)


def spectrum(x: Matrix, *, rank: int) -> Spectrum:
    """The first `rank` right singular vectors and singular values of X.

    They are read off XᵀX, as items are few beside users.

    Args:
        x: shape (users, items), finite.
        rank: 1 to the number of items.

    Raises:
        UsageError: `rank` is out of range.
    """
    items = x.shape[1]
    if not 1 <= rank <= items:
        raise UsageError(f"rank {rank} must be 1 to {items}, the number of items")
    squares, vectors = np.linalg.eigh((x.T @ x).astype(np.float64))
    strongest = np.argsort(-squares)[:rank]
    return Spectrum(vectors[:, strongest], np.sqrt(np.maximum(squares[strongest], 0)))


def objective_1(found: Spectrum, *, regularisation: float, scale: Matrix | None = None) -> Factors:
    """The minimum of ||X - X A Bᵀ||² + λ ||A Bᵀ||²: only the product A Bᵀ is determined.

    A = V G^½ D and B = V G^½ D⁻¹, where G = diag(1 / (1 + λ / s²)), solve it for every diagonal D
    (equation 3 of the paper). The predictions are the same for each; the cosines are not.

    Args:
        found: of X.
        regularisation: λ, above 0.
        scale: the diagonal of D, shape (rank,); None is the identity.
    """
    half = np.sqrt(_shrinkage(found, regularisation))
    balanced = Factors(found.directions * half, found.directions * half)
    return balanced if scale is None else balanced.rescaled(scale)


def objective_2(found: Spectrum, *, regularisation: float) -> Factors:
    """The minimum of ||X - X A Bᵀ||² + λ (||X A||² + ||B||²), unique up to a rotation.

    A = V diag(((1 - λ / s)₊ / s)^½) and B = V diag((s (1 - λ / s)₊)^½): weight decay on both
    embeddings (Zheng et al. 2018 after Srebro et al. 2004; section 2.3 of the paper).

    Args:
        found: of X.
        regularisation: λ, above 0: directions weaker than that are dropped.
    """
    strengths = np.where(found.strengths > 0, found.strengths, np.inf)  # what is not there: 0
    kept = np.maximum(0, 1 - regularisation / strengths) * (found.strengths > 0)
    return Factors(
        found.directions * np.sqrt(kept / strengths),
        found.directions * np.sqrt(kept * found.strengths),
    )


def _shrinkage(found: Spectrum, regularisation: float) -> Matrix:
    """G's diagonal, 0 to 1: how much of each direction is left."""
    squares = found.strengths**2
    return squares / (squares + regularisation)


# The three choices of D that the paper's figure shows, by what they do to B.
RESCALINGS: Mapping[str, Callable[[Spectrum, float], Matrix]] = MappingProxyType(
    {
        "B = V": lambda found, penalty: np.sqrt(_shrinkage(found, penalty)),
        "B = V G^½": lambda found, _: np.ones_like(found.strengths),
        "B = V G": lambda found, penalty: 1 / np.sqrt(_shrinkage(found, penalty)),
    }
)
