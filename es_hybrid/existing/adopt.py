"""Vectors that another program made: proven by making some of them again, then taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.contract import SAME_MODEL, Contract, probe
from es_hybrid.documents import DEFAULT_TEXT_FIELDS, META_FIELD
from es_hybrid.embedders import Embedder, document_vectors
from es_hybrid.errors import ContractError, ContractMismatch, UsageError
from es_hybrid.existing.additions import OWN_ANALYSIS, properties
from es_hybrid.existing.index import Existing, check_text_fields, existing_index, write_meta
from es_hybrid.existing.sample import (
    Agreement,
    Sample,
    agreement,
    as_queries,
    sample,
    texts,
)
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import patient, plain
from es_hybrid.indexing.scan import refresh
from es_hybrid.live import reached, way
from es_hybrid.similarity import DEFAULT_SIMILARITY, field_similarity
from es_hybrid.vector_index import VECTOR_INDEX_TYPES

_ELEMENTS = ("float", "bfloat16")

# A request that a serverless project may not have.
_UNAVAILABLE = (410,)

# Relative: float32 and bfloat16 round, models on other machines differ a little.
_SAME_LENGTH = 0.05


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was found out about the vectors of an index.

    Attributes:
        name: what was asked for: an alias or an index.
        index: the index behind it.
        embedder: id of the embedder that they were compared with.
        vector_field: the field that holds them.
        text_fields: what was embedded to compare.
        vector_index: the field's vector index type.
        similarity: what "near" means there.
        dims: numbers of a vector.
        sampled: documents whose texts were embedded again.
        agreed: of these, how many have a cosine of at least 0.97 with the vector that they keep.
        median: of the cosines, -1 to 1.
        lowest: of the cosines.
    """

    name: str
    index: str
    embedder: str
    vector_field: str
    text_fields: tuple[str, ...]
    vector_index: str
    similarity: str
    dims: int
    sampled: int
    agreed: int
    median: float
    lowest: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def adopt(
    client: Elasticsearch,
    name: str,
    *,
    vector_field: str,
    embedder: str | Embedder,
    text_fields: Iterable[str] | None = None,
    patience: float = PATIENCE,
) -> Adopted:
    """Prove that an embedder made the vectors that an index has, then write the contract.

    50 documents are embedded again; of nearly all (90 %) the cosine with the vector that they
    keep must be at least 0.97. Documents are not written to; the index is searched by its own
    field from then on, and `enrich` gives vectors to documents that have none.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        vector_field: full name of the field with the vectors.
        embedder: a name such as ``"e5-small"``, or an object with the `Embedder` methods.
        text_fields: full names of the fields that the vectors were made of, in their order;
            None is title and text.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        ContractMismatch: the embedder makes other vectors; says how many agree, and what to try.
        ContractError: the index has a contract already, or a field called ``es_hybrid``.
        UsageError: a field that is not there, or whose vectors cannot be searched by kNN.
        EmbedderError: the embedder cannot be loaded.
        ServerError: the server refused, or cannot be reached.
    """
    client = patient(client, patience)
    index = existing_index(client, name)
    _refuse_taken(index)
    names = tuple([text_fields] if isinstance(text_fields, str) else text_fields or ())
    names = names or DEFAULT_TEXT_FIELDS
    check_text_fields(index, names)
    field = _field(client, index, vector_field)
    model = reached(embedder, way(plain(client)))
    refresh(client, index.index)
    found = sample(client, index.index, vector_field=vector_field, text_fields=names)
    near = field_similarity(field.get("similarity", DEFAULT_SIMILARITY))
    contract = Contract(
        embedder=model.info,
        text_fields=names,
        analysis=OWN_ANALYSIS,
        vector_index=_kind(vector_field, field),
        probes=probe(model),
        similarity=near.name,
        normalisation=near.normalisation,
        vector_field=vector_field,
    )
    shown = _proven(index, contract, found, model)
    ours = {META_FIELD: properties(contract)[META_FIELD]}
    notes = {"adopted": True}
    write_meta(client, index.index, contract=contract, notes=notes, properties=ours)
    return Adopted(
        name=name,
        index=index.index,
        embedder=model.info.id,
        vector_field=vector_field,
        text_fields=names,
        vector_index=contract.vector_index,
        similarity=contract.similarity,
        dims=found.dims,
        sampled=shown.sampled,
        agreed=shown.agreed,
        median=round(shown.median, 4),
        lowest=round(float(shown.cosines.min()), 4),
    )


def _refuse_taken(index: Existing) -> None:
    if index.contract is not None:
        raise ContractError(
            f"index {index.index!r} has a contract already, for {index.contract.embedder.id!r} in "
            f"field {index.contract.vector_field!r}: search it, or make it anew with es-hybrid "
            "rebuild"
        )
    if META_FIELD in index.mappings.get("properties", {}):
        raise ContractError(
            f"index {index.index!r} has a field {META_FIELD!r} of its own, where es_hybrid keeps "
            "its notes: copy it without that field"
        )


def _field(client: Elasticsearch, index: Existing, name: str) -> Mapping[str, Any]:
    """The mapping of the vector field, with what the server fills in.

    Raises:
        UsageError: it is none, or kNN cannot search it.
    """
    if index.fields.get(name) != "dense_vector":
        have = ", ".join(f for f, kind in index.fields.items() if kind == "dense_vector")
        raise UsageError(
            f"{name!r} is no vector field of {index.index!r}: it has {have or 'none'}"
            f"{'; give it one with es-hybrid enrich' if not have else ''}"
        )
    where = path(index.index, "_mapping", "field", name)
    told = request(client, "GET", where, params={"include_defaults": "true"}, ok=_UNAVAILABLE)
    filled: Mapping[str, Any] = {}
    if index.index in told:
        [filled] = told[index.index]["mappings"][name]["mapping"].values()
    field: Mapping[str, Any] = {**filled, **index.specs[name]}
    if field.get("index") is False:
        raise UsageError(
            f"field {name!r} of {index.index!r} has index: false, so that kNN cannot search it: "
            "copy the index with es-hybrid enrich --into NEW"
        )
    if (element := field.get("element_type", "float")) not in _ELEMENTS:
        raise UsageError(
            f"field {name!r} of {index.index!r} holds numbers of type {element}, and es_hybrid "
            f"makes {' or '.join(_ELEMENTS)}: add vectors of those with es-hybrid enrich"
        )
    return field


def _kind(name: str, field: Mapping[str, Any]) -> str:
    kind = (field.get("index_options") or {}).get("type", "hnsw")
    if kind not in VECTOR_INDEX_TYPES:
        raise UsageError(
            f"field {name!r} has the vector index {kind!r}, which this es_hybrid does not know: "
            f"it knows {', '.join(VECTOR_INDEX_TYPES)}"
        )
    return str(kind)


def _proven(index: Existing, contract: Contract, found: Sample, embedder: Embedder) -> Agreement:
    """How near they are.

    Raises:
        ContractMismatch: not near enough.
    """
    field, info = contract.vector_field, embedder.info
    if not found.dims:
        raise ContractMismatch(
            f"no document of {index.index!r} has a vector in {field!r}, so that nothing can be "
            "proven: give them some with es-hybrid enrich"
        )
    if found.dims != info.dims:
        raise ContractMismatch(
            f"{field!r} of {index.index!r} holds {found.dims}-d vectors, and {info.id!r} makes "
            f"{info.dims}-d ones: name the embedder that made them with --embedder"
        )
    shown = agreement(found, embedder, contract.text_fields)
    if not shown.proven:
        advice = "; ".join(_advice(found, embedder, contract.text_fields))
        raise ContractMismatch(
            f"{shown.agreed} of {shown.sampled} sampled vectors in {field!r} agree with "
            f"{info.id!r} over {','.join(contract.text_fields)} (cosine {SAME_MODEL} and more; the "
            f"median is {shown.median:.2f}): {advice}"
        )
    if contract.similarity == "l2_norm":
        _check_lengths(found, embedder, contract)
    return shown


def _advice(found: Sample, embedder: Embedder, names: Sequence[str]) -> Iterator[str]:
    """Other ways in which the vectors may have been made: those that agree, or what to look at."""
    ways = list(_ways(found, embedder, names))
    yield from ways
    if not ways:
        yield (
            "if it is another model, name it with --embedder; if it is this one, look at which "
            "fields it read, in which order (--text-fields), and at the prefix that it put before "
            f"each text (here {embedder.info.document_prefix!r})"
        )


def _ways(found: Sample, embedder: Embedder, names: Sequence[str]) -> Iterator[str]:
    for fields in _other_fields(names):
        if agreement(found, embedder, fields).proven:
            yield f"they agree over these fields: --text-fields {','.join(fields)}"
            return
    for fields in (tuple(names), *_other_fields(names)):
        if agreement(found, embedder, fields, make=as_queries).proven:
            yield (
                f"they agree if {','.join(fields)} is embedded as a query (prefix "
                f"{embedder.info.query_prefix!r}), as was done with the documents: pass an "
                "embedder that does so"
            )
            return


def _other_fields(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if len(names) > 1:
        yield from ((name,) for name in names)
        yield tuple(reversed(names))


def _check_lengths(found: Sample, embedder: Embedder, contract: Contract) -> None:
    """Distances compare lengths as well: a query must be as long as the documents."""
    read = [text for text in texts(found, contract.text_fields) if text]
    made = np.linalg.norm(document_vectors(embedder, read), axis=1)
    length = float(np.median(found.lengths))
    ratio = length / max(float(np.median(made)), 1e-12)
    if abs(ratio - 1) > _SAME_LENGTH:
        raise ContractMismatch(
            f"the vectors in {contract.vector_field!r} point where those of {embedder.info.id!r} "
            f"do, but are {ratio:.3g} times as long, and l2_norm compares lengths too: pass an "
            f"embedder that makes them so long ({length:.3g})"
        )
