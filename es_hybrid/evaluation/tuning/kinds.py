"""The best of each kind of fusion that was tried, and what weights do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from es_hybrid.evaluation.significance import Interval, interval
from es_hybrid.evaluation.tuning.candidates import SHARES, Family
from es_hybrid.evaluation.tuning.choosing import Doubles, best_choice, setting
from es_hybrid.tuned import Setting


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fusion, by all judged queries: those by which its best was chosen, too.

    Attributes:
        name: such as ``"linear, minmax"``.
        tried: so many settings are of this kind.
        setting: the best of them.
        ndcg: its nDCG@10, 0 to 1, with its interval.
        by_share: mean nDCG@10 of the same setting for each of `SHARES`, what kNN weighs of both
            legs together.
    """

    name: str
    tried: int
    setting: Setting
    ndcg: Interval
    by_share: tuple[float, ...]


def kinds(values: Doubles, families: Sequence[Family]) -> list[Kind]:
    """The kinds of fusion, in the order in which they were tried.

    Args:
        values: nDCG@10, shape (families, shares, queries).
        families: as many.
    """
    names = [_name(one.setting) for one in families]
    found = []
    for name in dict.fromkeys(names):
        among = [number for number, one in enumerate(names) if one == name]
        best = best_choice(values, among)
        found.append(
            Kind(
                name=name,
                tried=len(among) * len(SHARES),
                setting=setting(best, families),
                ndcg=interval(values[best].tolist()),
                by_share=tuple(values[best.family].mean(1).tolist()),
            )
        )
    return found


def _name(setting: Setting) -> str:
    if setting.method == "linear":
        return f"linear, {setting.normalizer}"
    if setting.method == "adaptive":
        return "adaptive" if setting.earned else "adaptive, weights fixed"
    return setting.method
