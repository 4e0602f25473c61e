"""Searches of one task, or of several, that go out in one ``_msearch``.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeVar

from es_hybrid.client import path
from es_hybrid.errors import ServerUnreachable
from es_hybrid.json_values import shown
from es_hybrid.steps import RAISED, Request, Step, Steps

T = TypeVar("T")
Body = Mapping[str, Any]

_MSEARCH = path("_msearch")


@dataclass(slots=True)
class Round:
    """Searches that a task sends at once; their responses are sent back, in their order.

    Attributes:
        searches: pairs of the header line and the body.
        headers: of the request.
    """

    searches: Sequence[tuple[Body, Body]]
    headers: Mapping[str, str] = field(default_factory=dict)


Rounds = Generator[Step | Round, Any, T]


def together(tasks: Sequence[Rounds[T]], names: Sequence[str | None] = ()) -> Steps[list[T]]:
    """Carry out tasks side by side, their first rounds in one request, then their second ones.

    Args:
        tasks: of which the first to go wrong ends all.
        names: one for each; an error has that of its task as a note.

    Raises whatever a task raises; the others are dropped.
    """
    running = [_Task(task, name) for task, name in zip_longest(tasks, names)]
    while waiting := [one for one in running if not one.done]:
        for one in waiting:
            yield from one.until_round()
        yield from _one_round([one for one in waiting if one.round is not None])
    return [one.result for one in running]


class _Task:
    """One task, the round that it waits for, and what it goes on with when its turn comes.

    One task goes on to its next round before another begins, which so knows what it has learnt.
    """

    def __init__(self, rounds: Rounds[Any], name: str | None) -> None:
        self._rounds, self._name = rounds, name
        self._answer: Any = None
        self._error: BaseException | None = None
        self._of_all: BaseException | None = None
        self.round: Round | None = None
        self.done = False
        self.result: Any = None

    def answer(self, responses: Sequence[Any]) -> None:
        """Go on with the responses to its round."""
        self._answer = responses

    def fail(self, error: Exception) -> None:
        """Go on with an error of the request that all tasks share."""
        self._error = self._of_all = error

    def until_round(self) -> Steps[None]:
        """Go on to the next round, or to the end; what is no round is carried out."""
        self.round = None
        while (step := self._next()) is not None:
            if isinstance(step, Round):
                self.round = step
                return
            try:
                self._answer = yield step
            except RAISED as error:  # the task decides what to make of it
                self._error = error

    def _next(self) -> Step | Round | None:
        """What the task asks for next; None at its end."""
        answer, error, self._answer, self._error = self._answer, self._error, None, None
        try:
            return self._rounds.send(answer) if error is None else self._rounds.throw(error)
        except StopIteration as end:
            self.done, self.result = True, end.value
            return None
        except Exception as raised:
            if self._name is not None and raised is not self._of_all:
                raised.add_note(self._name)
            raise


def _one_round(tasks: Sequence[_Task]) -> Steps[None]:
    rounds = [one.round for one in tasks if one.round is not None]
    if not rounds:
        return
    lines = [line for each in rounds for pair in each.searches for line in pair]
    headers = {name: value for each in rounds for name, value in each.headers.items()}
    try:
        answer = yield Request("POST", _MSEARCH, body=lines, ndjson=True, headers=headers)
        responses = iter(_responses(answer, count=len(lines) // 2))
    except Exception as error:  # each task may know a way without it
        for one in tasks:
            one.fail(error)
        return
    for one, each in zip(tasks, rounds, strict=True):
        one.answer([next(responses) for _ in each.searches])


def _responses(answer: Any, *, count: int) -> list[dict[str, Any]]:
    """One response for each search.

    Raises:
        ServerUnreachable: these are none; something between here and there has made them up.
    """
    given = answer.get("responses") if isinstance(answer, dict) else None
    if not isinstance(given, list) or len(given) != count or not all(map(_is_response, given)):
        raise ServerUnreachable(
            f"POST /_msearch with {count} searches was answered with {shown(answer)}, which is no "
            "answer of an Elasticsearch: correct --url, or look at the proxy in between"
        )
    return [{"status": 500, **one} if "error" in one else one for one in given]


def _is_response(one: Any) -> bool:
    if not isinstance(one, dict):
        return False
    hits = one.get("hits")
    return "error" in one or (isinstance(hits, dict) and isinstance(hits.get("hits"), list))
