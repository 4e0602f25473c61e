"""Answers: what Elasticsearch says of one item of a bulk request, and what is to be done then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from es_hybrid.refusals import explain

# A block is lifted by people, by free disk space, or by the next master; the document is fine.
_BLOCKS = frozenset({"cluster_block_exception", "master_not_discovered_exception"})
# What an item is told that is not in the state in which it was read, or not there any more.
CONFLICT = "version_conflict_engine_exception"
MISSING = "document_missing_exception"

_DENIALS = frozenset({401, 403})
_GONE = "index_not_found_exception"
_BUSY = 429

# https://www.elastic.co/docs/reference/elasticsearch/index-settings/pressure
_PRESSURE = re.compile(r"_operation_bytes=(\d+), max_\w+_bytes=(\d+)")

_UNFIT = re.compile(r"failed to parse field \[(.+?)\] of type \[\w+\]")
_OTHER_TYPE = "index under another name with --field {field}:"
_WAYS_OUT = (  # by what Elasticsearch says of a value
    ("passed as String", "make it a number, or have it converted with --field {field}:integer"),
    ("data loss", _OTHER_TYPE + "number"),
    ("decimal part", _OTHER_TYPE + "number"),
    ("", "correct it, or " + _OTHER_TYPE + "keyword"),
)


class Verdict(Enum):
    """What is to be done about an item, or about a whole request."""

    TAKEN = auto()
    BLOCKED = auto()  # nobody may write now; wait
    BUSY = auto()  # too much at once; wait
    FAILED = auto()  # the server's own trouble; it may pass
    DENIED = auto()  # these credentials may not write at all
    GONE = auto()  # there is no index any more
    REFUSED = auto()  # this document cannot be written


def verdict(status: int, kind: str | None) -> Verdict:
    """By HTTP status, and by Elasticsearch's type of the error.

    >>> verdict(403, "cluster_block_exception"), verdict(403, "security_exception")
    (<Verdict.BLOCKED: 2>, <Verdict.DENIED: 5>)
    """
    if kind in _BLOCKS:
        return Verdict.BLOCKED
    if kind == _GONE:
        return Verdict.GONE
    if status == _BUSY:
        return Verdict.BUSY
    if status >= 500:
        return Verdict.FAILED
    if status in _DENIALS:
        return Verdict.DENIED
    return Verdict.REFUSED


def of_item(told: Mapping[str, Any]) -> Verdict:
    """What an item asks for: ``{"status": 201}``, or with an ``error`` beside the status."""
    if "error" not in told:
        return Verdict.TAKEN
    return verdict(told["status"], explain(told["error"])[0])


def reason(error: object) -> str:
    """What Elasticsearch says, and the way out where the first values gave a field its type."""
    kind, said = explain(error)
    if found := _UNFIT.search(said):
        way_out = next(way for words, way in _WAYS_OUT if words in said)
        said += f"; {way_out.format(field=found[1])}"
    return f"{kind}: {said}"


def never_fits(said: str) -> bool:
    """Whether a rejected request is larger by itself than all that the server holds at a time.

    Args:
        said: the reason of the rejection.

    >>> never_fits("[…, coordinating_operation_bytes=60, max_coordinating_bytes=50]")
    True
    """
    found = _PRESSURE.search(said)
    return found is not None and int(found[1]) > int(found[2])
