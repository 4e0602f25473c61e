"""Texts as Elasticsearch and the embedders should get them; pure."""

from __future__ import annotations

from unicodedata import category, normalize

# Controls, formats (zero-width space, byte order mark …), halves of surrogate pairs, separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # Hangul fillers, the empty Braille


def is_blank(text: str) -> bool:
    r"""Whether nothing can be seen of a text, and so nothing be searched.

    >>> is_blank(" \u3000\u200b\ufeff"), is_blank("?")
    (True, False)
    """
    if "!" <= text[:1] <= "~":  # as almost all texts begin
        return False
    return all(letter in _BLANK_LETTERS or category(letter) in _INVISIBLE for letter in text)


def counted(count: int, one: str, many: str = "") -> str:
    """How many there are of something, for people.

    Args:
        count: 0 and up.
        one: what one of it is called.
        many: what others are called; without it, `one` and an s.

    >>> counted(1, "dead letter"), counted(1200, "dead letter"), counted(0, "match", "matches")
    ('1 dead letter', '1,200 dead letters', '0 matches')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def composed(text: str) -> str:
    r"""`text` in Unicode's normal form C, which keyboards and dictionaries write.

    File names of macOS come decomposed, Hangul as single jamo: the same text to a reader, and
    another one to every analyzer and embedder. https://www.unicode.org/reports/tr15/

    >>> composed("\u1112\u1161\u11ab")
    '한'
    """
    return normalize("NFC", text)
