"""The body of an index that takes over another one's mapping and settings, with other vectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from es_hybrid.contract import META_KEY, Contract
from es_hybrid.documents import META_FIELD, PASSAGES_FIELD
from es_hybrid.existing.additions import OWN_ANALYSIS, properties
from es_hybrid.existing.index import NOTES_KEY, Existing
from es_hybrid.mapping import index_body

# What the server says of an index and nobody can ask for, and what belongs to that one alone.
_ITS_OWN = frozenset(
    (
        *("uuid", "creation_date", "creation_date_string", "provided_name", "version", "blocks"),
        *("history", "resize", "shrink", "verified_before_close", "verified_read_only", "hidden"),
    )
)

_REFUSED = re.compile(r"Settings \[([^\]]+)\] are not available when running in serverless mode")


def copied_body(
    source: Existing, contract: Contract, *, notes: Mapping[str, Any]
) -> dict[str, Any]:
    """Settings and mappings of the new index.

    The user's own fields, their analysis and the number of shards stay. Where `contract` has
    another analysis profile than the source, the text fields get that.

    Args:
        source: the index that is copied.
        contract: of the new one.
        notes: what the new one's ``_meta`` says of itself.
    """
    settings = {
        name: value
        for name, value in deepcopy(dict(source.body["settings"]["index"])).items()
        if name not in _ITS_OWN
    }
    _without_place(settings)
    mappings = deepcopy(dict(source.mappings))
    mappings.pop("_data_stream_timestamp", None)  # of a data stream
    mappings["properties"] = _without_ours(mappings.get("properties", {}), source.contract)
    if _needs_profile(source, contract):
        made = index_body(contract)
        settings["analysis"] = _both(settings.get("analysis", {}), made["settings"]["analysis"])
        texts = {name: made["mappings"]["properties"][name] for name in contract.text_fields}
        _put(mappings["properties"], texts)
    _put(mappings["properties"], properties(contract))
    meta = dict(mappings.get("_meta") or {})
    mappings["_meta"] = {**meta, META_KEY: contract.to_meta(), NOTES_KEY: dict(notes)}
    return {"settings": {"index": settings}, "mappings": mappings}


def refused_settings(reason: str) -> Sequence[str]:
    """The settings that a serverless project decides by itself, where that is why it refused.

    >>> refused_settings("Settings [index.a,index.b.c] are not available when running in "
    ...     "serverless mode")
    ['index.a', 'index.b.c']
    """
    found = _REFUSED.search(reason)
    return found[1].split(",") if found else []


def without_settings(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The body of an index without some settings, by full names such as ``index.a.b``."""
    made = deepcopy(dict(body))
    for name in names:
        _without(made["settings"], name)
    return made


def _without(settings: dict[str, Any], name: str) -> None:
    """The server writes ``{"a": {"b": 1}}`` for ``a.b``, or in part as one word."""
    if name in settings:
        del settings[name]
        return
    for head, inside in list(settings.items()):
        if isinstance(inside, dict) and name.startswith(f"{head}."):
            _without(inside, name.removeprefix(f"{head}."))
            if not inside:
                del settings[head]


def _needs_profile(source: Existing, contract: Contract) -> bool:
    if contract.analysis == OWN_ANALYSIS:
        return False
    old = source.contract
    return old is None or (old.analysis, old.text_fields) != (
        contract.analysis,
        contract.text_fields,
    )


def _without_place(settings: dict[str, Any]) -> None:
    """Without where its shards lie now, which says nothing of where new ones should."""
    allocation = settings.get("routing", {}).get("allocation", {})
    allocation.pop("initial_recovery", None)


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: {**one.get(kind, {}), **other.get(kind, {})} for kind in {**one, **other}}


def _without_ours(mapped: Mapping[str, Any], contract: Contract | None) -> dict[str, Any]:
    kept = dict(mapped)
    if contract is None:
        return kept
    kept.pop(META_FIELD, None)
    if contract.passages:
        kept.pop(PASSAGES_FIELD, None)
    _drop(kept, contract.vector_field)
    return kept


def _drop(mapped: dict[str, Any], name: str) -> None:
    head, _, rest = name.partition(".")
    if not rest:
        mapped.pop(head, None)
    elif "properties" in mapped.get(head, {}):
        _drop(mapped[head]["properties"], rest)


def _put(mapped: dict[str, Any], added: Mapping[str, Any]) -> None:
    """Add fields, also inside objects that are there."""
    for full, spec in added.items():
        head, _, rest = full.partition(".")
        if rest:
            _put(mapped.setdefault(head, {}).setdefault("properties", {}), {rest: spec})
        elif "properties" in spec and "properties" in mapped.get(head, {}):
            _put(mapped[head]["properties"], spec["properties"])
        else:
            mapped[head] = spec
