"""A task written once, carried out by callers that wait and that await."""

import asyncio
import threading

import pytest

from es_hybrid.errors import IndexNotFound
from es_hybrid.steps import Request, Work, arun, run, work
from tests.fakes import Answer, FakeServer

HELLO = Request("GET", "/")
MISSING = Answer({"error": {"type": "index_not_found_exception"}, "status": 404}, status=404)


class Awaited:
    """An AsyncElasticsearch as far as `arun` sees it, over a real client."""

    def __init__(self, client):
        self._client = client
        self.transport = client.transport

    async def perform_request(self, *args, **kwargs):
        await asyncio.sleep(0)
        return self._client.perform_request(*args, **kwargs)


def carried_out(server, make):
    """What both give, and that both ask the same."""
    before = len(server.requests)
    waited = run(server.client(), make())
    middle = len(server.requests)
    awaited = asyncio.run(arun(Awaited(server.client()), make()))
    assert [r.path for r in server.requests[before:middle]] == [
        r.path for r in server.requests[middle:]
    ]
    assert waited == awaited
    return waited


@pytest.fixture
def server():
    with FakeServer({("GET", "/"): {"n": 1}, ("GET", "/films"): MISSING}) as fake:
        yield fake


def test_answers_are_sent_back_in_their_order(server):
    def steps():
        first = yield HELLO
        second = yield from work(lambda: first["n"] + 1)
        return [first, second, (yield HELLO)]

    assert carried_out(server, steps) == [{"n": 1}, 2, {"n": 1}]


def test_a_task_without_steps_asks_nothing(server):
    def steps():
        return 7
        yield HELLO

    assert carried_out(server, steps) == 7
    assert server.requests == []


def test_an_error_is_raised_where_it_was_asked_for(server):
    def steps():
        try:
            yield Request("GET", "/films")
        except IndexNotFound:
            return (yield HELLO)

    assert carried_out(server, steps) == {"n": 1}


def test_an_error_of_a_computation_is_raised_there_too(server):
    def steps():
        try:
            yield Work(lambda: 1 / 0)
        except ZeroDivisionError as error:
            return str(error)

    assert carried_out(server, steps) == "division by zero"


@pytest.mark.parametrize("kind", [IndexNotFound, ValueError])
def test_what_a_task_does_not_catch_comes_out(server, kind):
    def steps():
        yield Request("GET", "/films") if kind is IndexNotFound else Work(lambda: int("x"))

    with pytest.raises(kind):
        run(server.client(), steps())
    with pytest.raises(kind):
        asyncio.run(arun(Awaited(server.client()), steps()))


def test_a_computation_runs_in_a_thread_only_beside_an_event_loop(server):
    def steps():
        return (yield Work(threading.current_thread))

    assert run(server.client(), steps()) is threading.main_thread()
    assert asyncio.run(arun(Awaited(server.client()), steps())) is not threading.main_thread()


def holding(closed):
    try:
        yield Work(wait_for_ever)
    except BaseException:
        closed.append((yield HELLO))
        raise


def wait_for_ever():
    raise KeyboardInterrupt


def test_whoever_is_interrupted_lets_go_first(server):
    closed = []
    with pytest.raises(KeyboardInterrupt):
        run(server.client(), holding(closed))
    assert closed == [{"n": 1}]


def test_whoever_is_cancelled_lets_go_first(server):
    closed, gate = [], threading.Event()

    def steps():
        try:
            yield Work(gate.wait)
        except asyncio.CancelledError:
            closed.append((yield HELLO))
            raise

    async def cancelled():
        task = asyncio.create_task(arun(Awaited(server.client()), steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        gate.set()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert closed == [{"n": 1}]


def test_a_request_passes_on_all_that_it_holds():
    rest = {"params": {"a": 1}, "body": [], "ndjson": True, "headers": {"b": "c"}, "ok": (404,)}
    assert Request("POST", "/x", **rest).rest == rest
