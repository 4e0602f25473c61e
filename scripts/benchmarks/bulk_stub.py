"""A server that takes whatever it is sent: what writing costs beside the server, and nothing else.

It has no index and makes whichever it is told to. Every item of a ``_bulk`` is answered as
Elasticsearch answers one that it wrote; of ``filter_path`` it knows the one that es_hybrid sends.
"""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Thread
from typing import BinaryIO

import orjson
from replies import reply

VERSION = "9.5.4"
LARGEST = 1 << 24  # bytes of a request

_WHOLE = orjson.dumps(
    {
        "index": {
            "_index": "bench-000001",
            "_id": "1234567",
            "_version": 1,
            "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": 1234567,
            "_primary_term": 1,
            "status": 201,
        }
    }
)
_STATUS = b'{"index":{"status":201}}'
_KNOWN = {
    "GET /": (200, {"version": {"number": VERSION, "build_flavor": "default"}}),
    "GET /_license": (200, {"license": {"type": "basic", "status": "active"}}),
}
_MISSING = (404, {"error": {"type": "index_not_found_exception", "reason": "none"}, "status": 404})


@contextmanager
def bulk_stub() -> Iterator[str]:
    """The URL of a stub in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that a stub that ends before it tells its port is an error, not a wait
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def serve(parent: Connection) -> None:
    """Answer until the process is ended; tells the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        parent.send(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_answer_all, args=(connection,), daemon=True).start()


def _answer_all(connection: socket.socket) -> None:
    buffer = bytearray(LARGEST)
    with connection, connection.makefile("rb", 1 << 20) as stream:
        while first := stream.readline().decode().split():
            body = _body(stream, buffer)
            connection.sendall(_answer(first[0], first[1], body))


def _body(stream: BinaryIO, buffer: bytearray) -> memoryview:
    length = 0
    while line := stream.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    view = memoryview(buffer)[:length]
    done = 0
    while done < length:
        done += stream.readinto(view[done:])  # type: ignore[attr-defined]  # typeshed lacks it
    return view


def _answer(method: str, target: str, body: memoryview) -> bytes:
    where, _, query = target.partition("?")
    if where.endswith("/_bulk"):
        return reply(200, _taken(bytes(body).count(b"\n") // 2, only_status=bool(query)))
    if where.endswith("/_mget"):
        return reply(200, orjson.dumps({"docs": [{"_id": i} for i in orjson.loads(body)["ids"]]}))
    if method in ("PUT", "POST", "DELETE"):
        return reply(200, b'{"acknowledged":true}')
    status, known = _KNOWN.get(f"{method} {where}", _MISSING)
    return reply(status, orjson.dumps(known))


def _taken(count: int, *, only_status: bool) -> bytes:
    items = b",".join([_STATUS if only_status else _WHOLE] * count)
    return b'{"errors":false,"items":[%b]}' % items
