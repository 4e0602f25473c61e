"""Files of word vectors, none of which can run code when it is read.

Text and binary files of word2vec and text files of GloVe are told apart by their first bytes. What
es_hybrid saves is word2vec's binary file, and beside it ``FILE.json``, which says how texts are cut
into words, how often each word came, and the direction that the means have in common.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np

from es_hybrid.embedders.base import library
from es_hybrid.embedders.words.tokens import TOKENIZERS, Tokenizer
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors

Form = Literal["binary", "text", "glove"]

_SIDECAR = ".json"
_SCHEMA = 1
_START = 64 * 1024  # bytes that are looked at; a line of 300 numbers has 3,000
_GZIP = b"\x1f\x8b"
_PICKLE = b"\x80"  # of protocol 2 and later, which gensim writes
_REVISION = 12  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a file of vectors does not say of itself.

    Attributes:
        tokenizer: how texts are cut into words.
        counts: how often each word came, in the order of the file; none where nobody counted.
        a: the parameter of the weights.
        direction: which the means of the corpus have in common, at length 1; None keeps it.
        schema: version of this record.
    """

    tokenizer: Tokenizer
    counts: tuple[int, ...] = ()
    a: float = 1e-3
    direction: tuple[float, ...] | None = None
    schema: int = _SCHEMA


@dataclass(frozen=True, slots=True)
class Words:
    """A vocabulary with its vectors.

    Attributes:
        places: word -> its row.
        vectors: float32, shape (words, dims).
        sidecar: None where there is none.
        revision: of the files, by their contents.
    """

    places: dict[str, int]
    vectors: Vectors
    sidecar: Sidecar | None
    revision: str


def read(path: Path) -> Words:
    """Read a file of word vectors, and what stands beside it.

    Raises:
        EmbedderError: it is missing, a pickle, or no file of word vectors; or gensim is missing.
    """
    form = form_of(path)
    try:
        words, vectors = _glove(path) if form == "glove" else _word2vec(path, form)
    except (ValueError, EOFError, OSError) as error:
        raise EmbedderError(
            f"{str(path)!r} is damaged ({error}): it begins like a {form} file of word vectors; "
            "fetch or save it again"
        ) from error
    places = {word: row for row, word in enumerate(words)}
    sidecar = _sidecar(path, words=len(places), dims=vectors.shape[1])
    return Words(places, vectors, sidecar, _revision(path))


def _word2vec(path: Path, form: Form) -> tuple[list[str], Vectors]:
    models = library("gensim.models", extra="words", wanted_by=f"words:{path}")
    found = models.KeyedVectors.load_word2vec_format(str(path), binary=form == "binary")
    return found.index_to_key, np.asarray(found.vectors, np.float32)


def _glove(path: Path) -> tuple[list[str], Vectors]:
    """A word of GloVe may hold spaces, so that a line is read from its end."""
    words: list[str] = []
    rows: list[Vectors] = []
    with _opened(path) as file:
        for line in file:
            word, *numbers = line.decode().rstrip().rsplit(" ", rows[0].size if rows else -1)
            words.append(word)
            rows.append(np.array(numbers, np.float32))
    return words, np.array(rows, np.float32)


def form_of(path: Path) -> Form:
    """What kind of file it is, by its first bytes.

    Raises:
        EmbedderError: it is missing, a pickle, or no file of word vectors.
    """
    start = _start(path)
    if start.startswith(_PICKLE):
        raise EmbedderError(
            f"{str(path)!r} is a pickle, as gensim saves its models, and could run code when it is "
            "loaded: where you trust it, load it in Python with KeyedVectors.load (of a whole "
            "model, take its .wv) and call .save_word2vec_format('words.bin', binary=True)"
        )
    first, _, rest = start.partition(b"\n")
    head = first.split()
    if len(head) == 2 and all(part.isdigit() for part in head):
        line = rest.partition(b"\n")[0]
        return "text" if _is_row(line, dims=int(head[1])) else "binary"
    if len(head) > 2 and _is_row(first, dims=None):
        return "glove"
    raise EmbedderError(
        f"{str(path)!r} is no file of word vectors: it begins with {first[:40]!r}, not with two "
        "numbers (word2vec) or a word and its numbers (GloVe)"
    )


def _start(path: Path) -> bytes:
    try:
        with _opened(path) as file:
            return file.read(_START)
    except (OSError, EOFError) as error:
        raise EmbedderError(
            f"{str(path)!r} cannot be read ({error}): name a file of word vectors, or train one "
            "with es-hybrid words train"
        ) from error


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _is_row(line: bytes, *, dims: int | None) -> bool:
    """Whether a line is a word and its numbers; a word of GloVe may hold spaces."""
    parts = line.split()
    numbers = parts[-dims:] if dims else parts[1:]
    if dims is not None and len(parts) <= dims:
        return False
    try:
        return all(np.isfinite(float(part)) for part in numbers)
    except ValueError:
        return False


def _sidecar(path: Path, *, words: int, dims: int) -> Sidecar | None:
    file = _beside(path)
    if not file.exists():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        sidecar = Sidecar(**said)
        _check(sidecar, words=words, dims=dims)
    except (OSError, ValueError, TypeError) as error:
        raise EmbedderError(
            f"{str(file)!r} does not fit to {path.name!r} ({error}): take both from one training"
        ) from error
    return sidecar


def _check(sidecar: Sidecar, *, words: int, dims: int) -> None:
    if sidecar.schema != _SCHEMA:
        raise ValueError(f"schema {sidecar.schema}, not {_SCHEMA}")
    if sidecar.tokenizer not in TOKENIZERS:
        raise ValueError(f"tokenizer {sidecar.tokenizer!r}")
    if not 0 < float(sidecar.a) < np.inf:
        raise ValueError(f"a is {sidecar.a}")
    if (
        len(counts := np.array(sidecar.counts or [1] * words, np.int64)) != words
        or counts.min() < 0
    ):
        raise ValueError(f"{len(counts)} counts of {words} words")
    if sidecar.direction is not None:
        length = float(np.linalg.norm(np.array(sidecar.direction, np.float64)))
        if len(sidecar.direction) != dims or abs(length - 1) > 1e-3:
            raise ValueError(
                f"a direction of {len(sidecar.direction)} numbers, length {length:.3g}"
            )


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _SIDECAR)


def _revision(path: Path) -> str:
    total = sha256()
    for file in (path, _beside(path)):
        if file.exists():
            with file.open("rb") as data:
                while part := data.read(1 << 20):
                    total.update(part)
    return f"sha256:{total.hexdigest()[:_REVISION]}"


def save(path: Path, words: Sequence[str], vectors: Vectors, sidecar: Sidecar) -> None:
    """Write both files; each appears whole or not at all.

    Raises:
        OSError: there is no room, or no right to write.
    """
    rows = np.ascontiguousarray(vectors, "<f4")
    lines = (word.encode() + b" " + row.tobytes() for word, row in zip(words, rows, strict=True))
    head = f"{len(words)} {rows.shape[1]}\n".encode()
    _written(_beside(path), [json.dumps(asdict(sidecar), ensure_ascii=False).encode()])
    _written(path, [head, *lines])


def _written(path: Path, parts: Sequence[Any]) -> None:
    scratch = path.with_name(f".{path.name}.part")
    try:
        with scratch.open("wb") as file:
            file.writelines(parts)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
