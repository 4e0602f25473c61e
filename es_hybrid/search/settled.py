"""How the legs of a search are fused: as the caller says, as the index was tuned, or as usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from es_hybrid.adaptive import Trust
from es_hybrid.hits import Fusing
from es_hybrid.search.asked import MAX_SIZE, Asked
from es_hybrid.search.queries import LegSearch
from es_hybrid.search.searched import Searched
from es_hybrid.tuned import Tuned


def settled(asked: Asked, searched: Searched) -> Asked:
    """The search as it is carried out, with the setting of the index where it may have one."""
    tuned = searched.tuned if asked.tunable else None
    return asked if tuned is None else _by(tuned, asked)


def _by(tuned: Tuned, asked: Asked) -> Asked:
    setting = tuned.setting
    weights = dict(zip(("bm25", "knn"), setting.weights, strict=True))
    window = asked.window
    if not asked.window_given:
        window = min(max(setting.window, asked.start + asked.size), MAX_SIZE)
    return replace(
        asked,
        method=setting.method,
        rank_constant=setting.rank_constant,
        normalizer=setting.normalizer,
        earned=setting.earned,
        fields=setting.fields,
        window=window,
        legs=tuple(replace(leg, weight=weights[leg.kind]) for leg in asked.legs),
        settled_by="tuned" if tuned.source == "judged" else "self-tuned",
    )


def fusing(
    asked: Asked, legs: Sequence[LegSearch], trust: Sequence[tuple[str, Trust]]
) -> Fusing | None:
    """What a result tells of it; None where nothing was fused.

    Args:
        asked: as it was carried out.
        legs: that were asked.
        trust: name of a leg -> what it was trusted, where weights are adaptive.
    """
    if not asked.fused:
        return None
    told = dict(trust)
    shares = {name: one.weight for name, one in told.items()}
    return Fusing(
        method=asked.method,
        settled_by=asked.settled_by,
        weights=shares or {leg.name: leg.weight for leg in legs},
        rank_constant=asked.rank_constant if asked.method == "rrf" else None,
        normalizer=asked.normalizer if asked.method == "linear" else None,
        window=asked.window,
        standing={name: one.standing for name, one in told.items() if asked.earned},
        support={name: one.support for name, one in told.items() if asked.earned},
    )
