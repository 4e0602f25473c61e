"""A server that answers at once: what a search costs beside the wire, and nothing else.

It knows one index of es_hybrid, and answers every ``_msearch`` with the same two legs. It keeps
the requests it got, so that others can send the same bytes.
"""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, BinaryIO

import numpy as np
import orjson
from replies import reply
from synthetic import LABEL, TEXT, Corpus

from es_hybrid.contract import Contract
from es_hybrid.embedders.given import Given
from es_hybrid.mapping import first_version, index_body

NAME, TITLE, VERSION = "bench-stub", "title", "9.5.4"
SHARED_HITS = 30  # of both legs
SENT = "/_sent"

Answers = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came.

    Attributes:
        method: such as ``"POST"``.
        target: path and query string.
        headers: as they were written.
        body: as it was written.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: str


def answers(corpus: Corpus, *, window: int) -> Answers:
    """``"METHOD path"`` -> body, for all that a searcher asks."""
    live = index_body(contract(corpus.dims), replicas=0)
    about: dict[str, Any] = {
        "GET /": {"version": {"number": VERSION, "build_flavor": "default"}},
        "GET /_license": {"license": {"type": "basic", "status": "active"}},
        "GET /_nodes/_local/plugins": {"nodes": {"one": _node()}},
        f"GET /{NAME}": {first_version(NAME): live | {"aliases": {NAME: {}}}},
        "POST /_msearch": _legs(corpus, window=window),
    }
    return {what: orjson.dumps(body) for what, body in about.items()}


def contract(dims: int) -> Contract:
    """Of an index of ready vectors."""
    info = Given(LABEL, dims=dims).info
    return Contract(info, (TITLE, TEXT), "standard", "int8_hnsw", probes=())


def _node() -> dict[str, Any]:
    modules = [{"name": name} for name in ("lang-painless", "rank-rrf")]
    return {"version": VERSION, "plugins": [], "modules": modules}


def _legs(corpus: Corpus, *, window: int) -> dict[str, Any]:
    """Two legs of `window` hits each, of which they share some."""
    texts = list(corpus.texts())
    random = np.random.default_rng(corpus.seed)
    apart = window - SHARED_HITS
    places = (range(window), [*range(window, window + apart), *range(SHARED_HITS)])
    bm25, knn = (random.permutation(leg).tolist() for leg in places)
    return {
        "took": 3,
        "responses": [
            _leg(texts, bm25, total={"value": 10_000, "relation": "gte"}, best=20.0),
            _leg(texts, knn, total={"value": window, "relation": "eq"}, best=0.95),
        ],
    }


def _leg(
    texts: list[str], places: list[int], *, total: dict[str, Any], best: float
) -> dict[str, Any]:
    scores = [float(np.float32(best / (1 + rank / 200))) for rank in range(len(places))]
    hits = [
        {
            "_index": first_version(NAME),
            "_id": str(place),
            "_score": score,
            "_source": {TITLE: texts[place][:40], TEXT: texts[place][40:]},
            "sort": [score, place],
        }
        for place, score in zip(places, scores, strict=True)
    ]
    return {
        "took": 3,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": scores[0], "hits": hits},
        "status": 200,
    }


@contextmanager
def stub(known: Answers) -> Iterator[int]:
    """The port of a stub in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(known, theirs), daemon=True)
    process.start()
    theirs.close()  # so that a stub that ends before it tells its port is an error, not a wait
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def sent(port: int) -> list[Sent]:
    """What came since it was asked last."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", SENT)
    told = orjson.loads(connection.getresponse().read())
    connection.close()
    return [Sent(**one) for one in told]


def serve(known: Answers, parent: Connection) -> None:
    """Answer until the process is ended; tells the port."""
    log: list[Sent] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        parent.send(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_answer_all, args=(connection, known, log), daemon=True).start()


def _answer_all(connection: socket.socket, known: Answers, log: list[Sent]) -> None:
    replies = {what: reply(200, body) for what, body in known.items()}
    unknown = reply(404, b'{"error":{"type":"unknown","reason":"unknown"},"status":404}')
    with connection, connection.makefile("rb") as stream:
        while request := _read(stream):
            if request.target == SENT:
                connection.sendall(reply(200, orjson.dumps(log)))
                log.clear()
                continue
            what = f"{request.method} {request.target.partition('?')[0]}"
            connection.sendall(replies.get(what, unknown))
            log[:] = [*log[-9:], request]


def _read(stream: BinaryIO) -> Sent | None:
    first = stream.readline().decode().split()
    if not first:
        return None
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Sent(first[0], first[1], headers, body.decode())
