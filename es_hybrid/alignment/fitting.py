"""Ridge regression from picture features to caption vectors, its strength by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from es_hybrid.alignment.found import AT, Numbers, ranks, recall_at
from es_hybrid.errors import UsageError
from es_hybrid.optional import sklearn
from es_hybrid.vectors import Vectors, unit

# Of unit features: from nearly the least squares to nearly the mean.
LAMBDAS = (0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
_FOLDS = 5
_FEWEST = 25


class Fitted(NamedTuple):
    """A map and how it was chosen.

    Attributes:
        weights: float32, shape (features, dims).
        bias: float32, shape (dims,).
        query_centre: float32, shape (dims,): is taken off queries.
        strength: the lambda of the ridge regression.
        centred: whether `query_centre` is the mean caption; else it is zero.
    """

    weights: Vectors
    bias: Vectors
    query_centre: Vectors
    strength: float
    centred: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """A map, and how well queries find pictures that it never saw.

    Attributes:
        fitted: the map, of the part that was not held out.
        pairs: pictures that it was fitted on.
        held_out: pictures that it never saw.
        recall: k -> share of their captions that find their picture among the first k of them.
        splits: the same, of as many random splits of the same size.
    """

    fitted: Fitted
    pairs: int
    held_out: int
    recall: dict[int, float]
    splits: tuple[dict[int, float], ...]

    @property
    def mean(self) -> dict[int, float]:
        """Over the random splits."""
        return {k: float(np.mean([one[k] for one in self.splits])) for k in AT if self.splits}


def align(
    features: Vectors, captions: Vectors, owners: Numbers, *, nth: int = 5, seeds: int = 5
) -> Alignment:
    """Fit on all but every `nth` picture, and see how well captions find those.

    Args:
        features: of pictures, shape (n, features).
        captions: vectors of captions, shape (m, dims).
        owners: shape (m,): row of each caption's picture.
        nth: every fifth row is held out, say.
        seeds: random splits of the same size that are measured as well.

    Raises:
        UsageError: there are too few pictures.
        EsHybridError: scikit-learn is not installed.
    """
    if len(features) < _FEWEST:
        raise UsageError(f"{len(features)} pictures with captions: a map needs {_FEWEST} and more")
    features, captions = unit(features).vectors, unit(captions).vectors
    place = np.arange(len(features))
    held = place % nth == nth - 1
    chosen, recall = _measured(features, captions, owners, held=held)
    randomly = (
        np.isin(place, np.random.default_rng(seed).permutation(place)[: int(held.sum())])
        for seed in range(seeds)
    )
    splits = tuple(_measured(features, captions, owners, held=one)[1] for one in randomly)
    return Alignment(chosen, int((~held).sum()), int(held.sum()), recall, splits)


def fitted(features: Vectors, captions: Vectors, owners: Numbers) -> Fitted:
    """The map whose strength, and whether texts are centred, cross-validation chose.

    Args:
        features: unit vectors of pictures, shape (n, features).
        captions: unit vectors of captions, shape (m, dims).
        owners: shape (m,): row of each caption's picture.
    """
    scores = _scores(features, captions, owners)
    strength, centred = max(scores, key=lambda one: scores[one])
    made = _fits(features, captions, owners, strengths=(strength,))
    return next(one for one in made if one.centred == centred)


def _measured(
    features: Vectors, captions: Vectors, owners: Numbers, *, held: npt.NDArray[np.bool_]
) -> tuple[Fitted, dict[int, float]]:
    made = fitted(*_part(features, captions, owners, keep=~held))
    rows, queries, own = _part(features, captions, owners, keep=held)
    return made, recall_at(_places(made, rows, queries, own))


def _scores(
    features: Vectors, captions: Vectors, owners: Numbers
) -> dict[tuple[float, bool], float]:
    """Mean reciprocal rank of captions whose picture was in the fold left out.

    By lambda and whether captions are centred.
    """
    folds = np.random.default_rng(0).permutation(len(features)) % _FOLDS
    found: dict[tuple[float, bool], list[Any]] = {}
    for fold in range(_FOLDS):
        inner = _part(features, captions, owners, keep=folds != fold)
        rows, queries, own = _part(features, captions, owners, keep=folds == fold)
        for made in _fits(*inner):
            ranked = 1 / _places(made, rows, queries, own)
            found.setdefault((made.strength, made.centred), []).append(ranked)
    return {one: float(np.concatenate(parts).mean()) for one, parts in found.items()}


def _part(
    features: Vectors, captions: Vectors, owners: Numbers, *, keep: npt.NDArray[np.bool_]
) -> tuple[Vectors, Vectors, Numbers]:
    """The pictures that are kept, with their captions, whose owners are counted anew."""
    mine = keep[owners]
    counted = np.cumsum(keep) - 1
    return features[keep], captions[mine], counted[owners[mine]]


def _places(made: Fitted, features: Vectors, captions: Vectors, owners: Numbers) -> Numbers:
    return ranks(captions - made.query_centre, features @ made.weights + made.bias, owners)


def _fits(
    features: Vectors,
    captions: Vectors,
    owners: Numbers,
    *,
    strengths: Sequence[float] = LAMBDAS,
) -> Iterator[Fitted]:
    """Ridge regression (Hoerl and Kennard 1970) onto the mean of each picture's captions.

    One decomposition of the features serves all strengths. Centring moves all captions alike,
    which the intercept takes up: the weights stay as they are.
    """
    linear_model = sklearn("linear_model", needs="fitting a map needs scikit-learn")
    means = _means(captions, owners, len(features))
    alphas = np.repeat(strengths, means.shape[1])
    ridge = linear_model.Ridge(alpha=alphas, solver="svd")
    ridge.fit(features, np.tile(means, len(strengths)))
    parts = (np.split(one, len(strengths)) for one in (ridge.coef_, ridge.intercept_))
    centre = captions.mean(axis=0)
    for strength, rows, bias in zip(strengths, *parts, strict=True):
        weights = np.ascontiguousarray(rows.T, np.float32)
        yield Fitted(weights, bias - centre, centre, strength, centred=True)
        yield Fitted(weights, bias, np.zeros_like(centre), strength, centred=False)


def _means(captions: Vectors, owners: Numbers, count: int) -> Vectors:
    """The mean caption of each picture, shape (count, dims); each has one at least."""
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=count)
    starts = np.cumsum(counts) - counts
    sums = np.add.reduceat(captions[order].astype(np.float64), starts)
    means: Vectors = (sums / counts[:, None]).astype(np.float32)
    return means


def owners_of(captions: Sequence[Sequence[str]]) -> Numbers:
    """Row of the picture of each caption, when the captions of all follow one another.

    >>> owners_of([("a", "b"), ("c",)]).tolist()
    [0, 0, 1]
    """
    return np.repeat(np.arange(len(captions)), [len(of) for of in captions])
