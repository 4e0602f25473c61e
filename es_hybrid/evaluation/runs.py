"""Runs: what was found for each query; files of them as TREC writes them, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from es_hybrid.errors import SourceError
from es_hybrid.evaluation.lines import Line, lines
from es_hybrid.evaluation.measures import Run

_HOLDING = "a run as TREC writes it: query Q0 document rank score tag"


class Scored(NamedTuple):
    """A document found, and the score it was found with."""

    id: str
    score: float


# query id -> what was found, best first.
Rankings = Mapping[str, Sequence[Scored]]


def ids(rankings: Rankings) -> Run:
    """The documents alone, as measures need them."""
    return {query: [one.id for one in found] for query, found in rankings.items()}


def read_run(path: Path) -> Rankings:
    """Read a run; its order is that of the scores, as trec_eval has it, whatever the ranks say.

    Documents with equal scores come in the reverse order of their ids.
    https://github.com/usnistgov/trec_eval

    Raises:
        SourceError: the file is missing or in another form, a score is no number, or a query has
            a document twice.
    """
    found: dict[str, dict[str, float]] = {}
    for line in lines(path, holding=_HOLDING):
        query, document, score = _line(line)
        if document in (mine := found.setdefault(query, {})):
            raise SourceError(
                f"{line.where}: query {query!r} has document {document!r} twice: leave one out"
            )
        mine[document] = score
    if not found:
        raise SourceError(f"{str(path)!r} is empty: it needs {_HOLDING}")
    return {query: _sorted(scores) for query, scores in found.items()}


def _line(line: Line) -> tuple[str, str, float]:
    cells = line.text.split()
    if len(cells) not in (5, 6):  # some leave the tag out
        raise SourceError(
            f"{line.where} is {line.text[:60]!r}, which has {len(cells)} columns: it needs "
            f"{_HOLDING}"
        )
    try:
        score = float(cells[4])
    except ValueError:
        score = float("nan")
    if not isfinite(score):
        raise SourceError(f"{line.where}: the score {cells[4]!r} is no number: it needs {_HOLDING}")
    return cells[0], cells[2], score


def _sorted(scores: Mapping[str, float]) -> list[Scored]:
    # trec_eval keeps scores in 32 bits, and so may see more of them as equal.
    order = sorted(scores, key=lambda document: (np.float32(scores[document]), document))
    return [Scored(document, scores[document]) for document in reversed(order)]


def write_run(path: Path, rankings: Rankings, *, tag: str) -> None:
    """Write a run that any judge of TREC runs reads in the order it has here.

    A score that is not below the one before it is written as the next smaller number, since
    judges go by scores alone.

    Raises:
        SourceError: an id has a blank, which the format has no room for.
    """
    with path.open("w", encoding="utf-8") as file:
        for query, found in rankings.items():
            last = np.float32(np.inf)
            for rank, one in enumerate(found, start=1):
                _check(query, one.id)
                last = min(np.float32(one.score), np.nextafter(last, np.float32(-np.inf)))
                file.write(f"{query} Q0 {one.id} {rank} {last:.9g} {tag}\n")


def _check(*names: str) -> None:
    for name in names:
        if not name or name.split() != [name]:
            raise SourceError(
                f"a run cannot hold the id {name!r}: its columns are parted by blanks; leave "
                "--run-out away"
            )
