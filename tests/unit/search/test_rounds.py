"""Searches of several tasks that share their requests."""

import pytest

from es_hybrid.errors import RequestRefused, UsageError
from es_hybrid.search.rounds import Round, together
from es_hybrid.steps import Request, Work

HEADER = {"index": "films"}


def body(name):
    return {"size": 1, "query": name}


def response(name):
    return {"status": 200, "hits": {"hits": [name]}}


def task(*rounds):
    """Asks round after round; returns what it was answered."""
    got = []
    for names in rounds:
        answered = yield Round([(HEADER, body(name)) for name in names])
        got += [answered]
    return got


def carried_out(tasks, names=()):
    """The results, and the searches of each request, of a server that echoes the queries."""
    sent, steps = [], together(tasks, names)
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value, sent
        if isinstance(step, Work):
            answer = step.call()
            continue
        asked = [one["query"] for one in step.body[1::2]]
        sent.append(asked)
        answer = {"responses": [response(name) for name in asked]}


def test_the_first_rounds_go_together_and_then_the_second_ones():
    results, sent = carried_out([task("ab", "c"), task("d"), task("e", "fg", "h")])
    assert sent == [["a", "b", "d", "e"], ["c", "f", "g"], ["h"]]
    assert results[1] == [[response("d")]]
    assert results[2] == [[response("e")], [response("f"), response("g")], [response("h")]]


def test_a_task_that_asks_nothing_holds_nobody_up():
    results, sent = carried_out([task(), task("a")])
    assert (results[0], sent) == ([], [["a"]])


def test_no_tasks_ask_nothing():
    assert carried_out([]) == ([], [])


def test_other_steps_are_carried_out_between_the_rounds():
    def computing():
        number = yield Work(lambda: 2)
        (found,) = yield Round([(HEADER, body("x" * number))])
        return found

    assert carried_out([computing(), task("a")]) == (
        [response("xx"), [[response("a")]]],
        [["xx", "a"]],
    )


def test_headers_of_all_tasks_are_sent():
    def asking(name):
        yield Round([(HEADER, body(name))], {name: "1"})

    step = together([asking("a"), asking("b")]).send(None)
    assert (step.method, step.path, step.ndjson) == ("POST", "/_msearch", True)
    assert step.headers == {"a": "1", "b": "1"}


def refused():
    return RequestRefused("no", status=400, kind="parsing_exception")


def test_an_error_of_the_request_reaches_each_task_which_may_know_a_way_without_it():
    def patient(name):
        try:
            yield Round([(HEADER, body(name))])
        except RequestRefused:
            return f"{name} does without"

    steps = together([patient("a"), patient("b")], ["one", "two"])
    steps.send(None)
    with pytest.raises(StopIteration) as end:
        steps.throw(refused())
    assert end.value.value == ["a does without", "b does without"]


def failing(name):
    yield Round([(HEADER, body(name))])
    raise UsageError(f"{name} cannot be")


def test_an_error_of_one_task_is_raised_with_its_name():
    with pytest.raises(UsageError, match="b cannot be") as raised:
        carried_out([task("a"), failing("b"), failing("c")], ["one", "two", "three"])
    assert raised.value.__notes__ == ["two"]


def test_an_error_of_the_request_is_no_single_tasks():
    steps = together([task("a"), task("b")], ["one", "two"])
    steps.send(None)
    with pytest.raises(RequestRefused) as raised:
        steps.throw(refused())
    assert not hasattr(raised.value, "__notes__")


def test_whoever_is_stopped_lets_go_of_what_a_task_holds():
    def holding():
        try:
            yield Work(lambda: None)
        except KeyboardInterrupt:
            yield Request("DELETE", "/_pit")
            raise

    steps = together([holding()])
    steps.send(None)
    assert steps.throw(KeyboardInterrupt()).method == "DELETE"
    with pytest.raises(KeyboardInterrupt):
        steps.send({})
