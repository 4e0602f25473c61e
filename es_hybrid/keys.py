"""API keys that may do one job on one index, and end by themselves.

Privileges: https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/elasticsearch-privileges
No role has a privilege on the cluster: what a server can do is then learnt by trying.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from es_hybrid.client import path, request
from es_hybrid.errors import AccessDenied, RequestRefused, UsageError
from es_hybrid.mapping import check_index_name

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

DEFAULT_EXPIRY, NEVER = "30d", "never"
_EXPIRY = re.compile(r"[1-9]\d{0,5}[dhms]")
# Behind the alias stand NAME-000001, NAME-000002 …, each with an alias that is written through.
_VERSIONS = "-[0-9]{6,}(-writes)?"


@dataclass(frozen=True)
class Role:
    """A job on an index.

    Attributes:
        privileges: Of Elasticsearch, on the index and its alias.
        may: What that allows, in words.
    """

    privileges: tuple[str, ...]
    may: str


# `maintenance` is there to refresh, `view_index_metadata` to read the contract.
ROLES: Mapping[str, Role] = {
    "setup": Role(
        ("manage",),
        "create the index, its mapping and its alias, change them and delete them; "
        "neither read nor write documents",
    ),
    "writer": Role(
        ("index", "read", "view_index_metadata", "maintenance"),
        "write and read documents; neither delete them nor create or delete the index",
    ),
    "reader": Role(("read", "view_index_metadata"), "search and read documents; change nothing"),
    "pruner": Role(
        ("delete", "read", "view_index_metadata", "maintenance"),
        "read and delete documents; write none",
    ),
}


@dataclass(frozen=True)
class Key:
    """An API key that was just made.

    Attributes:
        id: Names the key where it is to be invalidated; no secret.
        encoded: The key itself, for ``ES_HYBRID_API_KEY``. Elasticsearch never tells it again.
        index: The alias, or index, it is for.
        roles: Its jobs.
        expires: When it ends; None: never.
    """

    id: str
    encoded: str = field(repr=False)
    index: str
    roles: tuple[str, ...]
    expires: datetime | None

    @property
    def may(self) -> tuple[str, ...]:
        """What it allows, in words, role by role."""
        return tuple(ROLES[role].may for role in self.roles)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it, the key itself included."""
        return {
            "id": self.id,
            "encoded": self.encoded,
            "index": self.index,
            "roles": list(self.roles),
            "may": list(self.may),
            "expires": self.expires.isoformat() if self.expires else None,
        }


def create_key(
    client: Elasticsearch, role: str, index: str, *, expires: str = DEFAULT_EXPIRY
) -> Key:
    """Make an API key for one job on one index.

    Args:
        client: Logged in with a username and password; a key cannot make keys.
        role: ``"setup"``, ``"writer"``, ``"reader"`` or ``"pruner"``; several with ``+`` in
            between.
        index: The alias, or index; the indices behind the alias belong to it, need not exist yet.
        expires: Such as ``"30d"``, ``"12h"``, ``"90m"`` or ``"60s"``; ``"never"`` for a key that
            must be invalidated by hand.

    Raises:
        UsageError: No such role, a bad name, or no time.
        AccessDenied: These credentials may not make keys.
        RequestRefused: The cluster has no security, or none of its API keys.
    """
    roles = _roles(role)
    check_index_name(index)
    body = {
        "name": f"{index} {role}",
        "role_descriptors": {role: _descriptor(role, index) for role in roles},
        "metadata": {"es_hybrid": {"index": index, "roles": list(roles)}},
        **_expiration(expires),
    }
    made = _posted(client, body)
    ends = made.get("expiration")
    return Key(
        id=made["id"],
        encoded=made["encoded"],
        index=index,
        roles=roles,
        expires=None if ends is None else datetime.fromtimestamp(ends / 1000, UTC),
    )


def patterns(index: str) -> list[str]:
    r"""The names that belong to an alias: itself, and its versions, but not its neighbours.

    A wildcard would let a key for ``films`` into ``films-of-kim`` as well.

    >>> patterns("my.films")
    ['my.films', '/my\\.films-[0-9]{6,}(-writes)?/']
    """
    escaped = re.sub(r"([^0-9a-z_-])", r"\\\1", index)
    return [index, f"/{escaped}{_VERSIONS}/"]


def _roles(role: str) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(part.strip() for part in role.split("+")))
    if unknown := [part for part in roles if part not in ROLES]:
        raise UsageError(
            f"{unknown[0]!r} is no role: choose {', '.join(ROLES)}, or several with + in between"
        )
    return roles


def _descriptor(role: str, index: str) -> dict[str, Any]:
    privileges = list(ROLES[role].privileges)
    return {"indices": [{"names": patterns(index), "privileges": privileges}]}


def _expiration(expires: str) -> dict[str, str]:
    if expires == NEVER:
        return {}
    if not _EXPIRY.fullmatch(expires):
        raise UsageError(
            f"{expires!r} is no time for a key to end: write a number and d, h, m or s, such as "
            f"{DEFAULT_EXPIRY}, or {NEVER}"
        )
    return {"expiration": expires}


def _posted(client: Elasticsearch, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        made: dict[str, Any] = request(client, "POST", path("_security", "api_key"), body=body)
    except RequestRefused as error:
        raise _explained(error) from error
    return made


def _explained(error: RequestRefused) -> Exception:
    said = str(error)
    if "derived api keys" in said:
        return AccessDenied(
            f"{said}. A key cannot make other keys: log in with --username and ES_HYBRID_PASSWORD, "
            "and unset ES_HYBRID_API_KEY"
        )
    if error.status in (400, 405, 500) and "_security" in said:
        return RequestRefused(
            f"{said}. This cluster runs without security, so it has no keys: set "
            "xpack.security.enabled, or start the embedded one with `es-hybrid up --secure`",
            status=error.status,
            kind=error.kind,
        )
    return error
