"""Files of judgements (qrels): TREC's four columns, or BEIR's three with tabs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from es_hybrid.errors import SourceError
from es_hybrid.evaluation.lines import Line, lines

# query id -> document id -> grade: 0 is not relevant, and neither is what is not listed.
Qrels = Mapping[str, Mapping[str, int]]

_HOLDING = (
    "judgements as TREC writes them (query 0 document grade) or as BEIR does (query-id, "
    "corpus-id and score with tabs)"
)
_NAMES = ("query-id", "corpus-id", "score")


class Judgements(NamedTuple):
    """What a file judged, and how many of its grades were below 0; those count as 0."""

    qrels: Qrels
    negative: int


def read_qrels(path: Path) -> Judgements:
    """Read judgements; which of the two forms it is, the first line says.

    Grades below 0, as some TREC tracks give them to spam, count as not relevant: so trec_eval has
    it. https://github.com/usnistgov/trec_eval

    Raises:
        SourceError: the file is missing or in none of the two forms, a grade is no whole number,
            a document has two grades for one query, or nothing is relevant.
    """
    grades: dict[str, dict[str, int]] = {}
    negative = 0
    columns: tuple[int, ...] = ()
    for line in lines(path, holding=_HOLDING):
        cells = _cells(line.text)
        if not columns:
            columns = _columns(cells, line)
            if _is_head(cells):
                continue
        query, document, grade = _judgement(cells, columns, line)
        negative += grade < 0
        _judge(grades.setdefault(query, {}), document, max(grade, 0), where=line.where)
    if not any(grade for judged in grades.values() for grade in judged.values()):
        raise SourceError(
            f"{str(path)!r} has no document with a grade above 0: nothing can be measured with it"
        )
    return Judgements(grades, negative)


def _cells(text: str) -> list[str]:
    if "\t" not in text:
        return text.split()
    return [cell.strip() for cell in next(csv.reader([text], delimiter="\t"))]


def _is_head(cells: list[str]) -> bool:
    return len(cells) == len(_NAMES) and not _is_grade(cells[-1])


def _is_grade(cell: str) -> bool:
    try:
        int(cell)
    except ValueError:
        return False
    return True


def _columns(cells: list[str], line: Line) -> tuple[int, ...]:
    """Where query, document and grade stand in each line."""
    if set(cells) == set(_NAMES):
        return tuple(cells.index(name) for name in _NAMES)
    if len(cells) == 3:
        return (0, 1, 2)
    if len(cells) == 4:
        return (0, 2, 3)
    raise SourceError(f"{line.where} is {line.text[:60]!r}: it needs {_HOLDING}")


def _judgement(cells: list[str], columns: tuple[int, ...], line: Line) -> tuple[str, str, int]:
    if len(cells) != (4 if columns == (0, 2, 3) else 3):
        raise SourceError(
            f"{line.where} has {len(cells)} columns, unlike the first line: it needs {_HOLDING}"
        )
    query, document, grade = (cells[place] for place in columns)
    if not _is_grade(grade):
        raise SourceError(
            f"{line.where}: the grade {grade!r} is no whole number: write 0 for not relevant, and "
            "1 and up for relevant"
        )
    return query, document, int(grade)


def _judge(judged: dict[str, int], document: str, grade: int, *, where: str) -> None:
    if judged.setdefault(document, grade) != grade:
        raise SourceError(
            f"{where}: document {document!r} has two grades for one query, {judged[document]} and "
            f"{grade}: leave one out"
        )
