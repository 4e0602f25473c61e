"""Any service that speaks OpenAI's embeddings API; nothing beyond urllib3 is needed.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import urllib3

from es_hybrid.embedders.base import EmbedderInfo, check_above_zero
from es_hybrid.embedders.remote import Clock, Pace, Refused, Service, rows
from es_hybrid.embedders.spec import written
from es_hybrid.errors import EmbedderError, UsageError, VectorError
from es_hybrid.http_rules import is_loopback, seconds_until
from es_hybrid.settings import Settings
from es_hybrid.vectors import Vectors

OPENAI = "https://api.openai.com/v1"

_KIND = "openai"
_LONGEST_REASON = 300  # characters; a proxy may answer with a page
# https://platform.openai.com/docs/guides/embeddings: the models with `dimensions` and without.
_MAX_TOKENS = {
    "text-embedding-3-small": 8191,
    "text-embedding-3-large": 8191,
    "text-embedding-ada-002": 8191,
}
_NO_QUOTA = "insufficient_quota"  # comes with status 429, and does not pass


class OpenAIEmbedder:
    """A model behind OpenAI's API, or behind any server that has the same one.

    The key is that of ``ES_HYBRID_OPENAI_API_KEY``, else of ``OPENAI_API_KEY``; it is sent to
    `base_url` alone, and written nowhere.

    Args:
        name: of the model, as the server calls it.
        base_url: what stands before ``/embeddings``; None takes ``OPENAI_BASE_URL``, else OpenAI.
        dimensions: asked of the server, which shortens the vectors; None takes what it gives.
        query_prefix: put before a query.
        document_prefix: put before a document.
        query_type: sent as ``input_type`` with queries, to servers that tell them apart.
        document_type: sent as ``input_type`` with documents.
        batch_size: texts in a request.
        concurrency: requests at a time.
        requests_per_minute: how many may begin in a minute; None for as many as there are.
        timeout: seconds for an answer.
        max_tokens: what the model reads of a text, as the contract records it.

    Raises:
        UsageError: the address can never work, or would carry the key unencrypted.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        dimensions: int | None = None,
        query_prefix: str = "",
        document_prefix: str = "",
        query_type: str | None = None,
        document_type: str | None = None,
        batch_size: int = 16,
        concurrency: int = 4,
        requests_per_minute: float | None = None,
        timeout: float = 60.0,
        max_tokens: int | None = None,
    ) -> None:
        check_above_zero(
            _KIND,
            dimensions=dimensions,
            batch_size=batch_size,
            concurrency=concurrency,
            requests_per_minute=requests_per_minute,
            timeout=timeout,
            max_tokens=max_tokens,
        )
        self.name = name
        self._id = written(
            _KIND,
            name,
            base_url=base_url,
            dimensions=dimensions,
            query_prefix=query_prefix or None,
            document_prefix=document_prefix or None,
            query_type=query_type,
            document_type=document_type,
        )
        settings = Settings()
        self._key = settings.openai_api_key or _exported_key()
        self._url = _address(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI)
        _check_key_is_safe(self._url, has_key=bool(self._key), trusted=settings.allow_plain_http)
        self._dimensions = dimensions
        self._prefixes = query_prefix, document_prefix
        self._types = query_type, document_type
        self._max_tokens = max_tokens or _MAX_TOKENS.get(name)
        self._timeout = timeout
        self._size = batch_size, concurrency
        self._clock = Clock()
        self._pace = Pace(requests_per_minute, clock=self._clock)
        self._served = ""

    @cached_property
    def info(self) -> EmbedderInfo:
        """What the server says of its model; one text is embedded to learn it."""
        dims = self._service(None).vectors(["dimensions"]).shape[1]
        if self._dimensions not in (None, dims):
            raise EmbedderError(
                f"{self._id} gave {dims} dimensions, not {self._dimensions}: this model cannot "
                "shorten its vectors; leave dimensions out"
            )
        return EmbedderInfo(
            id=self._id,
            dims=dims,
            revision=self._served or self.name,
            precision="float32",
            pooling="model",
            query_prefix=self._prefixes[0],
            document_prefix=self._prefixes[1],
            max_tokens=self._max_tokens,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims).

        Raises:
            EmbedderUnavailable: nobody answers, or the key, the model or the quota is refused.
            EmbedderError: these texts are refused.
        """
        return self._embed(texts, prefix=self._prefixes[1], kind=self._types[1])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As documents."""
        return self._embed(texts, prefix=self._prefixes[0], kind=self._types[0])

    def _embed(self, texts: Sequence[str], *, prefix: str, kind: str | None) -> Vectors:
        if not texts:
            return np.empty((0, self.info.dims), np.float32)
        # Servers refuse an empty text, which has no meaning anyway.
        return self._service(kind).vectors([prefix + text or " " for text in texts])

    def _service(self, kind: str | None) -> Service:
        ask = partial(self._asked, kind=kind)
        return Service(self._id, ask, self._pace, *self._size, self._clock)

    def _asked(self, texts: Sequence[str], kind: str | None) -> Vectors:
        body: dict[str, Any] = {
            "model": self.name,
            "input": list(texts),
            "encoding_format": "float",
        }
        if self._dimensions:
            body["dimensions"] = self._dimensions
        if kind:
            body["input_type"] = kind
        answer = self._posted(body)
        self._served = str(answer.get("model") or self.name)
        return _in_order(answer.get("data"), count=len(texts), name=self._id)

    def _posted(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        try:
            answer = self._pool.request(
                "POST",
                f"{self._url}/embeddings",
                body=orjson.dumps(body),
                headers=headers,
                redirect=False,  # it might lead the key elsewhere
            )
        except urllib3.exceptions.HTTPError as error:
            raise Refused(f"no answer from {self._url} ({type(error).__name__})") from None
        return self._read(answer)

    def _read(self, answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        try:
            said = orjson.loads(answer.data)
        except orjson.JSONDecodeError:
            said = answer.data.decode(errors="replace")
        if answer.status == 200 and isinstance(said, dict):
            return said
        raise self._refusal(answer, said)

    def _refusal(self, answer: urllib3.BaseHTTPResponse, said: Any) -> Refused:
        reason, code = _explained(said)
        if self._key:  # some servers quote it
            reason = reason.replace(self._key.get_secret_value(), "…")
        if answer.status in (401, 403):
            reason += "; set OPENAI_API_KEY to a key that this service knows"
        return Refused(
            reason,
            status=answer.status,
            wait=seconds_until(answer.headers.get("retry-after")),
            final=code == _NO_QUOTA or 200 <= answer.status < 400,
        )

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=min(10.0, self._timeout), read=self._timeout)
        return urllib3.PoolManager(maxsize=self._size[1], retries=False, timeout=timeout)


def _exported_key() -> Any:
    from pydantic import SecretStr

    key = os.environ.get("OPENAI_API_KEY")
    return SecretStr(key) if key else None


def _address(url: str) -> str:
    """The address without a slash at its end.

    Raises:
        UsageError: it is none, or holds more than an address.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        raise UsageError(
            "option base_url of 'openai' is no address: write https://host/v1"
        ) from None
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"option base_url of 'openai' ({parts.hostname}) is no address such as "
            "https://host/v1: leave out what is more than scheme, host, port and path, and put a "
            "key into OPENAI_API_KEY"
        )
    return url.rstrip("/")


def _check_key_is_safe(url: str, *, has_key: bool, trusted: bool) -> None:
    parts = urlsplit(url)
    if has_key and parts.scheme == "http" and not trusted and not is_loopback(str(parts.hostname)):
        raise UsageError(
            f"{url} would carry the key of OPENAI_API_KEY unencrypted over the network: use "
            "https://, or set ES_HYBRID_ALLOW_PLAIN_HTTP=true where the network is trusted"
        )


def _explained(said: Any) -> tuple[str, str]:
    """A service's own words, and its code of the error."""
    error = said.get("error", said) if isinstance(said, dict) else said
    if isinstance(error, dict):
        told = error.get("message") or error.get("detail") or error
        code = error.get("code") or error.get("type") or ""
        return " ".join(str(told).split())[:_LONGEST_REASON], str(code)
    return " ".join(str(error).split())[:_LONGEST_REASON] or "an empty answer", ""


def _in_order(data: Any, *, count: int, name: str) -> Vectors:
    """The vectors in the order of the texts, which the answer tells by ``index``.

    Raises:
        VectorError: it is no answer of an embeddings API, or lacks a text.
    """
    try:
        found = {int(one.get("index", place)): one["embedding"] for place, one in enumerate(data)}
        ordered = [found[place] for place in range(count)]
    except (TypeError, KeyError, AttributeError, ValueError):
        raise VectorError(
            f"{name} gave an answer without an embedding for each of {count} texts: is it an "
            "embeddings API?"
        ) from None
    return rows(ordered, count=len(data), name=name)
