"""What can happen to a request between a client and a node."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from tests.faults.proxy import Act, Answer, Exchange, made_up

BUSY = {
    "type": "es_rejected_execution_exception",
    "reason": "rejected execution of primary operation",
}
CONFLICT = {
    "type": "version_conflict_engine_exception",
    "reason": "[1]: version conflict, current version [9] is higher than the one provided [8]",
}
HTML = "<html><body><h1>Server Error</h1></body></html>"


async def reset_before_body(exchange: Exchange) -> None:
    """The node never hears of it."""
    exchange.reset()


async def reset_after_body(exchange: Exchange) -> None:
    """The node wrote it all, and nobody is told."""
    await exchange.forward()
    exchange.reset()


def refused(seconds: float) -> Act:
    """Nobody listens for so long."""

    async def act(exchange: Exchange) -> None:
        await exchange.proxy.refuse(seconds)

    return act


def silence(seconds: float) -> Act:
    """The node wrote it all, but its answer never comes and the connection stays open."""

    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        await exchange.gave_up(seconds)
        exchange.reset()

    return act


def trickle(seconds: float, *, heard: Callable[[bool], None] = lambda _: None) -> Act:
    """The answer comes byte by byte, two a second; `heard` is told whether the client left."""

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward()
        left = False
        for byte in answer.raw()[: round(seconds * 2)]:
            exchange.writer.write(bytes([byte]))
            if left := await exchange.gave_up(0.5):
                break
        heard(left)
        exchange.reset()

    return act


def answered(status: int, said: Any = None, **headers: str) -> Act:
    """The answer of a node that did nothing, or of a proxy before it."""
    told = {"error": {"type": f"scripted_{status}", "reason": "scripted"}, "status": status}

    async def act(exchange: Exchange) -> None:
        await exchange.body()
        await exchange.reply(made_up(status, told if said is None else said, **headers))

    return act


def failing_on(word: bytes) -> Act:
    """The node fails as a whole on requests that hold a word, and takes all others."""

    async def act(exchange: Exchange) -> None:
        if word in await exchange.body():
            await answered(500)(exchange)
        else:
            await exchange.proxy.pass_on(exchange)

    return act


async def truncated(exchange: Exchange) -> None:
    """The node wrote it all; the end of its answer is lost, and nothing says so."""
    answer = await exchange.forward()
    await exchange.reply(replace(answer, body=answer.body[: len(answer.body) * 2 // 3]))


async def an_item_short(exchange: Exchange) -> None:
    """The node wrote it all; the answer lacks the last item."""
    answer = await exchange.forward()
    said = answer.json()
    await exchange.reply(answer.with_json({**said, "items": said["items"][:-1]}))


async def a_hit_short(exchange: Exchange) -> None:
    """The answer to a search lacks its first hit."""
    answer = await exchange.forward()
    said = answer.json()
    said["hits"]["hits"] = said["hits"]["hits"][1:]
    await exchange.reply(answer.with_json(said))


async def point_in_time_closed(exchange: Exchange) -> None:
    """The node has forgotten the point in time of a search, as one whose keep-alive is over."""
    pit = {"id": orjson.loads(await exchange.body())["pit"]["id"]}
    sent = orjson.dumps(pit)
    await exchange.proxy.ask("DELETE", "/_pit", exchange.headers, sent)
    await exchange.proxy.pass_on(exchange)


def items_refused(told: Mapping[int, tuple[int, Any]], *, others: bool = True) -> Act:
    """Some items are answered with a status and an error, and are not written.

    Args:
        told: place in the request, modulo its length -> status and error.
        others: whether all others are written; they are answered like the first of `told` else.
    """

    async def act(exchange: Exchange) -> None:
        lines = (await exchange.body()).splitlines(keepends=True)
        pairs = [b"".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
        count = len(pairs)
        refusals = {place % count: said for place, said in told.items()}
        if not others:
            refusals = dict.fromkeys(range(count), next(iter(told.values())))
        passed = [pair for place, pair in enumerate(pairs) if place not in refusals]
        answer = await exchange.forward(b"".join(passed)) if passed else made_up(200, {"items": []})
        await exchange.reply(_spliced(answer, refusals))

    return act


def _spliced(answer: Answer, refusals: Mapping[int, tuple[int, Any]]) -> Answer:
    items = list(answer.json()["items"])
    for place, (status, error) in sorted(refusals.items()):
        items.insert(place, {"index": {"status": status, "error": error}})
    return answer.with_json({"took": 1, "errors": True, "items": items})


def documents_changed(places: Sequence[int], change: Callable[[bytes], bytes]) -> Act:
    """The node gets other documents at these places, and says itself what it thinks of them."""

    async def act(exchange: Exchange) -> None:
        lines = (await exchange.body()).splitlines(keepends=True)
        for place in {place % (len(lines) // 2) for place in places}:
            lines[2 * place + 1] = change(lines[2 * place + 1])
        await exchange.reply(await exchange.forward(b"".join(lines)))

    return act


def meanwhile(
    do: Callable[[], Any],
    *,
    undo: Callable[[], Any] | None = None,
    after: float = 0.5,
    told: Any = None,
) -> Act:
    """Something happens to the node before it gets the request, and is undone after a while.

    With `told` it never gets the request, which is answered 503 with that.
    """

    async def act(exchange: Exchange) -> None:
        await asyncio.to_thread(do)
        if undo:
            exchange.proxy.later(after, _in_thread(undo))
        await (answered(503, told)(exchange) if told else exchange.proxy.pass_on(exchange))

    return act


def certificate_changed(shown: ssl.SSLContext) -> Act:
    """From now on the server shows another certificate, also to those that are connected."""

    async def act(exchange: Exchange) -> None:
        await exchange.proxy.refuse()
        exchange.proxy.certificate = shown
        await exchange.proxy.listen()

    return act


def _in_thread(do: Callable[[], Any]) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        await asyncio.to_thread(do)

    return act


def before_sending(do: Callable[[], Any]) -> Act:
    """Something happens to the client; the node never hears of the request."""

    async def act(exchange: Exchange) -> None:
        await exchange.body()
        await asyncio.to_thread(do)
        exchange.reset()

    return act


def after_sending(do: Callable[[], Any]) -> Act:
    """Something happens to the client; the node has written it all."""

    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        await asyncio.to_thread(do)
        exchange.reset()

    return act
