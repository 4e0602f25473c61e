"""Which port the node listens on."""

import errno
import socket
from collections.abc import Collection
from itertools import islice

from es_hybrid.errors import PortTaken, UsageError

LOOPBACK = "127.0.0.1"
FIRST = 9200
LAST = 9299
# Where several servers talk to each other; one that is alone takes a port below, at any moment.
TRANSPORT_FIRST, TRANSPORT_LAST = 9400, 9499


def choose(asked: int | None, *, tried: Collection[int] = ()) -> int:
    """Return the port asked for, or else the first free one from 9200 on.

    Args:
        asked: The port the caller wants, 1 to 65535, or None.
        tried: Ports that were free a moment ago and then were not.

    Raises:
        UsageError: No such port exists.
        PortTaken: Another process listens there, or on all of 9200 to 9299.
    """
    if asked is None:
        free = (port for port in range(FIRST, LAST + 1) if port not in tried and is_free(port))
        if port := next(free, None):
            return port
        raise PortTaken(f"all ports from {FIRST} to {LAST} are taken: choose one with --port")
    if not 1 <= asked <= 65535:
        raise UsageError(f"{asked} is no port: choose one from 1024 to 65535")
    if not is_free(asked):
        raise PortTaken(taken(asked))
    return asked


def choose_several(asked: int | None, *, count: int, tried: Collection[int] = ()) -> list[int]:
    """Return ports for HTTP, as :func:`choose` does the first of them.

    Raises:
        UsageError: No such port exists.
        PortTaken: There are not as many.
    """
    found = [choose(asked, tried=tried)]
    while len(found) < count:
        found.append(choose(None, tried=(*tried, *found)))
    return found


def for_transport(count: int) -> list[int]:
    """Return free ports on which servers may talk to each other.

    Raises:
        PortTaken: There are not as many.
    """
    free = (port for port in range(TRANSPORT_FIRST, TRANSPORT_LAST + 1) if is_free(port))
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


def taken(port: int) -> str:
    """Return the message for a port that is taken, with the process that holds it if visible."""
    return (
        f"port {port} is taken{_holder(port)}: stop what listens there, choose another with "
        "--port, or leave --port away to get a free one"
    )


def _holder(port: int) -> str:
    import psutil

    try:
        found = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
        pid = next(c.pid for c in found if c.status == psutil.CONN_LISTEN and c.pid)
        return f" by {psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, StopIteration):  # another user's, or gone by now
        return ""
