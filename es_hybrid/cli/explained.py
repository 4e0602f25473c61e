"""Why each hit is where it is: what each leg gave to it, and how its score is made of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from es_hybrid.cli.results import fused_by
from es_hybrid.reports import Cell, Number, Table

if TYPE_CHECKING:
    from es_hybrid.hits import Fusing, LegHit, Missing, SearchResult

# How a kNN score comes from what is compared.
_FORMULAS = {
    "cosine": "(1 + cosine) / 2",
    "max_inner_product": "1 + inner product, or 1 / (1 - inner product) of a negative one",
    "l2_norm": "1 / (1 + distance²)",
}


def explanation(result: SearchResult, *, similarity: str) -> Table:
    """What each leg gave to each hit or why it did not, with the formulas of the score.

    Args:
        result: of a search with ``explain``.
        similarity: of the index.
    """
    rows: list[list[Cell]] = []
    for hit in result.hits:
        rows += [[hit.id, name, *_given(leg)] for name, leg in hit.legs.items()]
        rows += [[hit.id, name, *_lacking(leg)] for name, leg in hit.missing.items()]
    columns = ("id", "leg", "rank", "score", "cosine", "contribution")
    return Table("why: what each leg gave", columns, rows, tuple(_notes(result, similarity)))


def _given(leg: LegHit) -> list[Cell]:
    return [
        Number(leg.rank),
        Number(leg.score, 4),
        Number(leg.cosine, 4),
        Number(leg.contribution, 6),
    ]


def _lacking(leg: Missing) -> list[Cell]:
    return [Number(None), Number(leg.score, 4), Number(leg.cosine, 4), leg.reason]


def _notes(result: SearchResult, similarity: str) -> Iterator[str]:
    if result.fusing:
        yield from _fusing(result.fusing)
    if any(leg.kind == "knn" for hit in result for leg in hit.legs.values()):
        yield f"score of a knn leg = {_FORMULAS[similarity]}"


def _fusing(fusing: Fusing) -> Iterator[str]:
    yield fused_by(fusing)
    if fusing.method == "rrf":
        constant = fusing.rank_constant
        yield f"contribution = weight / ({constant} + rank); a hit's RRF is their sum"
        return
    yield "contribution = weight · normalized score; a hit's score is their sum"
    for leg, standing in fusing.standing.items():
        support = fusing.support.get(leg)
        far = "too few hits to tell" if standing is None else f"stands out by {standing:.1f}"
        other = "" if support is None else f", its first hits have {support:.0%} support by words"
        yield f"weight of {leg}: {fusing.weights[leg]:.2f}; {far}{other}"
