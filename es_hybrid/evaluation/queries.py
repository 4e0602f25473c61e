"""Files of queries: JSON Lines as BEIR has them, or an id and a text with a tab in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from es_hybrid.errors import RecordError, SourceError
from es_hybrid.evaluation.lines import Line, lines
from es_hybrid.sources.jsonl import parsed

_HOLDING = "one query a line, as JSON (_id, text) or as id, tab, text"


@dataclass(frozen=True, slots=True)
class Query:
    """What a person typed, and whatever else is known of it, such as its language."""

    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_queries(path: Path) -> dict[str, Query]:
    """Query id -> query, in the order of the file; a text may be blank.

    Raises:
        SourceError: the file is missing or in none of the two forms, or says two things of one id.
    """
    found: dict[str, Query] = {}
    for line in lines(path, holding=_HOLDING):
        identifier, query = _of_json(line) if line.text.startswith("{") else _of_tabs(line)
        if found.setdefault(identifier, query) != query:
            raise SourceError(
                f"{line.where}: query {identifier!r} stands there twice, as "
                f"{found[identifier].text!r} and as {query.text!r}: leave one out"
            )
    if not found:
        raise SourceError(f"{str(path)!r} has no query: it needs {_HOLDING}")
    return found


def _of_json(line: Line) -> tuple[str, Query]:
    record = parsed(line.text.encode())
    if isinstance(record, RecordError):
        raise SourceError(f"{line.where}: {record}") from None
    identifier, text = record.get("_id"), record.get("text")
    if isinstance(identifier, bool) or not isinstance(identifier, str | int):
        raise SourceError(f"{line.where} has no _id: it needs {_HOLDING}")
    if not isinstance(text, str):
        raise SourceError(f"{line.where}: query {identifier!r} has no text: it needs {_HOLDING}")
    metadata = record.get("metadata") or {}
    return str(identifier), Query(text, metadata if isinstance(metadata, Mapping) else {})


def _of_tabs(line: Line) -> tuple[str, Query]:
    identifier, tab, text = line.text.partition("\t")
    if not tab or not identifier.strip():
        raise SourceError(f"{line.where} is {line.text[:60]!r}: it needs {_HOLDING}")
    return identifier.strip(), Query(text)
