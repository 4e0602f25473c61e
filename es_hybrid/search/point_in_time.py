"""A state of an index that is kept, so that legs and pages of a search see the same documents.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-open-point-in-time
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.client import path
from es_hybrid.errors import UsageError
from es_hybrid.search.searched import Searched
from es_hybrid.steps import Request, Steps

KEEP_ALIVE = "1m"

_DURATION = re.compile(r"[1-9]\d*(ms|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class PointInTime:
    """A point in time that is open; each search keeps it open for `keep_alive` more.

    Attributes:
        id: Elasticsearch's.
        keep_alive: such as ``"1m"``.
        searched: the indices it holds, as they were when it was opened.
        routing: the routing value whose shards it holds; None for all.
        headers: to close it with, X-Opaque-Id among them.
    """

    id: str
    keep_alive: str
    searched: Searched
    routing: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, name: str, routing: str | None) -> bool:
        """Whether a searcher of this name and routing may have opened it."""
        return (self.searched.name, self.routing) == (name, routing)

    def body(self) -> dict[str, Any]:
        """As a search body has it."""
        return {"id": self.id, "keep_alive": self.keep_alive}


def opening(
    searched: Searched,
    *,
    keep_alive: str,
    routing: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Steps[PointInTime]:
    """Open one, in steps.

    Raises:
        UsageError: `keep_alive` is no duration.
        ServerError: the server refused, or cannot be reached.
    """
    if not isinstance(keep_alive, str) or not _DURATION.fullmatch(keep_alive):
        raise UsageError(f"keep_alive {keep_alive!r} is no duration: write it like 30s or 1m")
    params = {"keep_alive": keep_alive} | ({} if routing is None else {"routing": routing})
    answer = yield Request("POST", path(searched.name, "_pit"), params=params, headers=headers)
    return PointInTime(answer["id"], keep_alive, searched, routing, headers or {})


def closing(pit: PointInTime) -> Steps[None]:
    """Close one, in steps; it may be closed already."""
    yield Request("DELETE", path("_pit"), body={"id": pit.id}, headers=pit.headers, ok=(404,))
