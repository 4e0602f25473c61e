"""Which cluster to talk to, with which credentials, and who said so.

Values come in families, best first: arguments and command line options, then
``ES_HYBRID_*``, then the names other tools already export (``ELASTICSEARCH_URL``,
``ELASTIC_API_KEY`` …), then those of Elastic's start-local (``ES_LOCAL_*``), then the
node that ``es-hybrid up`` started. :func:`resolve` says which secrets go where.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict

from es_hybrid.errors import ServerUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_settings import PydanticBaseSettingsSource

PREFIX = "ES_HYBRID_"
# A Cloud endpoint is given without its port, and so is a local server.
DEFAULT_PORTS = {"http": 9200, "https": 443}
NOTHING_TO_CONNECT_TO = (
    "no Elasticsearch to connect to: start one with `es-hybrid up`, "
    "or name one with --url or ES_HYBRID_URL"
)


class Settings(BaseSettings):
    """What was asked for: given values win over ``ES_HYBRID_*``; None means not given.

    >>> Settings(url="http://localhost:9200").request_timeout
    30.0

    Attributes:
        url: Address of the cluster, ``http(s)://host[:port][/prefix]``.
        cloud_id: Elastic Cloud's name of a deployment, instead of the url.
        api_key: The encoded key; wins over username and password beside it.
        username: Account; ``elastic`` where only a password is given.
        password: The account's password.
        ca_certs: PEM file of the authority that signed the server's certificate.
        fingerprint: SHA-256 of the server's certificate, instead of ca_certs.
        request_timeout: Seconds to wait for an answer, above 0.
        home: Folder of the embedded node; None for its default.
        node: Name of the embedded node; None for its default.
        allow_plain_http: Send credentials unencrypted to another machine.

    Raises:
        UsageError: a value of the wrong kind.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    url: str | None = None
    cloud_id: str | None = None
    api_key: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_certs: Path | None = None
    fingerprint: str | None = Field(default=None, pattern=r"^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$")
    request_timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    home: Path | None = None
    node: str | None = None
    allow_plain_http: bool = False

    _given: frozenset[str] = PrivateAttr(default=frozenset())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the parent's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment; no files. An argument of None was not given."""
        given = {name: value for name, value in init_settings().items() if value is not None}
        given["_given"] = frozenset(given)
        return InitSettingsSource(settings_cls, given), env_settings

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(
        cls, data: dict[str, Any], check: ModelWrapValidatorHandler[Settings]
    ) -> Settings:
        given = data.get("_given")
        try:
            settings = check({name: value for name, value in data.items() if name != "_given"})
        except ValidationError as error:
            raise UsageError(_complaint(error, given or frozenset())) from None
        if given is not None:  # model_validate comes here twice, the second time without it
            settings._given = given
        return settings

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked_url(value) if name == "url" and value else value

    def source(self, name: str) -> str:
        """Where a value came from: ``"--api-key"`` or ``"ES_HYBRID_API_KEY"``."""
        return f"--{name.replace('_', '-')}" if name in self._given else f"{PREFIX}{name.upper()}"


def _complaint(error: ValidationError, given: frozenset[str]) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    secret = name in ("api_key", "password", "url")
    value = "" if secret else f" {first['input']!r}"
    where = f"--{name.replace('_', '-')}" if name in given else f"{PREFIX}{name.upper()}"
    return f"{where}{value} is not usable: {first['msg']}; correct or unset it"


@dataclass(frozen=True, repr=False)
class Value:
    """One value and where it came from; a secret shows itself masked.

    Attributes:
        text: The value itself.
        source: Such as ``"--url"``, ``"ES_LOCAL_URL"`` or ``"embedded node"``.
        shown: The value as it may be printed.
    """

    text: str
    source: str
    shown: str

    def __repr__(self) -> str:
        return f"{self.shown} ({self.source})"


@dataclass(frozen=True)
class Connection:
    """The cluster that was chosen; exactly one of ``url`` and ``cloud_id`` is set.

    Attributes:
        url: Address without credentials, port always stated.
        cloud_id: Elastic Cloud's name of a deployment.
        api_key: Set, or username and password are, or none of the three.
        username: See api_key.
        password: See api_key.
        ca_certs: PEM file; None for the system's authorities.
        fingerprint: SHA-256 of the certificate, or None.
        request_timeout: Seconds.
        notes: Sentences on what was used across families, or left unused.
    """

    url: Value | None = None
    cloud_id: Value | None = None
    api_key: Value | None = None
    username: Value | None = None
    password: Value | None = None
    ca_certs: Path | None = None
    fingerprint: str | None = None
    request_timeout: float = 30.0
    notes: tuple[str, ...] = ()


def masked(secret: str) -> str:
    """A secret as it may be printed: its ends, or nothing of it where it is short.

    >>> masked("abcdefgh"), masked("abc")
    ('ab…gh', '…')
    """
    return f"{secret[:2]}…{secret[-2:]}" if len(secret) >= 8 else "…"


def masked_url(url: str) -> str:
    """A url as it may be printed: whatever stands before the @ is hidden.

    >>> masked_url("http://elastic:secret@localhost:9200")
    'http://…@localhost:9200'
    """
    return re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", r"\1…@", url, flags=re.IGNORECASE | re.DOTALL)


def resolve(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Connection:
    """Choose the cluster, then the credentials that may be sent to it.

    The best family that names a cluster wins. Its own credentials go there, and those of
    other families as ``_GOES_TO`` allows, unless such a family names another cluster: a
    key exported next to one cluster's address is never sent to a different one. Nothing
    is sent to the embedded node. Beside an API key, username and password are not used.

    Args:
        settings: What was given or stands in ``ES_HYBRID_*``.
        environ: The environment, for the names of other tools; the process's by default.

    Raises:
        UsageError: two clusters in one family, a bad address, a username without its
            password, or credentials over plain http to another machine.
        ServerUnreachable: nothing names a cluster and no node is running.
    """
    families = _families(settings, os.environ if environ is None else environ)
    place = next((f for f in families if f.cluster), None) or _embedded_node(settings)
    reachable = [f for f in families if f.kind == place.kind or _may_go(f, place)]
    address, place_with_userinfo = _address(place)
    senders = [place_with_userinfo if f is place else f for f in reachable]
    credentials = _credentials(senders)
    _refuse_plain_http(address, credentials, allowed=settings.allow_plain_http)
    return Connection(
        **address,
        **credentials,
        ca_certs=_existing(settings.ca_certs),
        fingerprint=settings.fingerprint,
        request_timeout=settings.request_timeout,
        notes=_notes(families, place=place, used=credentials),
    )


_CREDENTIALS = ("api_key", "username", "password")
_EXPORTED: dict[str, dict[str, tuple[str, ...]]] = {
    "general": {
        "url": ("ELASTICSEARCH_URL", "ES_URL"),
        "cloud_id": ("ELASTIC_CLOUD_ID", "ES_CLOUD_ID"),
        "api_key": ("ELASTIC_API_KEY", "ES_API_KEY"),
        "username": ("ELASTIC_USERNAME",),
        "password": ("ELASTIC_PASSWORD",),
    },
    "local": {
        "url": ("ES_LOCAL_URL",),
        "api_key": ("ES_LOCAL_API_KEY",),
        "password": ("ES_LOCAL_PASSWORD",),
    },
}
# Whose credentials may go to a cluster that another family names.
_GOES_TO = {
    "given": ("own", "general", "local"),
    "own": ("given", "general", "local"),
    "general": ("given", "own"),
}


@dataclass(frozen=True)
class _Family:
    """All values of one origin: given, own (``ES_HYBRID_*``), general, local or node."""

    kind: str
    values: dict[str, Value]

    @property
    def cluster(self) -> Value | None:
        return self.values.get("url") or self.values.get("cloud_id")


def _families(settings: Settings, environ: Mapping[str, str]) -> tuple[_Family, ...]:
    given, own = _values_of(settings, given=True), _values_of(settings, given=False)
    if "username" in given or "password" in given:  # --username goes with ES_HYBRID_PASSWORD
        given = {n: v for n, v in own.items() if n in ("username", "password")} | given
    return (
        _Family("given", given),
        _Family("own", own),
        *(_Family(kind, _exported(names, environ)) for kind, names in _EXPORTED.items()),
    )


def _values_of(settings: Settings, *, given: bool) -> dict[str, Value]:
    values = {}
    for name in ("url", "cloud_id", *_CREDENTIALS):
        value = getattr(settings, name)
        if value is not None and (name in settings._given) is given:
            text = value.get_secret_value() if isinstance(value, SecretStr) else value
            values[name] = _value(name, text, settings.source(name))
    return values


def _exported(names: Mapping[str, tuple[str, ...]], environ: Mapping[str, str]) -> dict[str, Value]:
    return {
        name: _value(name, environ[variable], variable)
        for name, variables in names.items()
        for variable in reversed(variables)  # the first of them is written last, so it wins
        if environ.get(variable)
    }


def _value(name: str, text: str, source: str) -> Value:
    shown = {"api_key": masked(text), "password": "…", "url": masked_url(text)}.get(name, text)
    return Value(text, source, shown)


def _embedded_node(settings: Settings) -> _Family:
    from es_hybrid.node.state import running

    node = running(home=settings.home, name=settings.node)
    if node is None:
        raise ServerUnreachable(NOTHING_TO_CONNECT_TO)
    return _Family("node", {"url": _value("url", node.url, "embedded node")})


def _may_go(family: _Family, place: _Family) -> bool:
    here, there = family.cluster, place.cluster
    same = here is None or there is None or here.text.rstrip("/") == there.text.rstrip("/")
    return same and place.kind in _GOES_TO.get(family.kind, ())


def _address(place: _Family) -> tuple[dict[str, Value], _Family]:
    """The cluster's address; credentials inside a url join those of its family."""
    url, cloud_id = place.values.get("url"), place.values.get("cloud_id")
    if url and cloud_id:
        raise UsageError(
            f"{url.source} and {cloud_id.source} are both set and may name two clusters: unset one"
        )
    if cloud_id or not url:
        return {k: v for k, v in place.values.items() if k == "cloud_id"}, place
    parts = _parsed(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    text = f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
    inside = {"username": parts.username, "password": parts.password}
    userinfo = {n: _value(n, unquote(t), url.source) for n, t in inside.items() if t}
    return {"url": Value(text, url.source, text)}, replace(place, values=userinfo | place.values)


def _parsed(url: Value) -> SplitResult:
    try:
        parts = urlsplit(url.text.strip())
        usable = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        usable = False
    if not usable or parts.query or parts.fragment:
        raise UsageError(
            f"{url.source} {url.shown!r} is no address of a cluster: write "
            "http(s)://host[:port][/prefix], such as http://localhost:9200"
        )
    return parts


def _credentials(senders: list[_Family]) -> dict[str, Value]:
    """The best family's key, or its username and password; empty when none has any."""
    for family in senders:
        if key := family.values.get("api_key"):
            return {"api_key": key}
        username, password = family.values.get("username"), family.values.get("password")
        if username and not password:
            raise UsageError(
                f"{username.source} {username.shown!r} has no password: set {PREFIX}PASSWORD, "
                f"or unset {username.source}"
            )
        if password:
            superuser = _value("username", "elastic", f"default beside {password.source}")
            return {"username": username or superuser, "password": password}
    return {}


def _refuse_plain_http(
    address: dict[str, Value], credentials: dict[str, Value], *, allowed: bool
) -> None:
    url = address.get("url")
    if not credentials or allowed or url is None or not url.text.startswith("http://"):
        return
    if not _is_loopback(str(urlsplit(url.text).hostname)):
        sources = " and ".join(value.source for value in credentials.values())
        raise UsageError(
            f"{url.text} would carry {sources} unencrypted over the network: use https://, "
            f"or set {PREFIX}ALLOW_PLAIN_HTTP=true where the network is trusted"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _existing(ca_certs: Path | None) -> Path | None:
    if ca_certs is not None and not ca_certs.is_file():
        raise UsageError(
            f"no certificate file at '{ca_certs}': correct --ca-certs or {PREFIX}CA_CERTS"
        )
    return ca_certs


def _notes(
    families: tuple[_Family, ...], *, place: _Family, used: dict[str, Value]
) -> tuple[str, ...]:
    """Sentences on secrets that cross families, and on those that were left unused."""
    target = place.cluster.source if place.cluster else place.kind
    notes = []
    for family in families:
        for name in ("api_key", "password"):
            value = family.values.get(name)
            if value is None:
                continue
            if value not in used.values():
                notes.append(f"{value.source} is not sent to the cluster of {target}")
            elif family.kind != place.kind and not value.source.startswith("--"):
                notes.append(f"{value.source} is sent to the cluster of {target}")
    return tuple(dict.fromkeys(notes))
