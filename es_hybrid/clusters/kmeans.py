"""k-means of vectors in batches, by scikit-learn; how many clusters is told by the silhouette.

Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
Journal of Computational and Applied Mathematics 20, 1987. Sculley, "Web-scale k-means clustering",
WWW 2010.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from es_hybrid.errors import UsageError
from es_hybrid.optional import sklearn
from es_hybrid.texts import counted
from es_hybrid.vectors import Vectors

SAMPLE = 5_000  # documents that decide how many clusters there are

_TRIED = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48)
_COMPARED = 2_000  # documents of a silhouette, which compares each with each
_STARTS = 3
_SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """What was found.

    Attributes:
        centres: float32, shape (k, dims): means of vectors of length 1, not of length 1 themselves.
        silhouettes: number of clusters -> mean silhouette on the sample, -1 to 1: the higher, the
            better they are apart; all that were tried.
        fitted_on: documents.
    """

    centres: Vectors
    silhouettes: dict[int, float]
    fitted_on: int

    @property
    def silhouette(self) -> float:
        """Of the number that was taken."""
        return self.silhouettes[len(self.centres)]


def fit(batches: Iterable[Vectors], sample: Vectors, *, clusters: int | None = None) -> Clusters:
    """Find clusters on a sample, and move their centres by all documents, batch by batch.

    Args:
        batches: float32, each of shape (n, dims), of length 1: all documents.
        sample: some of them.
        clusters: how many; None takes the number with the best silhouette of up to 48.

    Raises:
        UsageError: there are fewer documents than that needs.
        EsHybridError: scikit-learn is not installed.
    """
    tried = _numbers(len(sample), clusters)
    models = {number: _model(number).fit(sample) for number in tried}
    found = {number: _silhouette(sample, model.labels_) for number, model in models.items()}
    chosen = max(found, key=lambda number: found[number])
    # A new one: the other has met the sample many times over, and would hardly move any more.
    best = _model(chosen, init=models[chosen].cluster_centers_).partial_fit(sample)
    seen = 0
    for batch in batches:
        if len(batch):
            best.partial_fit(batch)
            seen += len(batch)
    return Clusters(best.cluster_centers_.astype(np.float32), found, seen)


def _numbers(documents: int, clusters: int | None) -> tuple[int, ...]:
    if clusters is not None:
        if not 2 <= clusters < documents:
            raise UsageError(
                f"clusters {clusters} must be 2 or more, and fewer than the {documents} documents "
                "that are looked at"
            )
        return (clusters,)
    most = max(2, int(documents**0.5))
    tried = tuple(number for number in _TRIED if number <= most)
    if documents <= most:
        few = counted(documents, "document is", "documents are")
        raise UsageError(f"{few} too few for clusters: index more of them")
    return tried


def _model(clusters: int, *, init: Any = "k-means++") -> Any:
    """Without a chance that a small cluster is thrown away while batches are read."""
    starts = _STARTS if isinstance(init, str) else 1
    return sklearn("cluster", needs="clusters need").MiniBatchKMeans(
        clusters, init=init, n_init=starts, random_state=_SEED, reassignment_ratio=0
    )


def _silhouette(sample: Vectors, labels: Any) -> float:
    if len(set(labels.tolist())) < 2:
        return -1.0
    size = min(_COMPARED, len(sample))
    chosen = np.random.default_rng(_SEED).permutation(len(sample))[:size]
    if len(set(labels[chosen].tolist())) < 2:
        return -1.0
    metrics = sklearn("metrics", needs="clusters need")
    return float(metrics.silhouette_score(sample[chosen], labels[chosen]))
