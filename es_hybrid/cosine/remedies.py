"""What the paper advises where cosines are wanted (section 3.1)."""

from __future__ import annotations

import numpy as np

from es_hybrid.cosine.factorisation import Factors, Matrix

_BATCH = 1_000  # users
_RATE = 0.01
_DECAYS = (0.9, 0.999)  # Adam's own (Kingma and Ba 2015)


def standardised(x: Matrix) -> Matrix:
    """X with every column at mean 0 and variance 1: popular items stand out no more.

    A column of one value becomes zeros.

    Args:
        x: shape (users, items).
    """
    spread = x.std(axis=0)
    result: Matrix = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return result


def smoothed(x: Matrix, factors: Factors) -> Matrix:
    """X̂ = X A Bᵀ: its rows and columns, not the embeddings, have cosines without a free D.

    Args:
        x: shape (users, items).
        factors: a fitted model.
    """
    return factors.predictions(x)


def train_normalised(x: Matrix, *, rank: int, epochs: int = 10, seed: int = 0) -> Factors:
    """A model that is trained to predict by cosines: ||X - c · unit(X A) unit(B)ᵀ||², by Adam.

    What is trained is what is compared, so that no length is left to be arbitrary.

    Args:
        x: shape (users, items).
        rank: of the embeddings.
        epochs: passes over the users.
        seed: of the random numbers.

    Returns:
        The factors; only the directions of their embeddings mean something.
    """
    random = np.random.default_rng(seed)
    items = x.shape[1]
    weights = [random.normal(size=(items, rank)) / np.sqrt(items) for _ in range(2)]
    adam = _Adam(weights)
    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), _BATCH):
            adam.step(_gradients(x[order[start : start + _BATCH]], *weights))
    return Factors(*weights)


def _gradients(x: Matrix, encoder: Matrix, items: Matrix) -> list[Matrix]:
    """Of the mean squared error in A and B; c is the best for this batch (least squares)."""
    users, user_lengths = _units(x @ encoder)
    units, item_lengths = _units(items)
    cosines = users @ units.T
    scale = float((x * cosines).sum() / max((cosines**2).sum(), np.finfo(float).tiny))
    error = scale * (scale * cosines - x) / len(x)
    by_user = _along_the_sphere(error @ units, users) / user_lengths
    return [x.T @ by_user, _along_the_sphere(error.T @ users, units) / item_lengths]


def _units(rows: Matrix) -> tuple[Matrix, Matrix]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return rows / lengths, lengths


def _along_the_sphere(gradient: Matrix, units: Matrix) -> Matrix:
    """What of a gradient turns a vector; what would make it longer falls away."""
    turning: Matrix = gradient - units * (gradient * units).sum(axis=1, keepdims=True)
    return turning


class _Adam:
    """Adam (Kingma and Ba 2015, arXiv 1412.6980); changes the weights in place."""

    def __init__(self, weights: list[Matrix]) -> None:
        self.weights = weights
        self.means = [np.zeros_like(one) for one in weights]
        self.squares = [np.zeros_like(one) for one in weights]
        self.steps = 0

    def step(self, gradients: list[Matrix]) -> None:
        self.steps += 1
        slow, slower = _DECAYS
        places = zip(self.weights, gradients, self.means, self.squares, strict=True)
        for weight, gradient, mean, square in places:
            mean += (1 - slow) * (gradient - mean)
            square += (1 - slower) * (gradient**2 - square)
            unbiased = np.sqrt(square / (1 - slower**self.steps)) + 1e-8
            weight -= _RATE * mean / (1 - slow**self.steps) / unbiased
