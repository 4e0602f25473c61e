"""What a server refused, or why none answered, in one line that ends with the way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from elastic_transport import (
    ApiError,
    ConnectionTimeout,
    SerializationError,
    TlsError,
    TransportError,
)
from elasticsearch import UnsupportedProductError

from es_hybrid.errors import (
    AccessDenied,
    IndexNotFound,
    RequestRefused,
    ServerError,
    ServerUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = Any
LONGEST_REASON = 600  # characters; Elasticsearch may quote a whole query back


def failure(
    status: int, body: Json, *, what: str, url: str, retry_after: float | None = None
) -> ServerError:
    """The exception for an error answer, or for one failed item of a ``_msearch``.

    Args:
        status: HTTP status, of the answer or of the item.
        body: As Elasticsearch sent it: ``{"error": …}``, a text, or nothing.
        what: What was asked, such as ``"POST /films/_search"``.
        url: Who was asked.
        retry_after: Seconds, as `seconds_until` reads them from the answer's headers.
    """
    kind, reason = explain(body, status=status)
    said = f"{what} at {url}: {reason}{_why_no_login(body)} [{status} {kind}]"
    if status == 401:
        return AccessDenied(
            f"{said}. Give credentials: --api-key or ES_HYBRID_API_KEY, or --username with "
            "ES_HYBRID_PASSWORD; `es-hybrid doctor` shows which are used"
        )
    if status == 403 and kind != "cluster_block_exception" and not is_licence_refusal(reason):
        return AccessDenied(
            f"{said}. Use a key or an account that has this privilege: --api-key or "
            "ES_HYBRID_API_KEY; `es-hybrid doctor` shows which is used"
        )
    if status == 404 and kind == "index_not_found_exception":
        return IndexNotFound(
            f"{said}. Make it with `es-hybrid index`, or see the names there are: GET /_cat/indices"
        )
    return RequestRefused(
        said + _way_out(kind, reason), status=status, kind=kind, retry_after=retry_after
    )


def _why_no_login(body: Json) -> str:
    """What Elasticsearch says of a key that is expired, invalidated or wrong; never the key."""
    error = body.get("error") if isinstance(body, dict) else None
    why = error.get("additional_unsuccessful_credentials") if isinstance(error, dict) else None
    return f" ({_one_line(str(why))})" if why else ""


def is_licence_refusal(reason: str | RequestRefused) -> bool:
    """Whether a refusal, or its reason, is about the licence and not about privileges."""
    return "current license is non-compliant for" in str(reason)


def explain(body: Json, *, status: int = 0) -> tuple[str, str]:
    """Elasticsearch's type of an error, and its reason in one line.

    The type is that of the root cause; the reason goes on to the deepest cause, which
    tells more than ``all shards failed``.

    >>> explain({"error": {"type": "a", "reason": "b", "caused_by": {"reason": "c"}}})
    ('a', 'b: c')
    """
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return f"http_{status}", _one_line(str(error or "no reason was given"))
    root = next(iter(error.get("root_cause") or ()), error)
    reasons = [str(root.get("reason") or error.get("reason") or "no reason was given")]
    *_, deepest = _causes(error)
    if str(deepest.get("reason") or "") not in reasons[0]:
        reasons.append(str(deepest["reason"]))
    return str(root.get("type") or f"http_{status}"), _one_line(": ".join(reasons))


def _causes(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The error and what lies under it, outermost first."""
    cause: Any = error
    while isinstance(cause, dict):
        yield cause
        shards, hidden = cause.get("failed_shards"), cause.get("suppressed")
        inside = shards[0].get("reason") if shards else hidden[0] if hidden else None
        cause = inside or cause.get("caused_by")


def _one_line(text: str) -> str:
    line = " ".join(re.sub(r"<[^<>]*>", " ", text).split())
    return line if len(line) <= LONGEST_REASON else line[:LONGEST_REASON] + "…"


def _way_out(kind: str, reason: str) -> str:
    if is_licence_refusal(reason):
        return (
            ". It needs a trial or Enterprise licence; leave the choice to es_hybrid to do without"
        )
    if kind == "search_context_missing_exception":
        return (
            ". The point in time is closed, or nobody searched it for as long as its keep_alive: "
            "open a new one, with a longer keep_alive where pages are read slowly"
        )
    if kind == "cluster_block_exception" and "flood" in reason:
        return ". Free disk space on the data nodes; Elasticsearch lifts the block by itself"
    if kind == "cluster_block_exception":
        return ". Lift the block (index.blocks.* or cluster.blocks.*), or wait for a master"
    return ""


def unreachable(
    error: ApiError | TransportError, *, url: str, timeout: float | None
) -> ServerUnreachable:
    """The exception for a request without an answer, or with none of an Elasticsearch.

    Args:
        error: What the client raised.
        url: Who was asked.
        timeout: Seconds that were allowed; None where the client's own held.
    """
    text = re.sub(r"HTTPS?Connection(Pool)?\([^)]*\): ", "", _one_line(str(error.message)))
    if isinstance(error, UnsupportedProductError):
        return ServerUnreachable(
            f"{url} answers, but is not an Elasticsearch (its answers lack X-Elastic-Product): "
            "correct --url"
        )
    if isinstance(error, SerializationError):
        return ServerUnreachable(
            f"{url} sent something that is no answer of Elasticsearch: {text[:200]}; correct "
            "--url, or look at the proxy in between"
        )
    if isinstance(error, ConnectionTimeout):
        waited = "in time" if timeout is None else f"within {timeout:g} s"
        return ServerUnreachable(
            f"{url} did not answer {waited}: allow longer with ES_HYBRID_REQUEST_TIMEOUT (seconds)"
        )
    return ServerUnreachable(f"cannot reach {url}: {text}; {_connection_advice(error, text, url)}")


def _connection_advice(error: ApiError | TransportError, text: str, url: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "record layer" in text:
        return "this server speaks plain http: write http:// in --url"
    if isinstance(error, TlsError):
        return (
            "trust its certificate with --ca-certs FILE (the server's http_ca.crt) or "
            "--fingerprint SHA256"
        )
    if url.startswith("http://") and re.search("RemoteDisconnected|Connection aborted|reset", text):
        return "if this server speaks TLS, write https:// in --url"
    return "start one with `es-hybrid up`, or correct --url"
