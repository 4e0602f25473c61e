"""Transforms of vectors, fitted on those of an index: what is common to all is taken away.

Each is linear: y = (x - mean) @ matrix, of vectors of length 1. scikit-learn (extra:
``analysis``) fits them batch by batch, so that an index larger than memory will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import RecordError, UsageError, VectorError
from es_hybrid.optional import sklearn
from es_hybrid.vectors import Vectors, packed, unpacked

Method = Literal["centre", "standardise", "whiten", "all-but-the-top", "pca"]

KIND = "transform"

_HASH_BYTES = 16
_NEEDS = "a transform needs"
_SMALLEST = 1e-6  # of a standard deviation: below, a dimension is constant and is left alone

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """A fitted transform.

    Attributes:
        method: how it was fitted.
        mean: taken away, float32, shape (dims,).
        matrix: multiplied with, float32, shape (dims, out); None changes nothing.
        fitted_on: how many vectors it was fitted on.
    """

    method: Method
    mean: Vectors
    matrix: Vectors | None
    fitted_on: int

    @property
    def dims(self) -> int:
        """Dimensions of what comes out."""
        return len(self.mean) if self.matrix is None else self.matrix.shape[1]

    @property
    def hash(self) -> str:
        """Of all its numbers, 32 hex digits: the same transform has the same."""
        digest = blake2b(self.method.encode(), digest_size=_HASH_BYTES)
        for part in (self.mean, self.matrix):
            digest.update(b"-" if part is None else repr(part.shape).encode() + part.tobytes())
        return digest.hexdigest()

    def document(self) -> dict[str, Any]:
        """As it is kept on a cluster; numbers are packed as vectors are."""
        rows = [] if self.matrix is None else packed(self.matrix)
        return {
            "kind": KIND,
            "method": self.method,
            "fitted_on": self.fitted_on,
            "mean": packed(self.mean[None, :])[0],
            "matrix": rows,
        }

    def apply(self, units: Vectors) -> Vectors:
        """Of vectors of length 1, shape (n, dims); not of length 1 any more, shape (n, out).

        Raises:
            VectorError: they have other dimensions than those it was fitted on.
        """
        if units.shape[1] != len(self.mean):
            raise VectorError(
                f"a transform of {len(self.mean)} dimensions was given vectors of "
                f"{units.shape[1]}: it belongs to another embedder"
            )
        centred: Vectors = units - self.mean
        return centred if self.matrix is None else centred @ self.matrix


def from_document(kept: Mapping[str, Any], *, name: str) -> Transform:
    """Read back what `Transform.document` wrote.

    Args:
        kept: the document's source.
        name: the hash that it was kept under, which its numbers must have.

    Raises:
        RecordError: it is damaged, or of other numbers.
    """
    try:
        rows = kept["matrix"]
        found = Transform(
            check_method(kept["method"]),
            unpacked(kept["mean"]),
            np.stack([unpacked(row) for row in rows]) if rows else None,
            int(kept["fitted_on"]),
        )
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise RecordError(f"transform {name!r} is damaged ({error}): fit it again") from None
    if found.hash != name:
        raise RecordError(
            f"transform {name!r} holds other numbers than it was named by, {found.hash}: somebody "
            "changed it; fit it again"
        )
    return found


def check_method(name: str) -> Method:
    """`name`, if it is a way to fit a transform.

    Raises:
        UsageError: it is not.
    """
    for known in get_args(Method):
        if name == known:
            return known  # type: ignore[no-any-return]  # get_args has no type
    raise UsageError(f"unknown transform {name!r}: choose one of {', '.join(get_args(Method))}")


def fit(batches: Iterable[Vectors], method: str, *, components: int | None = None) -> Transform:
    """Fit a transform.

    Args:
        batches: vectors of length 1, float32, each of shape (n, dims).
        method: ``"centre"``: less the mean. ``"standardise"``: and every dimension at variance 1.
            ``"whiten"``: and no dimension going with another, by PCA. ``"all-but-the-top"``: less
            the mean and the strongest directions (Mu and Viswanath 2018, arXiv 1702.01417).
            ``"pca"``: the strongest directions alone.
        components: of ``pca``, how many directions to keep, 1 to dims; of ``all-but-the-top``, how
            many to take away: dims / 100 where it is None, as the paper does. ``whiten`` keeps all,
            or so many.

    Raises:
        UsageError: an unknown method, components out of range, or fewer vectors than that needs.
        EsHybridError: scikit-learn is not installed.
    """
    checked = check_method(method)
    first = next(iterator := iter(batches), None)
    if first is None:
        raise UsageError("there is no vector to fit a transform on: index some documents first")
    dims = first.shape[1]
    rest = chain([first], iterator)
    if checked in ("centre", "standardise"):
        return _scaled(rest, checked)
    return _rotated(rest, checked, dims=dims, components=_components(checked, components, dims))


def _components(method: Method, given: int | None, dims: int) -> int:
    if method == "pca" and given is None:
        raise UsageError(f"pca needs how many components to keep, 1 to {dims}: --components 128")
    if given is not None and not 1 <= given <= dims:
        raise UsageError(f"components {given} must be 1 to {dims}, the vectors' dimensions")
    if method == "all-but-the-top":
        return given or max(1, dims // 100)
    return given or dims


def _scaled(batches: Iterator[Vectors], method: Method) -> Transform:
    model = sklearn("preprocessing", needs=_NEEDS).StandardScaler()
    for batch in batches:
        model.partial_fit(batch)
    spread = np.where(model.scale_ > _SMALLEST, model.scale_, 1)
    matrix = None if method == "centre" else np.diag(1 / spread).astype(np.float32)
    return Transform(method, model.mean_.astype(np.float32), matrix, int(model.n_samples_seen_))


def _rotated(
    batches: Iterator[Vectors], method: Method, *, dims: int, components: int
) -> Transform:
    model: Any = None
    for batch in _at_least(batches, dims):
        if len(batch) < components:
            raise UsageError(
                f"{len(batch)} vectors are too few for {components} components: index more "
                "documents, or keep fewer components"
            )
        # With all directions kept until the end, batch by batch is as exact as at once.
        model = model or sklearn("decomposition", needs=_NEEDS).IncrementalPCA(
            min(dims, len(batch))
        )
        model.partial_fit(batch)
    directions: Floats = model.components_[:components].T
    if method == "all-but-the-top":
        matrix = np.eye(dims) - directions @ directions.T
    elif method == "whiten":
        spread = np.sqrt(model.explained_variance_[:components])
        matrix = directions / np.maximum(spread, _SMALLEST)
    else:
        matrix = directions
    mean = model.mean_.astype(np.float32)
    return Transform(method, mean, matrix.astype(np.float32), int(model.n_samples_seen_))


def _at_least(batches: Iterator[Vectors], rows: int) -> Iterator[Vectors]:
    """Batches of at least so many rows, as IncrementalPCA needs them; fewer if there are fewer."""
    waiting: list[Vectors] = []
    ready: Vectors | None = None
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= rows:
            if ready is not None:
                yield ready
            ready, waiting = np.concatenate(waiting), []
    yield np.concatenate([*([] if ready is None else [ready]), *waiting])
