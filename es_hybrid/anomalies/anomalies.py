"""Anomalies of an index: a method is fitted, every document scored, and that written back."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
from elasticsearch import Elasticsearch

from es_hybrid.anomalies.drift import Shift
from es_hybrid.anomalies.methods import Filters, Method, fitted, quantile
from es_hybrid.anomalies.options import Options
from es_hybrid.existing.run import waiting
from es_hybrid.filters import Filters as Given
from es_hybrid.filters import clauses
from es_hybrid.fitted.model import Fitted, Floats, fitted_for, whole
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.scan import refresh
from es_hybrid.objects import beginning
from es_hybrid.vector_stream import VectorIndex, batches, vector_index
from es_hybrid.vectors import Vectors
from es_hybrid.write_back import WrittenBack, attach, check_field, write_back
from es_hybrid.write_back.run import OnProgress

SHOWN = 20

Quantiles = Mapping[str, float]


class Odd(NamedTuple):
    """One of the oddest.

    Attributes:
        score: the larger, the odder.
        id: of the document.
        text: how it begins.
    """

    score: float
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Anomalies:
    """What was found.

    Attributes:
        name: what was asked for.
        index: the index behind it.
        embedder: id of the embedder that made the vectors.
        method: how odd is measured.
        documents: that were scored.
        threshold: a score above it is flagged.
        contamination: the share that was asked for.
        flagged: documents that are.
        field: of the documents, where score and flag are written.
        quantiles: ``"0.5"``, ``"0.9"``, ``"0.99"`` and ``"1"`` of all scores.
        odd: the oddest first.
        facts: what was found while fitting.
        shift: of ``recent``: whether the window differs.
        model: id of the model that looks at new documents; None where nothing was written.
        written: what was written back; None where nothing was to be.
        scores: of all documents, float64.
    """

    name: str
    index: str
    embedder: str
    method: str
    documents: int
    threshold: float
    contamination: float
    flagged: int
    field: str
    quantiles: Quantiles
    odd: tuple[Odd, ...]
    facts: Mapping[str, Any]
    shift: Shift | None
    model: str | None
    written: WrittenBack | None
    scores: Floats

    @property
    def complete(self) -> bool:
        """Whether all that was to be written was."""
        return self.written is None or not self.written.refused

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = asdict(self)
        del found["scores"]
        return found | {"odd": [one._asdict() for one in self.odd]}


def anomalies(
    client: Elasticsearch,
    name: str,
    options: Options,
    *,
    filter: Given = None,  # noqa: A002 - Elasticsearch's own word
    write: bool = False,
    dry_run: bool = False,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
) -> Anomalies:
    """Score every document with a vector, and say which are odd.

    Memory holds one page of vectors and eight bytes of each document's score. With `write` the
    fitted model becomes a document, every document gets ``anomaly.score`` and ``anomaly.flag``,
    and so does each that is indexed from then on.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        options: how.
        filter: only documents that match, as for a search.
        write: whether the index is written to.
        dry_run: with `write`, check that it could be, and write nothing.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        UsageError: options that can never work, or too few documents.
        NoContract: the index has no vectors that es_hybrid knows of.
        ServerError: the server refused, or cannot be reached.
        EsHybridError: scikit-learn or SciPy is not installed.
    """
    client = waiting(client, patience, progress)
    index = vector_index(client, name)
    options.check(index.existing)
    if write:
        check_field(index.existing, options.field, kind="anomaly")
    refresh(client, index.index)
    method = fitted(client, index, options, clauses(filter, fields=index.fields))
    scored = _Scored(client, index, method)
    threshold = quantile(scored.of(method.basis), options.contamination)
    if method.others is not None:
        scored.of(method.others)
    scores = np.concatenate(scored.scores)
    model = _model(index, options, method, threshold)
    kept, written = None, None
    if write and not dry_run:
        kept = attach(client, index.index, model)
        written = _write(client, index, method, model, threshold, progress, patience)
    return Anomalies(
        name=name,
        index=index.index,
        embedder=index.contract.embedder.id,
        method=options.method,
        documents=len(scores),
        threshold=threshold,
        contamination=options.contamination,
        flagged=sum(one["flag"] for one in model.flagged(scores, threshold=threshold)),
        field=options.field,
        quantiles={f"{at:g}": float(np.quantile(scores, at)) for at in (0.5, 0.9, 0.99, 1)},
        odd=tuple(scored.oddest()),
        facts=method.facts,
        shift=method.shift,
        model=kept,
        written=written,
        scores=scores,
    )


class _Scored:
    """All scores, and the documents with the highest."""

    def __init__(self, client: Elasticsearch, index: VectorIndex, method: Method) -> None:
        self._client, self._index, self._method = client, index, method
        self._best: list[Odd] = []
        self.scores: list[Floats] = []

    def of(self, filters: Filters) -> Floats:
        """Scores of the documents that match."""
        fields = self._index.contract.text_fields
        found = [np.zeros(0)]
        for batch in batches(self._client, self._index, fields=fields, filters=filters):
            norms = batch.norms if self._method.lengths else None
            ids, vectors = whole(batch.ids, batch.units, norms)
            scores = self._method.scores(ids, vectors)
            sources = dict(zip(batch.ids, batch.sources, strict=True))
            self._keep(ids, scores, sources)
            found.append(scores)
        self.scores.append(np.concatenate(found))
        return self.scores[-1]

    def oddest(self) -> Iterator[Odd]:
        """The highest scores first."""
        return iter(sorted(self._best, reverse=True))

    def _keep(self, ids: Sequence[str], scores: Floats, sources: Mapping[str, Any]) -> None:
        for row in np.argsort(-scores)[:SHOWN].tolist():
            text = beginning(sources[ids[row]], self._index.contract.text_fields)
            one = Odd(float(scores[row]), ids[row], text)
            if len(self._best) < SHOWN:
                heapq.heappush(self._best, one)
            else:
                heapq.heappushpop(self._best, one)


def _model(index: VectorIndex, options: Options, method: Method, threshold: float) -> Fitted:
    return fitted_for(
        index.contract,
        kind="anomaly",
        method=options.method,
        field=options.field,
        centres=method.centres,
        threshold=threshold if method.threshold is None else method.threshold,
        k=method.k,
        among=tuple(orjson.dumps(one).decode() for one in method.basis) if method.k else (),
        fitted_on=method.documents,
    )


def _write(
    client: Elasticsearch,
    index: VectorIndex,
    method: Method,
    model: Fitted,
    threshold: float,
    progress: OnProgress,
    patience: float,
) -> WrittenBack:
    def values(ids: Sequence[str], vectors: Vectors) -> list[dict[str, Any]]:
        return model.flagged(method.scores(ids, vectors), threshold=threshold)

    parts = (method.basis, *(() if method.others is None else (method.others,)))
    done = WrittenBack()
    for filters in parts:
        done.add(
            write_back(
                client,
                index,
                model.field,
                values,
                lengths=method.lengths,
                filters=filters,
                progress=progress,
                patience=patience,
            )
        )
    return done
