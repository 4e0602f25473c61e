"""``es-hybrid search``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.output import print_json, printable
from es_hybrid.cli.query_vector import read_vector
from es_hybrid.errors import UsageError


def _something(context: typer.Context, vector: str | None) -> str | None:
    """Without words there has to be a vector."""
    if vector is None and context.params.get("query") is None:
        raise UsageError("missing argument QUERY: say what to look for, or give --vector")
    return vector


@with_client
def search(
    client: Any,
    name: Annotated[str, typer.Argument(help="The alias or index to search.", metavar="NAME")],
    query: Annotated[
        str | None,
        typer.Argument(help="What you are looking for; it has no syntax.", metavar="QUERY"),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="hybrid (BM25 and kNN fused; the default), bm25, or knn (the default without "
            "words)."
        ),
    ] = None,
    size: Annotated[int, typer.Option("--size", "-k", help="Number of hits.")] = 10,
    filter: Annotated[  # noqa: A002 - Elasticsearch's own word
        list[str] | None,
        typer.Option(help="field=value, or a clause as JSON; several must all hold."),
    ] = None,
    vector: Annotated[
        str | None,
        typer.Option(
            help="What the kNN leg looks for instead of the words: [0.1, …], or a file of that "
            "or .npy.",
            metavar="JSON|FILE",
            callback=_something,
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="kNN compares all vectors and misses nothing.")
    ] = False,
    num_candidates: Annotated[
        int | None,
        typer.Option(help="Vectors that each shard looks at for kNN: more find more, slower."),
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

    searcher = Searcher(client, name, embedder=embedder)
    result = searcher.search(
        query,
        vector=None if vector is None else read_vector(vector),
        exact=exact,
        num_candidates=num_candidates,
        mode=mode,  # type: ignore[arg-type]  # checked by search(), which names the choices
        size=size,
        filter=filter,
        window=window,
        rank_constant=rank_constant,
    )
    if as_json:
        print_json(result.to_dict())
        return
    from es_hybrid.cli import results

    searched = searcher.searched()
    near = searched.near
    typer.echo(
        printable(f"{result.mode} search in {name} ({searched.index}): {query or 'by its vector'}")
    )
    results.show(result, searched.text_fields, similarity=near)
    if explain and result.hits:
        results.explain(result, rank_constant=rank_constant, similarity=near)
