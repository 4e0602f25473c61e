"""A search result as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from es_hybrid.cli.output import table, width

if TYPE_CHECKING:
    from es_hybrid.hits import Hit, LegHit, PassageHit, SearchResult

_SNIPPET = 90  # characters of a hit's text
_NARROW = 100  # columns of a screen

# What the hits are sorted by, as the table calls it; by kNN alone it is what the index compares.
_SCORE = {"hybrid": "RRF", "bm25": "BM25"}
_COMPARED = {"cosine": "cosine", "max_inner_product": "inner product", "l2_norm": "distance"}

# How a kNN score comes from what is compared.
_FORMULAS = {
    "cosine": "(1 + cosine) / 2",
    "max_inner_product": "1 + inner product, or 1 / (1 - inner product) of a negative one",
    "l2_norm": "1 / (1 + distance²)",
}


def show(result: SearchResult, text_fields: Sequence[str], *, similarity: str) -> None:
    """Print the hits, best first, and how many documents match."""
    if result.hits:
        _show_hits(result, text_fields, compared=_COMPARED[similarity])
    least = "" if result.total.relation == "eq" else "at least "
    found = f"{len(result):,} of {least}{result.total.value:,} matches"
    exact = result.knn and result.knn.partition("exact:")[2].replace("_", " ")
    way = f", exact kNN ({exact})" if exact else ""
    typer.echo(f"{found if result.total.value else 'nothing found'}, {result.took_ms:,.0f} ms{way}")


def _show_hits(result: SearchResult, text_fields: Sequence[str], *, compared: str) -> None:
    # Beside an id there is no room for a text on a narrow screen: it goes below.
    narrow = width() < _NARROW
    document = ["found"] if narrow else ["id", "text"]
    legs = ["bm25 (score)", "knn (cosine)"] if result.mode == "hybrid" else []
    rows = []
    for place, hit in enumerate(result.hits, start=1):
        text = passage(hit.passage) if hit.passage else snippet(hit, text_fields)
        found = [f"{hit.id}\n{text}"] if narrow else [hit.id, text]
        seen = [_seen(hit.bm25), _seen(hit.knn)] if legs else []
        rows.append([str(place), _score(hit, result.mode), *found, *seen])
    table(["##", f"{_SCORE.get(result.mode, compared)}#", *document, *legs], rows)


def _score(hit: Hit, mode: str) -> str:
    return f"{hit.knn.similarity if mode == 'knn' and hit.knn else hit.score:.4f}"


def snippet(hit: Hit, text_fields: Sequence[str]) -> str:
    """The beginning of a hit's texts in one line; a text that is the id is not said twice."""
    values = [hit.source.get(field) for field in text_fields]
    texts = [
        " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for value in values
        if value not in (None, "", hit.id)
    ]
    return _line(" · ".join(texts))


def passage(found: PassageHit) -> str:
    """The beginning of the passage that a hit was found by, and at which character it starts."""
    return _line(f"[{found.start:,}] {found.text}")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SNIPPET else line[: _SNIPPET - 1] + "…"


def _seen(leg: LegHit | None) -> str:
    if leg is None:
        return "–"
    value = f"{leg.score:.2f}" if leg.cosine is None else f"{leg.cosine:.3f}"
    return f"#{leg.rank} ({value})"


def explain(result: SearchResult, *, rank_constant: int, similarity: str) -> None:
    """Print what each leg gave to each hit, and how that makes the score."""
    typer.echo("\nwhy: what each leg gave")
    rows = [
        [
            hit.id,
            name,
            str(leg.rank),
            f"{leg.score:.4f}",
            "" if leg.cosine is None else f"{leg.cosine:.4f}",
            "" if leg.contribution is None else f"{leg.contribution:.6f}",
        ]
        for hit in result.hits
        for name, leg in hit.legs.items()
    ]
    table(["id", "leg", "rank#", "score#", "cosine#", "contribution#"], rows)
    if result.fusion:
        typer.echo(f"contribution = 1 / ({rank_constant} + rank); a hit's RRF is their sum")
    if result.mode != "bm25":
        typer.echo(f"score of a knn leg = {_FORMULAS[similarity]}")
