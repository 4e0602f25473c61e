"""What kNN is asked when its recall is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.embedders import Embedder, query_vectors
from es_hybrid.errors import SourceError
from es_hybrid.live import index_embedder, way
from es_hybrid.similarity import similarity
from es_hybrid.texts import is_blank
from es_hybrid.vector_stream import VectorIndex, batches, gathered
from es_hybrid.vectors import Vectors, usable_query

_SEED = 7


@dataclass(frozen=True, slots=True)
class Sampled:
    """Query vectors.

    Attributes:
        vectors: float32, shape (n, dims), as they are searched for.
        own: the document that each was made of, which is not counted as found; empty where
            words were embedded.
    """

    vectors: Vectors
    own: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.vectors)


def of_documents(client: Elasticsearch, index: VectorIndex, *, most: int) -> Sampled:
    """Vectors of documents, drawn evenly; each finds others, itself does not count.

    Documents lie where documents are: what people type lies further away, and is harder.

    Raises:
        SourceError: the index has no vector.
        ServerError: the server refused, or cannot be reached.
    """
    found = gathered(batches(client, index, sample=most))
    firsts = {document: row for row, document in reversed(list(enumerate(found.ids)))}
    rows = sorted(firsts.values())[:most]
    if not rows:
        raise SourceError(f"{index.name!r} has no vector: there is nothing to find")
    vectors = found.units[rows]
    if not similarity(index.contract.similarity).scaled:
        vectors = (vectors * found.norms[rows][:, None]).astype(np.float32)
    return Sampled(vectors, [found.ids[row] for row in rows])


def of_words(
    client: Elasticsearch,
    index: VectorIndex,
    words: Sequence[str],
    *,
    most: int,
    embedder: str | Embedder | None = None,
) -> Sampled:
    """Vectors of what people typed, drawn evenly.

    Raises:
        SourceError: there are no words.
        EmbedderError: the embedder failed, or gave an unusable vector.
        ContractError: it is another one than the index was made with.
    """
    texts = [text for text in words if not is_blank(text)]
    if not texts:
        raise SourceError(f"none of {len(words)} queries has words: there is nothing to search")
    chance = np.random.default_rng(_SEED)
    drawn = chance.permutation(len(texts))[:most]
    model = index_embedder(index.contract, embedder, index=index.name, send=way(client))
    scaled = similarity(index.contract.similarity).scaled
    made = query_vectors(model, [texts[place] for place in sorted(drawn)])
    rows = [usable_query(row, maker=model.info.id, scaled=scaled) for row in made]
    return Sampled(np.asarray(rows, np.float32))
