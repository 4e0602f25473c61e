"""What HTTP's own words mean, to whichever server; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def seconds_until(retry_after: str | None) -> float | None:
    """What a ``Retry-After`` header says, in seconds from now; None where it says nothing.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after

    >>> seconds_until("7"), seconds_until("Wed, 21 Oct 2015 07:28:00 GMT"), seconds_until("soon")
    (7.0, 0.0, None)
    """
    if retry_after is None:
        return None
    if _SECONDS.fullmatch(retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": UTC, says RFC 5322
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def is_loopback(host: str) -> bool:
    """Whether this machine is meant, so that nobody else reads what is sent.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1")]
    [True, True, True, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
