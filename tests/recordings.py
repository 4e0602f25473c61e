"""The recorded searches by Elasticsearch's own fusion, in the words of a `Searcher`.

FINDINGS.md beside the recordings says what they are. Recorded names of indices (``n1``, ``n3``)
are kept here; a test that makes these indices under other names maps them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from es_hybrid import Leg

FOLDER = Path(os.environ.get("ES_HYBRID_SHARED", "../shared")) / "data" / "native"

missing = pytest.mark.skipif(
    not (FOLDER / "cases.jsonl").is_file(),
    reason=f"no recordings in {FOLDER}: set ES_HYBRID_SHARED to the folder that has them",
)

# What stands beside a retriever that no option of a search stands for.
_BESIDE = {
    "min_score": "a minimum of the fused score is of linear fusion alone",
    "post_filter": "no post_filter",
    "profile": "no profile",
    "query": "a query beside the retriever",
    "rescore": "no rescore: there is rerank",
    "sort": "hits are sorted by their score",
    "terminate_after": "no terminate_after",
}
_PARAMS = {"?scroll=1m": "no scroll: there is from_", "?search_type=dfs_query_then_fetch": "no dfs"}

# Finds nothing and so adds nothing; beside it, one leg is fused as Elasticsearch fuses one.
NOTHING = Leg.query("nothing", {"match_none": {}})


class Inexpressible(Exception):
    """No arguments of a search mean this; says why."""


@dataclass(frozen=True)
class Search:
    """A recorded search as a caller would write it.

    Attributes:
        names: the indices.
        options: of `Searcher.search`.
        routing: of the `Searcher`.
    """

    names: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    routing: str | None = None


@cache
def cases() -> dict[str, dict[str, Any]]:
    """Name -> recorded case; none where there are no recordings."""
    return {case["name"]: case for case in lines("cases.jsonl")}


@cache
def answers() -> dict[str, dict[str, Any]]:
    """Name -> what a server said of its licence, or for want of one."""
    return {case["name"]: case for case in lines("license_cases.jsonl")}


def lines(name: str) -> list[dict[str, Any]]:
    found = FOLDER / name
    return [json.loads(line) for line in found.read_text().splitlines()] if found.is_file() else []


@cache
def mapping() -> dict[str, Any]:
    """Mappings and settings of both indices."""
    read = json.loads((FOLDER / "mapping.json").read_text())
    return {name: read[name] for name in ("mappings", "settings")}


@cache
def shard_docs(index: str) -> dict[str, int]:
    """``index/_id`` -> `_shard_doc`: the shard times 2**32, and the place in it."""
    places: dict[str, int] = json.loads((FOLDER / "shard_doc.json").read_text())[index]
    return places


def hits(found: Any) -> list[tuple[str, str, bytes]]:
    """Index, _id and the bits of the float32 score, of hits as Elasticsearch sends them."""
    return [(hit["_index"], hit["_id"], bits(hit["_score"])) for hit in found["hits"]["hits"]]


def bits(score: float) -> bytes:
    return np.float32(score).tobytes()


def search(case: dict[str, Any]) -> Search:
    """The arguments that mean what was recorded.

    Raises:
        Inexpressible: there are none.
    """
    request, params = case["request"], case["params"]
    if params in _PARAMS:
        raise Inexpressible(_PARAMS[params])
    ((kind, retriever),) = request["retriever"].items()
    options = _beside(request) | _combined(kind, retriever)
    routing = params.removeprefix("?routing=") or None
    return Search(case["index"].split(","), options, routing)


def _beside(request: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"exact_totals": True}
    for name, value in request.items():
        if name in _BESIDE:
            raise Inexpressible(_BESIDE[name])
        if name == "track_total_hits":
            options["exact_totals"] = value is True
        elif name == "collapse":
            options["collapse"] = _collapse(**value)
        elif name != "retriever":
            options[{"from": "from_", "_source": "source"}.get(name, name)] = value
    return options


def _collapse(field: str, inner_hits: Any = None) -> str:
    if inner_hits is not None:
        raise Inexpressible("collapse returns no inner hits")
    return field


def _combined(kind: str, retriever: dict[str, Any]) -> dict[str, Any]:
    """Which legs, and how they are fused."""
    if kind in {"standard", "knn"}:
        return {"legs": [_leg({kind: retriever}, 0)]}
    if kind not in {"rrf", "linear"}:
        raise Inexpressible(f"no retriever {kind}")
    return {"method": kind, **_fused(kind, **retriever)}


def _fused(
    kind: str,
    *,
    retrievers: Any = (),
    query: str | None = None,
    fields: Any = None,
    rank_window_size: Any = 10,
    normalizer: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    if unknown := set(more) - {"rank_constant", "filter", "min_score"}:
        raise Inexpressible(f"no such option: {', '.join(unknown)}")
    if retrievers and query:
        raise Inexpressible("a text beside the legs")
    if kind == "linear" and query and normalizer is None:
        raise Inexpressible("there always is a normalizer")
    legs = _of_fields(query, fields) if query else [_leg(*p) for p in _numbered(retrievers, kind)]
    if kind == "linear":
        more["normalizer"] = normalizer or "none"
    return {"legs": [*legs, NOTHING][: max(2, len(legs))], "window": rank_window_size, **more}


def _numbered(retrievers: Any, kind: str) -> list[tuple[dict[str, Any], int]]:
    if not retrievers:
        raise Inexpressible("no legs, nor words")
    if kind == "linear" and any("retriever" not in one for one in retrievers):
        raise Inexpressible("another way to write a leg of linear")
    return [(one, number) for number, one in enumerate(retrievers)]


def _of_fields(query: str, fields: Any) -> list[Leg]:
    if not fields:
        raise Inexpressible("a leg by no fields")
    best = {"query": query, "type": "most_fields", "fields": fields}
    return [Leg.query("fields", {"multi_match": best})]


def _leg(
    element: dict[str, Any],
    number: int,
) -> Leg:
    wrapped = element if "retriever" in element or "weight" in element else {"retriever": element}
    if "retriever" not in wrapped:
        raise Inexpressible("a weight of nothing")
    ((kind, asked),) = wrapped["retriever"].items()
    more = {name: value for name, value in wrapped.items() if name != "retriever"}
    name = asked.get("_name", f"{kind}{number}")
    if kind == "standard":
        return _standard(name, more, **_unnamed(asked))
    if kind == "knn":
        return _knn(name, more, **_unnamed(asked))
    raise Inexpressible(f"a leg that is {kind}")


def _unnamed(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name != "_name"}


def _standard(
    name: str,
    more: dict[str, Any],
    *,
    query: Any = None,
    filter: Any = None,  # noqa: A002 - Elasticsearch's own word
    min_score: float | None = None,
) -> Leg:
    if query is None:  # it selects, and scores 0
        return Leg.query(name, {"bool": {"filter": filter}}, minimum=min_score, **more)
    return Leg.query(name, query, filter=filter, minimum=min_score, **more)


def _knn(
    name: str,
    more: dict[str, Any],
    *,
    field: str,
    query_vector: list[float],
    k: int | None = None,
    num_candidates: int | None = None,
    similarity: float | None = None,
    filter: Any = None,  # noqa: A002
) -> Leg:
    if k is None:
        raise Inexpressible("a kNN leg always has a k")
    return Leg.knn(
        name,
        field=field,
        vector=query_vector,
        k=k,
        num_candidates=num_candidates,
        minimum=similarity,
        filter=filter,
        **more,
    )
