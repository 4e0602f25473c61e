"""Deadlines: a request that is answered too slowly is given up as a whole.

A client's ``request_timeout`` is one of each read from the connection, so that an answer that
comes byte by byte may take hours. Here a request has a thread of its own, which is told to stop
when the time is over: it closes its connection then, as after any error, and what it may still
have read is nobody's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

from es_hybrid.errors import ServerUnreachable

T = TypeVar("T")

# To connect, to send, and to wait for the answer: each may take a whole timeout by itself.
_STEPS = 3


def deadline(client: Any) -> float | None:
    """Seconds that a request of this client may take in all.

    None: for ever, or, as with aiohttp, its timeout is one of the whole request already.
    """
    if not hasattr(client, "_request_timeout"):
        return None
    timeout = client._request_timeout
    if timeout is not None and not isinstance(timeout, int | float):  # not said: the nodes' own
        nodes = client.transport.node_pool.all()
        timeout = max((node.config.request_timeout or 0 for node in nodes), default=0) or None
    return None if timeout is None else _STEPS * timeout


def within(seconds: float | None, call: Callable[[], T], *, what: str) -> T:
    """What `call` returns or raises.

    Args:
        seconds: after which it is given up; None waits for ever, without a thread.
        call: reads from a connection, in Python.
        what: names it in the message.

    Raises:
        ServerUnreachable: the time is over.
    """
    if seconds is None:
        return call()
    made = _Call(call)
    if made.ended(seconds):
        return made.outcome()
    raise ServerUnreachable(
        f"{what} has no whole answer after {seconds:g} s, though some of it came: look at what "
        "stands between here and Elasticsearch, or raise the client's request_timeout"
    )


class _Cut(BaseException):  # no Exception, which a client would take for a failed attempt
    """Ends the thread of a request that takes too long."""


class _Call(Generic[T]):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._lock = Lock()
        self._ended = Event()
        self._returned: list[T] = []
        self._raised: BaseException | None = None
        # A daemon, so that no process waits at its end for a server that keeps silent.
        self._thread = Thread(target=self._work, name="es_hybrid-request", daemon=True)

    def ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds; it is cut off otherwise, as on Ctrl-C."""
        self._thread.start()
        try:
            self._ended.wait(seconds)
        finally:
            with self._lock:
                there = self._ended.is_set()
                if not there:
                    _cut(self._thread)
        return there

    def outcome(self) -> T:
        """What it returned or raised."""
        if self._raised is not None:
            raise self._raised
        return self._returned[0]

    def _work(self) -> None:
        try:
            self._run()
        except _Cut:
            return  # its connection is closed by now

    def _run(self) -> None:
        try:
            self._returned.append(self._call())
        except _Cut:
            raise
        except BaseException as error:
            self._raised = error
        with self._lock:  # whoever cuts holds it: the thread is alive, and the exception meant
            self._ended.set()


def _cut(thread: Thread) -> None:
    """Raise `_Cut` in a thread, as soon as it runs Python: at the next bytes, or its own timeout.

    https://docs.python.org/3/c-api/threads.html#c.PyThreadState_SetAsyncExc
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Cut)
    )
