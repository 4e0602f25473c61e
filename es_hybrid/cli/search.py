"""``es-hybrid search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.connection import with_client
from es_hybrid.cli.groups import with_groups
from es_hybrid.cli.output import print_json, printable
from es_hybrid.cli.reporting import check_report, show_table, write_page
from es_hybrid.cli.search_flags import Flags

if TYPE_CHECKING:
    from es_hybrid.hits import SearchResult
    from es_hybrid.reports import Report
    from es_hybrid.search.searched import Searched


@with_client
@with_groups
def search(
    client: Any,  # an Elasticsearch client; not imported before it is needed
    name: Annotated[
        str,
        typer.Argument(
            help="The alias, index or pattern to search; several with commas.", metavar="NAME"
        ),
    ],
    query: Annotated[
        str | None,
        typer.Argument(help="What you are looking for; it has no syntax.", metavar="QUERY"),
    ] = None,
    *,
    flags: Flags,
) -> None:
    """Search by words and by meaning at once.

    Example: es-hybrid search films "a storm at sea" --filter year=1990
    """
    from es_hybrid.search import Searcher

    check_report(flags.report)
    searcher = Searcher(client, name, embedder=flags.embedder)
    result = searcher.search(query, **flags.options(searcher))
    searched = searcher.searched()
    said = query or flags.example
    if flags.as_json:
        print_json(result.to_dict())
    else:
        typer.echo(printable(f"{result.mode} search in {name} ({searched.index}): {said}"))
        _show(result, searched, flags)
    write_page(lambda: _report(client, said, result, searched, flags), flags.report)


def _report(
    client: Any, said: str, result: SearchResult, searched: Searched, flags: Flags
) -> Report:
    from es_hybrid.cli.hits_page import hits_report

    return hits_report(
        client,
        result,
        searched,
        title=said,
        image=flags.image,
        like=flags.like,
        start=flags.start,
        explain=flags.explain,
    )


def _show(result: SearchResult, searched: Searched, flags: Flags) -> None:
    from es_hybrid.cli import results
    from es_hybrid.cli.explained import explanation
    from es_hybrid.cli.facets import facet_lines

    near = searched.near
    results.show(result, searched.text_fields, similarity=near, start=flags.start)
    for line in facet_lines(result):
        typer.echo(printable(line))
    if flags.explain and result.hits:
        show_table(explanation(result, similarity=near))
