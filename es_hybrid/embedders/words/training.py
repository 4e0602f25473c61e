"""Word vectors of one's own corpus: skip-gram or CBOW (Mikolov et al. 2013, arXiv 1301.3781)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import numpy as np

from es_hybrid.embedders.base import LONGEST_TEXT, library
from es_hybrid.embedders.words.averages import A, common_direction, weights
from es_hybrid.embedders.words.files import Sidecar, save
from es_hybrid.embedders.words.tokens import Tokenizer, suited, tokenizer
from es_hybrid.errors import SourceError, UsageError
from es_hybrid.vectors import Vectors

_LOOKED_AT = 200  # texts that decide on the tokenizer
_LONGEST_LINE = 10_000  # words; gensim cuts longer ones


@dataclass(frozen=True, slots=True)
class Training:
    """How to train.

    Attributes:
        algorithm: ``"skip-gram"`` (better for small corpora) or ``"cbow"`` (faster).
        dims: of the vectors.
        window: words to each side that are near.
        min_count: rarer words get no vector.
        epochs: how often the corpus is read.
        tokenizer: None lets the first texts decide.
        a: the parameter of the weights of words in a text.
        seed: of the first vectors; the same one and one worker give the same file.
        workers: threads; None for one on each core.
    """

    algorithm: Literal["skip-gram", "cbow"] = "skip-gram"
    dims: int = 100
    window: int = 5
    min_count: int = 5
    epochs: int = 5
    tokenizer: Tokenizer | None = None
    a: float = A
    seed: int = 0
    workers: int | None = None

    def check(self) -> None:
        """Raise UsageError where a number is not above 0."""
        for name in ("dims", "window", "min_count", "epochs", "a"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"--{name.replace('_', '-')} {getattr(self, name)}: it must be above 0"
                )


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it.

    Attributes:
        file: with the vectors; ``FILE.json`` lies beside it.
        texts: that were read.
        tokens: words in them, each as often as it came.
        words: that have a vector.
        tokenizer: how texts were cut into words.
        seconds: that it took.
    """

    file: str
    texts: int
    tokens: int
    words: int
    tokenizer: Tokenizer
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def train(texts: Iterable[str], out: Path, *, training: Training | None = None) -> Trained:
    """Train word vectors on a corpus and save them.

    The texts are read once; their words are kept in a temporary file.

    Args:
        texts: the corpus.
        out: file for the vectors, in word2vec's binary format.
        training: how; None takes the defaults.

    Raises:
        UsageError: a number that cannot work.
        SourceError: there is no text, or no word comes often enough.
        EmbedderError: gensim or the tokenizer is missing.
        OSError: there is no room, or no right to write.
    """
    training = training or Training()
    training.check()
    word2vec = library("gensim.models.word2vec", extra="words", wanted_by="es-hybrid words train")
    began = perf_counter()
    reading = iter(texts)
    first = list(islice(reading, _LOOKED_AT))
    kind = training.tokenizer or suited(first)
    with TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        count, tokens = _written(corpus, chain(first, reading), cut=tokenizer(kind))
        _check_corpus(corpus, training, texts=count)
        model = _model(word2vec, corpus, training)
        counts = _counts(model)
        direction = common_direction(_means(corpus, model, weights(counts, a=training.a)))
    sidecar = Sidecar(
        kind, tuple(counts.tolist()), training.a, tuple(map(float, direction.tolist()))
    )
    save(out, model.wv.index_to_key, model.wv.vectors, sidecar)
    seconds = round(perf_counter() - began, 1)
    return Trained(str(out), count, tokens, len(counts), kind, seconds)


def _written(
    corpus: Path, texts: Iterable[str], *, cut: Callable[[str], list[str]]
) -> tuple[int, int]:
    """Write the words of each text into a line; how many texts and words."""
    count = tokens = 0
    with corpus.open("w", encoding="utf-8") as file:
        for text in texts:
            words = cut(text[:LONGEST_TEXT])
            count, tokens = count + 1, tokens + len(words)
            for start in range(0, len(words), _LONGEST_LINE):
                file.write(" ".join(words[start : start + _LONGEST_LINE]) + "\n")
    return count, tokens


def _check_corpus(corpus: Path, training: Training, *, texts: int) -> None:
    seen = Counter(chain.from_iterable(_lines(corpus)))
    often = max(seen.values(), default=0)
    if often < training.min_count:
        raise SourceError(
            f"no word comes {training.min_count} times in {texts} texts (the most frequent one "
            f"comes {often} times): give more text, or a smaller --min-count"
        )


def _model(word2vec: Any, corpus: Path, training: Training) -> Any:
    return word2vec.Word2Vec(
        corpus_file=str(corpus),
        sg=int(training.algorithm == "skip-gram"),
        vector_size=training.dims,
        window=training.window,
        min_count=training.min_count,
        epochs=training.epochs,
        seed=training.seed,
        workers=training.workers or os.cpu_count() or 1,
    )


def _counts(model: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(
        [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key], np.int64
    )


def _means(corpus: Path, model: Any, weighed: Vectors) -> Iterator[Vectors]:
    """The weighted mean of each text that has a word with a vector."""
    places: dict[str, int] = model.wv.key_to_index
    for words in _lines(corpus):
        rows = [places[word] for word in words if word in places]
        if rows:
            mean: Vectors = (model.wv.vectors[rows] * weighed[rows][:, None]).mean(axis=0)
            yield mean


def _lines(corpus: Path) -> Iterator[list[str]]:
    with corpus.open(encoding="utf-8") as file:
        for line in file:
            yield line.split()
