"""What a server can do, read from it once; what it does not tell is learnt by trying.

Sources: base64 vectors in documents since 9.3 (elastic/elasticsearch#137072) and in queries
since 9.4 (#140796); ``_source`` without vectors since 9.2 (``_source_exclude_vectors``); the
``rrf`` and ``linear`` retrievers need a trial or Enterprise licence (#113100) and the module
``rank-rrf``; a serverless project states no useful version and has no node APIs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from es_hybrid.client import path
from es_hybrid.steps import Request, Steps, run

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

# No privilege, no such API (the embedded server, an old one), not on serverless (410).
NOT_TOLD = (400, 403, 404, 405, 410)
NATIVE_FUSION_LICENCES = ("enterprise", "trial")
NODE_FACTS = "nodes.*.version,nodes.*.plugins.name,nodes.*.modules.name"


@dataclass(frozen=True)
class Capabilities:
    """What is known of a server; None is not known, for want of a privilege as a rule.

    Attributes:
        version: Such as ``"9.5.4"``; None on serverless, whose number means nothing.
        flavour: ``"default"``, ``"serverless"`` or ``"embedded"``.
        license: Its type, such as ``"basic"``, ``"trial"`` or ``"enterprise"``.
        license_active: False once it has expired.
        license_ends: Milliseconds since 1970; None for a licence that does not end.
        plugins: Names of the plugins and modules; None where they are not told.
    """

    version: str | None = None
    flavour: str | None = None
    license: str | None = None
    license_active: bool | None = None
    license_ends: int | None = None
    plugins: tuple[str, ...] | None = None

    @property
    def major(self) -> int | None:
        """9 of 9.5.4."""
        return self.release[0] if self.release else None

    @property
    def minor(self) -> int | None:
        """5 of 9.5.4."""
        return self.release[1] if self.release else None

    @property
    def base64_vectors(self) -> bool:
        """Whether documents may carry vectors as base64; arrays always work."""
        return self._since(9, 3)

    @property
    def leaves_vectors_out(self) -> bool:
        """Whether ``_source`` comes without vectors unless they are asked for."""
        return self._since(9, 2)

    @property
    def base64_queries(self) -> bool:
        """Whether ``query_vector`` may be base64; an array always works."""
        return self._since(9, 4)

    @property
    def native_fusion(self) -> bool | None:
        """Whether the ``rrf`` and ``linear`` retrievers will run; None: try, and see."""
        if self._has("rank-rrf") is False or self.license_active is False:
            return False
        return None if self.license is None else self.license in NATIVE_FUSION_LICENCES

    @property
    def license_in_force(self) -> str | None:
        """The licence, with a word if it has expired; None where it is not told."""
        expired = self.license is not None and self.license_active is False
        return f"{self.license} (expired)" if expired else self.license

    @property
    def painless(self) -> bool | None:
        """Whether scripts run, which the exact mode by ``script_score`` needs."""
        return True if self.flavour == "serverless" else self._has("lang-painless")

    @property
    def analysis(self) -> tuple[str, ...]:
        """Names of the analysis plugins found, such as ``"analysis-nori"``."""
        return tuple(name for name in self.plugins or () if "analysis" in name)

    @property
    def release(self) -> tuple[int, int] | None:
        """(9, 5) of 9.5.4; None where the version is not told, or means nothing."""
        major, _, rest = (self.version or "").partition(".")
        minor = rest.partition(".")[0]
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None

    def _since(self, *release: int) -> bool:
        newer = self.release is not None and self.release >= release
        return newer or self.flavour == "serverless"

    def _has(self, module: str) -> bool | None:
        return None if self.plugins is None else any(n.endswith(module) for n in self.plugins)


def read(client: Elasticsearch) -> Capabilities:
    """Ask a server what it is: at most three requests, and each of them may be refused.

    Raises:
        ServerUnreachable: nobody answers.
        AccessDenied: the credentials are wrong; too few privileges are no error.
    """
    return run(client, reading())


def reading() -> Steps[Capabilities]:
    """As :func:`read`, in steps."""
    root = yield from _told(path(""))
    version = root.get("version", {})
    serverless = version.get("build_flavor") == "serverless"
    node = {} if serverless else (yield from _node())
    licence = (yield from _told(path("_license"))).get("license", {})
    status = licence.get("status")
    return Capabilities(
        version=None if serverless else version.get("number") or node.get("version"),
        # The embedded server lacks the module that answers `GET /`.
        flavour="embedded" if root.get("status") == 405 else version.get("build_flavor"),
        license=licence.get("type"),
        license_active=None if status is None else status == "active",
        license_ends=licence.get("expiry_date_in_millis"),
        plugins=_plugins(node),
    )


def _told(where: str, **params: str) -> Steps[dict[str, Any]]:
    answer = yield Request("GET", where, params=params, ok=NOT_TOLD)
    return answer if isinstance(answer, dict) else {}


def _node() -> Steps[dict[str, Any]]:
    told = yield from _told(path("_nodes", "_local", "plugins"), filter_path=NODE_FACTS)
    return next(iter(told.get("nodes", {}).values()), {})


def _plugins(node: dict[str, Any]) -> tuple[str, ...] | None:
    if "modules" not in node:
        return None
    return tuple(part["name"] for part in (*node.get("plugins", ()), *node["modules"]))
