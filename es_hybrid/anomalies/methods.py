"""Four ways to say how odd a document is; each is fitted on the index, batch by batch.

- ``mean``: distance to the mean vector of all. Finds what is far from everything.
- ``clusters``: distance to the nearest of several centres (k-means). For an index of several
  subjects, whose mean is near to none of them.
- ``recent``: distance to the mean of what was recent when the document came. For documents of the
  window that is the mean of those before it; for documents that come in after this was fitted, it
  is the mean of the window. Whether the window as a whole differs is told by a permutation test.
- ``neighbours``: distance to the k-th nearest other document. Asks nothing of the shape of the
  data, and finds groups of up to k - 1 odd documents that are alike.

Each sees only the documents that the filters let through: what is odd among them may be one of many
in the whole index.

All distances are Euclidean between vectors of length 1 (or their means): 0 to 2, where
d² = 2 - 2 cosine. Only ``neighbours`` of an index by l2_norm are those of vectors as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid import capabilities, transforms
from es_hybrid.anomalies.drift import MOST, Shift, shift
from es_hybrid.anomalies.options import Options
from es_hybrid.anomalies.window import Windows, windows
from es_hybrid.client import request
from es_hybrid.clusters import kmeans
from es_hybrid.errors import UsageError
from es_hybrid.filters import Clause
from es_hybrid.fitted.model import Floats, nearest, whole
from es_hybrid.search.neighbours import Neighbours
from es_hybrid.texts import counted
from es_hybrid.vector_stream import VectorIndex, batches, count, gathered
from es_hybrid.vectors import Vectors

FEWEST = 20  # documents: of fewer, none can be called odd

Scores = Callable[[Sequence[str], Vectors], Floats]  # of ids and their vectors
Filters = tuple[Clause, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A fitted method.

    Attributes:
        scores: of documents that the index has.
        centres: of the model that looks at documents that come in; float32, shape (k, dims).
        basis: the documents whose scores say what is odd.
        others: those that are scored as well; None where there are none.
        lengths: whether `scores` takes vectors as they are, and not of length 1.
        k: of ``neighbours``.
        threshold: for documents that come in, where that is not the one of the basis.
        facts: name -> what was found while fitting, for people.
        shift: of ``recent``.
        documents: that it was fitted on.
    """

    scores: Scores
    centres: Vectors
    basis: Filters
    others: Filters | None = None
    lengths: bool = False
    k: int | None = None
    threshold: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    shift: Shift | None = None
    documents: int = 0


def fitted(client: Elasticsearch, index: VectorIndex, options: Options, filters: Filters) -> Method:
    """Fit the method that was asked for.

    Args:
        client: whose cluster is asked.
        index: whose vectors.
        options: checked.
        filters: only documents for which all hold.

    Raises:
        UsageError: there are too few documents.
        ServerError: the server refused, or cannot be reached.
        EsHybridError: scikit-learn or SciPy is not installed.
    """
    documents = count(client, index, filters)
    if documents < FEWEST:
        raise UsageError(
            f"{index.name!r} has {counted(documents, 'document')} with a vector to look at: of "
            f"fewer than {FEWEST} none can be called odd"
        )
    if options.method == "neighbours":
        return _neighbours(client, index, options, filters, documents)
    if options.method == "recent":
        return _recent(client, index, options, windows(client, index, options, filters))
    if options.method == "clusters":
        return _clusters(client, index, options, filters)
    return _mean(client, index, filters)


def _mean(client: Elasticsearch, index: VectorIndex, filters: Filters) -> Method:
    centre = transforms.fit(documents_of(client, index, filters), "centre")
    return Method(_to(centre.mean[None]), centre.mean[None], filters, documents=centre.fitted_on)


def _clusters(
    client: Elasticsearch, index: VectorIndex, options: Options, filters: Filters
) -> Method:
    some = gathered(batches(client, index, filters=filters, sample=kmeans.SAMPLE))
    ids, units = whole(some.ids, some.units)
    # By id: written documents move within an index, and must not become other clusters by that.
    sample = units[np.argsort(ids)]
    read = documents_of(client, index, filters)
    found = kmeans.fit(read, sample, clusters=options.clusters)
    facts = {"clusters": len(found.centres), "silhouette": found.silhouette}
    centres = found.centres
    return Method(_to(centres), centres, filters, facts=facts, documents=found.fitted_on)


def _recent(client: Elasticsearch, index: VectorIndex, options: Options, found: Windows) -> Method:
    before = transforms.fit(documents_of(client, index, found.reference), "centre")
    inside = transforms.fit(documents_of(client, index, found.window), "centre")
    parts = (found.window, found.reference)
    samples = [
        np.concatenate(list(documents_of(client, index, part, sample=MOST))) for part in parts
    ]
    incoming = [
        nearest(one, inside.mean[None])[0] for one in documents_of(client, index, found.window)
    ]
    return Method(
        _to(before.mean[None]),
        inside.mean[None],
        found.reference,
        found.window,
        threshold=quantile(np.concatenate(incoming), options.contamination),
        facts={"window_from": found.start, "window_to": found.end},
        shift=shift(*samples),
        documents=before.fitted_on + inside.fitted_on,
    )


def _neighbours(
    client: Elasticsearch,
    index: VectorIndex,
    options: Options,
    filters: Filters,
    documents: int,
) -> Method:
    k = options.neighbour(documents)
    if k >= documents:
        raise UsageError(f"k {k} must be below the {documents} documents that are looked at")
    asked = Neighbours(
        lambda where, lines: request(client, "POST", where, body=lines),
        index.index,
        index.contract,
        k=k,
        among=filters,
        packs=capabilities.read(client).base64_queries,
    )
    none = np.zeros((0, index.contract.embedder.dims), np.float32)
    return Method(
        asked.distances,
        none,
        filters,
        lengths=asked.lengths,
        k=k,
        facts={"k": k},
        documents=documents,
    )


def quantile(scores: Floats, contamination: float) -> float:
    """The score that a share of `contamination` is above."""
    return float(np.quantile(scores, 1 - contamination))


def documents_of(
    client: Elasticsearch, index: VectorIndex, filters: Filters, *, sample: int | None = None
) -> Iterator[Vectors]:
    """One vector of length 1 for each document, batch by batch."""
    for batch in batches(client, index, filters=filters, sample=sample):
        yield whole(batch.ids, batch.units)[1]


def _to(centres: Vectors) -> Scores:
    return lambda _ids, units: nearest(units, centres)[0]
