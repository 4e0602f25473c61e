"""Which port the node listens on."""

import errno
import socket
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Self

from es_hybrid.errors import PortTaken, UsageError
from es_hybrid.node.lock import try_hold
from es_hybrid.node.process import born

LOOPBACK = "127.0.0.1"
FIRST = 9200
LAST = 9299
# Where several servers talk to each other; one that is alone takes a port below, at any moment.
TRANSPORT_FIRST, TRANSPORT_LAST = 9400, 9499
# Seconds that a port gets to come free: a server that was killed counts as dead as soon as its
# first thread is gone, and holds its ports until the last one is.
RELEASE = 5.0


class Reservations:
    """Ports that starts on this machine have chosen and do not listen on yet.

    A server binds its port many seconds after it was chosen; meanwhile a lock file keeps other
    starts from choosing it as well. Leaving the block gives the ports back.

    Args:
        folder: Of the lock files, the same for all starts; None reserves nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held = ExitStack()

    def __enter__(self) -> Self:
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def take(self, port: int) -> bool:
        """Reserve ``port`` if it is free and nobody else did; tell whether."""
        if not is_free(port):
            return False
        if self._folder is None:
            return True
        return self._held.enter_context(try_hold(self._folder / str(port)))


def choose(
    asked: int | None,
    *,
    tried: Collection[int] = (),
    take: Callable[[int], bool] | None = None,
) -> int:
    """Return the port asked for, or else the first free one from 9200 on.

    Args:
        asked: The port the caller wants, 1 to 65535, or None.
        tried: Ports that were free a moment ago and then were not.
        take: Tells whether a port may be had; by default if it is free.

    Raises:
        UsageError: No such port exists.
        PortTaken: Another process listens there, or on all of 9200 to 9299.
    """
    if asked is None:
        take = take or is_free
        free = (port for port in range(FIRST, LAST + 1) if port not in tried and take(port))
        if port := next(free, None):
            return port
        raise PortTaken(f"all ports from {FIRST} to {LAST} are taken: choose one with --port")
    if not 1 <= asked <= 65535:
        raise UsageError(f"{asked} is no port: choose one from 1024 to 65535")
    if not comes_free(asked):
        raise PortTaken(taken(asked))
    return asked


def choose_several(
    asked: int | None,
    *,
    count: int,
    tried: Collection[int] = (),
    take: Callable[[int], bool] | None = None,
) -> list[int]:
    """Return ports for HTTP, as :func:`choose` does the first of them.

    Raises:
        UsageError: No such port exists.
        PortTaken: There are not as many.
    """
    found = [choose(asked, tried=tried, take=take)]
    while len(found) < count:
        found.append(choose(None, tried=(*tried, *found), take=take))
    return found


def for_transport(count: int, *, take: Callable[[int], bool] | None = None) -> list[int]:
    """Return free ports on which servers may talk to each other.

    Raises:
        PortTaken: There are not as many.
    """
    take = take or is_free
    free = (port for port in range(TRANSPORT_FIRST, TRANSPORT_LAST + 1) if take(port))
    found = list(islice(free, count))
    if len(found) < count:
        raise PortTaken(
            f"fewer than {count} ports from {TRANSPORT_FIRST} to {TRANSPORT_LAST} are free: "
            "stop what listens there"
        )
    return found


def is_free(port: int) -> bool:
    """Tell whether the server could listen on ``port`` now.

    Binding is tried the way the server does it, with SO_REUSEADDR, so a connection that
    is merely closing does not count.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise UsageError(
                    f"port {port} is reserved for root: choose one from 1024 to 65535"
                ) from error
            return False
    return True


def comes_free(port: int, *, within: float = RELEASE) -> bool:
    """Wait until ``port`` is free, unless a living process is seen to listen; tell whether."""
    deadline = time.monotonic() + within
    while not is_free(port):
        if time.monotonic() > deadline or _listener(port):
            return False
        time.sleep(0.05)
    return True


def taken(port: int) -> str:
    """Return the message for a port that is taken, with the process that holds it if visible."""
    return (
        f"port {port} is taken{_holder(port)}: stop what listens there, choose another with "
        "--port, or leave --port away to get a free one"
    )


def _holder(port: int) -> str:
    import psutil

    try:
        pid = _listener(port)
        return f" by {psutil.Process(pid).name()} (process {pid})" if pid else ""
    except psutil.Error:  # gone by now
        return ""


def _listener(port: int) -> int | None:
    """Return the living process that listens there; None of another user's, or an ending one's."""
    import psutil

    try:
        found = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
    except psutil.Error:
        return None
    pids = (c.pid for c in found if c.status == psutil.CONN_LISTEN and c.pid)
    return next((pid for pid in pids if born(pid)), None)
