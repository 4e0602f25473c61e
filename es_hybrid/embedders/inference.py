"""A model behind Elasticsearch's inference API, asked through the client that searches and indexes.

https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-inference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Literal
from urllib.parse import quote

import numpy as np

from es_hybrid.embedders.base import EmbedderInfo, Send, check_above_zero
from es_hybrid.embedders.remote import Clock, Pace, Refused, Service, rows
from es_hybrid.embedders.spec import written
from es_hybrid.errors import (
    AccessDenied,
    EmbedderError,
    EmbedderUnavailable,
    RequestRefused,
    ServerError,
    VectorError,
)
from es_hybrid.vectors import Vectors

InputType = Literal["ingest", "search"]

_KIND = "elasticsearch"
_TASK = "text_embedding"
_BYTES = "text_embedding_bytes"  # vectors of whole numbers, -128 to 127


class InferenceEmbedder:
    """An inference endpoint of the cluster, of the task ``text_embedding``.

    Documents are sent as ``ingest``, queries as ``search``; a service that does not tell them apart
    is asked without that from then on.

    Args:
        name: id of the endpoint.
        batch_size: texts in a request.
        concurrency: requests at a time.
    """

    def __init__(self, name: str, *, batch_size: int = 16, concurrency: int = 2) -> None:
        check_above_zero(_KIND, batch_size=batch_size, concurrency=concurrency)
        self.name = name
        self._id = written(_KIND, name)
        self._path = f"/_inference/{_TASK}/{quote(name, safe='')}"
        self._send: Send | None = None
        self._size = batch_size, concurrency
        self._clock = Clock()
        self._pace = Pace(None, clock=self._clock)
        self._told_apart = True

    def bind(self, send: Send) -> None:
        """Take the way to the cluster; the newest one is used."""
        self._send = send

    @cached_property
    def info(self) -> EmbedderInfo:
        """What the cluster says of the endpoint.

        Raises:
            EmbedderUnavailable: there is no such endpoint, or it may not be used.
        """
        settings = self._endpoint.get("service_settings") or {}
        dims = settings.get("dimensions") or self._service("search").vectors(["a"]).shape[1]
        service = self._endpoint.get("service") or "service not told"
        model = settings.get("model_id") or settings.get("model") or ""
        return EmbedderInfo(
            id=self._id,
            dims=int(dims),
            revision=f"{service} {model}".strip(),
            precision=str(settings.get("element_type") or "float32"),
            pooling="model",
            max_tokens=_whole(settings.get("max_input_tokens")),
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors, float32, shape (len(texts), dims).

        Raises:
            EmbedderUnavailable: the endpoint answers nobody, or refuses whatever it is asked.
            EmbedderError: these texts are refused.
        """
        return self._embed(texts, "ingest")

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As documents."""
        return self._embed(texts, "search")

    def _embed(self, texts: Sequence[str], kind: InputType) -> Vectors:
        if not texts:
            return np.empty((0, self.info.dims), np.float32)
        return self._service(kind).vectors([text or " " for text in texts])

    def _service(self, kind: InputType) -> Service:
        ask = partial(self._asked, kind=kind)
        return Service(self._id, ask, self._pace, *self._size, self._clock)

    def _asked(self, texts: Sequence[str], kind: InputType) -> Vectors:
        body: dict[str, Any] = {"input": list(texts)}
        if self._told_apart:
            body["input_type"] = kind
        try:
            answer = self._request("POST", self._path, body=body)
        except Refused as error:
            if not (self._told_apart and error.status == 400 and "input_type" in error.reason):
                raise
            self._told_apart = False
            answer = self._request("POST", self._path, body={"input": list(texts)})
        return _vectors(answer, count=len(texts), name=self._id)

    @cached_property
    def _endpoint(self) -> Mapping[str, Any]:
        try:
            answer = self._request("GET", self._path)
        except Refused as error:
            raise EmbedderUnavailable(f"{self._id}: {_why_not(error, self.name)}") from None
        found = answer.get("endpoints") if isinstance(answer, Mapping) else None
        if not found:
            raise EmbedderUnavailable(
                f"{self._id}: the cluster has no inference endpoint {self.name!r} for {_TASK}: "
                "GET /_inference lists those there are"
            )
        endpoint: Mapping[str, Any] = found[0]
        return endpoint

    def _request(self, method: str, path: str, *, body: Any = None) -> Any:
        """Raises Refused, and EmbedderError where there is no way to the cluster."""
        if self._send is None:
            raise EmbedderError(
                f"{self._id} computes on the cluster that is indexed or searched: name it to an "
                "Indexer or a Searcher, or give it the way with .bind(send)"
            )
        try:
            return self._send(method, path, body=body)
        except RequestRefused as error:
            raise Refused(str(error), status=error.status, wait=error.retry_after) from None
        except AccessDenied as error:
            raise Refused(str(error), final=True) from None
        except ServerError as error:
            raise Refused(str(error)) from None


def _why_not(error: Refused, name: str) -> str:
    """Why an endpoint cannot be read: a server without the API takes its path for an index."""
    if error.status == 400:
        return (
            f"this server has no inference API ({error.reason}): use a cluster that has one, or "
            "an embedder that runs here"
        )
    if error.status == 404:
        return f"{error.reason}: make the endpoint with PUT /_inference/{_TASK}/{name}"
    return error.reason


def _vectors(answer: Any, *, count: int, name: str) -> Vectors:
    found = None
    if isinstance(answer, Mapping):
        found = answer.get(_TASK) or answer.get(_BYTES)
    try:
        values = [one["embedding"] for one in found or ()]
    except (TypeError, KeyError):
        values = []
    if not values:
        kinds = ", ".join(map(str, answer)) if isinstance(answer, Mapping) else "no object"
        raise VectorError(f"{name} gave {kinds}, not {_TASK}: use an endpoint of that task")
    return rows(values, count=count, name=name)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
