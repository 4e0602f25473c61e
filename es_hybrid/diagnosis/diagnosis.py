"""A diagnosis: whether the cosine of an index's vectors means anything, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.diagnosis import statistics
from es_hybrid.diagnosis.advice import Advice, advised
from es_hybrid.diagnosis.judged import compared
from es_hybrid.diagnosis.statistics import Agreement, Duplicates, Hubs, Lengths, Shape
from es_hybrid.embedders import Embedder, query_vectors
from es_hybrid.errors import UsageError
from es_hybrid.evaluation.qrels import Qrels
from es_hybrid.evaluation.significance import Interval
from es_hybrid.live import index_embedder, way
from es_hybrid.texts import counted
from es_hybrid.vector_stream import (
    Batch,
    VectorIndex,
    batches,
    count,
    gathered,
    vector_index,
)
from es_hybrid.vectors import Vectors

SAMPLE = 5_000
_FEWEST = 20  # documents: of fewer, no number here would mean much


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        name: what was asked for.
        embedder: id of the embedder that made the vectors.
        dims: of a vector.
        documents: of the index, with a vector.
        sampled: vectors that were looked at.
        lengths: before normalising.
        shape: of the directions.
        hubs: neighbours of very many.
        hub_ids: their ids, the most frequent first.
        duplicates: the same vector twice.
        duplicate_ids: ids of some pairs.
        agreement: of similarities.
        judged: similarity -> nDCG@10 of judged queries; None without any.
        advice: the most important first.
        units: the sample, of length 1, float32, shape (sampled, dims).
    """

    name: str
    embedder: str
    dims: int
    documents: int
    sampled: int
    lengths: Lengths
    shape: Shape
    hubs: Hubs
    hub_ids: tuple[str, ...]
    duplicates: Duplicates
    duplicate_ids: tuple[tuple[str, str], ...]
    agreement: Agreement
    judged: Mapping[str, Interval] | None
    advice: tuple[Advice, ...]
    units: Vectors

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        left_out = {"units", "hubs", "duplicates", "advice", "judged"}
        found = {name: value for name, value in asdict(self).items() if name not in left_out}
        hubs, twins = asdict(self.hubs), asdict(self.duplicates)
        del hubs["rows"], twins["pairs"]
        judged = {name: asdict(one) for name, one in (self.judged or {}).items()} or None
        advice = [one._asdict() for one in self.advice]
        return found | {"hubs": hubs, "duplicates": twins, "judged": judged, "advice": advice}


def diagnose(
    client: Elasticsearch,
    name: str,
    *,
    sample: int = SAMPLE,
    queries: Mapping[str, str] | None = None,
    qrels: Qrels | None = None,
    embedder: str | Embedder | None = None,
) -> Diagnosis:
    """Look at a sample of an index's vectors; with judged queries at all of them.

    Args:
        client: whose cluster is asked.
        name: index or alias.
        sample: documents to look at, at least 20; what is compared pair by pair grows with its
            square.
        queries: query id -> text.
        qrels: what answers them.
        embedder: for the queries; None takes that of the contract.

    Raises:
        UsageError: the sample or the index is too small.
        NoContract: the index has no vectors that es_hybrid knows of.
        ServerError: the server refused, or cannot be reached.
        EsHybridError: scikit-learn is not installed.
    """
    if sample < _FEWEST:
        raise UsageError(f"sample {sample} must be {_FEWEST} or more, to say anything")
    index = vector_index(client, name)
    found = gathered(batches(client, index, sample=sample))
    if len(found.ids) < _FEWEST:
        raise UsageError(
            f"index {name!r} has {counted(len(found.ids), 'vector')}: of fewer than {_FEWEST} "
            "nothing can be said"
        )
    judged = None
    if queries and qrels:
        judged = _judged(client, index, queries, qrels, embedder)
    return _diagnosed(index, found, count(client, index), judged)


def _judged(
    client: Elasticsearch,
    index: VectorIndex,
    queries: Mapping[str, str],
    qrels: Qrels,
    embedder: str | Embedder | None,
) -> dict[str, Interval]:
    asked = {query: text for query, text in queries.items() if query in qrels}
    model = index_embedder(index.contract, embedder, index=index.name, send=way(client))
    vectors = query_vectors(model, list(asked.values()))
    return compared(batches(client, index), asked, vectors, qrels)


def _diagnosed(
    index: VectorIndex, found: Batch, documents: int, judged: Mapping[str, Interval] | None
) -> Diagnosis:
    units, norms, ids = found.units, found.norms, found.ids
    hubs, duplicates = statistics.hubs(units), statistics.duplicates(units)
    parts: dict[str, Any] = {
        "lengths": statistics.lengths(units, norms),
        "shape": statistics.shape(units),
        "hubs": hubs,
        "duplicates": duplicates,
        "agreement": statistics.agreement(units, norms),
        "judged": judged,
    }
    dims = units.shape[1]
    return Diagnosis(
        name=index.name,
        embedder=index.contract.embedder.id,
        dims=dims,
        documents=documents,
        sampled=len(ids),
        hub_ids=tuple(ids[row] for row in hubs.rows),
        duplicate_ids=tuple((ids[one], ids[other]) for one, other in duplicates.pairs),
        advice=advised(dims=dims, **parts),
        units=units,
        **parts,
    )
