"""A search result as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from es_hybrid.cli.output import printable, table, width
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.hits import Fusing, Hit, LegHit, PassageHit, SearchResult

_SNIPPET = 90  # characters of a hit's text
_NARROW = 100  # columns of a screen

# What the hits are sorted by, as the table calls it; by kNN alone it is what the index compares.
_SCORE = {"rrf": "RRF", "linear": "linear", "adaptive": "adaptive", "bm25": "BM25"}
_COMPARED = {"cosine": "cosine", "max_inner_product": "inner product", "l2_norm": "distance"}


def show(
    result: SearchResult,
    text_fields: Sequence[str],
    *,
    similarity: str,
    start: int = 0,
) -> None:
    """Print the hits, best first, and how many documents match.

    Args:
        result: of a search.
        text_fields: what a hit is shown by.
        similarity: of the index.
        start: hits that were skipped.
    """
    if result.hits:
        # Beside an id there is no room for a text on a narrow screen: it goes below.
        narrow = width() < _NARROW
        table(*rows(result, text_fields, similarity=similarity, start=start, narrow=narrow))
    for note in notes(result):
        typer.echo(printable(note))
    typer.echo(summary(result))


def notes(result: SearchResult) -> list[str]:
    """What a person should know of it."""
    return [*result.notes, *(f"degraded: {reason}" for reason in result.degraded)]


def summary(result: SearchResult) -> str:
    """How many documents match, how long it took, and how that is not as usual."""
    least = "" if result.total.relation == "eq" else "at least "
    found = f"{len(result):,} of {least}{counted(result.total.value, 'match', 'matches')}"
    exact = result.knn and result.knn.partition("exact:")[2].replace("_", " ")
    way = f", exact kNN ({exact})" if exact else ""
    native = ", fused by Elasticsearch" if result.fusion == "native" else ""
    how = f", {fused_by(result.fusing)}" if result.fusing and _is_told(result.fusing) else ""
    told = found if result.total.value else "nothing found"
    return f"{told}, {result.took_ms:,.0f} ms{way}{native}{how}"


def _is_told(fusing: Fusing) -> bool:
    """Whether a person could be surprised by how legs were fused."""
    return fusing.settled_by not in ("default", "given") or fusing.method == "adaptive"


def fused_by(fusing: Fusing) -> str:
    """How legs were fused, and who said so."""
    by = {"tuned": "the tuned setting: ", "self-tuned": "the self-tuned setting: "}
    detail = {"rrf": f" (k {fusing.rank_constant})", "linear": f" ({fusing.normalizer})"}
    weights = " : ".join(f"{leg} {weight:.2f}" for leg, weight in fusing.weights.items())
    said = f"{fusing.method}{detail.get(fusing.method, '')}, {weights}"
    return f"fused by {by.get(fusing.settled_by, '')}{said}"


def _reranked(result: SearchResult) -> bool:
    return any(hit.rerank_score is not None for hit in result)


def rows(
    result: SearchResult,
    text_fields: Sequence[str],
    *,
    similarity: str,
    start: int = 0,
    narrow: bool = False,
) -> tuple[list[str], list[list[str]]]:
    """The hits as a table: its columns (numbers end in ``#``) and its rows.

    Args:
        result: of a search.
        text_fields: what a hit is shown by.
        similarity: of the index.
        start: hits that were skipped.
        narrow: put id and text into one column: then they are told together.
    """
    kind = result.fusing.method if result.fusing else result.mode
    by = "reranked" if _reranked(result) else _SCORE.get(kind, _COMPARED[similarity])
    document = ["found"] if narrow else ["id", "text"]
    legs = ["bm25 (score)", "knn (cosine)"] if _has_both(result) else []
    made = []
    for place, hit in enumerate(result.hits, start=start + 1):
        text = _text(hit, text_fields)
        found = [f"{hit.id}\n{text}"] if narrow else [hit.id, text]
        seen = [_seen(hit.bm25), _seen(hit.knn)] if legs else []
        made.append([str(place), _score(hit, result.mode), *found, *seen])
    return ["##", f"{by}#", *document, *legs], made


def _has_both(result: SearchResult) -> bool:
    """Whether legs are worth columns: Elasticsearch's own fusion does not tell of them."""
    return result.mode == "hybrid" and result.fusion == "client"


def _score(hit: Hit, mode: str) -> str:
    if hit.rerank_score is not None:
        return f"{hit.rerank_score:.4f}"
    return f"{hit.knn.similarity if mode == 'knn' and hit.knn else hit.score:.4f}"


def _text(hit: Hit, text_fields: Sequence[str]) -> str:
    """What shows best why a hit was found."""
    if hit.highlight:
        return _line(" … ".join(text for texts in hit.highlight.values() for text in texts))
    return passage(hit.passage) if hit.passage else snippet(hit, text_fields)


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
