"""Texts into token ids: the unigram tokenizer of XLM-RoBERTa, in plain Python.

A text is normalised and split at spaces; each word, with a mark for the space before it, is cut
into the pieces whose log probabilities add up to the most (Kudo 2018, arXiv 1804.10959). No
piece reaches over a space, so a word is always cut the same way and the cuts are remembered:
texts repeat their words, which makes this as fast as a compiled tokenizer and far quicker to load.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import inf
from unicodedata import normalize

from es_hybrid.embedders.e5.weights import Weights

BEGIN, END, UNKNOWN = 0, 2, 3
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # in a text these are only characters
_SPACE = "\u2581"
_REMEMBERED = 2**15  # words
# Below every piece, by as much as SentencePiece puts an unknown character (unigram_model.cc).
_UNKNOWN_PENALTY = 10.0


class Tokenizer:
    """Cuts texts into at most `limit` tokens, the first and the last of them special."""

    def __init__(self, weights: Weights, *, limit: int = 512) -> None:
        self._scores = weights.scores
        self._ids = {piece: token for token, piece in enumerate(weights.pieces)}
        for piece in _SPECIAL:
            del self._ids[piece]
        self._characters = weights.normalisation
        self._longest = max(map(len, self._ids))
        self._unknown = min(self._scores) - _UNKNOWN_PENALTY
        self._room = limit - 2
        self._word = lru_cache(_REMEMBERED)(self._cut)

    def encode(self, text: str) -> tuple[list[int], bool]:
        """The token ids of `text`, and whether it was too long and has been cut."""
        ids: list[int] = []
        for word in self._words(text):
            ids += self._word(word)
            if len(ids) > self._room:
                break
        return [BEGIN, *ids[: self._room], END], len(ids) > self._room

    def count(self, text: str) -> int:
        """How many tokens `text` has, the two special ones with it, before it is cut."""
        return 2 + sum(len(self._word(word)) for word in self._words(text))

    def _words(self, text: str) -> Iterable[str]:
        # The table knows single characters: letters and their marks are joined before.
        plain = normalize("NFC", text).translate(self._characters)
        # A token holds `_longest` characters at most, so no more of a word can be used.
        used = self._longest * (self._room + 1)
        return (_SPACE + word[:used] for word in plain.split(" ") if word)

    def _cut(self, word: str) -> tuple[int, ...]:
        """The most probable pieces (Viterbi): `best[end]` is the way to that character."""
        best = [0.0] + [-inf] * len(word)
        last = [(0, UNKNOWN)] * (len(word) + 1)  # where the last piece began, and its id
        for begin in range(len(word)):
            unknown = best[begin] + self._unknown
            if unknown > best[begin + 1]:
                best[begin + 1], last[begin + 1] = unknown, (begin, UNKNOWN)
            for end in range(begin + 1, min(begin + self._longest, len(word)) + 1):
                token = self._ids.get(word[begin:end])
                if token is not None and (score := best[begin] + self._scores[token]) > best[end]:
                    best[end], last[end] = score, (begin, token)
        return tuple(_backwards(last))[::-1]


def _backwards(last: list[tuple[int, int]]) -> Iterable[int]:
    """The ids from the end to the start; unknown characters in a row count as one."""
    end, after = len(last) - 1, None
    while end:
        end, token = last[end]
        if not token == after == UNKNOWN:
            yield token
        after = token
