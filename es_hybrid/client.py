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
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import quote

import orjson
from elastic_transport import (
    ApiError,
    ApiResponse,
    ApiResponseMeta,
    TransportError,
)
from elasticsearch import Elasticsearch, ElasticsearchWarning, UnsupportedProductError
from elasticsearch.serializer import OrjsonSerializer

from es_hybrid.connection import Connection, resolve
from es_hybrid.errors import (
    ServerError,
    UsageError,
)
from es_hybrid.http_rules import seconds_until
from es_hybrid.refusals import failure, unreachable
from es_hybrid.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
    :func:`es_hybrid.connection.resolve` describes.

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
        options["hosts"] = [connection.url.text, *connection.others]
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
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    ok: Collection[int] = (),
) -> Json:
    """Send one request and return the answer's body; HEAD answers with a bool.

    Args:
        client: Used as it is; it is never changed.
        method: ``GET``, ``POST`` …
        path: Made by :func:`path`.
        params: Query string.
        body: Anything orjson can write, numpy arrays included; bytes are sent as they are.
        ndjson: The body is lines, as ``_bulk`` and ``_msearch`` want: bytes, or an
            iterable with one object a line.
        headers: Sent as well, such as ``{"X-Opaque-Id": "search-7"}``.
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
    exchange = _Exchange(client, method, path, ok, timeout)
    ours, sent = exchange.encoded(body, ndjson=ndjson)
    try:
        answer = exchange.sender.perform_request(
            method, path, params=params, headers={**(headers or {}), **ours}, body=sent
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
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    ok: Collection[int] = (),
) -> Json:
    """Do as :func:`request` does, with an ``AsyncElasticsearch``."""
    exchange = _Exchange(client, method, path, ok, timeout)
    ours, sent = exchange.encoded(body, ndjson=ndjson)
    try:
        answer = await exchange.sender.perform_request(
            method, path, params=params, headers={**(headers or {}), **ours}, body=sent
        )
    except (ApiError, TransportError) as error:
        return exchange.accepted(error)
    return exchange.content(answer)


def said(client: Client, method: str, path: str, error: ApiError | TransportError) -> ServerError:
    """What the client raised for a request, as :func:`request` would say it."""
    return _Exchange(client, method, path, (), None).said(error)


def _is_answer(error: ApiError | TransportError) -> TypeGuard[ApiError]:
    """Whether an Elasticsearch answered."""
    return isinstance(error, ApiError) and not isinstance(error, UnsupportedProductError)


@dataclass(slots=True)
class _Exchange:
    """All of a request but the wait for its answer, so that both twins share it."""

    client: Client
    method: str
    path: str
    ok: Collection[int]
    timeout: float | None

    @property
    def what(self) -> str:
        """The request, for messages."""
        return f"{self.method} {self.path}"

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
        meta = answer.meta
        if warning := meta.headers.get("warning"):
            log.info("%s: the server warns: %s", self.what, warning)
        status = meta.status
        absent = self.method == "HEAD" and status == 404
        if status >= 400 and status not in self.ok and not absent:
            raise self._failure(meta, answer.body)
        return answer.body

    def accepted(self, error: ApiError | TransportError) -> Json:
        """The body, where the caller accepts this status; raises in our words otherwise."""
        if _is_answer(error) and error.meta.status in self.ok:
            return error.body
        raise self.said(error) from error

    def said(self, error: ApiError | TransportError) -> ServerError:
        """What the client raised, in our words."""
        if _is_answer(error):
            return self._failure(error.meta, error.body)
        return unreachable(error, url=self.url, timeout=self.timeout)

    def _failure(self, meta: ApiResponseMeta, body: Json) -> ServerError:
        wait = seconds_until(meta.headers.get("retry-after"))
        return failure(meta.status, body, what=self.what, url=self.url, retry_after=wait)


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
