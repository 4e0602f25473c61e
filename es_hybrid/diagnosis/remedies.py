"""A transform, fitted on the vectors of an index and kept beside it, for an embedder to use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.embedders.transformed import OPTION, spec_with
from es_hybrid.errors import ContractError
from es_hybrid.transforms import check_method, fit
from es_hybrid.vector_stream import VectorIndex, batches, vector_index
from es_hybrid.write_back import keep


@dataclass(frozen=True, slots=True)
class Kept:
    """A transform on the cluster.

    Attributes:
        hash: its name.
        method: how it was fitted.
        fitted_on: how many vectors.
        dims: of what comes out.
        embedder: the spec of the embedder with it.
    """

    hash: str
    method: str
    fitted_on: int
    dims: int
    embedder: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_transform(
    client: Elasticsearch,
    name: str,
    method: str,
    *,
    components: int | None = None,
    sample: int | None = None,
) -> Kept:
    """Fit a transform on an index's vectors and keep it where all models are kept.

    Args:
        client: whose cluster has the index.
        name: index or alias.
        method: as of `es_hybrid.transforms.fit`.
        components: likewise.
        sample: about so many documents; None takes all.

    Raises:
        UsageError: what `fit` refuses.
        ContractError: the index's vectors were transformed already, or came ready-made.
        ServerError: the server refused, or cannot be reached.
    """
    check_method(method)
    index = vector_index(client, name)
    _check(index)
    units = (batch.units for batch in batches(client, index, sample=sample))
    transform = fit(units, method, components=components)
    embedder = index.contract.embedder.id
    about = {
        "index": index.index,
        "embedder": embedder,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    keep(client, transform.hash, transform.document() | about)
    return Kept(
        transform.hash,
        transform.method,
        transform.fitted_on,
        transform.dims,
        spec_with(embedder, transform.hash),
    )


def _check(index: VectorIndex) -> None:
    embedder = index.contract.embedder
    if f"{OPTION}=" in embedder.id:
        raise ContractError(
            f"the vectors of {index.name!r} were transformed already ({embedder.id}): fit on an "
            "index of the embedder alone"
        )
    if embedder.label is not None:
        raise ContractError(
            f"the vectors of {index.name!r} came ready-made ({embedder.id}): no embedder could use "
            "the transform, so transform them where they are made"
        )
