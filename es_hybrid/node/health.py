"""What a node says about itself over HTTP, asked with the standard library alone."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from es_hybrid.node.access import Access

PATIENCE = 5.0  # seconds for one answer


@dataclass(frozen=True)
class Identity:
    """Who answers at an address.

    Attributes:
        version: Such as ``"9.5.4"``.
        pid: The process number of the server.
    """

    version: str
    pid: int


def identity(url: str, *, access: Access | None = None) -> Identity | None:
    """Return who answers at ``url``, or None when it is nobody, or no Elasticsearch.

    Args:
        url: The node's address.
        access: What opens it, if it is secured.
    """
    # `GET /` would be the usual question, but this server does not answer it (405).
    answer = _get(f"{url}/_nodes/_local?filter_path=nodes.*.version,nodes.*.process.id", access)
    for node in answer.get("nodes", {}).values():
        return Identity(version=node["version"], pid=node["process"]["id"])
    return None


def status(url: str, *, wait: int = 0, access: Access | None = None) -> str | None:
    """Return ``"green"``, ``"yellow"`` or ``"red"``, or None when nobody answers.

    Args:
        url: The node's address.
        wait: Seconds to wait for something better than red.
        access: What opens it, if it is secured.
    """
    where = f"{url}/_cluster/health?wait_for_status=yellow&timeout={wait}s"
    answer = _get(where, access, patience=PATIENCE + wait)
    return str(answer["status"]) if "status" in answer else None


def servers(url: str, *, expected: int, wait: int, access: Access | None = None) -> int:
    """Return how many servers form the cluster, after waiting for the expected number.

    Args:
        url: The address of one of them.
        expected: How many there should be.
        wait: Seconds to wait for them.
        access: What opens it, if it is secured.
    """
    where = f"{url}/_cluster/health?wait_for_nodes={expected}&timeout={wait}s"
    return int(_get(where, access, patience=PATIENCE + wait).get("number_of_nodes", 0))


def _get(url: str, access: Access | None, *, patience: float = PATIENCE) -> dict[str, Any]:
    """Return the JSON object at ``url``, empty when there is none."""
    try:
        answer = json.loads(_read(url, access, patience))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _read(url: str, access: Access | None, patience: float) -> bytes:
    # A proxy from the environment must not come between us and our own machine.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if access:
        handlers.append(urllib.request.HTTPSHandler(context=access.context()))
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(url, headers=access.header() if access else {})  # noqa: S310 - ours
    try:
        with opener.open(request, timeout=patience) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        with error:  # health that is still red after the wait comes with 408, and a body
            return error.read()
