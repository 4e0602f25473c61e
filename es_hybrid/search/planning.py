"""From what is asked to the legs that are sent: words are embedded, fields looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.capabilities import Capabilities
from es_hybrid.contract import Contract
from es_hybrid.documents import THUMBNAIL_FIELD
from es_hybrid.embedders import Embedder, query_vector
from es_hybrid.errors import UsageError
from es_hybrid.filters import Clause, clauses
from es_hybrid.search.asked import Asked
from es_hybrid.search.checks import query_row
from es_hybrid.search.exact import exact_leg
from es_hybrid.search.legs import Leg
from es_hybrid.search.named_fields import check_named_fields
from es_hybrid.search.queries import NESTED_VECTOR, Frame, LegSearch, bm25_leg, knn_leg, query_leg
from es_hybrid.search.reordering import compared_leg
from es_hybrid.search.searched import Searched, VectorField
from es_hybrid.steps import Steps, work
from es_hybrid.vectors import Vectors, usable_query


@dataclass(slots=True)
class Means:
    """What planning may call upon; each is only used where a leg needs it.

    Attributes:
        embedder: the embedder, proven to be the index's.
        can: the server's capabilities.
        painless: whether a script was refused before; None where none was tried.
        vectors: words -> their vector, where they were embedded already.
        packs: whether the server is known to read query vectors in base64.
    """

    embedder: Callable[[Searched], Steps[Embedder]]
    can: Callable[[], Steps[Capabilities]]
    painless: bool | None
    vectors: Mapping[str, Vectors]
    packs: bool


def plan(
    asked: Asked, searched: Searched, shared: tuple[Clause, ...], means: Means
) -> Steps[list[LegSearch]]:
    """The legs as they are sent, limited by the filters that they share.

    Raises:
        UsageError: a field that is not there, or a leg that this index cannot answer.
        VectorError: a vector of another size than the index's.
        ContractError: the index was made by another model, or not by es_hybrid.
        ServerError: the server refused, or cannot be reached.
    """
    if any(leg.kind == "knn" and leg.field is None for leg in asked.legs):
        searched.contract  # noqa: B018 - whose index it is comes before what it lacks
    legs = []
    for leg in asked.legs:
        common = _common(leg, asked, searched) | {"shared": shared}
        legs.append((yield from _planned(leg, asked, searched, means, common)))
    if asked.mmr is not None:
        compared_leg(legs)
    return legs


def _common(leg: Leg, asked: Asked, searched: Searched) -> dict[str, Any]:
    """What legs of all kinds have."""
    return {
        "name": leg.name,
        "weight": leg.weight,
        "normalizer": leg.normalizer or asked.normalizer,
        "filters": clauses(leg.filter, fields=searched.fields),
        "minimum": leg.minimum,
    }


def _planned(
    leg: Leg, asked: Asked, searched: Searched, means: Means, common: Mapping[str, Any]
) -> Steps[LegSearch]:
    if leg.kind == "knn":
        return (yield from _knn(leg, asked, searched, means, common))
    if leg.body is not None:
        return query_leg(leg.body, size=asked.window, **common)
    fields = leg.fields or asked.fields
    if fields is not None:
        searched.check_fields(fields)
    text = leg.text or asked.query or ""
    return bm25_leg(text, fields or searched.lexical_fields, size=asked.window, **common)


def _knn(
    leg: Leg, asked: Asked, searched: Searched, means: Means, common: Mapping[str, Any]
) -> Steps[LegSearch]:
    own = leg.field is None or (searched.ours and leg.field == searched.contract.vector_field)
    field = searched.own_vector_field if own else searched.vector_field(leg.field or "")
    _check_minimum(leg, field)
    if leg.oversample is not None:
        _check_quantised(leg, field, searched.name)
    vector = yield from _vector(leg, asked, searched, means, field)
    made = knn_leg(
        vector,
        size=asked.window if leg.k is None else min(leg.k, asked.window),
        k=leg.k,
        kind=field.kind,
        num_candidates=leg.num_candidates,
        oversample=leg.oversample,
        field=_own_field(searched.contract) if own else leg.field or "",
        similarity=field.similarity,
        packs=means.packs and field.floats,
        **common,
    )
    if not asked.exact:
        return made
    painless = means.painless if means.painless is not None else (yield from means.can()).painless
    return (
        yield from exact_leg(
            made, name=searched.name, quantised=field.kind.quantised, painless=painless
        )
    )


def _own_field(contract: Contract) -> str:
    return NESTED_VECTOR if contract.passages else contract.vector_field


def _check_minimum(leg: Leg, field: VectorField) -> None:
    if leg.minimum is not None and not field.similarity.scaled:
        raise UsageError(
            f"a minimum cosine of leg {leg.name!r}: this index compares by "
            f"{field.similarity.name}, and Elasticsearch cannot cut that at a cosine; leave it "
            "out, or index with similarity cosine"
        )


def _check_quantised(leg: Leg, field: VectorField, name: str) -> None:
    if not field.kind.quantised:
        raise UsageError(
            f"oversample {leg.oversample:g} of leg {leg.name!r}: the vectors of {name!r} are "
            f"{field.kind.name}, which rounds none, so that nothing is scored again; leave it out"
        )


def _vector(
    leg: Leg, asked: Asked, searched: Searched, means: Means, field: VectorField
) -> Steps[Vectors]:
    given = asked.vector if leg.vector is None else leg.vector
    if given is not None:
        return query_row(given, dims=field.dims, scaled=field.similarity.scaled)
    text = leg.text or asked.query or ""
    if text in means.vectors:
        return means.vectors[text]
    embedder = yield from means.embedder(searched)
    made = yield from work(query_vector, embedder, text)
    return usable_query(made, maker=embedder.info.id, scaled=field.similarity.scaled)


def frame(asked: Asked, searched: Searched) -> Frame:
    """What all bodies of a search share.

    Raises:
        UsageError: as `check_named_fields`.
    """
    check_named_fields(asked, searched)
    return Frame(
        source=_source(asked.source, searched),
        fields=() if asked.collapse is None else (asked.collapse,),
        pit=None if asked.pit is None else asked.pit.body(),
        timeout=asked.timeout,
    )


def _source(wanted: bool | Sequence[str], searched: Searched) -> Any:
    if wanted is False:
        return False
    if wanted is True:
        return searched.source
    named = {THUMBNAIL_FIELD}.intersection(wanted)
    excludes = [name for name in searched.source["excludes"] if name not in named]
    return {"excludes": excludes, "includes": list(wanted)}
