"""Where fitted models are kept: an index of their own, to which ``_meta`` of an index refers.

A model has the numbers of dozens of vectors, which is too much for ``_meta``: that is part of the
cluster state, and read with each search.
"""

from __future__ import annotations

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, ContractError
from es_hybrid.fitted.model import Fitted, from_record
from es_hybrid.model_references import MODELS_INDEX


def model_of(client: Elasticsearch, identifier: str) -> Fitted:
    """A model by its id.

    Raises:
        ContractError: there is none, or it is damaged.
        AccessDenied: these credentials may not read models; says which key may.
        ServerError: the server refused, or cannot be reached.
    """
    where = path(MODELS_INDEX, "_doc", identifier)
    try:
        answer = request(client, "GET", where, ok=(404,))
    except AccessDenied as error:
        raise AccessDenied(
            f"{error}. Models are kept in {MODELS_INDEX}: name it beside the index, as in "
            f"es-hybrid keys create writer NAME,{MODELS_INDEX}"
        ) from error
    if not answer.get("found"):
        raise ContractError(f"there is no model {identifier!r} in {MODELS_INDEX}: fit it anew")
    return from_record(answer["_source"], name=identifier)
