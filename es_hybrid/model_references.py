"""Where fitted models are kept, and which of them an index refers to in its ``_meta``; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The index of all fitted models, and of transforms. Hidden: no pattern of a search finds it.
MODELS_INDEX = "es_hybrid-models"

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
