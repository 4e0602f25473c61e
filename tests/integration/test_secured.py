"""A secured node: TLS, a login, and keys that may do one job. One start, worth many facts."""

import asyncio
import logging
import re
import socket
import ssl
import time
import traceback
from base64 import b64decode
from datetime import timedelta

import psutil
import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid import AsyncSearcher, Indexer, Searcher
from es_hybrid.anomalies import Options, anomalies
from es_hybrid.client import client_options, connect, path, request
from es_hybrid.clusters import clusters
from es_hybrid.connection import resolve
from es_hybrid.errors import (
    AccessDenied,
    NodeFailed,
    ServerError,
    UsageError,
)
from es_hybrid.existing import adopt, enrich, enrich_into, rebuild, rollback, survey
from es_hybrid.fitted import MODELS_INDEX
from es_hybrid.keys import NEEDED, ROLES, create_key, list_keys, revoke_keys
from es_hybrid.live import read_index
from es_hybrid.node import Node
from es_hybrid.settings import Settings
from es_hybrid.write_back import kept_models, prune_models
from tests.commands import Terminal
from tests.foreign import foreign_index
from tests.nodes import VERSION, started
from tests.shelf import BOOKS, WORDS, ids

OTHERS = "films-of-kim"  # a neighbour by name, and somebody else's index


@pytest.fixture(scope="module")
def home(nodes):
    """Where commands look for nodes, apart from the folder of downloads."""
    return nodes / "home"


@pytest.fixture(scope="module")
def node(home):
    found = started(home / "nodes", name="secured", secure=True)
    yield found
    found.down()


@pytest.fixture(scope="module")
def settings(home, node):
    """What a person sets who has this node: nothing but where it is."""

    def made(**more):
        return Settings(**{"home": home, "node": "secured", "request_timeout": 30} | more)

    return made


@pytest.fixture(scope="module")
def admin(settings):
    with connect(settings()) as client:
        yield client


@pytest.fixture(scope="module")
def key(admin):
    """A key for a role and an index, made once."""
    made = {}

    def get(role, index="films"):
        if (role, index) not in made:
            made[role, index] = create_key(admin, role, index, expires="1h")
        return made[role, index]

    return get


@pytest.fixture(scope="module")
def as_role(key, settings):
    """A client that has nothing but the key of this role."""
    clients = {}

    def get(role, index="films"):
        if (role, index) not in clients:
            clients[role, index] = connect(settings(api_key=key(role, index).encoded))
        return clients[role, index]

    yield get
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def films(admin, as_role):
    """An index that the setup key made and the writer key filled; and somebody else's."""
    Indexer(as_role("setup"), "films", embedder=WORDS, analysis="standard").create()
    Indexer(as_role("writer"), "films", embedder=WORDS).write(BOOKS)
    Indexer(admin, OTHERS, embedder=WORDS).write(BOOKS[:2])
    return "films"


@pytest.fixture
def typed(home, node, capsys, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_HOME", str(home))
    monkeypatch.setenv("ES_HYBRID_NODE", "secured")
    return Terminal(capsys, monkeypatch)


def test_a_client_finds_a_secured_node_and_its_login_by_itself(admin):
    assert request(admin, "GET", path("_security", "_authenticate"))["username"] == "elastic"


def test_the_doctor_finds_it_as_well_and_shows_no_password(typed, node):
    ended = typed("doctor", "--json")
    found = {check["name"]: check for check in ended.json["checks"]}
    assert found["server"] == found["server"] | {"ok": True, "value": f"{VERSION} embedded"}
    assert node.state().access.password() not in ended.out


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_status_shows_the_password_only_where_it_is_asked_for(typed, node, options):
    password = node.state().access.password()
    assert password not in typed("status", *options).out
    assert password in typed("status", "--show-password", *options).out


def test_an_open_node_is_not_exchanged_for_the_secured_one(typed):
    ended = typed("up", "--version", VERSION)
    assert ended.code == 1
    assert "runs one server with security, not one server without security" in ended.err


def test_nobody_else_may_read_its_secrets_and_its_data(node):
    folder = node.state().ca_certs.parent
    closed = ["secrets", "data", "config/elasticsearch.keystore", "config/es-hybrid.p12"]
    modes = {name: (folder / name).stat().st_mode & 0o077 for name in closed}
    assert modes == dict.fromkeys(closed, 0)


def test_the_password_stands_in_no_process_and_no_log(node):
    found = node.state()
    process = psutil.Process(found.pid)
    seen = [*process.cmdline(), *process.environ().values(), found.log.read_text()]
    seen += [(found.data.parent / name).read_text() for name in ("start.log", "../state.json")]
    assert not [text for text in seen if found.access.password() in text]


def test_who_has_no_certificate_does_not_reach_its_other_port(node):
    found = node.state()
    sockets = psutil.Process(found.pid).net_connections("inet")
    (port,) = {
        s.laddr.port
        for s in sockets
        if s.status == "LISTEN" and not found.url.endswith(str(s.laddr.port))
    }
    context = found.access.context()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required|bad.certificate"),
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.recv(1)


@pytest.mark.parametrize("trust", ["ca_certs", "fingerprint"])
def test_it_is_trusted_by_its_authority_or_by_its_fingerprint(node, trust):
    found = node.state()
    given = {trust: getattr(found, trust), "password": found.access.password()}
    with connect(Settings(url=found.url, **given)) as client:
        assert request(client, "GET", path("_security", "_authenticate"))["enabled"] is True


@pytest.mark.parametrize(
    ("scheme", "fingerprint", "advice"),
    [
        ("https", None, "trust its certificate with --ca-certs FILE"),
        ("https", "AB" * 32, "trust its certificate with --ca-certs FILE"),
        ("http", None, "if this server speaks TLS, write https://"),
    ],
)
def test_a_server_that_cannot_be_trusted_is_told_without_the_secret(
    node, scheme, fingerprint, advice
):
    url = re.sub("^https", scheme, node.url)
    given = {"url": url, "password": "sentinel-secret", "fingerprint": fingerprint}
    with (
        connect(Settings(**given)) as client,
        pytest.raises(ServerError, match=advice) as refused,
    ):
        request(client.options(max_retries=0), "GET", path("_license"))
    assert "sentinel-secret" not in "".join(traceback.format_exception(refused.value))


def test_the_setup_key_creates_the_writer_key_indexes_and_the_reader_key_searches(films, as_role):
    found = Searcher(as_role("reader"), films, embedder=WORDS).search("whale sea")
    assert {"moby", "orca"} <= set(ids(found))
    again = Indexer(as_role("writer"), films, embedder=WORDS).write(BOOKS)
    assert (again.unchanged, again.indexed) == (len(BOOKS), 0)


def test_a_writer_writes_through_the_alias_that_is_gone_with_its_index(films, as_role):
    assert read_index(as_role("writer"), films).alias == f"{films}-000001-writes"


def test_a_key_that_does_not_cover_this_alias_makes_and_writes_an_index_without_it(
    admin, settings, monkeypatch
):
    monkeypatch.setattr("es_hybrid.keys._VERSIONS", "-[0-9]{6,}")
    older = create_key(admin, "setup+writer", "older", expires="1h")
    with connect(settings(api_key=older.encoded)) as client:
        report = Indexer(client, "older", embedder=WORDS).write(BOOKS)
    assert report.indexed == len(BOOKS)
    assert read_index(admin, "older").alias is None


def test_an_async_client_with_the_reader_key_searches_as_well(films, key, settings):
    options = client_options(resolve(settings(api_key=key("reader").encoded)))

    async def search():
        async with AsyncElasticsearch(**options) as client:
            return await AsyncSearcher(client, films, embedder=WORDS).search("whale")

    assert ids(asyncio.run(search()))[0] == "orca"


@pytest.mark.parametrize("role", ["setup", "reader", "pruner"])
def test_only_the_writer_key_writes(films, as_role, role):
    with pytest.raises(AccessDenied, match=r"unauthorized for API key"):
        Indexer(as_role(role), films, embedder=WORDS).write([{"_id": "new", "text": "sea"}])
    with pytest.raises(AccessDenied):
        request(as_role(role), "PUT", path(films, "_doc", "new"), body={"text": "sea"})


@pytest.mark.parametrize("role", ["setup", "reader", "writer"])
def test_only_the_pruner_key_deletes_documents(films, as_role, role):
    with pytest.raises(AccessDenied, match=r"unauthorized for API key"):
        request(as_role(role), "DELETE", path(films, "_doc", "moby"))
    body = [{"delete": {"_id": "moby"}}]
    with pytest.raises(AccessDenied):
        _bulk(as_role(role), films, body)


def _bulk(client, index, lines):
    """Send a bulk request; the refusal of its only item is raised like that of a request."""
    answer = request(client, "POST", path(index, "_bulk"), body=lines, ndjson=True)
    (item,) = (next(iter(item.values())) for item in answer["items"])
    if item["status"] == 403:
        raise AccessDenied(item["error"]["reason"])


def test_the_pruner_key_deletes_and_makes_it_seen(films, as_role, admin):
    Indexer(as_role("writer"), films, embedder=WORDS).write([{"_id": "old", "text": "gone"}])
    _bulk(as_role("pruner"), films, [{"delete": {"_id": "old"}}])
    request(as_role("pruner"), "POST", path(films, "_refresh"))
    body = {"query": {"ids": {"values": ["old"]}}}
    assert request(as_role("pruner"), "GET", path(films, "_count"), body=body)["count"] == 0


def test_the_pruner_key_prunes_a_source_whose_other_records_are_unchanged(films, as_role):
    records = [{"_id": f"p{n}", "text": "sea"} for n in range(4)]
    options = {"embedder": WORDS, "source": "catalogue"}
    Indexer(as_role("writer"), films, **options).write(records)
    report = Indexer(as_role("pruner"), films, **options, prune=0.5).write(records[:3])
    assert (report.unchanged, report.pruned) == (3, 1)


def test_the_writer_key_prunes_nothing(films, as_role):
    records = [{"_id": f"w{n}", "text": "sea"} for n in range(4)]
    indexer = Indexer(as_role("writer"), films, embedder=WORDS, source="list", prune=0.5)
    indexer.write(records)
    with pytest.raises(AccessDenied, match="unauthorized"):
        indexer.write(records[:3])


@pytest.mark.parametrize("role", ["reader", "writer", "pruner"])
def test_only_the_setup_key_deletes_the_index(films, as_role, role):
    with pytest.raises(AccessDenied):
        request(as_role(role), "DELETE", path("films-000001"))


def test_the_setup_key_reads_no_document(films, as_role):
    for where in (path(films, "_search"), path(films, "_doc", "moby")):
        with pytest.raises(AccessDenied):
            request(as_role("setup"), "GET", where)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "where", [(OTHERS, "_search"), (f"{OTHERS}-000001", "_doc", "moby"), (OTHERS,), (".security*",)]
)
def test_no_key_reads_anothers_index(films, as_role, role, where):
    client = as_role(role)
    told = request(client, "GET", path(*where), ok=(403, 404))
    assert told == {} or told["status"] == 403


def test_a_search_over_everything_finds_only_what_the_key_is_for(films, as_role):
    hits = request(as_role("reader"), "GET", path("*", "_search"))["hits"]["hits"]
    assert {hit["_index"] for hit in hits} == {"films-000001"}


def test_a_key_makes_no_other_key(as_role):
    with pytest.raises(AccessDenied):
        create_key(as_role("reader"), "writer", "films")


@pytest.mark.parametrize(
    ("fate", "complaint"),
    [
        ("cut short", "invalid credentials for API key"),
        ("no key at all", "invalid ApiKey value"),
        ("expired", "api key is expired"),
        ("invalidated", "has been invalidated"),
    ],
)
def test_a_key_that_opens_nothing_says_why(admin, settings, fate, complaint):
    made = create_key(admin, "reader", "films", expires="1s" if fate == "expired" else "1h")
    used = {"cut short": made.encoded[:-4] + "AAA=", "no key at all": "AAAA"}
    if fate == "expired":
        time.sleep(1.1)
    if fate == "invalidated":
        request(admin, "DELETE", path("_security", "api_key"), body={"ids": [made.id]})
    with (
        connect(settings(api_key=used.get(fate, made.encoded))) as client,
        pytest.raises(AccessDenied, match=complaint) as refused,
    ):
        request(client, "GET", path("films"))
    assert made.encoded not in str(refused.value)


def test_a_key_leaves_no_trace_in_logs_reports_dead_letters_and_errors(
    films, key, settings, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    dead = tmp_path / "dead.jsonl"
    chosen = settings(api_key=key("writer").encoded)
    client = connect(chosen)
    indexer = Indexer(client, films, embedder=WORDS, dead_letters=dead)
    report = indexer.write([{"_id": "x", "text": "sea"}, {"_id": "y", "text": "sea", "year": "no"}])
    with pytest.raises(AccessDenied) as refused:
        request(client, "DELETE", path("films-000001"))
    client.close()
    shown = [repr(each) for each in (report, indexer, client, chosen, key("writer"))]
    shown += [caplog.text, dead.read_text(), *traceback.format_exception(refused.value)]
    secrets = key("writer").encoded, b64decode(key("writer").encoded).decode().split(":")[1]
    assert report.dead_lettered == 1
    assert not [text for text in shown for secret in secrets if secret in text]


def test_a_key_made_by_a_command_opens_the_next_command(films, typed, monkeypatch):
    made = typed("keys", "create", "reader", "films", "--expires", "10m", "--json").json
    monkeypatch.setenv("ES_HYBRID_API_KEY", made["encoded"])
    found = typed("search", "films", "whale", "--mode", "bm25", "--json")
    assert (found.code, found.json["hits"][0]["id"]) == (0, "orca")


def test_a_command_is_refused_in_one_line_without_the_key(films, typed, key, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_API_KEY", key("reader").encoded)
    ended = typed("keys", "create", "writer", "films", "--json")
    assert (ended.code, ended.json["error"]["kind"]) == (1, "AccessDenied")
    assert key("reader").encoded not in ended.out + ended.err


def test_an_open_node_is_not_found_behind_a_secured_one(node):
    open_one = Node(version=VERSION, name="secured", root=node.state().data.parents[2])
    with pytest.raises(NodeFailed, match="with security, not one server without security"):
        open_one.up()


FIELDS = ("title", "body.text")
MEAN = Options(method="mean")
JOBS = {
    "anomalies": lambda client, name: anomalies(client, f"{name}-new", MEAN),
    "anomalies --write-back": lambda client, name: anomalies(
        client, f"{name}-new", MEAN, write=True
    ),
    "clusters": lambda client, name: clusters(client, f"{name}-new"),
    "clusters --write-back": lambda client, name: clusters(client, f"{name}-new", write=True),
    "enrich": lambda client, name: enrich(client, name, text_fields=FIELDS, embedder=WORDS),
    "rebuild": lambda client, name: rebuild(client, f"{name}-new", embedder=WORDS),
    "rollback": lambda client, name: rollback(client, f"{name}-new"),
    "status": lambda client, name: survey(client, f"{name}-new"),
}


@pytest.fixture
def ready(admin):
    """An index of another program, and a copy with vectors that was rebuilt once."""
    with foreign_index(admin, 60) as name:
        enrich_into(admin, name, f"{name}-new", text_fields=FIELDS, embedder=WORDS)
        rebuild(admin, f"{name}-new", embedder=WORDS)
        yield name
    request(admin, "DELETE", path(f"{name}-new-000003"), ok=(404,))


@pytest.mark.parametrize("job", JOBS)
def test_the_roles_of_a_job_are_enough_for_it(ready, as_role, job):
    JOBS[job](as_role(NEEDED[job], f"{ready},{ready}-new,{MODELS_INDEX}"), ready)


@pytest.mark.parametrize(
    ("job", "too_few"),
    [("enrich", "setup+reader"), ("rebuild", "writer+pruner"), ("rollback", "writer+pruner")],
)
def test_other_roles_are_too_few(ready, as_role, job, too_few):
    with pytest.raises(AccessDenied):
        JOBS[job](as_role(too_few, f"{ready},{ready}-new"), ready)


def test_models_are_pruned_only_by_who_sees_whether_any_index_uses_them(ready, admin, as_role):
    model = anomalies(admin, f"{ready}-new", MEAN, write=True).model
    with pytest.raises(AccessDenied, match="do not see all indices"):
        prune_models(as_role("writer+pruner", MODELS_INDEX), young=timedelta(0))
    prune_models(admin, young=timedelta(0))
    assert model in {one.id for one in kept_models(admin)}


def test_a_copy_needs_a_key_for_both_names(admin, as_role):
    with foreign_index(admin, 60) as name:
        both = as_role("setup+writer", f"{name},{name}-new")
        with pytest.raises(AccessDenied):
            enrich_into(as_role("setup+writer", name), name, f"{name}-new", text_fields=FIELDS)
        enrich_into(both, name, f"{name}-new", text_fields=FIELDS, embedder=WORDS)


def test_vectors_are_adopted_by_who_may_set_up_and_read(admin, as_role):
    vector = {"type": "dense_vector", "dims": WORDS.info.dims, "similarity": "cosine"}
    with foreign_index(
        admin, mappings={"properties": {"text": {"type": "text"}, "v": vector}}
    ) as n:
        for book in BOOKS:
            made = WORDS.embed_documents([book["text"]])[0].tolist()
            request(admin, "POST", path(n, "_doc"), body={"text": book["text"], "v": made})
        options = {"vector_field": "v", "embedder": WORDS, "text_fields": "text"}
        with pytest.raises(AccessDenied):
            adopt(as_role("setup", n), n, **options)
        assert adopt(as_role(NEEDED["adopt"], n), n, **options).agreed


def test_who_has_too_few_rights_is_told_the_key_that_is_needed(films, typed, key, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_API_KEY", key("reader").encoded)
    ended = typed("rebuild", "films", "--embedder", "usem3")
    assert "es-hybrid keys create setup+writer+pruner films" in ended.err


def test_keys_are_listed_without_themselves_and_revoked(admin, settings):
    made = create_key(admin, "reader", "listed,other", expires="1h")
    [found] = list_keys(admin, "listed")
    assert (found.id, found.roles, found.expires) == (made.id, ("reader",), made.expires)
    revoke_keys(admin, [made.id])
    with connect(settings(api_key=made.encoded)) as client, pytest.raises(AccessDenied):
        request(client, "GET", path("listed"))
    assert list_keys(admin, "other") == []


def test_a_key_that_is_not_there_is_not_revoked_and_no_other_is(admin):
    made = create_key(admin, "reader", "kept", expires="1h")
    with pytest.raises(UsageError, match="there is no key 'nonsense'"):
        revoke_keys(admin, [made.id, "nonsense"])
    assert [key.id for key in list_keys(admin, "kept")] == [made.id]


def test_the_command_line_lists_and_revokes(typed):
    made = typed("keys", "create", "reader", "typed", "--json").json
    before = typed("keys", "list", "typed").out
    assert typed("keys", "revoke", made["id"]).out == f"revoked: {made['id']}\n"
    assert f"{made['id']}  reader on typed, ends " in before
    assert made["encoded"] not in before
