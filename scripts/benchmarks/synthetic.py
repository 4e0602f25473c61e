"""A corpus out of a seed: texts of invented words as frequent as Zipf says, and unit vectors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from hashlib import blake2b
from itertools import product
from pathlib import Path

import numpy as np
from elasticsearch import Elasticsearch

import es_hybrid
from es_hybrid.client import path, request
from es_hybrid.vectors import Vectors

TEXT, LABEL = "text", "synthetic"
SYLLABLES = tuple(map("".join, product("bdfgklmnprstvz", "aeiou")))


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is drawn.

    Attributes:
        documents: how many.
        dims: of each vector; normally distributed, so that they point anywhere, then of length 1.
        words: different words; the n-th most frequent is drawn with probability ~ 1 / n.
        shortest: words of a text.
        longest: words of a text.
        seed: of everything.
    """

    documents: int
    dims: int = 384
    words: int = 20_000
    shortest: int = 20
    longest: int = 60
    seed: int = 7

    @property
    def name(self) -> str:
        """Of its index: another corpus has another."""
        return f"bench-search-{blake2b(repr(astuple(self)).encode(), digest_size=4).hexdigest()}"

    def texts(self) -> Iterator[str]:
        """One text for each document."""
        random = np.random.default_rng(self.seed)
        words = np.array([_word(number) for number in range(self.words)])
        reached = np.cumsum(1 / np.arange(1, self.words + 1))
        for length in random.integers(self.shortest, self.longest + 1, self.documents):
            drawn = np.searchsorted(reached, random.random(length) * reached[-1])
            yield " ".join(words[drawn].tolist())

    def vectors(self, count: int, *, of: int = 0) -> Vectors:
        """Unit vectors, float32, shape (count, dims); `of` tells apart documents and queries."""
        random = np.random.default_rng([self.seed, of])
        rows = random.standard_normal((count, self.dims), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def queries(self, count: int) -> list[tuple[str, Vectors]]:
        """Four words of some text, and a vector of its own."""
        texts = list(self.texts())
        random = np.random.default_rng([self.seed, 2])
        drawn = random.integers(0, len(texts), count)
        words = (random.choice(texts[place].split(), 4, replace=False) for place in drawn)
        return [
            (" ".join(four), vector)
            for four, vector in zip(words, self.vectors(count, of=1), strict=True)
        ]


def _word(number: int) -> str:
    """A word for each number; frequent ones are short.

    >>> _word(0), _word(70)
    ('ba', 'baba')
    """
    text = ""
    while True:
        number, syllable = divmod(number, len(SYLLABLES))
        text = SYLLABLES[syllable] + text
        if not number:
            return text
        number -= 1


def filled(client: Elasticsearch, corpus: Corpus) -> str:
    """The name of an index that holds the corpus in one segment; made unless it is there."""
    if not _is_there(client, corpus):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "vectors.npy"
            np.save(file, corpus.vectors(corpus.documents))
            _write(client, corpus, file)
    request(client, "POST", path(corpus.name, "_refresh"))
    return corpus.name


def _write(client: Elasticsearch, corpus: Corpus, vectors: Path) -> None:
    records = ({"_id": str(row), TEXT: text} for row, text in enumerate(corpus.texts()))
    indexer = es_hybrid.Indexer(
        client,
        corpus.name,
        text_fields=(TEXT,),
        analysis="standard",
        replicas=0,
        vectors_file=vectors,
        label=LABEL,
    )
    indexer.write(records)
    where = path(corpus.name, "_forcemerge")
    request(client, "POST", where, params={"max_num_segments": "1"}, timeout=3600)


def _is_there(client: Elasticsearch, corpus: Corpus) -> bool:
    stats = request(client, "GET", path(corpus.name, "_stats", "docs,segments"), ok=(404,))
    if "_all" not in stats:
        return False
    primaries = stats["_all"]["primaries"]
    found = (primaries["docs"]["count"], primaries["segments"]["count"])
    return found == (corpus.documents, 1)
