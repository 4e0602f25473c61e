"""Stand-ins that explain themselves."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Answer:
    """What the fake server says once.

    ``body`` goes out as JSON, unless it is a text, which goes out as it is with
    ``content_type``. ``delay`` is in seconds; ``drop`` closes the connection unanswered,
    as an https server does that is spoken to in plain http.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay: float = 0.0
    drop: bool = False


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class FakeServer:
    """A scripted Elasticsearch on loopback, for clusters that cannot be run here.

    It stands in for serverless projects, trial licences, missing privileges and broken
    proxies. The script says what ``(method, path)`` answers: a mapping or list (JSON with
    status 200), an :class:`Answer`, or a tuple of Answers that are given one after another,
    the last one for ever. What the script does not name is answered as Elasticsearch
    answers what it does not have: 400 ``no handler found``. Like Elasticsearch, it
    marks each answer with ``X-Elastic-Product``; ``Answer(headers={"X-Elastic-Product": ""})``
    is somebody else's server. Every request is kept in ``requests``::

        with FakeServer({("GET", "/"): {"version": {"number": "9.5.4"}}}) as server:
            server.client().info()
            assert server.requests[0].path == "/"

    Clients made by :meth:`client` are real ones; they are closed with the server.
    """

    def __init__(self, script: Mapping[tuple[str, str], Any] | None = None) -> None:
        self.script = dict(script or {})
        self.requests: list[Received] = []
        self._clients: list[Elasticsearch] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def client(self, **options: Any) -> Elasticsearch:
        """Return a real client for this server; retries are off unless asked for."""
        self._clients.append(Elasticsearch(self.url, **{"max_retries": 0} | options))
        return self._clients[-1]

    def answer_to(self, method: str, path: str) -> Answer:
        """Return the next scripted answer."""
        scripted = self.script.get((method, path))
        if isinstance(scripted, tuple):
            scripted, *rest = scripted
            if rest:
                self.script[method, path] = tuple(rest)
        if scripted is None:
            missing = f"no handler found for uri [{path}] and method [{method}]"
            return Answer({"error": missing, "status": 400}, status=400)
        return scripted if isinstance(scripted, Answer) else Answer(scripted)


def _handler_for(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept, as Elasticsearch keeps them
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

        def handle_any(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.requests.append(Received(self.command, target.path, target.query, headers, body))
            self.say(fake.answer_to(self.command, target.path))

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the base's names

        def say(self, answer: Answer) -> None:
            time.sleep(answer.delay)
            if answer.drop:
                self.close_connection = True
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            payload = b"" if self.command == "HEAD" else text.encode()
            headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": answer.content_type}
            self.send_response(answer.status)
            for name, value in (headers | dict(answer.headers)).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            try:
                self.wfile.write(payload)
            except OSError:
                self.close_connection = True  # the client gave up waiting

        def log_message(self, *_: object) -> None:
            """Keep quiet: what arrived stands in ``requests``."""

    return Handler
