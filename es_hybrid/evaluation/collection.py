"""Judged collections: queries, and which documents answer them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from es_hybrid.errors import SourceError, UsageError
from es_hybrid.evaluation.qrels import Judgements, Qrels, read_qrels
from es_hybrid.evaluation.queries import Query, read_queries
from es_hybrid.texts import is_blank

__all__ = ["Collection", "Qrels", "read_collection"]


@dataclass(frozen=True, slots=True)
class Collection:
    """Queries and what answers them.

    Attributes:
        queries: query id -> what a person typed.
        metadata: query id -> whatever else is known of the query, such as its language.
        qrels: query id -> document id -> grade, 0 and up; what is not listed is not relevant.
            Of the same queries.
        notes: what was left out of the files, for people.
    """

    queries: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, Any]]
    qrels: Qrels
    notes: tuple[str, ...] = ()

    def only(self, ids: set[str]) -> Collection:
        """The part with these queries, in the order of the whole."""
        kept = [query for query in self.queries if query in ids]
        return replace(
            self,
            queries={query: self.queries[query] for query in kept},
            metadata={query: self.metadata[query] for query in kept},
            qrels={query: self.qrels[query] for query in kept if query in self.qrels},
        )

    def where(self, key: str, value: Any) -> Collection:
        """The part whose queries have this in their metadata."""
        return self.only(
            {query for query, known in self.metadata.items() if known.get(key) == value}
        )


def read_collection(queries: Path, qrels: Path | None = None) -> Collection:
    """Read queries and judgements; only judged queries are kept.

    Args:
        queries: a BEIR folder, or a file of queries (see `read_queries`).
        qrels: a file of judgements (see `read_qrels`); None takes ``qrels/test.tsv`` of the
            folder, or the only file there.

    Raises:
        SourceError: a file is missing or in another form, no query is judged, or a judged one is
            blank.
        UsageError: `queries` is no folder, and no judgements are given.
    """
    file, judged = _files(queries, qrels)
    asked, judgements = read_queries(file), read_qrels(judged)
    kept = {query: one for query, one in asked.items() if query in judgements.qrels}
    _check(kept, asked, judgements, file=file, judged=judged)
    return Collection(
        {query: one.text for query, one in kept.items()},
        {query: one.metadata for query, one in kept.items()},
        {query: judgements.qrels[query] for query in kept},
        tuple(_notes(asked, judgements)),
    )


def _files(queries: Path, qrels: Path | None) -> tuple[Path, Path]:
    """The file of queries, and that of judgements."""
    if not queries.is_dir():
        if qrels is None:
            raise UsageError(
                f"nobody says what answers the queries of {str(queries)!r}: name a file of "
                "judgements with --qrels, or a BEIR folder with both"
            )
        return queries, qrels
    file = queries / "queries.jsonl"
    if not file.exists():
        raise SourceError(
            f"{str(queries)!r} is no BEIR folder (no queries.jsonl): it needs queries.jsonl "
            "(_id, text) and qrels/test.tsv (query-id, corpus-id, score)"
        )
    return file, qrels or _qrels_of(queries)


def _qrels_of(folder: Path) -> Path:
    usual = folder / "qrels" / "test.tsv"
    found = sorted((folder / "qrels").glob("*.tsv"))
    if usual in found or len(found) == 1:
        return usual if usual in found else found[0]
    have = f"several: {', '.join(file.name for file in found)}" if found else "none"
    raise SourceError(
        f"{str(folder)!r} has no qrels/test.tsv, and of other judgements {have}: name a file with "
        "--qrels"
    )


def _check(
    kept: Mapping[str, Query],
    asked: Mapping[str, Query],
    judgements: Judgements,
    *,
    file: Path,
    judged: Path,
) -> None:
    if not kept:
        one, other = next(iter(asked)), next(iter(judgements.qrels))
        raise SourceError(
            f"no query of {str(file)!r} (such as {one!r}) is judged in {str(judged)!r} (such as "
            f"{other!r}): give the judgements of these queries"
        )
    if blank := [query for query, one in kept.items() if is_blank(one.text)]:
        raise SourceError(
            f"{len(blank)} judged queries of {str(file)!r} are blank, such as {blank[0]!r}: write "
            "what was asked, or leave them out of both files"
        )


def _notes(asked: Mapping[str, Query], judgements: Judgements) -> Iterator[str]:
    if unjudged := len(asked.keys() - judgements.qrels.keys()):
        yield f"{unjudged:,} of {len(asked):,} queries are not judged, and left out"
    if unknown := len(judgements.qrels.keys() - asked.keys()):
        every = len(judgements.qrels)
        yield f"{unknown:,} of {every:,} judged queries have no text, and are left out"
    if judgements.negative:
        yield f"{judgements.negative:,} grades below 0 count as 0, not relevant"
