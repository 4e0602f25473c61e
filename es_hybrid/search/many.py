"""The words of several searches are embedded in one call of the model."""

from __future__ import annotations

from collections.abc import Sequence

from es_hybrid.embedders import query_vectors
from es_hybrid.search.asked import Asked
from es_hybrid.search.known import Known
from es_hybrid.search.searched import own_vector_field
from es_hybrid.steps import Steps, work
from es_hybrid.vectors import Vectors, usable_query


def embedded(searches: Sequence[Asked], known: Known) -> Steps[dict[str, Vectors]]:
    """Words -> their vector, for all kNN legs that have none; nothing for a single search."""
    wanted = [
        leg.text or one.query or ""
        for one in searches
        for leg in one.legs
        if leg.kind == "knn" and leg.vector is None and one.pit is None
    ]
    if len(searches) < 2 or len(wanted) < 2:
        return {}
    texts = list(dict.fromkeys(wanted))
    searched = yield from known.searched()
    embedder = yield from known.embedder(searched)
    rows = yield from work(query_vectors, embedder, texts)
    scaled = own_vector_field(searched.contract).similarity.scaled
    maker = embedder.info.id
    return {
        text: usable_query(row, maker=maker, scaled=scaled)
        for text, row in zip(texts, rows, strict=True)
    }
