"""Headers of a search: sent with each of its requests, whatever that is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from es_hybrid.errors import UsageError
from es_hybrid.json_values import shown
from es_hybrid.steps import RAISED, Request, Steps

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")

# Several searches share a request, and a client is one account's: who asks is said there.
_OF_THE_CLIENT = frozenset(
    [
        "accept",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "es-secondary-authorization",
        "es-security-runas-user",
        "host",
        "transfer-encoding",
    ]
)


def checked_headers(headers: Any = None, opaque_id: Any = None) -> dict[str, str]:
    """Headers to send.

    Args:
        headers: name -> value, such as ``{"traceparent": …}``.
        opaque_id: sent as X-Opaque-Id.

    Raises:
        UsageError: one cannot be sent, or is the client's own.
    """
    if headers is not None and not isinstance(headers, Mapping):
        raise UsageError(f"headers {shown(headers)} are no mapping: give name -> value")
    given: dict[Any, Any] = dict(headers or {})
    if opaque_id is not None:
        given["X-Opaque-Id"] = opaque_id
    for name, value in given.items():
        _check(name, value)
    return given


def _check(name: Any, value: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"header {shown(name)} is no name: use letters, digits and dashes")
    if name.lower() in _OF_THE_CLIENT:
        raise UsageError(
            f"header {name!r} is the client's own: give credentials to it, or to one that "
            "client.options(…) derives from it"
        )
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise UsageError(f"header {name}: {shown(value)} cannot be sent: use printable ASCII")


def sending(steps: Steps[T], headers: Mapping[str, str]) -> Steps[T]:
    """Carry out `steps`, with these headers on each request that does not have its own."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        if isinstance(step, Request):
            step = replace(step, headers={**headers, **(step.headers or {})})
        answer, error = None, None
        try:
            answer = yield step
        except RAISED as raised:  # the steps decide what to make of it
            error = raised
