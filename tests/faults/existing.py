"""A run over an index that exists already, through the proxy, and what is to be looked at then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.vectors import unpacked
from tests.embedders import WordEmbedder
from tests.faults.proxy import Proxy, Rule
from tests.foreign import MAPPINGS, bulk, wine

DOCUMENTS, DIMS = 200, 128
TIMEOUT = 1.0  # seconds for one request


def text_of(document: Mapping[str, Any]) -> str:
    """What is embedded of it."""
    return f"{document['title']} {document['body']['text']}"


class Counting(WordEmbedder):
    """Counts how often each text of a document was embedded."""

    def __init__(self) -> None:
        super().__init__(DIMS)
        self.made: Counter[str] = Counter()

    def embed_documents(self, texts: Any) -> Any:
        self.made.update(text for text in texts if "number" in text)
        return super().embed_documents(texts)


class Reading:
    """An index of wines that is read through the proxy; a context manager.

    Attributes:
        es: a client past the proxy.
        proxy: what the run goes through.
        name: the index.
        client: the client of the run, which waits a second for each answer.
        embedder: counts what it embeds.
    """

    def __init__(self, *, es: Elasticsearch, proxy: Proxy, name: str) -> None:
        self.es, self.proxy, self.name = es, proxy, name
        self.client = Elasticsearch(proxy.url, request_timeout=TIMEOUT)
        self.embedder = Counting()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def begin(self, **settings: Any) -> None:
        """Make the index with all its documents."""
        settings = {"number_of_replicas": 0, "number_of_shards": 1, **settings}
        request(self.es, "PUT", path(self.name), body={"settings": settings, "mappings": MAPPINGS})
        bulk(self.es, self.name, {str(n): wine(n, n=n) for n in range(DOCUMENTS)})

    def with_vectors(self, documents: int) -> str:
        """Make an index beside it whose documents came with vectors, in ``v``; its name."""
        name, words = f"{self.name}-other", WordEmbedder(DIMS)
        vector = {"type": "dense_vector", "dims": DIMS, "similarity": "cosine"}
        mappings = {"properties": MAPPINGS["properties"] | {"v": vector}}
        request(self.es, "PUT", path(name), body={"mappings": mappings})
        made = {}
        for number in range(documents):
            values = words.embed_documents([text_of(wine(number))])[0].tolist()
            made[str(number)] = wine(number, v=values)
        bulk(self.es, name, made)
        return name

    def follow(self, *script: Rule) -> None:
        """From now on these rules hold."""
        self.proxy.follow(*script)

    def in_mid_run(self, fault: str) -> bool:
        """Whether the fault happened first when some documents were read, but not all."""
        first = next((one for one in self.proxy.fired if one.fault == fault), None)
        return first is not None and 0 < first.shown < DOCUMENTS

    def wrong(
        self, index: str, report: Mapping[str, Any], *, embedder: WordEmbedder | None = None
    ) -> list[str]:
        """What one of the five checks finds, in words; nothing is wrong where it is empty.

        Args:
            index: whose documents have vectors now.
            report: of the run that ended the work.
            embedder: made the vectors; None is that of the runs in place.
        """
        maker = embedder or WordEmbedder(DIMS)
        request(self.es, "POST", path(index, "_refresh"))
        found = {hit["_id"]: hit for hit in self._hits(index)}
        return [
            *_sums(report),
            *self._count(index),
            *_vectors(found, maker),
            *(f"acknowledged and lost: {one}" for one in self.proxy.acknowledged - found.keys()),
        ]

    def _count(self, index: str) -> Iterator[str]:
        count = request(self.es, "GET", path(index, "_count"))["count"]
        if count != DOCUMENTS:
            yield f"_count is {count}, not {DOCUMENTS}"

    def _hits(self, index: str) -> list[dict[str, Any]]:
        body = {"size": 1000, "fields": ["embedding"], "_source": False}
        answer = request(self.es, "POST", path(index, "_search"), body=body)
        found: list[dict[str, Any]] = answer["hits"]["hits"]
        return found


def _vectors(found: Mapping[str, Any], embedder: WordEmbedder) -> Iterator[str]:
    """Every document is there, by its id, with the vector of its text."""
    yield from (f"not planned: {key}" for key in found.keys() - set(map(str, range(DOCUMENTS))))
    for number in range(DOCUMENTS):
        made = embedder.embed_documents([text_of(wine(number))])[0]
        kept = _vector(found.get(str(number), {}).get("fields", {}).get("embedding"))
        if kept is None or not np.allclose(kept, made / np.linalg.norm(made), atol=1e-3):
            yield f"no vector, or another one: {number}"


def _vector(values: Any) -> Any:
    if not values:
        return None
    return unpacked(values[0]) if isinstance(values[0], str) else np.array(values)


def _sums(report: Mapping[str, Any]) -> Iterator[str]:
    """Of `enrich`, or of a copy."""
    if "read" in report:
        fates = ("enriched", "unchanged", "without_text", "deleted", "dead_lettered")
        said = {fate: report[fate] for fate in fates}
        whole = report["read"]
    else:
        said = {fate: report[fate] for fate in ("embedded", "kept", "without_vector")}
        whole = report["written"]
    if whole != sum(said.values()) or whole != DOCUMENTS or not sum(said.values()):
        yield f"{whole} of {DOCUMENTS} documents, and {said}"
