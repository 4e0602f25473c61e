"""Fonts that Matplotlib finds on this machine, and what they can write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

# Matplotlib's own has no Hangul, Kanji or Hanzi; these come with systems, or are packages of them.
_CJK = (
    *("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic"),
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "Hiragino Sans", "Yu Gothic"),
    *("PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "UnDotum", "Baekmuk Gulim"),
)


@cache
def families() -> tuple[str, ...]:
    """Matplotlib's own font, and those behind it that are there."""
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in _CJK if name in there))


def writable(text: str, fonts: Sequence[str] | None = None) -> bool:
    """Whether all letters of a text are in these fonts; None takes those that are there."""
    known = [_letters(name) for name in (families() if fonts is None else fonts)]
    return all(any(ord(letter) in one for one in known) for letter in text)


@cache
def _letters(family: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())
