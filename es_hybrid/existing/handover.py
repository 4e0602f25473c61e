"""Handing over: an alias goes from the old version to the new one, and no write is lost between.

What comes next is noted in the ``_meta`` of the new version before the alias is moved, so that
whoever was killed in between is gone on with. Behind the alias, the old version is closed to
writers: what is on its way arrives first, and is carried over; who goes on writing there is told.
https://www.elastic.co/docs/reference/elasticsearch/index-settings/index-block
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, RequestRefused, UsageError
from es_hybrid.existing.copy import Copy
from es_hybrid.existing.index import Existing, write_meta
from es_hybrid.existing.versions import move

# Notes in the ``_meta`` of a version: which index it is made of, as long as it is not finished;
# where both stood when the alias was moved; and for which other one it was left and closed.
BUILDING, HANDOVER, CLOSED = "building", "handover", "closed"

_FINISHED = {BUILDING: None, HANDOVER: None}

# Seconds in which a write arrives that was sent to the alias before it was moved.
_ON_ITS_WAY = 1.0

_PASSES = 3  # where the old version cannot be closed


def hand_over(copy: Copy, name: str) -> None:
    """Let the alias `name` stand for the copy, and carry over what reached the old version.

    Raises:
        ServerError: the server refused, or cannot be reached; `go_on` does the rest.
    """
    job = copy.job
    stood = {"seen": list(copy.seen), "own": list(copy.take_over())}
    write_meta(job.client, job.target, notes={HANDOVER: stood})
    move(job.client, name, source=job.source, target=job.target)
    end(copy)


def go_on(copy: Copy, stood: Mapping[str, Any]) -> None:
    """Do what was left undone when the alias had been moved.

    Args:
        copy: of the old version, to the one that the alias stands for.
        stood: the note `HANDOVER`.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    copy.taken_over_at(seen=stood["seen"], own=stood["own"])
    end(copy)


def end(copy: Copy) -> None:
    """Close the old version, and catch up with it for the last time."""
    job = copy.job
    time.sleep(_ON_ITS_WAY)
    if close(job.client, job.source, left_for=job.target):
        copy.catch_up()
    else:
        for _ in range(_PASSES):
            copy.catch_up()
            time.sleep(_ON_ITS_WAY)
    mark_whole(job.client, job.target)


def mark_whole(client: Elasticsearch, index: str) -> None:
    """Note that a version is whole.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    write_meta(client, index, notes=_FINISHED)


def close(client: Elasticsearch, index: Existing, *, left_for: str) -> bool:
    """Let nobody write to a version any more; whether every write that was taken can be seen.

    Args:
        client: whose cluster is asked.
        index: the version.
        left_for: the one that the alias stands for now.

    Raises:
        ServerError: the server cannot be reached.
    """
    if not _is_blocked(index):  # else by somebody else, who is to lift it
        write_meta(client, index.index, notes={CLOSED: left_for})
    try:
        answer = request(client, "PUT", path(index.index, "_block", "write"))
    except (AccessDenied, RequestRefused):
        _close_soon(client, index.index)
        return False
    return answer.get("shards_acknowledged") is True


def _close_soon(client: Elasticsearch, index: str) -> None:
    """As a setting, which any server has; what is on its way then may still arrive."""
    with suppress(AccessDenied, RequestRefused):
        body = {"index.blocks.write": True}
        request(client, "PUT", path(index, "_settings"), body=body)


def open_again(client: Elasticsearch, index: Existing) -> None:
    """Let a version be written to that `close` had closed.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    if not index.notes.get(CLOSED):
        return
    body = {"index.blocks.write": None}
    request(client, "PUT", path(index.index, "_settings"), body=body)
    write_meta(client, index.index, notes={CLOSED: None})


def check_open(index: Existing) -> None:
    """Refuse to write to a version that was left.

    Raises:
        UsageError: names the one that took over.
    """
    if left_for := index.notes.get(CLOSED):
        raise UsageError(
            f"{index.index!r} was left for {left_for} and is closed to writers: name the alias, or "
            "go back to this version with es-hybrid rollback first"
        )


def _is_blocked(index: Existing) -> bool:
    blocks = index.body.get("settings", {}).get("index", {}).get("blocks", {})
    return str(blocks.get("write", "")).lower() == "true"
