"""Texts into words: English by its letters, Korean by its morphemes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, get_args

from es_hybrid.embedders.base import library
from es_hybrid.errors import UsageError
from es_hybrid.texts import composed

Tokenizer = Literal["simple", "kiwi"]
TOKENIZERS: tuple[Tokenizer, ...] = get_args(Tokenizer)

_WORD = re.compile(r"[^\W_]+")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

# Sejong tags of what carries meaning: nouns, verbs, adjectives, adverbs, roots, foreign words,
# Chinese characters and numbers. Particles and endings, a third of all morphemes, are left out.
_MEANT = ("NNG", "NNP", "NNB", "NR", "NP", "VV", "VA", "XR", "MAG", "SL", "SH", "SN")


def tokenizer(kind: Tokenizer) -> Callable[[str], list[str]]:
    """What cuts a text into words.

    Args:
        kind: ``"simple"``: letters and digits in a row, in small letters. ``"kiwi"``: the meaning
            morphemes of a text with Hangul in it, all others as ``"simple"`` does.

    Raises:
        EmbedderError: the package is not installed.
        UsageError: there is no such tokenizer.
    """
    if kind not in TOKENIZERS:
        raise UsageError(f"tokenizer {kind!r} is not one of {', '.join(TOKENIZERS)}")
    return simple if kind == "simple" else _morphemes


def simple(text: str) -> list[str]:
    """Letters and digits in a row, in small letters.

    >>> simple("A ship; 3.5 knots, 서울의")
    ['a', 'ship', '3', '5', 'knots', '서울의']
    """
    return _WORD.findall(composed(text).lower())


def suited(texts: Iterable[str]) -> Tokenizer:
    """The tokenizer for a corpus: kiwi where a tenth of its texts and more have Hangul in them.

    >>> suited(["A ship", "csv.reader"]), suited(["서울의 봄", "A ship"])
    ('simple', 'kiwi')
    """
    found = [bool(_HANGUL.search(text)) for text in texts]
    return "kiwi" if sum(found) * 10 >= len(found) > 0 else "simple"


def _morphemes(text: str) -> list[str]:
    if not _HANGUL.search(text):
        return simple(text)
    found = _kiwi().tokenize(composed(text))
    return [one.form.lower() for one in found if one.tag.partition("-")[0] in _MEANT]


@lru_cache(1)
def _kiwi() -> Any:
    """Loaded once: it takes seconds and 400 MB. Its calls may come from several threads."""
    return library("kiwipiepy", extra="words", wanted_by="tokenizer=kiwi").Kiwi(num_workers=1)
