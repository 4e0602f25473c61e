"""``es-hybrid search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.output import print_json, table

if TYPE_CHECKING:
    from es_hybrid.hits import Hit, LegHit, SearchResult

_SNIPPET = 60


@with_client
def search(
    client: Any,  # noqa: ANN401 - an Elasticsearch client; not imported before it is needed
    name: Annotated[str, typer.Argument(help="The alias or index to search.")],
    query: Annotated[str, typer.Argument(help="What you are looking for; it has no syntax.")],
    mode: Annotated[str, typer.Option(help="hybrid (BM25 and kNN fused), bm25 or knn.")] = "hybrid",
    size: Annotated[int, typer.Option("--size", "-k", help="Number of hits.")] = 10,
    filter: Annotated[  # noqa: A002 - Elasticsearch's own word
        list[str] | None,
        typer.Option(help="field=value, or a clause as JSON; several must all hold."),
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="How many of each leg are fused. Default: max(100, size).")
    ] = None,
    rank_constant: Annotated[
        int, typer.Option(help="k of reciprocal rank fusion: the larger, the flatter.")
    ] = 60,
    embedder: Annotated[
        str | None, typer.Option(help="Needed only if the index was made with one of your own.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each leg gave to each hit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Search by words and by meaning at once.

    Example: es-hybrid search films "a storm at sea" --filter year=1990
    """
    from es_hybrid.search import Searcher

    result = Searcher(client, name, embedder=embedder).search(
        query,
        mode=mode,  # type: ignore[arg-type]  # checked by search(), which names the choices
        size=size,
        filter=filter,
        window=window,
        rank_constant=rank_constant,
    )
    if as_json:
        print_json(result.to_dict())
        return
    _print(result)
    if explain:
        _explain(result)


def _print(result: SearchResult) -> None:
    if not result.hits:
        typer.echo("nothing found")
        return
    rows = [
        [str(place), f"{hit.score:.4f}", hit.id, _snippet(hit), _seen(hit.bm25), _seen(hit.knn)]
        for place, hit in enumerate(result.hits, start=1)
    ]
    table(["##", "score#", "id", "text", "bm25", "knn"], rows)
    more = "" if result.total.relation == "eq" else "at least "
    typer.echo(f"{len(rows)} of {more}{result.total.value:,}, {result.took_ms:,.0f} ms")


def _snippet(hit: Hit) -> str:
    texts = [value for value in hit.source.values() if isinstance(value, str) and value != hit.id]
    line = " ".join(" · ".join(texts[:2]).split())
    return line if len(line) <= _SNIPPET else line[: _SNIPPET - 1] + "…"


def _seen(leg: LegHit | None) -> str:
    if leg is None:
        return "–"
    value = f"{leg.score:.2f}" if leg.cosine is None else f"cos {leg.cosine:.3f}"
    return f"#{leg.rank} ({value})"


def _explain(result: SearchResult) -> None:
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
    table(["id", "leg", "rank#", "score#", "cosine#", "contribution#"], rows, title="\nwhy")
