"""The settings that are tried: a few thousand, in families that differ in nothing but weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from es_hybrid.search.checks import plain
from es_hybrid.tuned import Setting

# What kNN weighs, of both legs together: the members of a family.
SHARES = tuple(step / 20 for step in range(21))

RANK_CONSTANTS = (60, 5, 10, 20, 120)
NORMALIZERS = ("minmax", "l2_norm")
WINDOWS = (100, 50, 200)
BOOSTS = (2, 4)

# Of more text fields, these are tried with a boost.
_BOOSTED = 3

Fields = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Family:
    """Settings that differ in their weights alone.

    Attributes:
        setting: with the weights of the first of them.
        plain: whether window and fields are those of an untuned search.
    """

    setting: Setting
    plain: bool

    def members(self) -> list[Setting]:
        """One setting for each of `SHARES`."""
        return [replace(self.setting, weights=weights(share)) for share in SHARES]


def weights(share: float) -> tuple[float, float]:
    """Of bm25 and knn; they add up to 2, as two legs of weight 1 do."""
    return round(2 * (1 - share), 2), round(2 * share, 2)


def families(lexical: Sequence[Fields]) -> list[Family]:
    """All that are tried, the everyday ones first.

    Args:
        lexical: fields of BM25 to try, with boosts; the first are those of an untuned search.
    """
    return [
        Family(replace(one, window=window, fields=fields), plain=window == WINDOWS[0] and not nth)
        for nth, fields in enumerate(lexical)
        for window in WINDOWS
        for one in _ways()
    ]


def _ways() -> Iterator[Setting]:
    yield Setting(method="adaptive")
    yield Setting(method="adaptive", earned=False)
    for constant in RANK_CONSTANTS:
        yield Setting(method="rrf", rank_constant=constant)
    for normalizer in NORMALIZERS:
        yield Setting(method="linear", normalizer=normalizer)


def boosted(text_fields: Sequence[str], lexical: Sequence[str]) -> list[Fields]:
    """Lists of fields to try: the untuned one, and each text field with a boost.

    Args:
        text_fields: of the index.
        lexical: all that BM25 searches, the sub-fields of text fields among them.

    >>> boosted(["title", "text"], ["title", "title.parts", "text"])[1]
    ('title^2', 'title.parts^2', 'text')
    """
    found: list[Fields] = [None]
    if len(text_fields) > 1:
        for name in text_fields[:_BOOSTED]:
            found += [tuple(_with(one, name, boost) for one in lexical) for boost in BOOSTS]
    return found


def _with(field: str, name: str, boost: int) -> str:
    of_it = plain(field) == name or field.startswith(f"{name}.")
    return f"{plain(field)}^{boost}" if of_it else field
