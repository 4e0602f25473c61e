"""The same queries under bm25, knn and hybrid, side by side: demo_queries.py INDEX QUERY…."""

import sys

from rich.console import Console
from rich.table import Table

import es_hybrid

MODES = ("bm25", "knn", "hybrid")
ROWS = 6


def side_by_side(searcher: es_hybrid.Searcher, query: str) -> Table:
    """One table: a column for each mode, its best ids below."""
    found = [[hit.id for hit in searcher.search(query, mode=mode, size=ROWS)] for mode in MODES]
    table = Table(title=query, title_justify="left", title_style="bold", box=None, width=100)
    for mode in MODES:
        table.add_column(mode, ratio=1, overflow="ellipsis", no_wrap=True)
    for row in range(ROWS):
        table.add_row(*(ids[row] if row < len(ids) else "–" for ids in found))
    return table


def main() -> None:
    """Print a table for each query."""
    name, *queries = sys.argv[1:]
    with es_hybrid.connect() as client:
        searcher = es_hybrid.Searcher(client, name)
        for query in queries:
            Console(width=100).print(side_by_side(searcher, query))


if __name__ == "__main__":
    main()
