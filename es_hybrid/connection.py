"""Which cluster to talk to, with which credentials, and who said so.

Values come in families, best first: ``given`` (arguments, command line options), ``own``
(``ES_HYBRID_*``), ``general`` (what other tools export: ``ELASTICSEARCH_URL``,
``ELASTIC_API_KEY`` …), ``local`` (``ES_LOCAL_*`` of Elastic's start-local), and the node
that ``es-hybrid up`` started. :func:`resolve` says which secrets go where.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from es_hybrid.errors import NodeFailed, ServerUnreachable, UsageError
from es_hybrid.http_rules import is_loopback
from es_hybrid.settings import Settings, masked, masked_url, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_PORTS = {"http": 9200, "https": 443}  # a local server; a Cloud endpoint
EXPORTED: dict[str, dict[str, tuple[str, ...]]] = {
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
GOES_TO = {
    "given": ("own", "general", "local", "secured node"),
    "own": ("given", "general", "local", "secured node"),
    "general": ("given", "own"),
}


@dataclass(frozen=True, repr=False)
class Value:
    """A ``text``, its ``source`` such as ``"--url"``, and how it is ``shown``: masked if secret."""

    text: str
    source: str
    shown: str

    def __repr__(self) -> str:
        return f"{self.shown} ({self.source})"


@dataclass(frozen=True)
class Connection:
    """The cluster that was chosen, and what opens it.

    Either ``url`` (without credentials, port always stated) or ``cloud_id`` is set, ``others``
    are more addresses of the same cluster, for when the first one fails, and
    ``api_key``, or ``username`` and ``password``, or none of the three. ``request_timeout``
    is in seconds; ``notes`` are sentences on secrets that crossed families or stayed unused.
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
    others: tuple[str, ...] = ()


def resolve(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Connection:
    """Choose the cluster, then the credentials that may be sent to it.

    The best family that names a cluster wins. Its own credentials go there, and those of
    other families as ``GOES_TO`` allows, unless such a family names another cluster: a
    key exported beside one cluster's address is never sent to a different one. To the
    embedded node goes nothing, unless it is secured: then its own password opens it, or a key
    or an account of the first two families that named no cluster; its certificate is trusted.
    Beside an API key, username and password are not used.

    Args:
        settings: What was given or stands in ``ES_HYBRID_*``.
        environ: Where the other names are looked up; the process's environment by default.

    Raises:
        UsageError: two clusters in one family, a bad address, a username without its
            password, or credentials over plain http to another machine.
        ServerUnreachable: nothing names a cluster and no node is running.
    """
    families = _families(settings, os.environ if environ is None else environ)
    place = next((f for f in families if f.cluster), None) or _embedded_node(settings)
    address, opened = _address(place)
    known = families if place in families else (*families, place)
    senders = [opened if f is place else f for f in known if f is place or _may_go(f, place)]
    credentials = _credentials(senders)
    if not settings.allow_plain_http:
        _refuse_plain_http(address, credentials)
    return Connection(
        **address,
        **credentials,
        ca_certs=settings.ca_certs or place.ca_certs,
        fingerprint=settings.fingerprint,
        request_timeout=settings.request_timeout,
        notes=_notes(families, place=place, used=credentials),
        others=place.others,
    )


@dataclass(frozen=True)
class _Family:
    kind: str
    values: dict[str, Value]
    ca_certs: Path | None = None
    others: tuple[str, ...] = ()

    @property
    def cluster(self) -> Value | None:
        return self.values.get("url") or self.values.get("cloud_id")


def _families(settings: Settings, environ: Mapping[str, str]) -> Sequence[_Family]:
    given, own = (
        {
            name: _value(name, value, source_of(kind, name))
            for name, value in settings.said(kind).items()
            if name in EXPORTED["general"]
        }
        for kind in ("given", "own")
    )
    if "username" in given and "password" in own:  # secrets do not belong on a command line
        given = {"password": own["password"]} | given
    others = (_Family(kind, _exported(names, environ)) for kind, names in EXPORTED.items())
    return (_Family("given", given), _Family("own", own), *others)


def _exported(names: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> dict[str, Value]:
    return {
        name: _value(name, environ[variable], variable)
        for name, variables in names.items()
        for variable in reversed(variables)  # the first one is written last, so it wins
        if environ.get(variable)
    }


def _value(name: str, said: str | SecretStr, source: str) -> Value:
    text = said.get_secret_value() if isinstance(said, SecretStr) else said
    shown = {"api_key": masked(text), "password": "…", "url": masked_url(text)}.get(name, text)
    return Value(text, source, shown)


def _embedded_node(settings: Settings) -> _Family:
    from es_hybrid.node.state import running

    node = running(home=settings.home, name=settings.node)
    if node is None:
        raise ServerUnreachable(
            "no Elasticsearch to connect to: start one with `es-hybrid up`, or name one with "
            "--url or ES_HYBRID_URL"
        )
    values = {"url": _value("url", node.url, "embedded node")}
    others = tuple(url for url in node.urls if url != node.url)
    if node.access is None:
        return _Family("node", values, others=others)
    with suppress(NodeFailed):  # another user's password; a key may open the node as well
        values["password"] = _value("password", node.access.password(), "embedded node")
    return _Family("secured node", values, node.ca_certs, others)


def _may_go(family: _Family, place: _Family) -> bool:
    here, there = family.cluster, place.cluster
    same = here is None or there is None or here.text.rstrip("/") == there.text.rstrip("/")
    return same and place.kind in GOES_TO.get(family.kind, ())


def _address(place: _Family) -> tuple[dict[str, Value], _Family]:
    """The cluster's address, and its family with the credentials found inside the url."""
    url, cloud_id = place.values.get("url"), place.values.get("cloud_id")
    if url is None or cloud_id is not None:
        if url is None and cloud_id is not None:
            return {"cloud_id": cloud_id}, place
        raise UsageError(f"{url} and {cloud_id} may be two clusters: unset one of them")
    parts = _parsed(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    text = f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
    inside = {"username": parts.username, "password": parts.password}
    found = {n: _value(n, unquote(t), url.source) for n, t in inside.items() if t}
    return {"url": Value(text, url.source, text)}, replace(place, values=found | place.values)


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


def _credentials(senders: Sequence[_Family]) -> dict[str, Value]:
    """The best family's key, or its username and password; empty when none has any."""
    for family in senders:
        if key := family.values.get("api_key"):
            return {"api_key": key}
        username, password = family.values.get("username"), family.values.get("password")
        if username and not password:
            raise UsageError(
                f"{username.source} {username.shown!r} has no password: set ES_HYBRID_PASSWORD, "
                f"or unset {username.source}"
            )
        if password:
            superuser = _value("username", "elastic", f"default beside {password.source}")
            return {"username": username or superuser, "password": password}
    return {}


def _refuse_plain_http(address: Mapping[str, Value], credentials: Mapping[str, Value]) -> None:
    url = urlsplit(address["url"].text if "url" in address else "https:")
    if credentials and url.scheme == "http" and not is_loopback(str(url.hostname)):
        sources = " and ".join(value.source for value in credentials.values())
        raise UsageError(
            f"{url.geturl()} would carry {sources} unencrypted over the network: use https://, "
            "or set ES_HYBRID_ALLOW_PLAIN_HTTP=true where the network is trusted"
        )


def _notes(
    families: Sequence[_Family], *, place: _Family, used: Mapping[str, Value]
) -> tuple[str, ...]:
    """Sentences on secrets that cross families, and on those that were left unused."""
    target = place.cluster.source if place.cluster else place.kind
    notes = []
    for family in families:
        for value in (family.values[n] for n in ("api_key", "password") if n in family.values):
            if value not in used.values():
                notes.append(f"{value.source} is not sent to the cluster of {target}")
            elif family.kind != place.kind and not value.source.startswith("--"):
                notes.append(f"{value.source} is sent to the cluster of {target}")
    return tuple(dict.fromkeys(notes))
