"""What a server can do is read where it is told, and left open where it is not."""

import pytest

from es_hybrid.capabilities import Capabilities, read
from es_hybrid.errors import AccessDenied, ServerUnreachable
from tests.fakes import Answer, FakeServer

REFUSED = Answer({"error": {"type": "security_exception", "reason": "no"}}, status=403)
GONE = Answer({"error": {"type": "api_not_available_exception", "reason": "no"}}, status=410)
ROOT, NODE, LICENSE = ("GET", "/"), ("GET", "/_nodes/_local/plugins"), ("GET", "/_license")


def root(number="9.5.4", flavour="default"):
    return {"version": {"number": number, "build_flavor": flavour}}


def licensed(kind, status="active", **more):
    return {"license": {"type": kind, "status": status, **more}}


def node(*modules, version="9.5.4", plugins=()):
    parts = {"modules": [{"name": m} for m in modules], "plugins": [{"name": p} for p in plugins]}
    return {"nodes": {"n1": {"version": version, **parts}}}


FULL = node("rank-rrf", "lang-painless", "analysis-common", plugins=["analysis-nori"])


def reading(script):
    with FakeServer(script) as server:
        return read(server.client()), [r.path for r in server.requests]


@pytest.mark.parametrize(
    ("license_", "native"),
    [
        (licensed("trial"), True),
        (licensed("enterprise"), True),
        (licensed("platinum"), False),
        (licensed("basic"), False),
        (licensed("enterprise", status="expired"), False),
        (REFUSED, None),
    ],
)
def test_native_fusion_hangs_on_the_licence(license_, native):
    can, _ = reading({ROOT: root(), LICENSE: license_, NODE: FULL})
    assert can.native_fusion is native


def test_native_fusion_is_out_where_its_module_is_missing():
    can, _ = reading({ROOT: root(), LICENSE: licensed("trial"), NODE: node("x-pack-core")})
    assert can.native_fusion is False


def test_a_full_server_is_read_whole():
    can, _ = reading({ROOT: root(), LICENSE: licensed("basic"), NODE: FULL})
    assert (can.version, can.major, can.minor, can.flavour) == ("9.5.4", 9, 5, "default")
    assert can.painless is True
    assert can.analysis == ("analysis-nori", "analysis-common")


def test_the_embedded_server_tells_its_version_by_its_node():
    closed = Answer({"error": "Incorrect HTTP method for uri [/]", "status": 405}, status=405)
    can, _ = reading({ROOT: closed, LICENSE: licensed("basic"), NODE: node("x-pack-core")})
    assert (can.version, can.flavour) == ("9.5.4", "embedded")
    assert (can.painless, can.native_fusion) == (False, False)


def test_serverless_is_asked_nothing_about_nodes_and_not_judged_by_its_number():
    can, asked = reading({ROOT: root("8.11.0", "serverless"), LICENSE: GONE})
    assert NODE[1] not in asked
    assert (can.version, can.base64_vectors, can.base64_queries) == (None, True, True)
    assert (can.native_fusion, can.painless) == (None, True)


def test_a_key_without_cluster_privileges_leaves_everything_open():
    can, _ = reading({ROOT: REFUSED, LICENSE: REFUSED, NODE: REFUSED})
    assert can == Capabilities()
    assert (can.native_fusion, can.painless, can.base64_vectors) == (None, None, False)


def test_wrong_credentials_are_no_missing_privilege():
    with pytest.raises(AccessDenied):
        reading({ROOT: Answer({"error": {"type": "security_exception"}}, status=401)})


def test_a_server_that_breaks_off_is_unreachable():
    with pytest.raises(ServerUnreachable):
        reading({ROOT: Answer(drop=True)})


@pytest.mark.parametrize(
    ("version", "vectors", "queries"),
    [
        ("8.19.21", False, False),
        ("9.2.9", False, False),
        ("9.3.0", True, False),
        ("9.4.0-SNAPSHOT", True, True),
        ("10.0.0", True, True),
        (None, False, False),
        ("unknown", False, False),
    ],
)
def test_base64_is_for_those_known_to_read_it(version, vectors, queries):
    can = Capabilities(version=version)
    assert (can.base64_vectors, can.base64_queries) == (vectors, queries)
