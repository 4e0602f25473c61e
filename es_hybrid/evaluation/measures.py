"""Measures by ir-measures (extra: ``eval``), which runs trec_eval; no formula of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from es_hybrid.errors import EsHybridError
from es_hybrid.evaluation.collection import Qrels


def measured(run: Mapping[str, Sequence[str]], qrels: Qrels, *, measure: str) -> dict[str, float]:
    """The measure of every judged query, such as ``"nDCG@10"``.

    Args:
        run: query id -> document ids, best first; a judged query without results counts as 0.
        qrels: what is relevant.
        measure: in ir-measures' notation, https://ir-measur.es.

    Raises:
        EsHybridError: ir-measures is not installed.
    """
    try:
        import ir_measures
    except ImportError:
        raise EsHybridError("evaluation needs: pip install 'es_hybrid[eval]'") from None
    scored = {
        query: {document: float(-rank) for rank, document in enumerate(ids)}
        for query, ids in run.items()
    }
    values = ir_measures.iter_calc([ir_measures.parse_measure(measure)], qrels, scored)
    return {**dict.fromkeys(qrels, 0.0), **{value.query_id: value.value for value in values}}
