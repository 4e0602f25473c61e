"""A proxy that breaks what passes through it, at a moment that a script names.

It stands on loopback between a client and a real node, and passes everything through but the
requests that a `Rule` of its script names. It keeps who was told what: the documents that the node
took, and of these the ones whose taking reached the client.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST, not FIN
_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Always:
    """Every ordinal from `first` on."""

    def __init__(self, first: int = 1) -> None:
        self.first = first

    def __contains__(self, ordinal: object) -> bool:
        return isinstance(ordinal, int) and ordinal >= self.first


@dataclass
class Answer:
    """An answer of the node, or one made up."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def with_json(self, said: Any) -> Answer:
        return replace(self, body=orjson.dumps(said))

    def raw(self) -> bytes:
        """As it goes over the wire."""
        kept = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        lines = [f"HTTP/1.1 {self.status} Scripted"]
        lines += [f"{name}: {value}" for name, value in kept.items()]
        lines += [f"content-length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


def made_up(status: int, said: Any, **headers: str) -> Answer:
    """An answer that no node gave: `said` is JSON, unless it is text, which goes out as HTML."""
    html = isinstance(said, str)
    kind = "text/html" if html else "application/vnd.elasticsearch+json;compatible-with=8"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    marked = {"X-elastic-product": "Elasticsearch", "content-type": kind, **named}
    return Answer(status, marked, said.encode() if html else orjson.dumps(said))


Act = Callable[["Exchange"], Awaitable[None]]


@dataclass(frozen=True, eq=False)
class Rule:
    """What happens to the n-th requests that match.

    Attributes:
        fault: its name, under which it is counted.
        act: what is done instead of passing the request through.
        at: which of the matching requests, counted from 1.
        on: regular expression for ``"POST /index/_bulk"``, searched for.
        above: bytes that the body must have at least.
    """

    fault: str
    act: Act
    at: Container[int] = frozenset({3})
    on: str = "_bulk"
    above: int = 0


@dataclass
class Fired:
    """That a fault happened, and of how many documents the client knew then.

    Attributes:
        fault: its name.
        acknowledged: documents that it knew to be written.
        shown: documents that searches had given to it.
    """

    fault: str
    acknowledged: int
    shown: int = 0


@dataclass
class Exchange:
    """One request on its way; its body is read from the client only when it is asked for."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    method: str
    target: str
    headers: dict[str, str]
    length: int
    _body: bytes | None = field(default=None, repr=False)

    @property
    def ids(self) -> list[str]:
        """Of the documents in a bulk request, whose body has been read."""
        return ids(self._body or b"")

    async def body(self) -> bytes:
        if self._body is None:
            self._body = await self.reader.readexactly(self.length)
        return self._body

    async def forward(self, body: bytes | None = None) -> Answer:
        """What the node answers, to the request as it is or with another body."""
        sent = await self.body() if body is None else body
        return await self.proxy.ask(self.method, self.target, self.headers, sent)

    async def reply(self, answer: Answer) -> None:
        """Give the client an answer; what it acknowledges is noted."""
        self.writer.write(answer.raw())
        await self.writer.drain()
        if "_bulk" in self.target and answer.status == 200:
            self.proxy.acknowledged.update(taken(self.ids, answer))
        if "_search" in self.target and answer.status == 200:
            self.proxy.shown.update(hits(answer))

    def reset(self) -> None:
        """Break the connection, as a crashed process or a firewall does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()

    async def gave_up(self, seconds: float) -> bool:
        """Whether the client breaks the connection within so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), seconds)
            return True
        return False


def ids(bulk: bytes) -> list[str]:
    """Of the documents in a bulk request: an operation has a line, and one more unless it deletes.

    >>> ids(b'{"delete":{"_id":"1"}}\\n{"update":{"_id":"2"}}\\n{"doc":{}}\\n')
    ['1', '2']
    """
    found, lines = [], iter(bulk.splitlines())
    for line in lines:
        ((kind, action),) = orjson.loads(line).items()
        found.append(action["_id"])
        if kind != "delete":
            next(lines)
    return found


def hits(answer: Answer) -> list[str]:
    """The ids of the documents that the answer to a search shows; none where it cannot be read."""
    with suppress(ValueError, KeyError):
        return [hit["_id"] for hit in answer.json()["hits"]["hits"]]
    return []


def taken(ids: Sequence[str], answer: Answer) -> list[str]:
    """The ids whose items an answer reports as written."""
    with suppress(ValueError, KeyError):
        items = [next(iter(item.values())) for item in answer.json()["items"]]
        pairs = zip(ids, items, strict=False)
        return [identifier for identifier, item in pairs if item["status"] < 300]
    return []


class Proxy:
    """Listens on a port of loopback in a thread of its own; a context manager.

    Args:
        upstream: address of the node; may be changed while it runs.
        trust: what verifies the node's certificate, where it has one.
        certificate: what the proxy itself shows; None speaks plain http.

    Attributes:
        script: the rules; the first that matches acts.
        fired: every fault that happened, in order.
        written: ids that the node reported as written, whether or not the client heard it.
        acknowledged: ids that the client was told are written.
        shown: ids of the documents that searches gave to the client.
        bulks: how many documents each bulk request had that the node answered.
        mistakes: what went wrong in the proxy or its script; it is raised at the end.
    """

    def __init__(
        self,
        upstream: str,
        *,
        trust: ssl.SSLContext | None = None,
        certificate: ssl.SSLContext | None = None,
    ) -> None:
        self.upstream, self.trust, self.certificate = upstream, trust, certificate
        self.script: Sequence[Rule] = ()
        self.fired: list[Fired] = []
        self.written: set[str] = set()
        self.acknowledged: set[str] = set()
        self.shown: set[str] = set()
        self.bulks: list[int] = []
        self.mistakes: list[Exception] = []
        self.port = 0
        self._seen: dict[Rule, int] = {}
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._call(self.listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self.mistakes:
            raise self.mistakes[0]

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def close_for(self, seconds: float | None) -> None:
        """Refuse connections from now on, for good where no seconds are given."""
        self._call(self.refuse(seconds))

    def open_again(self) -> None:
        """Accept connections again, on the same port."""
        self._call(self.listen())

    def show(self, certificate: ssl.SSLContext) -> None:
        """Show another certificate from now on, also to those that are connected."""
        self.close_for(None)
        self.certificate = certificate
        self.open_again()

    def follow(self, *script: Rule) -> None:
        """From now on these rules hold, and counting begins anew."""
        self.script, self._seen = script, {}

    def times(self, fault: str) -> int:
        """How often it happened."""
        return sum(one.fault == fault for one in self.fired)

    async def listen(self) -> None:
        """Accept connections, on the port that it had before if it had one."""
        if self._server:
            return
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.certificate, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self, seconds: float | None = None) -> None:
        """Refuse connections and break those there are; after so many seconds accept again."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        if seconds is not None:
            self.later(seconds, self.listen)

    def later(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do something in so many seconds, whatever happens to this request."""

        async def wait_and_act() -> None:
            await asyncio.sleep(seconds)
            await act()

        self._keep(self._loop.create_task(wait_and_act()))

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request to the node, on a connection of its own."""
        to = urlsplit(self.upstream)
        tls = {"ssl": self.trust, "server_hostname": to.hostname} if self.trust else {}
        reader, writer = await asyncio.open_connection(to.hostname, to.port, **tls)
        try:
            kept = {k: v for k, v in headers.items() if k not in _HOP_BY_HOP}
            kept |= {"content-length": str(len(body)), "connection": "close"}
            lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in kept.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            answer = await _answer(reader, head=method == "HEAD")
        finally:
            writer.close()
        if "_bulk" in target and answer.status == 200:
            sent = ids(body)
            self.bulks.append(len(sent))
            self.written.update(taken(sent, answer))
        return answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.current_task())  # so that it is not left behind at the end
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while exchange := await self._next(reader, writer):
                    await self._pass_or_break(exchange)
                    if writer.is_closing():
                        return
        except Exception as error:
            self.mistakes.append(error)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _next(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Exchange | None:
        line, headers = await _head(reader)
        if not line:
            return None
        method, target, _ = line.split(" ")
        length = int(headers.get("content-length", 0))
        return Exchange(self, reader, writer, method, target, headers, length)

    async def _pass_or_break(self, exchange: Exchange) -> None:
        rule = self._rule(exchange)
        if rule is None:
            await self.pass_on(exchange)
            return
        self.fired.append(Fired(rule.fault, len(self.acknowledged), len(self.shown)))
        await rule.act(exchange)

    async def pass_on(self, exchange: Exchange) -> None:
        try:
            answer = await exchange.forward()
        except OSError:  # nobody listens there: so does nobody here
            exchange.reset()
            return
        await exchange.reply(answer)

    def _rule(self, exchange: Exchange) -> Rule | None:
        """The first that matches; all that match are counted on."""
        found = None
        for rule in self.script:
            matches = re.search(rule.on, f"{exchange.method} {exchange.target}")
            if not matches or exchange.length < rule.above:
                continue
            self._seen[rule] = self._seen.get(rule, 0) + 1
            if found is None and self._seen[rule] in rule.at:
                found = rule
        return found

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _keep(self, task: asyncio.Task[None] | None) -> None:
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        await self.refuse()
        mine = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The first line and the headers, their names in small letters; "" at the end."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return "", {}
    first, *rest = raw.decode("latin-1").split("\r\n")
    named = (line.split(":", 1) for line in rest if line)
    return first, {name.strip().lower(): value.strip() for name, value in named}


async def _answer(reader: asyncio.StreamReader, *, head: bool) -> Answer:
    """The answer of a node that closes the connection behind it."""
    first, headers = await _head(reader)
    if not first:
        raise ConnectionResetError("the node closed the connection")
    body = b"" if head else await reader.read()
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return Answer(int(first.split(" ")[1]), headers, body)


def _unchunked(body: bytes) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding."""
    parts = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return b"".join(parts)
        parts.append(rest[:length])
        body = rest[length + 2 :]
