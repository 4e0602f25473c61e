"""Searching by an example: a picture, or a document that the index has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from es_hybrid.client import path
from es_hybrid.documents import PASSAGES_FIELD
from es_hybrid.embedders import Embedder, PictureEmbedder, image_vectors
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.filters import Clause
from es_hybrid.pictures import shown
from es_hybrid.search.asked import Asked
from es_hybrid.search.queries import NESTED_VECTOR
from es_hybrid.search.searched import Searched
from es_hybrid.steps import Request, Steps, work
from es_hybrid.vectors import Vectors, unpacked, usable_query

_EmbedderOf = Callable[[Searched], Steps[Embedder]]


def by_example(
    asked: Asked,
    searched: Searched,
    embedder: _EmbedderOf,
    *,
    bound: Sequence[Clause],
    routing: str | None,
) -> Steps[tuple[Asked, tuple[Clause, ...]]]:
    """The search with the vector of its example, and a clause that leaves the example out.

    A search without an example comes back as it is.

    Args:
        asked: the search.
        searched: the indices.
        embedder: proven to be theirs.
        bound: what a document must match that may be an example.
        routing: which shards hold it.

    Raises:
        UsageError: the picture cannot be read, or there is no such document.
        EmbedderError: the model of the index reads texts.
        ContractError: the index was made by another model, or not by es_hybrid.
        ServerError: the server refused, or cannot be reached.
    """
    if asked.image is not None:
        model = yield from embedder(searched)
        row = yield from work(_seen, cast(PictureEmbedder, model), asked.image)
        scaled = searched.own_vector_field.similarity.scaled
        vector = usable_query(row, maker=model.info.id, scaled=scaled)
        return replace(asked, vector=vector, image=None), ()
    if asked.like is None:
        return asked, ()
    vector = yield from _of_document(asked, searched, bound, routing)
    itself = {"bool": {"must_not": [{"ids": {"values": [asked.like]}}]}}
    return replace(asked, vector=vector, like=None), (itself,)


def _seen(embedder: PictureEmbedder, image: Any) -> Vectors:
    source = Path(image) if isinstance(image, str) else image
    try:
        picture = shown(source)
    except RecordError as error:
        what = repr(str(source)) if isinstance(source, Path) else "that was given"
        raise UsageError(f"the picture {what} cannot be searched with: {error}") from None
    vector: Vectors = image_vectors(embedder, [picture])[0]
    return vector


def _of_document(
    asked: Asked, searched: Searched, bound: Sequence[Clause], routing: str | None
) -> Steps[Vectors]:
    in_passages = searched.contract.passages is not None
    field = NESTED_VECTOR if in_passages else searched.contract.vector_field
    body: dict[str, Any] = {
        "query": {"bool": {"filter": [{"ids": {"values": [asked.like]}}, *bound]}},
        "size": 2,
        "_source": False,
        "fields": [field],
    }
    where = path(searched.name, "_search")
    if asked.pit is not None:
        where, body["pit"] = path("_search"), asked.pit.body()
    params = {} if routing is None or asked.pit is not None else {"routing": routing}
    answer = yield Request("POST", where, params=params, body=body)
    return _vector(_one(answer["hits"]["hits"], asked, searched), field, searched)


def _one(hits: Sequence[Mapping[str, Any]], asked: Asked, searched: Searched) -> Mapping[str, Any]:
    if not hits:
        raise UsageError(
            f"there is no document {asked.like!r} in {searched.name!r} that could be searched "
            "with: take an id that a search has shown"
        )
    if len(hits) > 1:
        both = " and ".join(str(hit["_index"]) for hit in hits)
        raise UsageError(f"document {asked.like!r} stands in {both}: search one of them")
    return hits[0]


def _vector(hit: Mapping[str, Any], field: str, searched: Searched) -> Vectors:
    """Of passages, the middle of their vectors."""
    fields = hit.get("fields") or {}
    inside = field.removeprefix(f"{PASSAGES_FIELD}.")
    rows = [one.get(inside) for one in fields.get(PASSAGES_FIELD, ())] or [fields.get(field)]
    known = [unpacked(row[0] if isinstance(row[0], str) else row) for row in rows if row]
    if not known:
        raise UsageError(
            f"document {hit['_id']!r} of {hit['_index']!r} has no vector: search with another, or "
            "with words"
        )
    scaled = searched.own_vector_field.similarity.scaled
    middle = np.stack(known).mean(axis=0, dtype=np.float32)
    return usable_query(middle, maker=f"document {hit['_id']!r}", scaled=scaled)
