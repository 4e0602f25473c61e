"""Which fitted models are kept, who uses them, and how those that nobody uses are deleted.

A model stays when its index gets another one: older versions of the index refer to it still, and
a rollback brings them back. So only what no index refers to is deleted, whoever's index it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from elasticsearch import Elasticsearch

from es_hybrid.capabilities import NOT_TOLD
from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied
from es_hybrid.fitted.model import Kind
from es_hybrid.model_references import MODELS_INDEX, REFERENCES_KEY, references

# A model is kept a moment before its index refers to it: young ones are left alone.
YOUNG = timedelta(hours=1)

_MOST = 10_000
_TOLD = ("kind", "method", "field", "index", "created_at")
_SEEING = "view_index_metadata"


@dataclass(frozen=True, slots=True)
class KeptModel:
    """One of the models.

    Attributes:
        id: of its document.
        kind: ``"anomaly"`` or ``"cluster"``.
        method: how it was fitted.
        field: of the documents, that it fills.
        index: that it was fitted on; it may be gone.
        created_at: when, as ISO 8601.
        used_by: the indices that refer to it, sorted; also closed and hidden ones.
    """

    id: str
    kind: str
    method: str
    field: str
    index: str
    created_at: str
    used_by: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def kept_models(client: Elasticsearch) -> list[KeptModel]:
    """All models of anomalies and clusters, the oldest first, up to 10,000.

    Raises:
        AccessDenied: these credentials do not see all indices, so that nobody can say who uses
            a model.
        ServerError: the server refused, or cannot be reached.
    """
    _check_sight(client)
    used = _users(client)
    body = {"size": _MOST, "_source": list(_TOLD)}
    answer = request(client, "POST", path(MODELS_INDEX, "_search"), body=body, ok=(404,))
    hits = answer.get("hits", {}).get("hits", ())
    found = [_model(hit, used) for hit in hits if hit["_source"].get("kind") in get_args(Kind)]
    return sorted(found, key=lambda one: (one.created_at, one.id))


def prune_models(
    client: Elasticsearch, *, dry_run: bool = False, young: timedelta = YOUNG
) -> list[KeptModel]:
    """Delete the models that no index refers to; transforms, which embedders name, all stay.

    Args:
        client: whose cluster.
        dry_run: only say which these are.
        young: those that were fitted so short a time ago stay.

    Returns:
        What was deleted, or would be.

    Raises:
        AccessDenied: these credentials do not see all indices, or may not delete models.
        ServerError: the server refused, or cannot be reached.
    """
    before = (datetime.now(UTC) - young).isoformat()
    found = [one for one in kept_models(client) if not one.used_by and one.created_at <= before]
    for one in () if dry_run else found:
        where = path(MODELS_INDEX, "_doc", one.id)
        request(client, "DELETE", where, params={"refresh": "true"}, ok=(404,))
    return found


def _check_sight(client: Elasticsearch) -> None:
    """Indices that one may not see are missing from an answer in silence."""
    asked = {"index": [{"names": ["*"], "privileges": [_SEEING]}]}
    where = path("_security", "user", "_has_privileges")
    answer = request(client, "POST", where, body=asked, ok=NOT_TOLD)  # none: without security
    if answer.get("has_all_requested") is False:
        raise AccessDenied(
            "these credentials do not see all indices, and one of those may use a model: log in "
            f"with a username and password, or with a key that has {_SEEING} on *"
        )


def _users(client: Elasticsearch) -> Mapping[str, tuple[str, ...]]:
    """Id of a model -> the indices that refer to it."""
    params = {
        "expand_wildcards": "all",
        "filter_path": f"*.mappings._meta.{REFERENCES_KEY}",
    }
    answer = request(client, "GET", path("_all", "_mapping"), params=params)
    used: dict[str, tuple[str, ...]] = {}
    for index, told in sorted(answer.items()):
        for model in references(told["mappings"]).values():
            used[model] = (*used.get(model, ()), index)
    return used


def _model(hit: Mapping[str, Any], used: Mapping[str, tuple[str, ...]]) -> KeptModel:
    said = {name: str(hit["_source"].get(name) or "") for name in _TOLD}
    return KeptModel(id=hit["_id"], used_by=used.get(hit["_id"], ()), **said)
