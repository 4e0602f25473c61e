"""A sample of documents with their vectors, and how near they are to what an embedder makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.contract import SAME_MODEL
from es_hybrid.embedders import Embedder, document_vectors, query_vectors
from es_hybrid.errors import RecordError
from es_hybrid.existing.texts import text_document
from es_hybrid.indexing.scan import Found
from es_hybrid.texts import is_blank
from es_hybrid.vectors import Vectors, unit, unpacked

SAMPLE = 50

# Of a sample, how many may be of other texts by now, or cut off elsewhere.
NEARLY_ALL = 0.9

_SEED = 20260301  # another order than that of the documents, and the same each time


@dataclass(frozen=True, slots=True)
class Sample:
    """Documents that have a vector.

    Attributes:
        sources: their text fields, as they are kept.
        vectors: float32, shape (n, dims), as they are kept.
    """

    sources: Sequence[Mapping[str, Any]]
    vectors: Vectors

    @property
    def dims(self) -> int:
        """Numbers of a vector; 0 of an empty sample."""
        return self.vectors.shape[1] if len(self.vectors) else 0

    @property
    def lengths(self) -> npt.NDArray[np.float64]:
        """L2 norms of the vectors, float64, shape (n,)."""
        found: npt.NDArray[np.float64] = np.linalg.norm(self.vectors.astype(np.float64), axis=1)
        return found


def sample(
    client: Elasticsearch, index: str, *, vector_field: str, text_fields: Sequence[str]
) -> Sample:
    """Up to `SAMPLE` documents with a vector, spread over the index.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    spread = {"seed": _SEED, "field": "_seq_no"}
    body = {
        "size": SAMPLE,
        "query": {
            "function_score": {
                "query": {"exists": {"field": vector_field}},
                "random_score": spread,
                "boost_mode": "replace",
            }
        },
        "_source": {"includes": list(text_fields)},
        "fields": [vector_field],
    }
    hits = request(client, "POST", path(index, "_search"), body=body)["hits"]["hits"]
    rows = [_row(hit["fields"][vector_field]) for hit in hits]
    vectors = np.array(rows, np.float32) if rows else np.zeros((0, 0), np.float32)
    return Sample([hit.get("_source") or {} for hit in hits], vectors)


def _row(values: Sequence[Any]) -> Vectors:
    """One vector, from its numbers or from what packs them."""
    return unpacked(values[0] if isinstance(values[0], str) else values)


def texts(found: Sample, names: Sequence[str]) -> list[str]:
    """What would be embedded of each document; "" where that is nothing."""
    return [_text(source, names) for source in found.sources]


def _text(source: Mapping[str, Any], names: Sequence[str]) -> str:
    try:
        text = text_document(Found("sampled", source, 0, 0), names, index="").text
    except RecordError:
        return ""
    return "" if is_blank(text) else text


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near the kept vectors are to those that an embedder makes of the same texts.

    Attributes:
        cosines: float64, shape (n,), of the documents that have a text.
    """

    cosines: npt.NDArray[np.float64]

    @property
    def sampled(self) -> int:
        """Documents compared."""
        return len(self.cosines)

    @property
    def agreed(self) -> int:
        """Of these, how many are as near as one model is to itself."""
        return int((self.cosines >= SAME_MODEL).sum())

    @property
    def median(self) -> float:
        """Half of the cosines are lower; 0 without any."""
        return float(np.median(self.cosines)) if len(self.cosines) else 0.0

    @property
    def proven(self) -> bool:
        """Whether nearly all agree, and there are any."""
        return self.sampled > 0 and self.agreed >= NEARLY_ALL * self.sampled


Maker = Callable[[Embedder, Sequence[str]], Vectors]


def as_documents(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """What the embedder makes of texts as documents, shape (n, dims)."""
    return document_vectors(embedder, texts)


def as_queries(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """What the embedder makes of texts as queries, shape (n, dims)."""
    return query_vectors(embedder, texts)


def agreement(
    found: Sample, embedder: Embedder, names: Sequence[str], *, make: Maker = as_documents
) -> Agreement:
    """Embed the texts of a sample and compare.

    Raises:
        EmbedderError: the embedder failed.
    """
    read = texts(found, names)
    places = [place for place, text in enumerate(read) if text]
    if not places:
        return Agreement(np.zeros(0))
    made = unit(make(embedder, [read[place] for place in places])).vectors.astype(np.float64)
    kept = unit(found.vectors[places]).vectors.astype(np.float64)
    return Agreement(np.einsum("ij,ij->i", made, kept))
