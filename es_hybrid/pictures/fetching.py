"""Pictures from the web, for those who allow it: no address of this network, no end of bytes.

Whoever writes the records writes the addresses. Hence a name is resolved once, all that it stands
for is looked at, and the connection goes to that very address; so does each redirect.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3

from es_hybrid.errors import RecordError
from es_hybrid.pictures.decoding import MAX_BYTES

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 64 * 1024

# IPv4 addresses in IPv6's clothes, which routers undress: RFC 6052, RFC 3056, RFC 4380.
_TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))

Resolve = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the web is waited for.

    Attributes:
        bytes: of one picture, at most.
        redirects: that are followed, at most.
        seconds: for all of it, from the first connection to the last byte.
    """

    bytes: int = MAX_BYTES
    redirects: int = 3
    seconds: float = 30.0


_LIMITS = Limits()


def resolved(host: str) -> list[str]:
    """All addresses of a host.

    Raises:
        RecordError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RecordError(f"host {host!r} is not known ({error})") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the internet, and of nothing nearer.

    >>> [is_public(one) for one in ("93.184.215.14", "10.0.0.1", "169.254.169.254", "::1")]
    [True, False, False, False]
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, IPv6Address) and any(found in network for network in _TRANSLATED):
        return False
    return found.is_global and not found.is_multicast


def fetched(
    url: str,
    *,
    limits: Limits = _LIMITS,
    resolve: Resolve = resolved,
    may: Callable[[str], bool] = is_public,
) -> bytes:
    """What stands at an address of the web.

    Args:
        url: ``http`` or ``https``.
        limits: of bytes, redirects and time.
        resolve: from a host to its addresses.
        may: whether one may be connected to; all of a host's must.

    Raises:
        RecordError: it is no such address, leads into a private network, is too large, takes too
            long, or is answered by anything but a picture's bytes.
    """
    until = time.monotonic() + limits.seconds
    for _ in range(limits.redirects + 1):
        target = _target(url)
        answer = _asked(target, _address(target, resolve, may), until)
        try:
            if answer.status in _REDIRECTS and (location := answer.headers.get("Location")):
                url = urljoin(url, location)
                continue
            if answer.status != 200:
                raise RecordError(f"{url} answered {answer.status}")
            return _body(answer, url, limits, until)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unreachable(url, error) from None
        finally:
            answer.close()
    raise RecordError(f"{url}: more than {limits.redirects} redirects")


def _target(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError as error:
        raise RecordError(f"{url!r} is no address: {error}") from None
    if found.scheme not in _PORTS or not found.hostname:
        raise RecordError(f"{url!r} is no address of http or https")
    if found.username is not None or found.password is not None:
        raise RecordError("an address with a name or password in it: leave them out")
    return found


def _address(target: SplitResult, resolve: Resolve, may: Callable[[str], bool]) -> str:
    host = target.hostname or ""
    addresses = resolve(host)
    refused = [one for one in addresses if not may(one)]
    if refused or not addresses:
        what = refused[0] if refused else "nowhere"
        raise RecordError(f"{host!r} leads to {what}, which is no public address")
    return addresses[0]


def _asked(target: SplitResult, address: str, until: float) -> urllib3.BaseHTTPResponse:
    """The answer, whose body is not read yet."""
    left = _left(until, target.geturl())
    host, port = target.hostname or "", target.port or _PORTS[target.scheme]
    options: dict[str, Any] = {
        "port": port,
        "timeout": urllib3.Timeout(total=left),
        "retries": False,
    }
    pool: urllib3.HTTPConnectionPool
    if target.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, server_hostname=host, assert_hostname=host, **options
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, **options)
    headers = {"Host": target.netloc, "Accept": "image/*", "Accept-Encoding": "identity"}
    path = target._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        return pool.urlopen(
            "GET", path, headers=headers, redirect=False, preload_content=False,
            decode_content=False,
        )  # fmt: skip
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _unreachable(target.geturl(), error) from None


def _body(answer: urllib3.BaseHTTPResponse, url: str, limits: Limits, until: float) -> bytes:
    parts, size = [], 0
    while part := answer.read1(_PIECE):
        size += len(part)
        if size > limits.bytes:
            raise RecordError(f"{url}: more than {limits.bytes:,} bytes, the most for a picture")
        _left(until, url)
        parts.append(part)
    return b"".join(parts)


def _left(until: float, url: str) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise RecordError(f"{url} takes too long")
    return left


def _unreachable(url: str, error: Exception) -> RecordError:
    return RecordError(f"{url} cannot be read ({type(error).__name__}: {str(error)[:200]})")
