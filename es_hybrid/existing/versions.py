"""Versions of an index behind one alias: NAME-000001, NAME-000002, and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import RequestRefused, UsageError
from es_hybrid.existing.index import Existing, existing_index

_MOST = 999_999


def version_name(name: str, number: int) -> str:
    """The index of a version.

    >>> version_name("films", 2)
    'films-000002'
    """
    return f"{name}-{number:06d}"


def version_number(name: str, index: str) -> int | None:
    """Which version of `name` an index is; None if it is none.

    >>> version_number("films", "films-000002"), version_number("films", "films-new-000001")
    (2, None)
    """
    found = re.fullmatch(re.escape(name) + r"-(\d{6})", index)
    return int(found[1]) if found else None


def versions(client: Elasticsearch, name: str) -> list[str]:
    """The versions of `name` that exist, oldest first, behind the alias or not.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    params = {"expand_wildcards": "all", "filter_path": "*.settings.index.uuid"}
    answer = request(client, "GET", path(f"{name}-*", "_settings"), params=params, ok=(404,))
    found = {index for index in answer if version_number(name, index) is not None}
    return sorted(found)


def aliased(client: Elasticsearch, name: str) -> Existing:
    """The one index behind the alias `name`.

    Raises:
        UsageError: `name` is an index itself, or the alias is filtered or has several indices.
        IndexNotFound: there is neither.
        ServerError: the server refused, or cannot be reached.
    """
    index = existing_index(client, name)
    if index.index == name:
        raise UsageError(
            f"{name!r} is an index, not an alias that could be moved to another one: copy it with "
            f"es-hybrid enrich {name} --into NEW, which makes the alias NEW, and use that"
        )
    return index


def alias_body(index: Existing) -> Mapping[str, Any]:
    """What the alias says beside its name: filter, routing, whether it is hidden."""
    said: Mapping[str, Any] = index.body.get("aliases", {}).get(index.name, {})
    return {key: value for key, value in said.items() if key != "is_write_index"}


def move(client: Elasticsearch, name: str, *, source: Existing, target: str) -> None:
    """Let the alias stand for another index, in one step: no search ever finds it missing.

    Raises:
        RequestRefused: the alias was moved by somebody else meanwhile.
        ServerError: the server refused, or cannot be reached.
    """
    actions: list[dict[str, Any]] = [
        {"remove": {"index": source.index, "alias": name, "must_exist": True}},
        {"add": {**alias_body(source), "index": target, "alias": name, "is_write_index": True}},
    ]
    try:
        request(client, "POST", path("_aliases"), body={"actions": actions})
    except RequestRefused:
        if existing_index(client, name).index != target:  # else it is done, and nobody was told
            raise


def next_version(client: Elasticsearch, name: str) -> str:
    """The first name that no version has had, as far as they exist.

    Raises:
        UsageError: there can be no more.
        ServerError: the server refused, or cannot be reached.
    """
    numbers = [version_number(name, index) or 0 for index in versions(client, name)]
    number = max(numbers, default=0) + 1
    if number > _MOST:
        raise UsageError(f"{name!r} has {_MOST} versions: index under another name")
    return version_name(name, number)
