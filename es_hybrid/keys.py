"""API keys that may do one job on one index, and end by themselves; they are listed and revoked.

Privileges: https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/elasticsearch-privileges
No role has a privilege on the cluster: what a server can do is then learnt by trying.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


# What each command needs; `pruner` to carry deletions over, `reader` to look at documents.
NEEDED: Mapping[str, str] = {
    "adopt": "setup+reader",
    "anomalies": "reader",
    "anomalies --write-back": "setup+writer",
    "clusters": "reader",
    "clusters --write-back": "setup+writer",
    "enrich": "setup+writer",
    "rebuild": "setup+writer+pruner",
    "rollback": "setup+reader",
    "status": "reader",
}


@dataclass(frozen=True)
class Key:
    """An API key that was just made.

    Attributes:
        id: Names the key where it is to be invalidated; no secret.
        encoded: The key itself, for ``ES_HYBRID_API_KEY``. Elasticsearch never tells it again.
        index: The alias, or index, it is for; several with commas.
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
        index: The alias, or index, several with commas; the indices behind an alias belong to it,
            and need not exist yet.
        expires: Such as ``"30d"``, ``"12h"``, ``"90m"`` or ``"60s"``; ``"never"`` for a key that
            must be invalidated by hand.

    Raises:
        UsageError: No such role, a bad name, or no time.
        AccessDenied: These credentials may not make keys.
        RequestRefused: The cluster has no security, or none of its API keys.
    """
    roles = _roles(role)
    for name in _names(index):
        check_index_name(name)
    body = {
        "name": f"{index} {role}",
        "role_descriptors": {role: _descriptor(role, index) for role in roles},
        "metadata": {"es_hybrid": {"index": index, "roles": list(roles)}},
        **_expiration(expires),
    }
    made = _asked(client, "POST", body)
    ends = made.get("expiration")
    return Key(
        id=made["id"],
        encoded=made["encoded"],
        index=index,
        roles=roles,
        expires=None if ends is None else _moment(ends),
    )


def patterns(index: str) -> list[str]:
    r"""The names that belong to an alias: itself, and its versions, but not its neighbours.

    A wildcard would let a key for ``films`` into ``films-of-kim`` as well.

    >>> patterns("my.films")
    ['my.films', '/my\\.films-[0-9]{6,}(-writes)?/']
    """
    escaped = re.sub(r"([^0-9a-z_-])", r"\\\1", index)
    return [index, f"/{escaped}{_VERSIONS}/"]


@dataclass(frozen=True)
class KnownKey:
    """An API key that es_hybrid made, as the cluster knows it; not the key itself.

    Attributes:
        id: Names the key where it is to be revoked.
        index: The alias, or index, it is for; several with commas.
        roles: Its jobs.
        created: When it was made.
        expires: When it ends; None: never.
    """

    id: str
    index: str
    roles: tuple[str, ...]
    created: datetime
    expires: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "index": self.index,
            "roles": list(self.roles),
            "created": self.created.isoformat(),
            "expires": self.expires.isoformat() if self.expires else None,
        }


def list_keys(client: Elasticsearch, index: str | None = None) -> list[KnownKey]:
    """The keys made by `create_key` that still open something, oldest first.

    Args:
        client: Logged in with a username and password.
        index: Only those for this alias or index.

    Raises:
        AccessDenied: These credentials may not see keys.
        RequestRefused: The cluster has no security, or none of its API keys.
    """
    told = _asked(client, "GET")["api_keys"]
    now = datetime.now(UTC)
    found = [_known(one) for one in told if _is_ours(one) and not one.get("invalidated")]
    return sorted(
        (
            key
            for key in found
            if (key.expires is None or key.expires > now)
            and (index is None or index in _names(key.index))
        ),
        key=lambda key: key.created,
    )


def revoke_keys(client: Elasticsearch, ids: Sequence[str]) -> None:
    """Let keys open nothing any more, from now on.

    Args:
        client: Logged in with a username and password.
        ids: Of keys, as `create_key` and `list_keys` say them.

    Raises:
        UsageError: There is no such key that es_hybrid made; none was revoked.
        AccessDenied: These credentials may not revoke keys.
        RequestRefused: The cluster has no security, or none of its API keys.
    """
    known = {key.id for key in list_keys(client)}
    if missing := [one for one in ids if one not in known]:
        raise UsageError(
            f"there is no key {missing[0]!r} that es_hybrid made and that still opens something: "
            "see their ids with es-hybrid keys list"
        )
    _asked(client, "DELETE", {"ids": list(ids)})


def _is_ours(told: Mapping[str, Any]) -> bool:
    about = (told.get("metadata") or {}).get("es_hybrid")
    return isinstance(about, Mapping) and {"index", "roles"} <= about.keys()


def _known(told: Mapping[str, Any]) -> KnownKey:
    about, ends = told["metadata"]["es_hybrid"], told.get("expiration")
    return KnownKey(
        id=told["id"],
        index=str(about["index"]),
        roles=tuple(map(str, about["roles"])),
        created=_moment(told["creation"]),
        expires=None if ends is None else _moment(ends),
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _names(index: str) -> list[str]:
    return index.split(",")


def _roles(role: str) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(part.strip() for part in role.split("+")))
    if unknown := [part for part in roles if part not in ROLES]:
        raise UsageError(
            f"{unknown[0]!r} is no role: choose {', '.join(ROLES)}, or several with + in between"
        )
    return roles


def _descriptor(role: str, index: str) -> dict[str, Any]:
    privileges = list(ROLES[role].privileges)
    names = [pattern for name in _names(index) for pattern in patterns(name)]
    return {"indices": [{"names": names, "privileges": privileges}]}


def _expiration(expires: str) -> dict[str, str]:
    if expires == NEVER:
        return {}
    if not _EXPIRY.fullmatch(expires):
        raise UsageError(
            f"{expires!r} is no time for a key to end: write a number and d, h, m or s, such as "
            f"{DEFAULT_EXPIRY}, or {NEVER}"
        )
    return {"expiration": expires}


def _asked(
    client: Elasticsearch, method: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    try:
        told: dict[str, Any] = request(client, method, path("_security", "api_key"), body=body)
    except RequestRefused as error:
        raise _explained(error) from error
    return told


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
