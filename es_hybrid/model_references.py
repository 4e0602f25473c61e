"""Which fitted models fill fields of an index's documents, as its ``_meta`` says; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REFERENCES_KEY = "es_hybrid_models"

# Field of the documents -> id of the model that fills it.
References = Mapping[str, str]


def references(mappings: Mapping[str, Any]) -> References:
    """The models that an index uses, by its mapping; anybody may have written there.

    >>> references({"_meta": {"es_hybrid_models": {"anomaly": "films-1", "x": 3}}})
    {'anomaly': 'films-1'}
    """
    meta = mappings.get("_meta")
    said = meta.get(REFERENCES_KEY) if isinstance(meta, Mapping) else None
    if not isinstance(said, Mapping):
        return {}
    return {str(name): model for name, model in said.items() if isinstance(model, str) and model}
