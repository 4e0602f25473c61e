"""What is searched: the indices behind a name, and what their contracts promise together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from es_hybrid.contract import Contract, same_model
from es_hybrid.documents import (
    EXACT_SUBFIELD,
    META_FIELD,
    PASSAGES_FIELD,
    THUMBNAIL_FIELD,
    VECTOR_FIELD,
)
from es_hybrid.errors import ContractError, IndexNotFound, NoContract, UsageError
from es_hybrid.json_values import shown
from es_hybrid.live import reading
from es_hybrid.mapping import check_index_name, contract_of, field_specs, with_parts
from es_hybrid.search.checks import plain
from es_hybrid.similarity import (
    COSINE_OF_ANY_LENGTH,
    DEFAULT_SIMILARITY,
    Similarity,
    field_similarity,
    similarity,
)
from es_hybrid.steps import Steps
from es_hybrid.tuned import Tuned, tuned_of
from es_hybrid.vector_index import VECTOR_INDEX_TYPES, VectorIndexType


@dataclass(frozen=True)
class Searched:
    """The indices behind a name, as they were read.

    Attributes:
        name: what was asked for: an alias, an index, a pattern, or several with commas.
        contracts: index -> what it promises; None of one that es_hybrid did not make.
        specs: full name of every field that is mapped in any of them -> its mapping.
        settings: index -> how its legs are best fused, where `es-hybrid tune` found that out.
    """

    name: str
    contracts: Mapping[str, Contract | None]
    specs: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Tuned | None] = field(default_factory=dict)

    @cached_property
    def tuned(self) -> Tuned | None:
        """How legs are best fused; None where the indices are not all tuned alike."""
        first, *others = self.settings.values() or (None,)
        alike = first and all(one and one.setting == first.setting for one in others)
        return first if alike else None

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Full name of every field -> its type."""
        return {name: spec.get("type", "object") for name, spec in self.specs.items()}

    @cached_property
    def contract(self) -> Contract:
        """What all of them promise: the first one's contract, which the others agree with.

        Raises:
            NoContract: one was not made by es_hybrid.
            ContractError: two were made in different ways.
        """
        for index, contract in self.contracts.items():
            if contract is None:
                raise NoContract(
                    f"index {index!r} was not made by es_hybrid, so nobody knows which model made "
                    "its vectors, if there are any: search it with --mode bm25, or with legs of "
                    "your own; or index your documents under another name"
                )
        first, *others = (one for one in self.contracts.items() if one[1] is not None)
        for other in others:
            _agree(first, other)
        assert first[1] is not None  # noqa: S101 - for mypy: all were looked at
        return first[1]

    @property
    def ours(self) -> bool:
        """Whether es_hybrid made all of them."""
        return None not in self.contracts.values()

    @property
    def index(self) -> str:
        """Which indices these are, for people."""
        return ", ".join(self.contracts)

    @cached_property
    def lexical_fields(self) -> tuple[str, ...]:
        """What a BM25 leg searches: the text fields, and the parts of their words."""
        return with_parts(self.text_fields, self.fields)

    @cached_property
    def text_fields(self) -> tuple[str, ...]:
        """The fields with the documents' texts.

        Of an index that es_hybrid did not make, all fields that hold text.
        """
        known = [contract for contract in self.contracts.values() if contract is not None]
        text = dict.fromkeys(name for contract in known for name in contract.text_fields)
        if len(known) < len(self.contracts):
            inside = {f"{name}.{sub}" for name in text for sub in ("parts", "exact")}
            of_text = (name for name, kind in self.fields.items() if kind == "text")
            text |= dict.fromkeys(name for name in of_text if name not in inside)
        if not text:
            raise UsageError(f"{self.name!r} has no text field: there is nothing for BM25")
        return tuple(text)

    @property
    def near(self) -> str:
        """What the vectors are compared by, as far as a contract says it."""
        known = (one for one in self.contracts.values() if one is not None)
        return next((contract.similarity for contract in known), DEFAULT_SIMILARITY)

    @cached_property
    def source(self) -> dict[str, Any]:
        """``_source`` without what a model or es_hybrid wrote."""
        vectors = (name for name, kind in self.fields.items() if kind == "dense_vector")
        passages = any(one is not None and one.passages for one in self.contracts.values())
        pictures = any(
            one is not None and one.embedder.modality == "image" for one in self.contracts.values()
        )
        ours = [VECTOR_FIELD, META_FIELD, *([PASSAGES_FIELD] if passages else [])]
        ours += [THUMBNAIL_FIELD] if pictures else []
        return {"excludes": list(dict.fromkeys([*ours, *vectors]))}

    def check_fields(self, fields: Collection[str]) -> None:
        """Refuse to search a field that no index has.

        Raises:
            UsageError: there is none of this name; says which there are.
        """
        for given in fields:
            name = plain(given)
            if "*" not in name and name not in self.fields:
                have = sorted(n for n in self.fields if not n.startswith(f"{META_FIELD}."))
                raise UsageError(f"no field {name!r} in {self.name!r}: it has {', '.join(have)}")

    def whole_field(self, name: str) -> str:
        """`name`, or its sub-field that holds a text as a whole, as facets need it.

        Raises:
            UsageError: no index has this field.
        """
        self.check_fields([name])
        exact = f"{name}.{EXACT_SUBFIELD}"
        return exact if self.fields.get(name) == "text" and exact in self.fields else name

    def vector_field(self, name: str) -> VectorField:
        """The vector field called `name`, which is none of es_hybrid's.

        Raises:
            UsageError: there is none of this name.
        """
        spec = self.specs.get(name, {})
        if spec.get("type") != "dense_vector":
            have = [n for n, kind in self.fields.items() if kind == "dense_vector"]
            raise UsageError(
                f"{name!r} is no vector field of {self.name!r}: it has {', '.join(have) or 'none'}"
            )
        said = spec.get("similarity", DEFAULT_SIMILARITY)
        kind = VECTOR_INDEX_TYPES.get(spec.get("index_options", {}).get("type", ""))
        near = field_similarity(said)
        kind = kind or VECTOR_INDEX_TYPES["hnsw"]
        return VectorField(near, kind, spec.get("dims"), _of_floats(spec))

    @cached_property
    def own_vector_field(self) -> VectorField:
        """The field whose vectors the contract is about.

        Raises:
            NoContract: one was not made by es_hybrid.
            ContractError: two were made in different ways.
        """
        contract = self.contract
        spec = self.specs.get(contract.vector_field, {})
        near = similarity(contract.similarity)
        if spec.get("similarity") == COSINE_OF_ANY_LENGTH.field and near.scaled:
            near = COSINE_OF_ANY_LENGTH
        kind = VECTOR_INDEX_TYPES[contract.vector_index]
        return VectorField(near, kind, contract.embedder.dims, _of_floats(spec))


@dataclass(frozen=True, slots=True)
class VectorField:
    """How a vector field is searched.

    Attributes:
        similarity: what it compares by.
        kind: its vector index type.
        dims: numbers of a vector; None where the mapping does not say it.
        floats: whether they are float32.
    """

    similarity: Similarity
    kind: VectorIndexType
    dims: int | None
    floats: bool


def _of_floats(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("element_type", "float") == "float")


def _agree(one: tuple[str, Contract | None], other: tuple[str, Contract | None]) -> None:
    """Refuse two indices whose hits cannot be compared."""
    said = [_way(contract) for _, contract in (one, other) if contract is not None]
    for what in said[0]:
        if said[0][what] != said[1][what]:
            raise ContractError(
                f"index {one[0]!r} has {what} {shown(said[0][what])}, index {other[0]!r} has "
                f"{shown(said[1][what])}: search them one by one, or both with --mode bm25"
            )
    if one[1] and other[1] and not same_model(one[1], other[1]):
        raise ContractError(
            f"indices {one[0]!r} and {other[0]!r} both have the embedder "
            f"{shown(one[1].embedder.id)}, but its vectors of the probe texts differ: index one of "
            "them anew, or search them with --mode bm25"
        )


def _way(contract: Contract) -> dict[str, Any]:
    return {
        "embedder": contract.embedder.id,
        "dimensions": contract.embedder.dims,
        "normalisation": contract.normalisation,
        "similarity": contract.similarity,
        "vector index": contract.vector_index,
        "passages": contract.passages is not None,
        "vector field": contract.vector_field,
    }


def _missing(name: str) -> IndexNotFound:
    """The error for a name that nothing stands behind; raised at once where nothing ever can."""
    parts = name.split(",")
    for part in parts:
        check_index_name(part.replace("*", "x").lstrip("-."))
    if len(parts) == 1 and "*" in name:
        return IndexNotFound(f"no index matches {name!r}: see the names with GET /_cat/indices")
    if len(parts) > 1:
        return IndexNotFound(
            f"not all of {', '.join(map(repr, parts))} are there: see the names with "
            "GET /_cat/indices, or name what may be missing with a pattern, such as 'films*'"
        )
    return IndexNotFound(f"no index {name!r}: make it with es-hybrid index {name} FILE")


def searched(name: str) -> Steps[Searched]:
    """Read what stands behind `name`.

    Raises:
        InvalidIndexName: there is none, and none can have this name.
        IndexNotFound: there is no such index.
        ContractError: a contract is damaged, or of a newer es_hybrid.
        ServerError: the server refused, or cannot be reached.
    """
    answer = yield from reading(name, expand="open")
    if answer is None:
        raise _missing(name)
    specs: dict[str, Mapping[str, Any]] = {}
    for body in answer.values():
        mappings = body.get("mappings", {})
        made = mappings.get("runtime", {})  # fields that a script makes when they are read
        specs = dict(field_specs(mappings.get("properties", {}))) | dict(made) | specs
    contracts = {index: contract_of(body, index=index) for index, body in answer.items()}
    settings = {index: tuned_of(body, contracts[index]) for index, body in answer.items()}
    return Searched(name, contracts, specs, settings)
