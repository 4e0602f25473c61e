"""An index that exists already, whoever made it: its name, its mapping, what es_hybrid knows of it.

Beside the contract, ``_meta`` keeps a note of what was done to the index: whether its vectors were
adopted, and how far documents were looked at by a date or number of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.contract import META_KEY, Contract
from es_hybrid.errors import ContractMismatch, IndexNotFound, NoContract, UsageError
from es_hybrid.live import reading
from es_hybrid.mapping import contract_of, field_specs, known_write_alias
from es_hybrid.steps import run

# Under this key of ``_meta``; that of the contract is es_hybrid's alone as well.
NOTES_KEY = "es_hybrid_existing"

# Types of fields that are searched by words.
_TEXTS = {"text", "match_only_text", "annotated_text", "search_as_you_type", "keyword", "wildcard"}

_Specs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Existing:
    """One index as ``GET /NAME`` told it.

    Attributes:
        name: what was asked for: an alias or an index.
        index: the index behind it.
        body: aliases, mappings and settings.
        contract: which embedder made its vectors; None where nobody said so.
    """

    name: str
    index: str
    body: Mapping[str, Any]
    contract: Contract | None

    @property
    def mappings(self) -> Mapping[str, Any]:
        """Its mapping."""
        found: Mapping[str, Any] = self.body.get("mappings", {})
        return found

    @property
    def specs(self) -> _Specs:
        """Full name of every field that a plain query can search -> its mapping."""
        return dict(field_specs(self.mappings.get("properties", {})))

    @property
    def fields(self) -> Mapping[str, str]:
        """Full name of every such field -> its type."""
        return {name: spec.get("type", "object") for name, spec in self.specs.items()}

    @property
    def notes(self) -> Mapping[str, Any]:
        """What was done to it by now."""
        meta = self.mappings.get("_meta")
        notes = meta.get(NOTES_KEY) if isinstance(meta, dict) else None
        return notes if isinstance(notes, dict) else {}

    @property
    def adopted(self) -> bool:
        """Whether its vectors came from another program."""
        return self.notes.get("adopted") is True

    @property
    def id(self) -> str | None:
        """What tells it from another index of its name."""
        found: str | None = self.body.get("settings", {}).get("index", {}).get("uuid")
        return found

    @property
    def write_alias(self) -> str | None:
        """The alias that stands for this index alone, where it has one."""
        return known_write_alias(self.index, self.body)

    @property
    def promised(self) -> Contract:
        """Its contract.

        Raises:
            NoContract: there is none.
        """
        if self.contract is None:
            raise NoContract(
                f"index {self.index!r} has no vectors that es_hybrid knows of: give it some with "
                f"es-hybrid enrich {self.name}, or have its own proven with es-hybrid adopt"
            )
        return self.contract


def existing_index(client: Elasticsearch, name: str, *, stream: bool = False) -> Existing:
    """The one index behind `name`; with `stream` it may be part of a data stream.

    Raises:
        IndexNotFound: there is none.
        UsageError: there are several, or it is part of a data stream.
        ContractError: its contract is damaged, or of a newer es_hybrid.
        ServerError: the server refused, or cannot be reached.
    """
    answer = run(client, reading(name))
    if answer is None:
        raise IndexNotFound(f"no index {name!r}: see the names with GET /_cat/indices")
    if len(answer) != 1:
        raise UsageError(
            f"{name!r} stands for {len(answer)} indices ({', '.join(sorted(answer))}): name one"
        )
    index, body = next(iter(answer.items()))
    if "data_stream" in body and not stream:
        raise UsageError(
            f"{name!r} belongs to the data stream {body['data_stream']!r}, whose next index would "
            "not have what this one gets: copy it with es-hybrid enrich --into NEW"
        )
    return Existing(name, index, body, contract_of(body, index=index))


def id_now(client: Elasticsearch, index: str) -> str | None:
    """`Existing.id` of the index that has this name now; None where there is none.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    told = run(client, reading(index)) or {}
    return Existing(index, index, told[index], None).id if index in told else None


def check_text_fields(index: Existing, names: tuple[str, ...]) -> None:
    """Refuse to read texts from fields that are not there.

    Raises:
        UsageError: names those that could be meant.
        ContractMismatch: the index was made with others.
    """
    contract = index.contract
    if contract is not None and names != contract.text_fields:
        raise ContractMismatch(
            f"index {index.index!r} was made with --text-fields {','.join(contract.text_fields)}, "
            f"not with {','.join(names)}: leave --text-fields out, or index under another name"
        )
    check_readable(index, names)


def check_readable(index: Existing, names: tuple[str, ...]) -> None:
    """Refuse to read texts from fields that are not there, or that hold none of their own.

    Raises:
        UsageError: names those that could be meant.
    """
    for name in names:
        kind, parent = index.fields.get(name), name.rpartition(".")[0]
        if kind in _TEXTS and parent not in index.fields:
            continue
        have = ", ".join(f for f, k in index.fields.items() if k == "text") or "none"
        what = f"no field {name!r} in {index.index!r}"
        if kind is not None:
            what = f"field {name!r} of {index.index!r} is of type {kind}"
        if parent in index.fields:
            what = f"field {name!r} of {index.index!r} is but another analysis of {parent!r}"
        raise UsageError(
            f"{what}, and its text fields are {have}: name those to search and embed with "
            "--text-fields"
        )


def write_meta(
    client: Elasticsearch,
    index: str,
    *,
    contract: Contract | None = None,
    notes: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Add fields to a mapping, and to its ``_meta``, in which all else stays.

    Elasticsearch replaces ``_meta`` whole, so that it is read just before.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    found = existing_index(client, index)
    meta = dict(found.mappings.get("_meta") or {})
    if contract is not None:
        meta[META_KEY] = contract.to_meta()
    if notes is not None:
        meta[NOTES_KEY] = {**found.notes, **notes}
    body: dict[str, Any] = {"_meta": meta}
    if properties:
        body["properties"] = dict(properties)
    request(client, "PUT", path(index, "_mapping"), body=body)
