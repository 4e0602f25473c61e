"""The way back: an alias stands for an older version of its index again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.errors import ContractError, UsageError
from es_hybrid.existing.changes import count
from es_hybrid.existing.handover import (
    BUILDING,
    CLOSED,
    HANDOVER,
    close,
    mark_whole,
    open_again,
)
from es_hybrid.existing.index import Existing, existing_index
from es_hybrid.existing.versions import aliased, move, version_name, version_number, versions


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Where an alias was moved back to.

    Attributes:
        name: the alias.
        index: the index that it stands for now.
        left: the one that it stood for, which stays.
        embedder: id of the embedder of `index`.
        documents: how many `index` has.
        left_documents: how many `left` has; what was written since it was made is only there.
    """

    name: str
    index: str
    left: str
    embedder: str
    documents: int
    left_documents: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def rollback(client: Elasticsearch, name: str, *, to: str | None = None) -> RolledBack:
    """Let an alias stand for the version before again, or for any other that is left.

    The version that is left is closed to writers, as nobody would find what they write there.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: the alias.
        to: the version, such as ``"films-000001"``; None takes the one that was left for the
            present one, or else the newest of the older ones.

    Raises:
        UsageError: `name` is no alias, or there is no such version.
        ContractError: that version has no contract.
        ServerError: the server refused, or cannot be reached.
    """
    current = aliased(client, name)
    target = existing_index(client, _version(client, current, to))
    if target.notes.get(BUILDING):
        raise ContractError(
            f"{target.index!r} is not finished: its rebuild was interrupted; run that again"
        )
    contract = target.promised
    open_again(client, target)
    move(client, name, source=current, target=target.index)
    if current.notes.get(HANDOVER):  # nobody is to go on with that any more
        mark_whole(client, current.index)
    close(client, current, left_for=target.index)
    return RolledBack(
        name=name,
        index=target.index,
        left=current.index,
        embedder=contract.embedder.id,
        documents=count(client, target.index),
        left_documents=count(client, current.index),
    )


def _version(client: Elasticsearch, current: Existing, to: str | None) -> str:
    name = current.name
    there = versions(client, name)
    if to is not None:
        if to not in there or to == current.index:
            others = ", ".join(one for one in there if one != current.index) or "none"
            raise UsageError(f"{to!r} is no other version of {name!r}: there is {others}")
        return to
    number = version_number(name, current.index)
    older = [one for one in there if number is not None and one < version_name(name, number)]
    if not older:
        newer = ", ".join(one for one in there if one != current.index)
        raise UsageError(
            f"{name!r} stands for {current.index!r}, and there is no older version of it"
            f"{f': name one of the others with --to, {newer}' if newer else ''}"
        )
    left = (one for one in reversed(older) if _left_for(client, one) == current.index)
    return next(left, older[-1])


def _left_for(client: Elasticsearch, index: str) -> Any:
    return existing_index(client, index).notes.get(CLOSED)
