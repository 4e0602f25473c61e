"""A search is planned for the indices as they are known, and its legs are asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import Any

from es_hybrid.errors import LicenceMissing, RequestRefused, ServerError, UsageError
from es_hybrid.filters import Clause, clauses
from es_hybrid.refusals import failure
from es_hybrid.search import native
from es_hybrid.search.answers import ReadingHits, check_whole, gaps, garbled, read
from es_hybrid.search.asked import Asked
from es_hybrid.search.exact import scan
from es_hybrid.search.examples import by_example
from es_hybrid.search.found import Found, fused_here, fused_there
from es_hybrid.search.known import Known
from es_hybrid.search.planning import Means, frame, plan
from es_hybrid.search.queries import Body, Frame, LegSearch, body
from es_hybrid.search.rounds import Round, Rounds
from es_hybrid.search.searched import Searched
from es_hybrid.search.tenancy import Bound
from es_hybrid.steps import Steps
from es_hybrid.vectors import Vectors

# As Elasticsearch's ScriptService refuses: no module, a setting that forbids the type or context.
_NO_SCRIPTS = re.compile(r"script_lang not supported|cannot execute (\[\w+\] )?scripts")


@dataclass(slots=True)
class Turn:
    """One search, planned for the indices as they are known.

    Attributes:
        asked: by the caller.
        searched: the indices.
        legs: as they are sent.
        shared: the filters of all legs.
        frame: of all bodies.
        header: of all searches.
    """

    asked: Asked
    searched: Searched
    legs: Sequence[LegSearch]
    shared: Sequence[Clause]
    frame: Frame
    header: Body

    def round(self, bodies: Sequence[Body]) -> Round:
        """These bodies as one request."""
        return Round([(self.header, one) for one in bodies], self.asked.headers)


def answered(
    asked: Asked, searched: Searched, known: Known, bound: Bound, vectors: Mapping[str, Vectors]
) -> Rounds[tuple[Turn, Found]]:
    """Plan a search and ask its legs; without scripts where the server refuses them."""
    turn = yield from _planned(asked, searched, known, bound, vectors)
    try:
        found = yield from _asked(turn, known, bound)
    except RequestRefused as error:
        if not _refuses_scripts(turn.legs, str(error)):
            raise
    else:
        if not _refuses_scripts(found.failed, *found.degraded):
            return turn, found
    known.scripts_refused = True  # it was not told, or scripts are forbidden
    turn = yield from _planned(asked, searched, known, bound, vectors)
    return turn, (yield from _asked(turn, known, bound))


def _refuses_scripts(legs: Sequence[LegSearch], *said: str) -> bool:
    """Whether a server without scripts, or that forbids them, was asked for one of ours."""
    scripted = any(leg.way == "exact:script_score" for leg in legs)
    return scripted and any(_NO_SCRIPTS.search(one) for one in said)


def _planned(
    asked: Asked, searched: Searched, known: Known, bound: Bound, vectors: Mapping[str, Vectors]
) -> Steps[Turn]:
    painless = False if known.scripts_refused else None
    means = Means(known.embedder, known.can, painless, vectors, known.route.packs)
    limits = clauses(bound.filters, fields=searched.fields)
    asked, itself = yield from by_example(
        asked, searched, known.embedder, bound=limits, routing=bound.routing
    )
    shared = (*limits, *clauses(asked.filters, fields=searched.fields), *itself)
    legs = yield from plan(asked, searched, shared, means)
    return Turn(
        asked, searched, legs, shared, frame(asked, searched), _header(asked, searched, bound)
    )


def _header(asked: Asked, searched: Searched, bound: Bound) -> Body:
    """The header line of each search.

    Without a point in time all legs go to the same copies of the shards, chosen anew for each
    search: two copies order equal scores differently, and may not hold the same documents yet.
    """
    # Without this a failed shard answers 200, and its documents are missing in silence.
    partial = {"allow_partial_search_results": asked.allow_partial}
    if asked.pit is not None:
        return partial
    routing = {} if bound.routing is None else {"routing": bound.routing}
    preference = asked.preference or f"es-hybrid-{getrandbits(32):08x}"
    return {"index": searched.name, "preference": preference, **routing, **partial}


def _asked(turn: Turn, known: Known, bound: Bound) -> Rounds[Found]:
    """Ask the legs, fused by Elasticsearch or here."""
    if not (yield from _goes_native(turn, known)):
        return (yield from _here(turn, known, bound))
    try:
        return (yield from _there(turn))
    except RequestRefused as error:
        if not native.is_refusal(error):
            raise
        known.route.refused = True
        if turn.asked.fusion == "native":
            raise _no_licence(str(error)) from error
    return (yield from _here(turn, known, bound))


def _goes_native(turn: Turn, known: Known) -> Steps[bool]:
    asked = turn.asked
    if not asked.fused or asked.fusion == "client":
        return False
    if asked.fusion == "auto" and known.route.refused:
        return False
    can = yield from known.can()
    if asked.fusion == "auto":
        return known.route.able and native.obstacle(asked, turn.legs, can) is None
    if (obstacle := native.obstacle(asked, turn.legs, can)) is not None:
        raise UsageError(f"fusion 'native' cannot do this: {obstacle}; take 'auto' or 'client'")
    return True


def _no_licence(said: str) -> LicenceMissing:
    return LicenceMissing(
        f"the server has no native fusion: {said} Take fusion 'auto' or 'client': es_hybrid's own "
        "gives the same hits on any licence"
    )


def _there(turn: Turn) -> Rounds[Found]:
    ask = native.body(turn.asked, turn.legs, turn.shared, turn.frame)
    (response,) = yield turn.round([ask])
    if "error" in response:
        raise failure(response["status"], response, what="search", url=turn.searched.name)
    check_whole(gaps(response), where=turn.searched.name)
    try:
        return fused_there(response)
    except (KeyError, TypeError) as error:
        raise garbled("a search", error, where=turn.searched.name) from error


def _here(turn: Turn, known: Known, bound: Bound) -> Rounds[Found]:
    asked = turn.asked
    sent = [leg for leg in turn.legs if leg.way != "exact:scanned"]
    responses = iter((yield turn.round([body(leg, turn.frame) for leg in sent])) if sent else ())
    answers: list[Any] = []
    for leg in turn.legs:
        if leg.way != "exact:scanned":
            answers.append(next(responses))
            continue
        try:
            answers.append((yield from _scanned(leg, turn, known, bound)))
        except ServerError as error:
            answers.append(error)
    where = turn.searched.name
    told = read(turn.legs, answers, where=where, allow_partial=asked.allow_partial)
    with ReadingHits(told.rankings, where):
        return fused_here(told, asked)


def _scanned(leg: LegSearch, turn: Turn, known: Known, bound: Bound) -> Steps[Body]:
    """The answer of a leg whose vectors are compared on this side."""
    binary = (yield from known.can()).base64_queries
    return (
        yield from scan(
            leg,
            turn.frame,
            name=turn.searched.name,
            binary=binary,
            routing=bound.routing,
            allow_partial=turn.asked.allow_partial,
        )
    )
