"""A client that waits: what passes by itself is waited for, whoever asks and whatever is asked.

So everything that takes a client can be part of a run that is not ended by a restart.
"""

from __future__ import annotations

from typing import Any, cast

from elastic_transport import ApiError, TransportError
from elasticsearch import Elasticsearch

from es_hybrid.client import said
from es_hybrid.indexing.deadline import deadline, within
from es_hybrid.indexing.patience import PATIENCE, Patience, Requests, passes


class PatientClient:
    """An `Elasticsearch` as `es_hybrid.client.request` uses one.

    What is sent twice because an answer was lost must do no harm: who creates or moves something
    looks whether it is done already.

    Args:
        client: is used, never changed.
        requests: of the same run, whose patience is shared.
    """

    def __init__(self, client: Elasticsearch, requests: Requests) -> None:
        self.plain = client
        self.requests = requests
        self._once = client.options(max_retries=0)
        self._deadline = deadline(client)
        self._is_serverless = getattr(client, "_is_serverless", False)

    @property
    def transport(self) -> Any:
        """The client's own."""
        return self.plain.transport

    def options(self, **changes: Any) -> PatientClient:
        """A client derived from it."""
        return PatientClient(self.plain.options(**changes), self.requests)

    def perform_request(self, method: str, path: str, **rest: Any) -> Any:
        """Send a request until it is answered.

        Raises:
            ApiError: a refusal that will not pass.
            TransportError: nobody has answered yet.
            ServerError: it lasts for longer than the patience does.
        """
        return self.requests.waited(lambda: self._attempt(method, path, rest))

    def _attempt(self, method: str, path: str, rest: dict[str, Any]) -> Any:
        met = self.requests.met
        sender = self._once if met else self.plain  # at first as anybody would ask
        try:
            return within(
                self._deadline,
                lambda: sender.perform_request(method, path, **rest),
                what=f"{method} {path}",
            )
        except (ApiError, TransportError) as error:
            told = said(self.plain, method, path, error)
            if passes(told):
                raise told from error
            raise


def patient(
    client: Elasticsearch, seconds: float = PATIENCE, *, met: bool = False
) -> Elasticsearch:
    """The client of a run that waits; the same one, where it is that already.

    Args:
        client: any.
        seconds: to wait for a server that refuses or cannot be reached.
        met: as of `Requests`.
    """
    if isinstance(client, PatientClient):
        return client
    requests = Requests(client, Patience(seconds), met=met)
    return cast(Elasticsearch, PatientClient(client, requests))


def client_of(requests: Requests) -> Elasticsearch:
    """A client of the run that asks in this way already."""
    return cast(Elasticsearch, PatientClient(requests.client, requests))


def requests_of(client: Elasticsearch) -> Requests:
    """The requests of the run that a client belongs to; of a new one, where that is none."""
    return client.requests if isinstance(client, PatientClient) else Requests(client)


def plain(client: Elasticsearch) -> Elasticsearch:
    """The client as the caller gave it, for what is not ours."""
    return client.plain if isinstance(client, PatientClient) else client
