"""Measures by ir-measures (extra: ``eval``), which runs trec_eval; no formula of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.evaluation.qrels import Qrels
from es_hybrid.optional import library

# query id -> document ids, best first.
Run = Mapping[str, Sequence[str]]

# What people compare search by: the order of the first page, its first good hit, what a reader or
# a reranker could find at all, and the order of everything. https://ir-measur.es
MEASURES = ("nDCG@10", "RR@10", "R@100", "AP")


def measured(run: Run, qrels: Qrels, *, measure: str) -> dict[str, float]:
    """The measure of every judged query, such as ``"nDCG@10"``, 0 to 1.

    Args:
        run: query id -> document ids, best first; a judged query without results counts as 0.
        qrels: what is relevant.
        measure: in ir-measures' notation, https://ir-measur.es.

    Raises:
        EsHybridError: ir-measures is not installed.
        UsageError: there is no such measure.
    """
    return next(iter(all_measured(run, qrels, measures=[measure]).values()))


def all_measured(
    run: Run, qrels: Qrels, *, measures: Sequence[str] = MEASURES
) -> dict[str, dict[str, float]]:
    """Measure, as ir-measures writes it -> query id -> its value, as :func:`measured`.

    Raises:
        EsHybridError: ir-measures is not installed.
        UsageError: there is no such measure.
    """
    known = [parsed(name) for name in measures]
    scored = {
        query: {document: float(-rank) for rank, document in enumerate(ids)}
        for query, ids in run.items()
        if ids  # some measures divide by what was found
    }
    found = {str(measure): dict.fromkeys(qrels, 0.0) for measure in known}
    if not scored:
        return found
    for value in _ir_measures().iter_calc(known, qrels, scored):
        found[str(value.measure)][value.query_id] = float(value.value)
    return found


def parsed(name: str) -> Any:
    """The measure of this name, as ir-measures holds it; ``str()`` of it is its one notation.

    Raises:
        EsHybridError: ir-measures is not installed.
        UsageError: there is no such measure, or what computes it is not installed.

    >>> str(parsed("MRR@10")), str(parsed("MAP"))
    ('RR@10', 'AP')
    """
    measures = _ir_measures()
    try:
        measure = measures.parse_measure(name)
        if measure.params.get("cutoff", 1) < 1:
            raise ValueError("ranks begin at 1")
        if not measures.DefaultPipeline.supports(measure):
            raise ValueError("what computes it is not installed")
        return measure
    except (NameError, ValueError, SyntaxError, AssertionError, TypeError) as error:
        said = " ".join(str(error).split())
        raise UsageError(
            f"measure {name!r} cannot be taken ({said}): write one such as {', '.join(MEASURES)}; "
            "all are told at https://ir-measur.es"
        ) from None


def _ir_measures() -> Any:
    return library("ir_measures", extra="eval", needs="evaluation needs")
