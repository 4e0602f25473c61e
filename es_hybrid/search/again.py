"""What is asked after the legs: where it fails, the hits are there nevertheless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.errors import ServerError
from es_hybrid.refusals import failure
from es_hybrid.search.answers import check_whole, gaps
from es_hybrid.search.asking import Turn
from es_hybrid.search.queries import Body
from es_hybrid.search.rounds import Rounds

Responses = list[Mapping[str, Any] | None]


def again(turn: Turn, asked: Sequence[tuple[str, Body]]) -> Rounds[tuple[Responses, list[str]]]:
    """Ask once more, beyond the legs.

    Args:
        turn: the search.
        asked: what each is for, and its body.

    Returns:
        The responses, None where there is none, and what is missing, in words; something is
        missing only where the search allows that.

    Raises:
        ServerError: one failed.
        PartialAnswer: a shard failed or was late.
    """
    if not asked:
        return [], []
    try:
        responses = yield turn.round([body for _, body in asked])
    except ServerError as error:
        if not turn.asked.allow_partial:
            raise
        return [None] * len(asked), [f"{what}: {error}" for what, _ in asked]
    return _read(turn, [what for what, _ in asked], responses)


def _read(
    turn: Turn, names: Sequence[str], responses: Sequence[Mapping[str, Any]]
) -> tuple[Responses, list[str]]:
    where = turn.searched.name
    good: Responses = []
    missing = []
    for what, response in zip(names, responses, strict=True):
        failed = "error" in response
        good.append(None if failed else response)
        if failed:
            error = failure(response["status"], response, what=f"{what} of a search", url=where)
            if not turn.asked.allow_partial:
                raise error
            missing.append(f"{what}: {error}")
        missing += [f"{what}: {gap}" for gap in gaps(response)]
    if not turn.asked.allow_partial:
        check_whole(missing, where=where)
    return good, missing
