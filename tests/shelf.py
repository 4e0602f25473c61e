"""A small shelf of books for searches on a real node: which words they share can be seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np

from es_hybrid import Indexer
from es_hybrid.client import path, request
from tests.embedders import WordEmbedder

# So many axes that no two words of the shelf share one: a cosine can be counted out by hand.
DIMS = 520
WORDS = WordEmbedder(DIMS)

_BOOKS = {
    "moby": ("The whale", "whale hunters on the cold sea", "novel", 1851),
    "jaws": ("Jaws", "a shark in the warm sea", "novel", 1974),
    "orca": ("Orca", "whale and whale and whale", "film", 1977),
    "atlas": ("Sea atlas", "maps of every sea and coast", "map", 1990),
    "coast": ("Coast walks", "maps of the coast", "map", 2001),
    "tea": ("Tea", "leaves in hot water", "cookery", 1999),
    "bread": ("Bread", "flour and warm water", "cookery", 1985),
    "soup": ("Fish soup", "shark fin in hot water from the sea", "cookery", 1985),
}
BOOKS = [
    {"_id": key, "title": title, "text": text, "genre": genre, "year": year}
    for key, (title, text, genre, year) in _BOOKS.items()
]

# A book that another program wrote, which knows nothing of vectors.
FOREIGN = {"title": "Whale songs", "text": "whale songs of the sea", "genre": "music", "year": 1970}

QUERY = "whale sea"
WITH_WORDS = {"moby", "jaws", "orca", "atlas", "soup", "songs"}  # of the query
EVERY = {*_BOOKS, "songs"}


def vector(key: str) -> np.ndarray:
    """What the model makes of a book, float32, shape (DIMS,), not scaled."""
    title, text, *_ = _BOOKS[key]
    return WORDS.embed_documents([f"{title} {text}"])[0]


def cosine(key: str, query: str = QUERY) -> float:
    """Of a book and a query, by numpy."""
    one, other = vector(key).astype(float), WORDS.embed_queries([query])[0].astype(float)
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@contextmanager
def shelf_index(es: Any, records: Any = BOOKS, **options: Any) -> Iterator[str]:
    """An index of books, and the book without a vector; deleted at the end."""
    name = f"t-{uuid4().hex[:12]}"
    Indexer(es, name, **{"embedder": WORDS} | options).write(records)
    put(es, name, "songs", FOREIGN)
    try:
        yield name
    finally:
        request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


def put(es: Any, name: str, key: str, record: Any) -> None:
    """Write one document as it is, visible at once."""
    request(es, "PUT", path(name, "_doc", key), params={"refresh": "true"}, body=record)


def ids(result: Any) -> list[str]:
    return [hit.id for hit in result]


class Counted:
    """Counts what a client sends, method and path; the client is put right at the end."""

    def __init__(self, monkeypatch: Any, client: Any) -> None:
        self.sent: list[str] = []
        real = client.perform_request

        def perform_request(method: str, target: str, **more: Any) -> Any:
            self.sent.append(f"{method} {target}")
            return real(method, target, **more)

        monkeypatch.setattr(client, "perform_request", perform_request)
