"""One search from its words to its hits, in steps: planned -> asked -> fused -> a page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from es_hybrid.errors import (
    ContractError,
    IndexNotFound,
    PartialAnswer,
    RequestRefused,
    UsageError,
    VectorError,
)
from es_hybrid.fusion import Fused
from es_hybrid.hits import Hit, SearchResult
from es_hybrid.search.again import again
from es_hybrid.search.answers import ReadingHits
from es_hybrid.search.asked import Asked
from es_hybrid.search.asking import Turn, answered
from es_hybrid.search.details import Details, told, wishes
from es_hybrid.search.found import Found
from es_hybrid.search.known import Known
from es_hybrid.search.many import Embedded
from es_hybrid.search.notes import notes
from es_hybrid.search.queries import Key
from es_hybrid.search.rankings import Ranking, hit
from es_hybrid.search.reordering import (
    by_difference,
    by_reranker,
    compared_leg,
    texts_of,
    vectors_body,
)
from es_hybrid.search.rounds import Rounds
from es_hybrid.search.settled import fusing, settled
from es_hybrid.search.tenancy import Bound
from es_hybrid.steps import work

# Seconds for which the indices are known as they are: a search that can never work with what is
# known reads them again, but not each time where there are many such searches.
FRESH = 1.0


def search(asked: Asked, known: Known, bound: Bound, vectors: Embedded) -> Rounds[SearchResult]:
    """Carry out one search.

    Args:
        asked: what is searched for.
        known: what the searcher has learnt.
        bound: what it is bound to.
        vectors: of words that were embedded already.
    """
    began = time.perf_counter()
    turn, found = yield from _found(asked, known, bound, vectors)
    fused, scores, unsorted = yield from _reordered(turn, found)
    page = fused[asked.start : asked.start + asked.size]
    if found.native and not (scores or asked.mmr is not None):
        page = fused  # Elasticsearch has cut it already
    more, untold = yield from _details(turn, found, [entry.key for entry in page])
    with ReadingHits(found.rankings, turn.searched.name):
        hits = tuple([_hit(entry, found, more, scores, alone=not asked.fused) for entry in page])
    said, unsaid = yield from notes(turn, found)
    return SearchResult(
        hits=hits,
        total=more.total or found.total,
        mode=asked.mode,
        fusion="native" if found.native else "client" if asked.fused else None,
        took_ms=(time.perf_counter() - began) * 1000,
        knn=next((leg.way for leg in turn.legs if leg.kind == "knn"), None),
        aggregations=more.aggregations or found.aggregations,
        degraded=(*found.degraded, *unsorted, *untold, *unsaid),
        notes=said,
        fusing=fusing(turn.asked, turn.legs, found.trust),
    )


def _found(
    asked: Asked, known: Known, bound: Bound, vectors: Embedded
) -> Rounds[tuple[Turn, Found]]:
    """The fused list, of indices whose contract was checked.

    An alias may lead to other indices since they were read, and an index may have new fields.
    Then a hit lies in an index that nobody knows, or something fails, or nothing is found: the
    contracts are read again, and if they are others, all is asked once more.
    """
    for last in (False, True):
        searched = asked.pit.searched if asked.pit else (yield from known.searched())
        fixed = last or asked.pit is not None
        began = time.perf_counter()
        try:
            turn, found = yield from answered(
                settled(asked, searched), searched, known, bound, vectors.of(searched)
            )
        except (RequestRefused, IndexNotFound, PartialAnswer):
            if fixed or not (yield from known.changed(searched, since=began)):
                raise
            continue
        except (UsageError, VectorError, ContractError):
            if fixed or not (yield from known.changed(searched, since=began - FRESH)):
                raise
            continue
        strange = found.indices - searched.contracts.keys()
        doubtful = strange or found.degraded or not found.raw
        changed = doubtful and not fixed and (yield from known.changed(searched, since=began))
        if not strange and not changed:
            return turn, found
        if fixed:
            break
    raise ContractError(
        f"{searched.name!r} leads to {', '.join(sorted(strange))} while it is searched, whose "
        "contract was not checked: search again, with a new point in time if you keep one"
    )


def _reordered(
    turn: Turn, found: Found
) -> Rounds[tuple[list[Fused[Key]], dict[Key, float], list[str]]]:
    """The fused list as a reranker and MMR leave it, the reranker's scores, and what is missing."""
    asked = turn.asked
    fused = list(found.fused)
    scores: dict[Key, float] = {}
    missing: list[str] = []
    if asked.rerank is not None and asked.query is not None:
        first = [entry.key for entry in fused[: asked.rerank_window]]
        texts = texts_of(first, found.raw, turn.searched.text_fields)
        fused, scores = yield from work(
            by_reranker, fused, asked.rerank, query=asked.query, texts=texts
        )
    if asked.mmr is not None and fused:
        leg = compared_leg(turn.legs)
        keys = [entry.key for entry in fused]
        wanted = [("mmr", vectors_body(keys, leg, turn.frame))]
        (response,), missing = yield from again(turn, wanted)
        if response is not None:
            depth = asked.start + asked.size
            fused = yield from work(
                by_difference,
                fused,
                response,
                leg,
                trade_off=asked.mmr,
                scores=scores,
                size=depth,
            )
    return fused, scores, missing


def rankings(
    asked: Asked, known: Known, bound: Bound, vectors: Embedded
) -> Rounds[tuple[Ranking, ...]]:
    """What each leg found, as :func:`search` would fuse it."""
    _, found = yield from _found(asked, known, bound, vectors)
    return found.rankings


def _details(turn: Turn, found: Found, page: Sequence[Key]) -> Rounds[tuple[Details, list[str]]]:
    """What a second request tells, where one is needed, and what is missing of it."""
    wanted = wishes(turn.asked, found, page, frame=turn.frame, legs=turn.legs)
    responses, missing = yield from again(turn, [(wish.kind, wish.body) for wish in wanted])
    pairs = [(wish, one) for wish, one in zip(wanted, responses, strict=True) if one is not None]
    return told([wish for wish, _ in pairs], [one for _, one in pairs], found), missing


def _hit(
    entry: Fused[Key], found: Found, more: Details, scores: Mapping[Key, float], *, alone: bool
) -> Hit:
    made = hit(entry, found.rankings, found.raw[entry.key], alone=alone)
    if not (more.missing or more.highlights or scores):
        return made
    return made._replace(
        missing=more.missing.get(entry.key, {}),
        highlight=more.highlights.get(entry.key, {}),
        rerank_score=scores.get(entry.key),
    )
