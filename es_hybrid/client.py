"""The one way to Elasticsearch: make a client, send a request, say what went wrong.

Every request of es_hybrid goes through :func:`request` (or :func:`arequest`), which asks
for the answers of version 8. Both server majors give them, to both client majors; left
alone, a client 9.x asks an 8.x server for version 9 and is refused every time with
``media_type_header_exception``.
"""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from elastic_transport import (
    ApiError,
    ApiResponse,
    ConnectionTimeout,
    SerializationError,
    TlsError,
    TransportError,
)
from elasticsearch import Elasticsearch, ElasticsearchWarning, UnsupportedProductError
from elasticsearch.serializer import OrjsonSerializer

from es_hybrid.errors import (
    AccessDenied,
    IndexNotFound,
    RequestRefused,
    ServerError,
    ServerUnreachable,
    UsageError,
)
from es_hybrid.settings import Connection, Settings, resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from elasticsearch import AsyncElasticsearch

Client = Any  # an Elasticsearch, or an AsyncElasticsearch
log = logging.getLogger(__name__)

Json = Any  # whatever JSON can say

JSON = "application/vnd.elasticsearch+json; compatible-with=8"
NDJSON = "application/vnd.elasticsearch+x-ndjson; compatible-with=8"
LONGEST_REASON = 600  # characters; Elasticsearch may quote a whole query back


def connect(
    target: Settings | Connection | None = None,
    *,
    url: str | None = None,
    cloud_id: str | None = None,
    api_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> Elasticsearch:
    """Return a client for the cluster that was asked for; sends nothing yet.

    Without a ``target`` the arguments, and below them the environment, decide as
    :func:`es_hybrid.settings.resolve` describes.

    Raises:
        UsageError: the address or the credentials can never work.
        ServerUnreachable: nothing names a cluster and no node is running.
    """
    values: dict[str, Any] = {"url": url, "cloud_id": cloud_id, "api_key": api_key}
    values |= {"username": username, "password": password}
    if target is not None and any(values.values()):
        named = ", ".join(name for name, value in values.items() if value)
        raise UsageError(f"connect() got settings and {named} as well: put it into the settings")
    if not isinstance(target, Connection):
        target = resolve(target or Settings(**values))
    try:
        return Elasticsearch(**client_options(target))
    except ValueError as error:  # a cloud id that does not decode, an unreadable PEM file
        raise UsageError(f"cannot connect with {target}: {error}; correct it") from None


def client_options(connection: Connection) -> dict[str, Any]:
    """Arguments for ``Elasticsearch`` or ``AsyncElasticsearch``; answers are read by orjson."""
    options: dict[str, Any] = {
        "request_timeout": connection.request_timeout,
        "serializers": {"application/json": OrjsonSerializer()},
    }
    if connection.url:
        options["hosts"] = [connection.url.text]
    if connection.cloud_id:
        options["cloud_id"] = connection.cloud_id.text
    if connection.api_key:
        options["api_key"] = connection.api_key.text
    if connection.username and connection.password:
        options["basic_auth"] = (connection.username.text, connection.password.text)
    if connection.ca_certs:
        options["ca_certs"] = str(connection.ca_certs)
    if connection.fingerprint:
        options["ssl_assert_fingerprint"] = connection.fingerprint
    return options


def path(*parts: str) -> str:
    """Join quoted parts to a path; ``*`` and ``,`` keep their meaning.

    >>> path("films,books-*", "_search"), path("a/b", "_doc", "ä")
    ('/films,books-*/_search', '/a%2Fb/_doc/%C3%A4')
    """
    return "/" + "/".join(quote(part, safe="*,") for part in parts)


def request(
    client: Elasticsearch,
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    body: Json = None,
    ndjson: bool = False,
    timeout: float | None = None,
    ok: Collection[int] = (),
) -> Json:
    """Send one request and return the answer's body; HEAD answers with a bool.

    Args:
        client: Used as it is; it is never changed.
        method: ``GET``, ``POST`` …
        path: Made by :func:`path`.
        params: Query string.
        body: Jsonthing orjson can write, numpy arrays included; bytes are sent as they are.
        ndjson: The body is lines, as ``_bulk`` and ``_msearch`` want: bytes, or an
            iterable with one object a line.
        timeout: Seconds for this request; the client's own by default.
        ok: Error statuses whose body is returned rather than raised, such as ``(404,)``.

    Raises:
        ServerUnreachable: no answer, or none of an Elasticsearch.
        AccessDenied: 401, or 403 for want of a privilege.
        IndexNotFound: the index does not exist.
        RequestRefused: any other error; status and kind are Elasticsearch's. A licence
            that does not allow it comes out here, as does a blocked index.
        UsageError: the body cannot be written as JSON.
    """
    exchange = _Exchange(client, f"{method} {path}", tuple(ok), timeout)
    headers, sent = exchange.encoded(body, ndjson=ndjson)
    try:
        answer = exchange.sender.perform_request(
            method, path, params=params, headers=headers, body=sent
        )
    except (ApiError, TransportError) as error:
        return exchange.accepted(error)
    return exchange.content(answer)


async def arequest(
    client: AsyncElasticsearch,
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    body: Json = None,
    ndjson: bool = False,
    timeout: float | None = None,
    ok: Collection[int] = (),
) -> Json:
    """Do as :func:`request` does, with an ``AsyncElasticsearch``."""
    exchange = _Exchange(client, f"{method} {path}", tuple(ok), timeout)
    headers, sent = exchange.encoded(body, ndjson=ndjson)
    try:
        answer = await exchange.sender.perform_request(
            method, path, params=params, headers=headers, body=sent
        )
    except (ApiError, TransportError) as error:
        return exchange.accepted(error)
    return exchange.content(answer)


@dataclass(frozen=True)
class _Exchange:
    """All of a request but the wait for its answer, so that both twins share it."""

    client: Client
    what: str
    ok: tuple[int, ...]
    timeout: float | None

    @property
    def sender(self) -> Client:
        """The client, or one derived from it that waits as long as this request may take."""
        _log_server_warnings_instead()
        # A derived client costs 130 µs (it builds every namespace anew), hence only then.
        return (
            self.client
            if self.timeout is None
            else self.client.options(request_timeout=self.timeout)
        )

    @property
    def url(self) -> str:
        return ", ".join(node.base_url for node in self.client.transport.node_pool.all())

    def encoded(self, body: Json, *, ndjson: bool) -> tuple[dict[str, str], bytes | None]:
        """Headers and body. A client in serverless mode pins its own version beside plain JSON."""
        plain = getattr(self.client, "_is_serverless", False)
        accept = "application/json" if plain else JSON
        if body is None:
            return {"Accept": accept}, None
        sends = accept if not ndjson else "application/x-ndjson" if plain else NDJSON
        return {"Accept": accept, "Content-Type": sends}, _bytes(body, ndjson=ndjson)

    def content(self, answer: ApiResponse[Any]) -> Json:
        """The body of an answer; an error status that the client let pass is raised here."""
        if warning := answer.meta.headers.get("warning"):
            log.info("%s: the server warns: %s", self.what, warning)
        status = answer.meta.status
        absent = self.what.startswith("HEAD ") and status == 404
        if status >= 400 and status not in self.ok and not absent:
            raise failure(status, answer.body, what=self.what, url=self.url)
        return answer.body

    def accepted(self, error: ApiError | TransportError) -> Json:
        """The body, where the caller accepts this status; raises in our words otherwise."""
        if isinstance(error, (TransportError, UnsupportedProductError)):
            raise _unreachable(error, url=self.url, timeout=self.timeout) from error
        if error.meta.status in self.ok:
            return error.body
        raise failure(error.meta.status, error.body, what=self.what, url=self.url) from error


def failure(status: int, body: Json, *, what: str, url: str) -> ServerError:
    """The exception for an error answer, or for one failed item of a ``_msearch``.

    Args:
        status: HTTP status, of the answer or of the item.
        body: As Elasticsearch sent it: ``{"error": …}``, a text, or nothing.
        what: What was asked, such as ``"POST /films/_search"``.
        url: Who was asked.
    """
    kind, reason = explain(body, status=status)
    said = f"{what} at {url}: {reason} [{status} {kind}]"
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
    return RequestRefused(said + _way_out(kind, reason), status=status, kind=kind)


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
    if kind == "cluster_block_exception" and "flood" in reason:
        return ". Free disk space on the data nodes; Elasticsearch lifts the block by itself"
    if kind == "cluster_block_exception":
        return ". Lift the block (index.blocks.* or cluster.blocks.*), or wait for a master"
    return ""


def _bytes(body: Json, *, ndjson: bool) -> bytes:
    if isinstance(body, bytes):
        return body
    option = orjson.OPT_SERIALIZE_NUMPY | (orjson.OPT_APPEND_NEWLINE if ndjson else 0)
    try:
        lines = body if ndjson else (body,)
        return b"".join(orjson.dumps(line, option=option) for line in lines)
    except orjson.JSONEncodeError as error:
        raise UsageError(
            f"a request body cannot be written as JSON: {error}; pass texts, numbers, lists, "
            "mappings, dates or numpy arrays"
        ) from None


def _unreachable(
    error: ApiError | TransportError, *, url: str, timeout: float | None
) -> ServerUnreachable:
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


def _log_server_warnings_instead() -> None:
    """Keep Elasticsearch's ``Warning`` headers from becoming Python warnings here.

    They are about requests that the user did not write, and where warnings are errors a
    request that was carried out would raise; :meth:`_Exchange.content` logs them. Only
    warnings attributed to this module are concerned. The filter has to be the first one,
    and whoever resets or adds filters displaces it, so that is looked at each time.
    """
    if not warnings.filters or warnings.filters[0] != _QUIET:
        warnings.filterwarnings("ignore", category=ElasticsearchWarning, module=_QUIET[3].pattern)


_QUIET: Any = ("ignore", None, ElasticsearchWarning, re.compile(re.escape(__name__) + "$"), 0)
