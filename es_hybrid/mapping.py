"""From a contract to the body of an index, and from a live index back to its contract."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from es_hybrid.contract import META_KEY, Contract, from_meta
from es_hybrid.documents import META_FIELD, PARTS_SUBFIELD, PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.errors import InvalidIndexName, NoContract, UsageError
from es_hybrid.field_types import META_KEY as FIELD_META_KEY
from es_hybrid.field_types import FieldType, field_type
from es_hybrid.model_references import References, references
from es_hybrid.similarity import similarity
from es_hybrid.vector_index import vector_index_type

# In the wheel the folder lies inside the package, in a checkout beside it.
_FOLDERS = (Path(__file__).parent / "mappings", Path(__file__).parents[1] / "mappings")

_MAX_NAME_BYTES = 255
_FORBIDDEN = set('\\/*?"<>| ,#:')
_VERSION_SUFFIX = "-000001"
_WRITES_SUFFIX = "-writes"


@cache
def _folder() -> Path:
    return next(folder for folder in _FOLDERS if folder.is_dir())


def analysis_profiles() -> list[str]:
    """Names of the analysis profiles that ship with es_hybrid."""
    return sorted(path.stem for path in (_folder() / "analysis").glob("*.json"))


def check_analysis(name: str) -> str:
    """`name`, if it is an analysis profile.

    Raises:
        UsageError: it is not.
    """
    if name not in analysis_profiles():
        raise UsageError(
            f"unknown analysis {name!r}: choose one of {', '.join(analysis_profiles())}, or leave "
            "it to be detected"
        )
    return name


def check_index_name(name: str) -> str:
    """`name`, if Elasticsearch and the versions behind the alias allow it.

    https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create

    Raises:
        InvalidIndexName: it breaks a rule; says which.
    """
    wrong = next(_faults(name), None)
    if wrong:
        raise InvalidIndexName(f"index name {name!r} {wrong}: choose another, such as 'my-docs'")
    return name


def _faults(name: str) -> Iterator[str]:
    if not name:
        yield "is empty"
    if bad := sorted(set(name) & _FORBIDDEN):
        yield f"holds {' '.join(map(repr, bad))}, which Elasticsearch forbids"
    if name != name.encode(errors="ignore").decode():
        yield "is not Unicode"
    if name != name.lower():
        yield "has capital letters, which Elasticsearch forbids"
    if name.startswith(("-", "_", "+", ".")):
        yield f"starts with {name[0]!r}, which is forbidden or reserved"
    if len((name + _VERSION_SUFFIX).encode()) > _MAX_NAME_BYTES:
        yield f"is longer than {_MAX_NAME_BYTES - len(_VERSION_SUFFIX)} bytes"


def first_version(name: str) -> str:
    """The first index behind the alias `name`.

    >>> first_version("films")
    'films-000001'
    """
    return name + _VERSION_SUFFIX


def write_alias(index: str) -> str:
    """An alias of this one index, for its whole life, that documents are written through.

    ``_bulk`` makes an index that was deleted anew by itself, without mapping or contract; through
    an alias, with ``require_alias``, it refuses.

    >>> write_alias("films-000001")
    'films-000001-writes'
    """
    return index + _WRITES_SUFFIX


def write_alias_body(index: str) -> dict[str, Any]:
    """Its member of ``aliases`` in the body of an index; no pattern of a search finds it."""
    return {write_alias(index): {"is_hidden": True}}


def index_body(
    contract: Contract,
    *,
    shards: int = 1,
    replicas: int | None = None,
    types: Mapping[str, FieldType] | None = None,
    serverless: bool = False,
) -> dict[str, Any]:
    """Settings and mappings of a new index that keeps `contract`.

    Args:
        contract: what the index promises; written to ``_meta``.
        shards: number of primary shards, at least 1.
        replicas: copies of each shard; None lets Elasticsearch keep one where there is a
            second node (``auto_expand_replicas: 0-1``).
        types: the typed fields; all others are mapped when they are first seen.
        serverless: leaves shards and replicas out, which a serverless project decides itself.

    Raises:
        UsageError: a combination that Elasticsearch does not allow.
    """
    body = _read("documents.json")
    settings = body["settings"]
    settings["index"] |= {} if serverless else _sizes(shards, replicas)
    settings["analysis"] = _merged(settings["analysis"], _analysis(contract.analysis)["analysis"])
    body["mappings"]["_meta"] = {META_KEY: contract.to_meta()}
    known = _read("images.json")["properties"] if contract.embedder.modality == "image" else {}
    typed = {name: kind.mapping() for name, kind in (types or {}).items()}
    ours = _properties(body["mappings"]["properties"], contract)
    body["mappings"]["properties"] = known | typed | ours
    return body


def _sizes(shards: int, replicas: int | None) -> dict[str, Any]:
    copies = (
        {"auto_expand_replicas": "0-1"} if replicas is None else {"number_of_replicas": replicas}
    )
    return {"number_of_shards": shards, **copies}


def _merged(shared: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {kind: shared.get(kind, {}) | profile.get(kind, {}) for kind in shared | profile}


def _properties(template: dict[str, Any], contract: Contract) -> dict[str, Any]:
    kind = vector_index_type(contract.vector_index, dims=contract.embedder.dims)
    vector = template[VECTOR_FIELD] | {
        "dims": contract.embedder.dims,
        "similarity": similarity(contract.similarity).field,
        "index_options": kind.options(),
    }
    texts = dict.fromkeys(contract.text_fields, template["text"])
    ours: dict[str, Any] = {contract.vector_field: vector}
    if contract.passages:
        nested = template[PASSAGES_FIELD]
        ours = {PASSAGES_FIELD: nested | {"properties": nested["properties"] | ours}}
    return texts | ours | {META_FIELD: template[META_FIELD]}


def _analysis(profile: str) -> dict[str, Any]:
    return _read(f"analysis/{check_analysis(profile)}.json")


def _read(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((_folder() / name).read_text())
    return body


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """An index that exists, as it was read.

    Attributes:
        name: what was asked for: an alias or an index.
        index: the index behind it.
        contract: what it promises.
        fields: full name of every mapped field -> its type.
        types: those of them that were given a type, and which.
        alias: its `write_alias`, where it has one and these credentials may know of it.
        models: field -> id of the fitted model that fills it in each document.
    """

    name: str
    index: str
    contract: Contract
    fields: Mapping[str, str]
    types: Mapping[str, FieldType] = field(default_factory=dict)
    alias: str | None = None
    models: References = field(default_factory=dict)

    @property
    def lexical_fields(self) -> tuple[str, ...]:
        """What the BM25 leg searches: the text fields, and the parts of their words.

        An index of an earlier es_hybrid has no parts, and is searched without.
        """
        return with_parts(self.contract.text_fields, self.fields)


def with_parts(text: Sequence[str], fields: Collection[str]) -> tuple[str, ...]:
    """Text fields and their sub-fields of parts, as far as an index has them."""
    parts = (f"{name}.{PARTS_SUBFIELD}" for name in text)
    return (*text, *(name for name in parts if name in fields))


def live_index(name: str, answer: Mapping[str, Any]) -> LiveIndex:
    """Read what ``GET /NAME`` answered.

    Raises:
        UsageError: `name` stands for several indices.
        NoContract: the index was not made by es_hybrid.
        NewerSchema: it was made by a newer es_hybrid.
        ContractError: its contract is damaged.
    """
    if len(answer) != 1:
        raise UsageError(
            f"{name!r} stands for {len(answer)} indices ({', '.join(sorted(answer))}): name one"
        )
    index, body = next(iter(answer.items()))
    properties = body.get("mappings", {}).get("properties", {})
    contract = contract_of(body, index=index)
    if contract is None:
        raise NoContract(
            f"index {index!r} was not made by es_hybrid, so nobody knows which model made its "
            "vectors: index your documents under another name"
        )
    fields = {name: spec.get("type", "object") for name, spec in field_specs(properties)}
    alias = known_write_alias(index, body)
    models = references(body.get("mappings", {}))
    return LiveIndex(name, index, contract, fields, dict(_typed(properties)), alias, models)


def known_write_alias(index: str, body: Mapping[str, Any]) -> str | None:
    """The `write_alias` of an index, as ``GET /NAME`` told its body; None where there is none."""
    alias = write_alias(index)
    return alias if alias in body.get("aliases", {}) else None


def contract_of(body: Mapping[str, Any], *, index: str) -> Contract | None:
    """The contract in an index's body; None where es_hybrid did not make the index.

    Raises:
        NewerSchema: it was made by a newer es_hybrid.
        ContractError: the contract is damaged.
    """
    said = body.get("mappings", {}).get("_meta")
    meta = said.get(META_KEY) if isinstance(said, dict) else None
    return from_meta(meta, index=index) if isinstance(meta, dict) else None


def field_specs(
    properties: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Full name and mapping of every field that a plain query can search."""
    for name, spec in properties.items():
        full = prefix + name
        if spec.get("type") == "nested":
            continue  # a plain clause on a field in there matches nothing
        if "properties" in spec:
            yield from field_specs(spec["properties"], full + ".")
        else:
            yield full, spec
        yield from field_specs(spec.get("fields", {}), full + ".")


def _typed(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, FieldType]]:
    for name, spec in properties.items():
        yield from _typed(spec.get("properties", {}), f"{prefix}{name}.")
        written = spec.get("meta", {}).get(FIELD_META_KEY)
        try:
            if isinstance(written, str):
                yield prefix + name, field_type(written)
        except UsageError:
            continue  # a type of a newer es_hybrid, or somebody else's word
