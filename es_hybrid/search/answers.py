"""What the legs answered: every failure is an error, or is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import PartialAnswer, ServerError, ServerUnreachable
from es_hybrid.refusals import explain, failure
from es_hybrid.search.queries import LegSearch
from es_hybrid.search.rankings import Ranking, ranking

# What is raised where a part of an answer is not there, or is something else.
MISSED = (KeyError, IndexError, TypeError)


@dataclass(slots=True)
class Answers:
    """The legs that answered, and what is missing.

    Attributes:
        rankings: of the legs that answered, in their order.
        failed: legs that did not.
        degraded: what is missing, in words.
    """

    rankings: tuple[Ranking, ...]
    failed: tuple[LegSearch, ...] = ()
    degraded: tuple[str, ...] = ()


def read(
    legs: Sequence[LegSearch],
    responses: Sequence[Mapping[str, Any] | ServerError],
    *,
    where: str,
    allow_partial: bool,
) -> Answers:
    """Read the legs' responses.

    Args:
        legs: what was asked.
        responses: one for each, or why there is none.
        where: the index, for messages.
        allow_partial: go on without what failed, as long as one leg answered.

    Raises:
        ServerError: a leg failed, or all did.
        PartialAnswer: a shard failed or was late.
    """
    rankings, failed, degraded = [], [], []
    errors: list[ServerError] = []
    for leg, response in zip(legs, responses, strict=True):
        if isinstance(response, ServerError) or "error" in response:
            errors.append(_error(leg, response, where=where))
            failed.append(leg)
            degraded.append(f"leg {leg.name}: {errors[-1]}")
            continue
        rankings.append(_ranking(leg, response, where=where))
        degraded += [f"leg {leg.name}: {gap}" for gap in gaps(response)]
    if errors and not (allow_partial and rankings):
        raise errors[0]
    if not allow_partial:
        check_whole(degraded, where=where)
    return Answers(tuple(rankings), tuple(failed), tuple(degraded))


def _error(leg: LegSearch, response: Mapping[str, Any] | ServerError, *, where: str) -> ServerError:
    if isinstance(response, ServerError):
        return response
    what = f"leg {leg.name!r} of a search"
    return failure(response["status"], response, what=what, url=where)


def _ranking(leg: LegSearch, response: Mapping[str, Any], *, where: str) -> Ranking:
    try:
        return ranking(leg, response)
    except MISSED as error:
        raise garbled(f"leg {leg.name!r} of a search", error, where=where) from error


@dataclass(slots=True)
class ReadingHits:
    """A context in which hits are read: where they lack a part, ServerUnreachable says so.

    What they lack is looked for only once it is missed: to look at each hit takes a tenth of what
    a search takes on this side.

    Attributes:
        rankings: whose hits are read.
        where: the index, for messages.
    """

    rankings: Iterable[Ranking]
    where: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, MISSED):
            for one in self.rankings:
                _check_hits(one, where=self.where)


def _check_hits(one: Ranking, *, where: str) -> None:
    try:
        for hit in one.hits:
            hit["sort"][1] + 0, hit["_score"] + 0
    except MISSED as error:
        raise garbled(f"leg {one.leg.name!r} of a search", error, where=where) from error


def garbled(what: str, error: Exception, *, where: str) -> ServerUnreachable:
    """The error for hits that lack what every Elasticsearch gives."""
    return ServerUnreachable(
        f"{what} in {where} was answered with hits that lack {error}, which is no answer of an "
        "Elasticsearch: correct --url, or look at the proxy in between"
    )


def check_whole(missing: Sequence[str], *, where: str) -> None:
    """Raise PartialAnswer if something is missing from the answer of the index `where`."""
    if missing:
        raise PartialAnswer(
            f"search in {where} is incomplete: {'; '.join(missing)}. Try again, or take what "
            "there is with --allow-partial (allow_partial=True in code)"
        )


def gaps(response: Mapping[str, Any]) -> list[str]:
    """What one response lacks: shards that failed, or that were late."""
    found = []
    shards = response.get("_shards", {})
    if shards.get("failed"):
        reasons = [explain(one.get("reason", {}))[1] for one in shards.get("failures", ())]
        why = f" ({reasons[0]})" if reasons else ""
        found.append(f"{shards['failed']} of {shards.get('total', '?')} shards failed{why}")
    if response.get("timed_out"):
        found.append("it was cut off by its timeout")
    return found
