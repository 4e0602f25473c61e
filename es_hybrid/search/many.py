"""The words of several searches are embedded in one call of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from es_hybrid.embedders import query_vectors
from es_hybrid.errors import ContractError, VectorError
from es_hybrid.search.asked import Asked
from es_hybrid.search.known import Known
from es_hybrid.search.searched import Searched
from es_hybrid.steps import Steps, work
from es_hybrid.vectors import Vectors, usable_query


@dataclass(frozen=True, slots=True)
class Embedded:
    """Words of several searches, embedded for the indices as they were read then.

    Attributes:
        searched: the indices.
        vectors: words -> their vector.
    """

    searched: Searched | None = None
    vectors: Mapping[str, Vectors] = field(default_factory=dict)

    def of(self, searched: Searched) -> Mapping[str, Vectors]:
        """The vectors, where they are for these indices: others may be of another model."""
        return self.vectors if searched is self.searched else {}


def embedded(searches: Sequence[Asked], known: Known) -> Steps[Embedded]:
    """The words of all kNN legs that have no vector; nothing for a single search.

    Raises:
        EmbedderError: the embedder failed, or gave an unusable vector.
        IndexNotFound: there is no such index.
        ServerError: the server refused, or cannot be reached.
    """
    wanted = [
        leg.text or one.query or ""
        for one in searches
        for leg in one.legs
        if leg.kind == "knn" and leg.vector is None and one.embeds_words and one.pit is None
    ]
    if len(searches) < 2 or len(wanted) < 2:
        return Embedded()
    texts = list(dict.fromkeys(wanted))
    searched = yield from known.searched()
    try:
        embedder = yield from known.embedder(searched)
    except ContractError:  # each search reads the contract again, and says what is wrong
        return Embedded()
    try:
        rows = yield from work(query_vectors, embedder, texts)
    except VectorError:  # of one of them; alone each search says what is wrong with its own
        return Embedded()
    scaled = searched.own_vector_field.similarity.scaled
    maker = embedder.info.id
    vectors = {
        text: usable_query(row, maker=maker, scaled=scaled)
        for text, row in zip(texts, rows, strict=True)
    }
    return Embedded(searched, vectors)
