"""Searches of one task, or of several, that go out in one ``_msearch``.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

from es_hybrid.client import path
from es_hybrid.errors import ServerUnreachable
from es_hybrid.json_values import shown
from es_hybrid.steps import RAISED, Request, Step, Steps

T = TypeVar("T")
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
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
        yield from _one_round([one for one in waiting if not one.done])
    return [one.result for one in running]


class _Task:
    """One task, the step that it waits for, and what it goes on with when its turn comes.

    One task goes on to its next round before another begins, which so knows what it has learnt.
    """

    def __init__(self, rounds: Rounds[Any], name: str | None) -> None:
        self._rounds, self._name = rounds, name
        self._of_all: BaseException | None = None
        self._going_on: Callable[[], None] | None = partial(self.send, None)
        self.step: Step | Round | None = None
        self.done = False
        self.result: Any = None

    def send(self, answer: Any) -> None:
        self._moved(partial(self._rounds.send, answer))

    def throw(self, error: BaseException) -> None:
        self._moved(partial(self._rounds.throw, error))

    def _moved(self, go_on: Callable[[], Step | Round]) -> None:
        try:
            self.step = go_on()
        except StopIteration as end:
            self.done, self.result = True, end.value
        except Exception as error:
            if self._name is not None and error is not self._of_all:
                error.add_note(self._name)
            raise

    def answer(self, responses: Sequence[Any]) -> None:
        self._going_on = partial(self.send, responses)

    def fail(self, error: Exception) -> None:
        """Go on with an error of the request that all tasks share."""
        self._of_all = error
        self._going_on = partial(self.throw, error)

    def until_round(self) -> Steps[None]:
        """Carry out what is no round."""
        if self._going_on is not None:
            go_on, self._going_on = self._going_on, None
            go_on()
        while not self.done and not isinstance(self.step, Round) and self.step is not None:
            try:
                answer = yield self.step
            except RAISED as error:  # the task decides what to make of it
                self.throw(error)
            else:
                self.send(answer)


def _one_round(tasks: Sequence[_Task]) -> Steps[None]:
    rounds = [one.step for one in tasks if isinstance(one.step, Round)]
    if not rounds:
        return
    lines = [line for each in rounds for pair in each.searches for line in pair]
    headers = {name: value for each in rounds for name, value in each.headers.items()}
    try:
        answer = yield Request("POST", path("_msearch"), body=lines, ndjson=True, headers=headers)
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
