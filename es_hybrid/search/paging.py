"""Page after page of one search, until the window ends."""

from __future__ import annotations

from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.hits import SearchResult
from es_hybrid.search.asked import WINDOW, asked
from es_hybrid.search.options import Query
from es_hybrid.search.point_in_time import PointInTime


class Pages:
    """Which page is next.

    Attributes:
        pit: the point in time that the caller gave, if any.
        headers: of the search, to open and close one with.

    Args:
        query: the search; its `size` is that of a page.

    Raises:
        UsageError: the search can never work, or a page has no hits.
    """

    def __init__(self, query: Query) -> None:
        options: Any = {name: value for name, value in query.items() if name != "query"}
        first = asked(query.get("query"), options)
        if first.size < 1:
            raise UsageError(f"size {first.size}: a page has at least one hit")
        self._query, self._size, self._begun = query, first.size, False
        # A single leg needs no window; its pages would end with the first one.
        self._window = query.get("window") or max(first.window, WINDOW)
        self._next, self.pit, self.headers = first.start, first.pit, first.headers

    def next(self, pit: PointInTime) -> Query | None:
        """The search for the next page, which sees `pit`; None where there is none."""
        if self._next >= self._window:
            return None
        return {**self._query, "pit": pit, "from_": self._next, "window": self._window}

    def holds(self, result: SearchResult) -> bool:
        """Go on behind this page, if it is full; whether there is something to show of it.

        The first page is shown even where nothing was found.
        """
        first, self._begun = not self._begun, True
        self._next += self._size
        seen = result.total.relation == "eq" and self._next >= result.total.value
        if seen or len(result) < self._size:
            self._next = self._window
        return bool(len(result)) or first
