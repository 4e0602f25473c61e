"""What fitted models say of documents that are written now: anomaly scores, clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import orjson

from es_hybrid.capabilities import Capabilities
from es_hybrid.contract import Contract
from es_hybrid.errors import AccessDenied, ContractError, UsageError
from es_hybrid.fitted.model import NEIGHBOURS, Fitted, whole
from es_hybrid.fitted.stored import model_of
from es_hybrid.indexing.embedding import Embedded
from es_hybrid.indexing.patience import Requests
from es_hybrid.model_references import References
from es_hybrid.search.neighbours import Neighbours
from es_hybrid.vectors import Vectors, unit

_TOGETHER = 64  # documents whose vectors are looked at together

# Field -> what a document gets in there.
Told = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Scoring:
    """The models of one index.

    Attributes:
        models: those that can be used.
        neighbours: field -> who asks for the neighbours that a model is about.
        notes: what the user should know of the others.
    """

    models: Sequence[Fitted] = ()
    neighbours: Mapping[str, Neighbours] | None = None
    notes: tuple[str, ...] = ()

    def each(self, items: Iterable[Embedded]) -> Iterator[tuple[Embedded, Told]]:
        """Each document with what is said of it, in order.

        Raises:
            ServerError: neighbours were asked for, and the server refused or cannot be reached.
        """
        waiting = iter(items)
        while some := list(islice(waiting, _TOGETHER)):
            told = {model.field: self._values(model, some) for model in self.models}
            for row, item in enumerate(some):
                yield item, {name: rows[row] for name, rows in told.items() if rows[row]}

    def _values(self, model: Fitted, items: Sequence[Embedded]) -> list[dict[str, Any]]:
        if model.method != NEIGHBOURS or self.neighbours is None:
            return model.values(_vectors(items, lengths=False)[1])
        asked = self.neighbours[model.field]
        scores = asked.distances(*_vectors(items, lengths=asked.lengths))
        # The first document of an index has no neighbour, and gets no score.
        told = model.flagged(scores)
        return [{} if np.isnan(score) else one for score, one in zip(scores, told, strict=True)]


def scoring(
    requests: Requests, index: str, contract: Contract, models: References, *, can: Capabilities
) -> Scoring:
    """Fetch the models that an index refers to; one that cannot be used is told of, no more.

    Args:
        requests: how they are fetched, and neighbours asked for.
        index: its own name.
        contract: of the index.
        models: to which it refers.
        can: what the server can do.

    Raises:
        ServerError: the server cannot be reached.
    """
    usable: list[Fitted] = []
    asked: dict[str, Neighbours] = {}
    notes: list[str] = []
    for field, identifier in models.items():
        try:
            model = _usable(requests, index, contract, identifier)
            if model.method == NEIGHBOURS:
                asked[field] = Neighbours(
                    lambda where, lines: requests.ask("POST", where, body=lines),
                    index,
                    contract,
                    k=model.k or 1,
                    among=model.filters,
                    packs=can.base64_queries,
                )
            usable.append(model)
        except (AccessDenied, ContractError, UsageError) as error:
            notes.append(f"new documents get no {field!r}: {error}")
    return Scoring(usable, asked, tuple(notes))


def members(told: Told) -> bytes:
    """As members of a JSON object, each with a comma behind it.

    >>> members({"anomaly": {"score": 0.5, "flag": False}})
    b'"anomaly":{"score":0.5,"flag":false},'
    """
    return b"".join(
        b"%b:%b," % (orjson.dumps(name), orjson.dumps(value)) for name, value in told.items()
    )


def _usable(requests: Requests, index: str, contract: Contract, identifier: str) -> Fitted:
    model = model_of(requests.client, identifier)
    if not model.fits(contract):
        raise ContractError(
            f"model {identifier!r} was fitted on vectors of {model.embedder}, and the index has "
            f"those of {contract.embedder.id} now: fit it anew with es-hybrid "
            f"{'clusters' if model.kind == 'cluster' else 'anomalies'} {index} --write-back"
        )
    return model


def _vectors(items: Sequence[Embedded], *, lengths: bool) -> tuple[list[str], Vectors]:
    """One vector for each document, of length 1 unless lengths count."""
    pairs = [
        (item.document.id, vector.values)
        for item in items
        for vector in item.vectors
        if vector.values is not None
    ]
    made = unit(np.stack([values for _, values in pairs]))
    norms = made.norms if lengths else None
    return whole([identifier for identifier, _ in pairs], made.vectors, norms)
