"""A search result as a page: its hits, and their pictures where they have some."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from es_hybrid.cli import results
from es_hybrid.cli.explained import explanation
from es_hybrid.cli.facets import facet_tables
from es_hybrid.client import path, request
from es_hybrid.documents import THUMBNAIL_FIELD
from es_hybrid.reports import Grid, Report, Table, Tile

if TYPE_CHECKING:
    from es_hybrid.hits import SearchResult
    from es_hybrid.search.searched import Searched

_MOST = 10_000  # hits that one search returns
_JPEG = b"\xff\xd8\xff"


def hits_report(
    client: Any,
    result: SearchResult,
    searched: Searched,
    *,
    title: str,
    image: Path | None = None,
    like: str | None = None,
    start: int = 0,
    explain: bool = False,
) -> Report:
    """The page of a search, with its facets; thumbnails are fetched from an index of pictures.

    Args:
        client: any `Elasticsearch` client.
        result: of the search.
        searched: what was searched.
        title: what was looked for.
        image: the picture that was looked for.
        like: id of the document that was looked for.
        start: hits that were skipped.
        explain: whether it tells what each leg gave.
    """
    columns, rows = results.rows(
        result, searched.text_fields, similarity=searched.near, start=start
    )
    hits = Table("hits", [name.removesuffix("#") or "#" for name in columns], rows)
    why = [explanation(result, similarity=searched.near)] if explain and rows else []
    where = f"{result.mode} in {searched.name} ({searched.index})"
    return Report(
        title,
        facts=[("search", where), ("hits", results.summary(result))],
        tables=[*([hits] if rows else []), *facet_tables(result), *why],
        grids=_grids(client, result, searched, rows, image=image, like=like),
        notes=results.notes(result),
    )


def _grids(
    client: Any,
    result: SearchResult,
    searched: Searched,
    rows: Sequence[Sequence[str]],
    *,
    image: Path | None,
    like: str | None,
) -> list[Grid]:
    contracts = searched.contracts.values()
    if not any(one is not None and one.embedder.modality == "image" for one in contracts):
        return []
    ids = [hit.id for hit in result] + ([] if like is None else [like])
    known = _thumbnails(client, searched, ids)
    found = [
        Tile(f"{place} · {score}", text, known[hit.index, hit.id])
        for hit, (place, score, _, text, *_) in zip(result, rows, strict=True)
        if (hit.index, hit.id) in known
    ]
    asked = list(_asked(known, image=image, like=like))
    both = (Grid("looked for", asked), Grid("found", found))
    return [grid for grid in both if grid.tiles]


def _asked(
    known: Mapping[tuple[str, str], str], *, image: Path | None, like: str | None
) -> Iterator[Tile]:
    """The picture that was searched with."""
    if image is not None:
        from es_hybrid.pictures import shown, thumbnail

        yield Tile("", image.name, thumbnail(shown(image)))
    yield from (Tile("", name, jpeg) for (_, name), jpeg in known.items() if name == like)


def _thumbnails(client: Any, searched: Searched, ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Index and id -> JPEG in base64, of those documents that have one."""
    body = {
        "query": {"ids": {"values": ids}},
        "size": min(_MOST, len(ids) * len(searched.contracts)),
        "_source": [THUMBNAIL_FIELD],
    }
    answer = request(client, "POST", path(searched.name, "_search"), body=body)
    told = {
        (hit["_index"], hit["_id"]): hit.get("_source", {}).get(THUMBNAIL_FIELD)
        for hit in answer["hits"]["hits"]
    }
    return {one: jpeg for one, jpeg in told.items() if _is_jpeg(jpeg)}


def _is_jpeg(value: Any) -> bool:
    """Whether it is what es_hybrid writes; others may write to the index as well."""
    try:
        return isinstance(value, str) and b64decode(value, validate=True).startswith(_JPEG)
    except ValueError:
        return False
