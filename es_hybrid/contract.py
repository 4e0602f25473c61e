"""The contract of an index: which embedder made its vectors, and how.

It is stored in the mapping's ``_meta``, and checked when writing and when searching, so that a
query is never compared with vectors of another model, even one with as many dimensions.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, cast

import numpy as np

from es_hybrid.documents import VECTOR_FIELD
from es_hybrid.embedders import (
    Embedder,
    EmbedderInfo,
    PictureEmbedder,
    document_vectors,
    image_vectors,
)
from es_hybrid.embedders.base import MODALITIES
from es_hybrid.errors import (
    ContractError,
    ContractMismatch,
    NewerSchema,
    UsageError,
    VectorError,
)
from es_hybrid.json_values import shown
from es_hybrid.passages import PassageSize
from es_hybrid.pictures import probe_pictures
from es_hybrid.similarity import DEFAULT_SIMILARITY, Normalisation, similarity
from es_hybrid.vector_index import vector_index_type
from es_hybrid.vectors import Vectors, unit

META_KEY = "es_hybrid"
SCHEMA = 1

# The same weights agree to 0.98 and better over precisions (fp32, int8, 4 bits) and CPUs;
# different models of the same size are near 0.
SAME_MODEL = 0.97

PROBES = (
    "A ship crossed the stormy sea at night.",
    "서울의 봄에는 벚꽃이 핀다.",
    "csv.DictReader(file, delimiter=';')",
)

# _meta stays under 8 KB: beyond 1800 dimensions fewer probe texts are kept.
_META_VECTOR_BYTES = 5400

_SAID = 200  # characters of what is wrong with a contract, which may quote all of it

_Migration = Callable[[dict[str, Any]], dict[str, Any]]
_MIGRATIONS: dict[int, _Migration] = {}


@dataclass(frozen=True, slots=True)
class Contract:
    """What writer and searcher of an index agree on.

    Attributes:
        embedder: which model.
        text_fields: the fields that are searched by BM25 and embedded, in this order.
        analysis: name of the analysis profile, such as ``"english"``.
        vector_index: Elasticsearch's index type of the vectors, such as ``"int8_hnsw"``.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        normalisation: ``"l2"``: vectors are stored at length 1, the length in ``es_hybrid.norm``;
            ``"none"``: as the model made them.
        probes: the model's vectors of `PROBES`, or of its own ``probe_texts``, or, of a model for
            pictures, of `probe_pictures`, packed; they prove which model it is. None are there for
            given vectors, which nobody can make again.
        passages: how large the passages are that have the vectors; None: each document has one.
        vector_field: full name of the field that holds the vector of a whole document.
        schema: version of this record.
    """

    embedder: EmbedderInfo
    text_fields: tuple[str, ...]
    analysis: str
    vector_index: str
    probes: tuple[str, ...]
    similarity: str = DEFAULT_SIMILARITY
    normalisation: Normalisation = "l2"
    passages: PassageSize | None = None
    vector_field: str = VECTOR_FIELD
    schema: int = SCHEMA

    def to_meta(self) -> dict[str, Any]:
        """As JSON for ``_meta``."""
        return asdict(self)


def from_meta(meta: Mapping[str, Any], *, index: str) -> Contract:
    """Read a contract back; older schemas are migrated.

    Raises:
        NewerSchema: written by a newer es_hybrid.
        ContractError: it is not readable.
    """
    current = _migrated(dict(meta), index=index)
    try:
        contract = replace(
            Contract(**_known(Contract, current)),
            embedder=EmbedderInfo(**_known(EmbedderInfo, current["embedder"])),
            text_fields=_texts(current["text_fields"]),
            probes=_texts(current["probes"]),
            similarity=similarity(current.get("similarity", DEFAULT_SIMILARITY)).name,
            passages=_passages(current.get("passages")),
        )
        _check_parts(contract)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ContractError(
            f"the contract in _meta of index {index!r} is damaged ({str(error)[:_SAID]}): index it "
            "anew"
        ) from error
    return contract


def _check_parts(contract: Contract) -> None:
    """Whatever a later step relies on; `_meta` can be written by anybody."""
    dims = contract.embedder.dims
    _check_kinds(contract.embedder)
    _texts([contract.analysis, contract.vector_field])
    if not contract.vector_field or (contract.passages and contract.vector_field != VECTOR_FIELD):
        raise ValueError(f"vector_field {contract.vector_field!r}")
    vector_index_type(contract.vector_index, dims=dims)
    if contract.normalisation != (kind := similarity(contract.similarity)).normalisation:
        raise ValueError(f"normalisation {contract.normalisation!r} under {kind.name}")
    if contract.embedder.label is not None and not contract.probes:
        return
    if (shape := _kept(contract).shape) != (_probe_count(dims), dims):
        raise ValueError(f"probe vectors of shape {shape} for {dims} dimensions")


def _check_kinds(info: EmbedderInfo) -> None:
    texts = [info.id, info.revision, info.precision, info.pooling]
    _texts([*texts, info.query_prefix, info.document_prefix])
    numbers = [info.dims] if info.max_tokens is None else [info.dims, info.max_tokens]
    if not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError(f"dims and max_tokens {numbers!r}, not whole numbers above 0")
    if info.modality not in MODALITIES:
        raise ValueError(f"modality {info.modality!r}, not one of {', '.join(MODALITIES)}")


def _passages(value: Any) -> PassageSize | None:
    return None if value is None else PassageSize(**_known(PassageSize, value))


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(text, str) for text in values):
        raise TypeError(f"{values!r} is no list of texts")
    return tuple(values)


def _known(kind: type, values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise TypeError(f"{values!r} is no object")
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _migrated(meta: dict[str, Any], *, index: str) -> dict[str, Any]:
    schema = meta.get("schema")
    if type(schema) is not int:
        raise ContractError(
            f"the contract of index {index!r} has schema {shown(schema)}, not a number"
        )
    if schema > SCHEMA:
        raise NewerSchema(
            f"index {index!r} has contract schema {schema}, this es_hybrid knows up to {SCHEMA}: "
            "upgrade es_hybrid"
        )
    for version in range(schema, SCHEMA):
        if version not in _MIGRATIONS:
            raise ContractError(f"no way from contract schema {version} to {SCHEMA}: index anew")
        meta = _MIGRATIONS[version](meta) | {"schema": version + 1}
    return meta


def probe(embedder: Embedder) -> tuple[str, ...]:
    """The embedder's vectors of the three probes, 8 bits a number, in base64.

    Given vectors have none: nobody can make more of them.

    Raises:
        EmbedderError: the embedder failed, or gave an unusable vector.
    """
    if embedder.info.label is not None:
        return ()
    return tuple(_packed(row) for row in _probe_vectors(embedder))


def check(contract: Contract, embedder: Embedder, *, index: str) -> None:
    """Prove that `embedder` is the model that made the vectors of `index`.

    Raises:
        ContractMismatch: another number of dimensions, or other vectors for the probe texts.
    """
    theirs, ours = contract.embedder, embedder.info
    if theirs.label is not None or ours.label is not None:
        _check_label(theirs, ours, index=index)
        return
    name = shown(theirs.id, limit=_SAID)
    way_out = f"use {name}, or index under another name"
    if theirs.modality != ours.modality:
        raise ContractMismatch(
            f"index {index!r} holds vectors of {theirs.modality}s, by {name}, and {ours.id!r} "
            f"makes those of {ours.modality}s: {way_out}"
        )
    if theirs.dims != ours.dims:
        raise ContractMismatch(
            f"index {index!r} holds {theirs.dims}-d vectors of {name}, but {ours.id!r} "
            f"makes {ours.dims}-d ones: {way_out}"
        )
    kept = unit(_kept(contract)).vectors
    lowest = float(np.einsum("ij,ij->i", kept, _probe_vectors(embedder)).min())
    if lowest < SAME_MODEL:
        raise ContractMismatch(
            f"index {index!r} holds vectors of {name}, and {ours.id!r} is another model "
            f"(cosine {lowest:.2f} on the probe {ours.modality}s, the same model has "
            f"{SAME_MODEL}): {way_out}"
        )


def same_model(one: Contract, other: Contract) -> bool:
    """Whether one model made the vectors of both, as far as their probe vectors tell."""
    if one.probes == other.probes or not (one.probes and other.probes):
        return one.embedder.id == other.embedder.id
    if one.embedder.dims != other.embedder.dims:
        return False
    if one.embedder.modality != other.embedder.modality:
        return False
    rows, others = unit(_kept(one)).vectors, unit(_kept(other)).vectors
    return float(np.einsum("ij,ij->i", rows, others).min()) >= SAME_MODEL


def _check_label(theirs: EmbedderInfo, ours: EmbedderInfo, *, index: str) -> None:
    """Given vectors have no probe texts: their label is all that says which model made them."""
    fits = (theirs.label or theirs.id) == (ours.label or ours.id) and theirs.label is not None
    if not fits or theirs.dims != ours.dims:
        way_out = f"use {theirs.id!r}"
        if theirs.label is not None:
            way_out = f"if it is the same model, call it so (--label {theirs.label})"
        raise ContractMismatch(
            f"index {index!r} holds {theirs.dims}-d vectors of {theirs.id!r}, not {ours.dims}-d "
            f"ones of {ours.id!r}: {way_out}, or index under another name"
        )


def _probe_vectors(embedder: Embedder) -> Vectors:
    result = unit(_raw_probe_vectors(embedder))
    if result.faults:
        raise VectorError(
            f"{embedder.info.id} gave {next(iter(result.faults.values()))} for a probe "
            f"{embedder.info.modality}: use another embedder"
        )
    return result.vectors


def _raw_probe_vectors(embedder: Embedder) -> Vectors:
    if embedder.info.modality == "text":
        return document_vectors(embedder, _probe_texts(embedder))
    pictures = probe_pictures()[: _probe_count(embedder.info.dims)]
    return image_vectors(cast(PictureEmbedder, embedder), pictures)


def _probe_texts(embedder: Embedder) -> tuple[str, ...]:
    """The texts whose vectors prove the model: its own, if it could not read those of all."""
    texts: tuple[str, ...] = getattr(embedder, "probe_texts", PROBES)
    return texts[: _probe_count(embedder.info.dims)]


def _probe_count(dims: int) -> int:
    return min(len(PROBES), max(1, _META_VECTOR_BYTES // dims))


def _packed(vector: Vectors) -> str:
    largest = float(np.abs(vector).max())
    return b64encode(np.round(vector / largest * 127).astype(np.int8).tobytes()).decode("ascii")


def _kept(contract: Contract) -> Vectors:
    rows = [np.frombuffer(b64decode(text), np.int8) for text in contract.probes]
    return np.array(rows, np.float32)
