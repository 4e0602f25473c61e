"""Which cluster wins, and which secrets may be sent to it."""

from types import SimpleNamespace

import pytest

from es_hybrid.client import client_options
from es_hybrid.connection import resolve
from es_hybrid.errors import ServerUnreachable, UsageError
from es_hybrid.node.access import Access
from es_hybrid.settings import Settings, masked

KEY = "AAAA-secret-key-ZZZZ"
ELSEWHERE = {"ELASTICSEARCH_URL": "https://prod:9200", "ELASTIC_API_KEY": KEY}
START_LOCAL = {"ES_LOCAL_URL": "http://localhost:9200", "ES_LOCAL_API_KEY": KEY}


@pytest.fixture(autouse=True)
def no_exported_settings(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ES_HYBRID_{name.upper()}", raising=False)


@pytest.fixture
def node(monkeypatch):
    """A node that runs at port 9299; no process behind it."""
    state = SimpleNamespace(
        url="http://127.0.0.1:9299", urls=("http://127.0.0.1:9299",), access=None
    )
    monkeypatch.setattr("es_hybrid.node.state.running", lambda *, home, name: state)
    return state


@pytest.fixture
def no_node(monkeypatch):
    monkeypatch.setattr("es_hybrid.node.state.running", lambda *, home, name: None)


@pytest.mark.parametrize(
    ("given", "environ", "source"),
    [
        ({"url": "http://a"}, ELSEWHERE, "--url"),
        ({}, ELSEWHERE | START_LOCAL, "ELASTICSEARCH_URL"),
        ({}, {"ES_URL": "https://b"} | START_LOCAL, "ES_URL"),
        ({}, ELSEWHERE | {"ES_URL": "https://b"}, "ELASTICSEARCH_URL"),
        ({}, START_LOCAL, "ES_LOCAL_URL"),
        ({}, {"ES_LOCAL_API_KEY": KEY}, "embedded node"),
    ],
)
def test_the_best_family_that_names_a_cluster_wins(given, environ, source, node):
    assert resolve(Settings(**given), environ=environ).url.source == source


def test_a_variable_of_our_own_wins_over_the_names_of_others(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", "http://ours")
    assert resolve(Settings(), environ=ELSEWHERE).url.source == "ES_HYBRID_URL"


def test_an_argument_wins_over_our_own_variable(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", "http://ours")
    settings = Settings(url="http://given", api_key=None)
    assert repr(resolve(settings, environ={}).url) == "http://given:9200 (--url)"


def test_an_argument_of_none_was_not_given(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", "http://ours")
    settings = Settings.model_validate({"url": None, "username": None})
    assert resolve(settings, environ={}).url.source == "ES_HYBRID_URL"


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ({"url": "https://other"}, ELSEWHERE),
        ({"url": "http://localhost:9200"}, {"ES_LOCAL_API_KEY": KEY}),
        ({}, {"ES_LOCAL_URL": "http://localhost:9200", "ELASTIC_API_KEY": KEY}),
        ({}, {"ELASTICSEARCH_URL": "https://prod:9200", "ES_LOCAL_API_KEY": KEY}),
        ({}, {"ELASTIC_API_KEY": KEY, "ES_LOCAL_PASSWORD": "hunter2"}),
        ({"api_key": KEY}, {}),
    ],
)
def test_a_secret_meant_for_one_cluster_is_never_sent_to_another(given, environ, node):
    connection = resolve(Settings(**given), environ=environ)
    assert (connection.api_key, connection.password) == (None, None)
    assert "is not sent" in connection.notes[0]


def test_a_key_of_our_own_stays_with_our_own_cluster(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", "https://prod")
    monkeypatch.setenv("ES_HYBRID_API_KEY", KEY)
    assert resolve(Settings(url="https://other"), environ={}).api_key is None
    assert resolve(Settings(url="https://prod/"), environ={}).api_key.text == KEY


def test_an_exported_key_without_a_cluster_of_its_own_is_used_and_told():
    connection = resolve(Settings(url="https://a"), environ={"ELASTIC_API_KEY": KEY})
    assert connection.api_key.source == "ELASTIC_API_KEY"
    assert connection.notes == ("ELASTIC_API_KEY is sent to the cluster of --url",)


def test_a_key_wins_over_username_and_password_beside_it():
    environ = ELSEWHERE | {"ELASTIC_USERNAME": "u", "ELASTIC_PASSWORD": "p"}
    connection = resolve(Settings(), environ=environ)
    assert (connection.api_key.text, connection.username) == (KEY, None)


def test_a_username_given_goes_with_the_password_of_our_own_variable(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_PASSWORD", "hunter2hunter2")
    connection = resolve(Settings(url="https://a", username="kim"), environ={})
    assert (connection.username.text, connection.password.text) == ("kim", "hunter2hunter2")


def test_a_password_alone_belongs_to_the_superuser():
    environ = {"ES_LOCAL_URL": "http://localhost:9200", "ES_LOCAL_PASSWORD": "hunter2"}
    assert resolve(Settings(), environ=environ).username.text == "elastic"


def test_credentials_inside_a_url_are_taken_out():
    connection = resolve(Settings(url="https://kim:p%40ss@host/es/"), environ={})
    assert connection.url.text == "https://host:443/es"
    assert (connection.username.text, connection.password.text) == ("kim", "p@ss")


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://localhost", "http://localhost:9200"),
        ("https://cloud.example", "https://cloud.example:443"),
        ("HTTP://[::1]:9201/", "http://[::1]:9201"),
    ],
)
def test_an_address_always_states_its_port(url, normal):
    assert resolve(Settings(url=url), environ={}).url.text == normal


@pytest.mark.parametrize(
    "url",
    [
        "localhost:9200",
        "ftp://host",
        "http://",
        "",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://host?x=1",
        "elastic:hunter2@host:9200",
        "http://elastic:hunter2@host:port",
        "http://elastic:hunter2#@host",
    ],
)
def test_a_bad_address_is_refused_without_its_secret(url):
    with pytest.raises(UsageError, match=r"--url .*such as http://localhost:9200") as refused:
        resolve(Settings(url=url), environ={})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"url": "https://a", "cloud_id": "b"}, "may be two clusters"),
        ({"url": "https://a", "username": "kim"}, "--username 'kim' has no password"),
        ({"url": "http://far.example", "api_key": KEY}, "--api-key unencrypted"),
        ({"url": "http://kim:hunter2@10.0.0.1"}, "unencrypted over the network"),
        ({"request_timeout": 0}, "--request-timeout 0 is not usable"),
        ({"request_timeout": float("inf")}, "--request-timeout inf"),
        ({"fingerprint": "abc"}, "--fingerprint 'abc'"),
        ({"ca_certs": "/no/such.pem"}, "--ca-certs .*/no/such.pem"),
        ({"urll": "http://a"}, "urll"),
    ],
)
def test_values_that_can_never_work_are_refused(given, complaint):
    with pytest.raises(UsageError, match=complaint) as refused:
        resolve(Settings(**given), environ={})
    assert KEY not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_bad_variable_is_named(monkeypatch):
    monkeypatch.setenv("ES_HYBRID_REQUEST_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="ES_HYBRID_REQUEST_TIMEOUT 'soon'"):
        Settings()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "[::1]", "es.localhost"])
def test_credentials_may_travel_plain_on_loopback(host):
    assert resolve(Settings(url=f"http://{host}:9200", api_key=KEY), environ={}).api_key


def test_credentials_may_travel_plain_where_that_is_allowed():
    settings = Settings(url="http://far.example", api_key=KEY, allow_plain_http=True)
    assert resolve(settings, environ={}).api_key.text == KEY


@pytest.fixture
def secured(monkeypatch, tmp_path):
    """A secured node that runs at port 9299, and its password; no process behind it."""
    password = tmp_path / "password"
    password.write_text("hunter2hunter2")
    access = Access(ca_certs=tmp_path / "ca.crt", password_file=password)
    state = SimpleNamespace(
        url="https://127.0.0.1:9299", urls=(), access=access, ca_certs=access.ca_certs
    )
    monkeypatch.setattr("es_hybrid.node.state.running", lambda *, home, name: state)
    return access


def test_a_secured_node_is_opened_by_its_own_password_and_certificate(secured):
    connection = resolve(Settings(), environ={})
    assert (connection.username.text, connection.password.text) == ("elastic", "hunter2hunter2")
    assert connection.ca_certs == secured.ca_certs


def test_a_key_of_our_own_opens_a_secured_node_before_its_password(secured, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_API_KEY", KEY)
    connection = resolve(Settings(), environ={})
    assert (connection.api_key.text, connection.password) == (KEY, None)
    assert connection.notes == ("ES_HYBRID_API_KEY is sent to the cluster of embedded node",)


def test_what_other_tools_export_is_not_sent_to_a_secured_node(secured):
    connection = resolve(Settings(), environ={"ELASTIC_API_KEY": KEY, "ES_LOCAL_PASSWORD": "p"})
    assert (connection.api_key, connection.password.text) == (None, "hunter2hunter2")


def test_the_password_of_a_secured_node_is_sent_to_no_other_cluster(secured):
    connection = resolve(Settings(url="https://127.0.0.1:9299"), environ={})
    assert (connection.password, connection.ca_certs) == (None, None)


def test_the_other_servers_of_a_node_are_known_for_when_the_first_one_fails(node):
    node.urls += ("http://127.0.0.1:9298",)
    connection = resolve(Settings(), environ={})
    assert client_options(connection)["hosts"] == [node.url, "http://127.0.0.1:9298"]


def test_a_password_that_may_not_be_read_is_done_without(secured):
    secured.password_file.unlink()
    assert resolve(Settings(), environ={}).password is None


def test_nothing_to_connect_to_says_what_to_do(no_node):
    with pytest.raises(ServerUnreachable, match=r"es-hybrid up.*--url"):
        resolve(Settings(), environ={})


def test_no_secret_shows_in_any_text():
    settings = Settings(url="https://kim:hunter2hunter2@host", api_key=KEY)
    connection = resolve(settings, environ={"ELASTIC_PASSWORD": "hunter3hunter3"})
    shown = f"{settings!r} {settings} {connection!r} {connection}"
    assert not any(secret in shown for secret in (KEY, "hunter2", "hunter3"))
    assert "AA…ZZ (--api-key)" in shown


@pytest.mark.parametrize(("secret", "shown"), [("abcdefgh", "ab…gh"), ("abcdefg", "…"), ("", "…")])
def test_a_short_secret_shows_nothing(secret, shown):
    assert masked(secret) == shown
