"""Judged collections in the BEIR layout: queries.jsonl and qrels/test.tsv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.errors import SourceError

Qrels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Collection:
    """Queries and what answers them.

    Attributes:
        queries: query id -> what a person typed.
        metadata: query id -> whatever else is known of the query, such as its language.
        qrels: query id -> document id -> grade, 1 and up; what is not listed is not relevant.
    """

    queries: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, Any]]
    qrels: Qrels

    def where(self, key: str, value: Any) -> Collection:
        """The part whose queries have this in their metadata."""
        kept = [query for query, known in self.metadata.items() if known.get(key) == value]
        return Collection(
            {query: self.queries[query] for query in kept},
            {query: self.metadata[query] for query in kept},
            {query: self.qrels[query] for query in kept if query in self.qrels},
        )


def read_collection(folder: Path) -> Collection:
    """Read a BEIR folder; only judged queries are kept.

    Raises:
        SourceError: a file is missing or not in this layout.
    """
    try:
        lines = (folder / "queries.jsonl").read_bytes().splitlines()
        records = [orjson.loads(line) for line in lines if line.strip()]
        qrels = _qrels(folder / "qrels" / "test.tsv")
        judged = [record for record in records if record["_id"] in qrels]
        return Collection(
            {record["_id"]: record["text"] for record in judged},
            {record["_id"]: record.get("metadata") or {} for record in judged},
            qrels,
        )
    except (OSError, KeyError, ValueError) as error:
        raise SourceError(
            f"{str(folder)!r} is no BEIR folder ({error}): it needs queries.jsonl (_id, text) and "
            "qrels/test.tsv (query-id, corpus-id, score)"
        ) from error


def _qrels(path: Path) -> Qrels:
    grades: dict[str, dict[str, int]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return grades
