"""Fonts that Matplotlib finds on this machine, and what they can write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
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
    return ("DejaVu Sans", *(_known() or _come_since()))


def _known() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return tuple(name for name in _CJK if name in there)


def _come_since() -> tuple[str, ...]:
    """Those that were installed after Matplotlib had made its list, which it never renews."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {one.fname for one in fontManager.ttflist}
    for file in sorted(set(findSystemFonts()) - listed):
        with suppress(OSError, RuntimeError, ValueError):  # some files are no fonts it can read
            fontManager.addfont(file)
    return _known()


def writable(text: str, fonts: Sequence[str] | None = None) -> bool:
    """Whether all letters of a text are in these fonts; None takes those that are there."""
    known = [_letters(name) for name in (families() if fonts is None else fonts)]
    return all(any(ord(letter) in one for one in known) for letter in text)


@cache
def _letters(family: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())
