"""The vectors of a live index, batch by batch, so that memory holds one page."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.client import path, request
from es_hybrid.contract import Contract
from es_hybrid.documents import META_FIELD, PASSAGES_FIELD
from es_hybrid.errors import UsageError
from es_hybrid.existing.additions import has_vector
from es_hybrid.existing.index import Existing, existing_index
from es_hybrid.filters import Clause
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.patient import patient
from es_hybrid.indexing.scan import Found, Page, Scan
from es_hybrid.vectors import Vectors, unit, unpacked

_NORM = f"{META_FIELD}.norm"
_SEED = 20261123  # a sample in another order than the documents', and the same each time


@dataclass(frozen=True, slots=True)
class Batch:
    """Some documents with their vectors.

    Attributes:
        ids: of the documents; one stands several times where passages have the vectors.
        units: float32, shape (n, dims), of length 1.
        norms: float64, shape (n,): the L2 norms that the embedder gave them.
        sources: the fields that were asked for, of each document.
        total: documents of the whole stream.
    """

    ids: tuple[str, ...]
    units: Vectors
    norms: np.ndarray[Any, np.dtype[np.float64]]
    sources: tuple[Mapping[str, Any], ...]
    total: int


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index whose vectors can be read.

    Attributes:
        existing: the index, as the server told it.
        contract: which embedder made the vectors.
        fields: full name of every field -> its type.
    """

    existing: Existing
    contract: Contract
    fields: Mapping[str, str]

    @property
    def name(self) -> str:
        """What was asked for."""
        return self.existing.name

    @property
    def index(self) -> str:
        """The index behind it."""
        return self.existing.index


def vector_index(client: Elasticsearch, name: str) -> VectorIndex:
    """The index behind `name`.

    Raises:
        NoContract: it has no vectors that es_hybrid knows of.
        IndexNotFound: there is no such index.
        ServerError: the server refused, or cannot be reached.
    """
    found = existing_index(patient(client), name)
    return VectorIndex(found, found.promised, found.fields)


def count(client: Elasticsearch, index: VectorIndex, filters: Sequence[Clause] = ()) -> int:
    """How many documents with a vector match all of the filters.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    clauses = [*filters, has_vector(index.contract)]
    body = {"query": {"bool": {"filter": clauses}}}
    found: int = request(patient(client, met=True), "POST", path(index.index, "_count"), body=body)[
        "count"
    ]
    return found


def batches(
    client: Elasticsearch,
    index: VectorIndex,
    *,
    sample: int | None = None,
    fields: Sequence[str] = (),
    filters: Sequence[Clause] = (),
) -> Iterator[Batch]:
    """All vectors of the documents that match, or of some.

    Args:
        client: whose cluster is asked.
        index: which.
        sample: about so many documents, evenly spread and the same each time; None takes all.
        fields: read of each document as well.
        filters: all must hold.

    Raises:
        UsageError: `sample` is below 1.
        ServerError: the server refused, or cannot be reached.
    """
    for _, batch in scanned(client, index, sample=sample, fields=fields, filters=filters):
        yield batch


def scanned(
    client: Elasticsearch,
    index: VectorIndex,
    *,
    sample: int | None = None,
    fields: Sequence[str] = (),
    filters: Sequence[Clause] = (),
) -> Generator[tuple[Page, Batch], None, None]:
    """As `batches`, each with the states of its documents, so that they can be written to.

    Raises:
        UsageError: as `batches`.
        ServerError: the server refused, or cannot be reached.
    """
    client = patient(client, met=True)
    clauses = (*filters, has_vector(index.contract))
    if sample is not None:
        clauses = (*clauses, *_share(count(client, index, filters), sample=sample))
    reader = _Reader(index.contract, packed=capabilities.read(client).base64_queries)
    scan = Scan(
        index.index,
        {"includes": list(fields)} if fields else False,
        filters=clauses,
        fields=reader.fields,
        docvalues=reader.docvalues,
    )
    with closing(pages(client, scan)) as read:
        for page in read:
            yield page, reader.batch(page)


def gathered(found: Iterator[Batch]) -> Batch:
    """All batches as one; empty where there is none."""
    parts = list(found)
    if not parts:
        return Batch((), np.zeros((0, 0), np.float32), np.zeros(0), (), 0)
    return Batch(
        ids=tuple(one for part in parts for one in part.ids),
        units=np.concatenate([part.units for part in parts]),
        norms=np.concatenate([part.norms for part in parts]),
        sources=tuple(one for part in parts for one in part.sources),
        total=parts[-1].total,
    )


def _share(documents: int, *, sample: int) -> list[Clause]:
    """A clause that about `sample` of the documents match, by a random number for each."""
    if sample < 1:
        raise UsageError(f"sample {sample} must be 1 or more")
    if documents <= sample:
        return []
    random = {"seed": _SEED, "field": "_seq_no"}
    least = 1 - sample / documents
    score = {"random_score": random, "boost_mode": "replace", "min_score": least}
    return [{"function_score": score}]


class _Reader:
    """Makes batches of pages, whichever way the server gives the vectors."""

    def __init__(self, contract: Contract, *, packed: bool) -> None:
        self._passages = contract.passages is not None
        self._field = contract.vector_field
        # Passages are not documents of their own: their vectors come as numbers only.
        packed = packed and not self._passages
        numbers = () if packed else (self._field,)
        within = f"{PASSAGES_FIELD}." if self._passages else ""
        self.fields = (*(within + name for name in numbers), within + "norm" if within else _NORM)
        self.docvalues = ({"field": self._field, "format": "binary"},) if packed else ()

    def batch(self, page: Page) -> Batch:
        """All vectors of its documents."""
        rows = [(one, parts) for one in page.documents for parts in self._parts(one)]
        made = unit(np.stack([self._vector(parts) for _, parts in rows]))
        kept = np.array([self._norm(parts) for _, parts in rows])
        return Batch(
            ids=tuple(one.id for one, _ in rows),
            units=made.vectors,
            norms=np.where(np.isnan(kept), made.norms, kept),
            sources=tuple(one.source for one, _ in rows),
            total=page.total,
        )

    def _parts(self, found: Found) -> Sequence[Mapping[str, list[Any]]]:
        """What has the vectors of a document: it, or its passages."""
        return found.fields[PASSAGES_FIELD] if self._passages else [found.fields]

    def _vector(self, parts: Mapping[str, list[Any]]) -> Vectors:
        values = parts[self._field]
        return unpacked(values[0] if isinstance(values[0], str) else values)

    def _norm(self, parts: Mapping[str, list[Any]]) -> float:
        """As it was noted beside the vector; NaN where it was not."""
        noted = parts.get("norm" if self._passages else _NORM)
        return float(noted[0]) if noted else np.nan
