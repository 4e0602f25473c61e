"""The index that is written to: found and compared with what is wanted, or described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.analysis import AUTO
from es_hybrid.contract import Contract, probe
from es_hybrid.documents import PICTURE_TEXT_FIELDS
from es_hybrid.embedders import DEFAULT_EMBEDDER, Embedder
from es_hybrid.embedders.base import Send
from es_hybrid.errors import ContractMismatch, NoContract, UsageError
from es_hybrid.field_types import FieldType
from es_hybrid.indexing import typed_fields
from es_hybrid.live import index_embedder, reached, reading, way
from es_hybrid.mapping import (
    LiveIndex,
    check_analysis,
    check_index_name,
    first_version,
    live_index,
)
from es_hybrid.model_references import References
from es_hybrid.passages import PassageSize
from es_hybrid.similarity import DEFAULT_SIMILARITY, similarity
from es_hybrid.steps import run
from es_hybrid.vector_index import DEFAULT_VECTOR_INDEX, check_server, vector_index_type

_SEEING = (
    "such as --embedder open_clip:ARCH/PRETRAINED or aligned:FOLDER, which find pictures by words "
    "too, or efficientnet-lite2, which finds them by pictures"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks of the index; None leaves it to the index, or to the default.

    Attributes:
        embedder: a name or an object.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        text_fields: searched and embedded.
        analysis: an analysis profile; None lets the first documents of a new index decide.
        vector_index: a vector index type.
        passages: the size of passages.
        shards: primary shards of a new index.
        replicas: copies of each shard of a new index; None adapts to the number of nodes.
        types: field -> the type that it must have.
        hints: field -> the type that it gets if nothing speaks against it.
        modality: ``"text"`` or ``"image"``: what the records are that are to be written; None
            where there are none yet, or they bring their vectors along.
    """

    embedder: str | Embedder | None = None
    similarity: str | None = None
    text_fields: tuple[str, ...] | None = None
    analysis: str | None = None
    vector_index: str | None = None
    passages: PassageSize | None = None
    shards: int = 1
    replicas: int | None = None
    types: Mapping[str, FieldType] = field(default_factory=dict)
    hints: Mapping[str, FieldType] = field(default_factory=dict)
    modality: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An index to write to, and the embedder that makes its vectors.

    Attributes:
        name: the alias.
        index: the index behind it.
        contract: what it promises.
        embedder: proven to be the model of the contract.
        exists: whether the index is there already.
        types: the typed fields, those that the index has already and those that are new.
        new_types: of these, what a live index does not know yet.
        created: whether this run made the index.
        detected: whether its analysis was told by the texts.
        notes: what the user should know about that.
        alias: one of this index alone, which is written through; None where there is none.
        models: field -> id of the fitted model that fills it in each document.
    """

    name: str
    index: str
    contract: Contract
    embedder: Embedder
    exists: bool
    types: Mapping[str, FieldType] = field(default_factory=dict)
    new_types: Mapping[str, FieldType] = field(default_factory=dict)
    created: bool = False
    detected: bool = False
    notes: tuple[str, ...] = ()
    alias: str | None = None
    models: References = field(default_factory=dict)

    def settled(self, analysis: str, *, note: str | None = None) -> Target:
        """The target with the analysis that its texts ask for, and what is to be said of it."""
        contract = replace(self.contract, analysis=analysis)
        notes = (*self.notes, note) if note else self.notes
        return replace(self, contract=contract, detected=True, notes=notes)


def find(
    client: Elasticsearch, name: str, wanted: Wanted, *, default_text: tuple[str, ...]
) -> Target:
    """The target called `name`; a missing index is described, not yet created.

    Raises:
        UsageError: a bad name, analysis, similarity or vector index, or one that the server is
            known not to have.
        ContractMismatch: the live index was made differently; names both.
        NoContract: it is a data stream, or an index of somebody else.
        ServerError: the server refused, or cannot be reached.
    """
    check_index_name(name)
    _check_wanted(wanted)
    found = run(client, reading(name))
    _refuse_data_stream(name, found or {})
    live = live_index(name, found) if found else None
    return (
        existing(live, name, wanted, send=way(client))
        if live
        else _new(client, name, wanted, default_text)
    )


def _refuse_data_stream(name: str, found: Mapping[str, Any]) -> None:
    streams = {str(one["data_stream"]) for one in found.values() if "data_stream" in one}
    if streams:
        stream = min(streams)
        what = "is a data stream" if name == stream else f"leads to the data stream {stream!r}"
        raise NoContract(
            f"{name!r} {what}, which takes no document a second time under its id, so that a "
            "changed one would be doubled: index under another name, and search both as "
            f"{name},OTHER"
        )


def existing(live: LiveIndex, name: str, wanted: Wanted, *, send: Send | None = None) -> Target:
    """The live index as the target called `name`.

    Raises:
        ContractMismatch: it was made differently; names both.
    """
    _compare(live, wanted)
    _check_modality(live, wanted.modality)
    types = _types(wanted, live.contract.text_fields, live)
    return Target(
        name,
        live.index,
        live.contract,
        index_embedder(live.contract, wanted.embedder, index=live.index, send=send),
        exists=True,
        types=types,
        new_types={name: kind for name, kind in types.items() if live.types.get(name) != kind},
        alias=live.alias,
        models=live.models,
    )


def _types(
    wanted: Wanted, text_fields: tuple[str, ...], live: LiveIndex | None
) -> Mapping[str, FieldType]:
    """What was asked for, then what the index has, then what the source knows by itself."""
    typed_fields.check_names(wanted.types, text_fields)
    if live:
        typed_fields.check_live(live, wanted.types)
    hints = typed_fields.without_conflict(wanted.hints, text_fields, live)
    return {**hints, **(live.types if live else {}), **wanted.types}


def _check_wanted(wanted: Wanted) -> None:
    if wanted.analysis is not None:
        check_analysis(wanted.analysis)
    if wanted.similarity is not None:
        similarity(wanted.similarity)


def _new(client: Elasticsearch, name: str, wanted: Wanted, default_text: tuple[str, ...]) -> Target:
    embedder = _new_embedder(client, wanted)
    of_pictures = embedder.info.modality == "image"
    kind = vector_index_type(wanted.vector_index or DEFAULT_VECTOR_INDEX, dims=embedder.info.dims)
    if kind.demanding:
        can = capabilities.read(client)
        check_server(kind, release=can.release, licence=can.license_in_force)
    near = similarity(wanted.similarity or DEFAULT_SIMILARITY)
    contract = Contract(
        embedder=embedder.info,
        text_fields=wanted.text_fields or (PICTURE_TEXT_FIELDS if of_pictures else default_text),
        analysis=wanted.analysis or AUTO,
        vector_index=kind.name,
        passages=wanted.passages,
        similarity=near.name,
        normalisation=near.normalisation,
        probes=probe(embedder),
    )
    types = _types(wanted, contract.text_fields, None)
    return Target(name, first_version(name), contract, embedder, exists=False, types=types)


def _new_embedder(client: Elasticsearch, wanted: Wanted) -> Embedder:
    if wanted.modality == "image" and wanted.embedder is None:
        raise UsageError(f"pictures need an embedder that sees: name one, {_SEEING}")
    embedder = reached(wanted.embedder or DEFAULT_EMBEDDER, way(client))
    info = embedder.info
    if wanted.modality not in (None, info.modality):
        other = (
            f"reads texts: name one that sees, {_SEEING}"
            if wanted.modality == "image"
            else "sees pictures: index their folder with --mapping images, or name one that reads"
        )
        raise UsageError(f"{info.id} {other}")
    if info.modality == "image" and wanted.passages is not None:
        raise UsageError("--passages are of long texts, and pictures have none: leave it out")
    return embedder


def _check_modality(live: LiveIndex, modality: str | None) -> None:
    has = live.contract.embedder.modality
    if live.contract.embedder.label is not None or modality in (None, has):
        return
    theirs = "pictures" if has == "image" else "texts"
    way_out = "index their folder with --mapping images" if has == "image" else "leave it out"
    raise ContractMismatch(
        f"index {live.index!r} holds vectors of {theirs}, by {live.contract.embedder.id}: "
        f"{way_out}, or index under another name"
    )


def _compare(live: LiveIndex, wanted: Wanted) -> None:
    contract = live.contract
    pairs = (
        ("--analysis", contract.analysis, wanted.analysis),
        ("--vector-index", contract.vector_index, wanted.vector_index),
        ("--passages", contract.passages, wanted.passages),
        ("--similarity", contract.similarity, wanted.similarity),
        ("--text-fields", ",".join(contract.text_fields), ",".join(wanted.text_fields or ())),
    )
    for option, has, asked in pairs:
        if asked and asked != has:
            made = f"with {option} {has}" if has else f"without {option}"
            raise ContractMismatch(
                f"index {live.index!r} was made {made}, not with {option} {asked}: "
                f"leave {option} out, or index under another name"
            )
