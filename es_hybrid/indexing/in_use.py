"""An index in use: the one that its alias stands for, and not a version that was left behind."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from es_hybrid.errors import AliasMoved
from es_hybrid.live import reading
from es_hybrid.steps import run


def check_in_use(client: Elasticsearch, name: str, index: str) -> None:
    """Refuse to go on with an index that `name` does not stand for any more.

    Args:
        client: whose cluster is asked.
        name: an alias, or the index itself.
        index: what it stood for when the run began.

    Raises:
        AliasMoved: it stands for another index.
        ServerError: the server refused, or cannot be reached.
    """
    found = run(client, reading(name))
    if found and index not in found:
        now = ", ".join(sorted(found))
        raise AliasMoved(
            f"{name!r} stands for {now!r} now, not any more for {index!r}, to which this run "
            "wrote: es-hybrid rebuild takes over what was written before, es-hybrid rollback does "
            f"not; run the same command again, and what {now!r} lacks is written there"
        )
