"""What a node says about itself over HTTP, asked with the standard library alone."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

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


def identity(url: str) -> Identity | None:
    """Return who answers at ``url``, or None when it is nobody, or no Elasticsearch."""
    # `GET /` would be the usual question, but this server does not answer it (405).
    answer = _get(f"{url}/_nodes/_local?filter_path=nodes.*.version,nodes.*.process.id")
    for node in answer.get("nodes", {}).values():
        return Identity(version=node["version"], pid=node["process"]["id"])
    return None


def status(url: str, *, wait: int = 0) -> str | None:
    """Return ``"green"``, ``"yellow"`` or ``"red"``, or None when nobody answers.

    Args:
        url: The node's address.
        wait: Seconds to wait for something better than red.
    """
    answer = _get(
        f"{url}/_cluster/health?wait_for_status=yellow&timeout={wait}s", patience=PATIENCE + wait
    )
    return str(answer["status"]) if "status" in answer else None


def _get(url: str, *, patience: float = PATIENCE) -> dict[str, Any]:
    """Return the JSON object at ``url``, empty when there is none."""
    try:
        answer = json.loads(_read(url, patience))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _read(url: str, patience: float) -> bytes:
    # A proxy from the environment must not come between us and our own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=patience) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        with error:  # health that is still red after the wait comes with 408, and a body
            return error.read()
