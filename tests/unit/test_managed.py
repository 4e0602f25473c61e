"""Serverless projects, and credentials with too few rights, as documented answers replay them."""

import json

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.errors import AccessDenied
from tests.cluster import Cluster
from tests.embedders import WordEmbedder
from tests.fakes import Answer, FakeServer

FILM = {"_id": "1", "title": "Jaws", "text": "the shark of the sea"}
NAME, INDEX = "/films", "/films-000001"


def refused(status, kind, reason):
    return Answer({"error": {"type": kind, "reason": reason}, "status": status}, status=status)


def unavailable(method, path):
    reason = (
        f"Request for uri [{path}] with method [{method}] exists but is not available when "
        "running in serverless mode"
    )
    return refused(410, "api_not_available_exception", reason)


SHARDS = refused(
    400,
    "illegal_argument_exception",
    "Settings [index.auto_expand_replicas,index.number_of_shards] are not available when running "
    "in serverless mode",
)
ROOT = {"version": {"number": "9.5.0", "build_flavor": "serverless"}}
MISSING = refused(404, "index_not_found_exception", "no such index [films]")
DENIED = refused(403, "security_exception", "action [cluster:monitor/main] is unauthorized")


def found(*ids):
    hits = [{"_id": i, "_index": INDEX[1:], "_score": 1.0, "sort": [1.0, 0]} for i in ids]
    total = {"value": len(ids), "relation": "eq"}
    return {"status": 200, "hits": {"total": total, "hits": [h | {"_source": {}} for h in hits]}}


def project(**changed):
    """The answers of a serverless project for one document that is indexed and searched."""
    return {
        ("GET", "/"): ROOT,
        ("GET", "/_license"): unavailable("GET", "/_license"),
        ("GET", "/_nodes/_local/plugins"): unavailable("GET", "/_nodes/_local/plugins"),
        ("GET", NAME): MISSING,
        ("PUT", INDEX): {"acknowledged": True},
        ("POST", f"{INDEX}/_mget"): {"docs": [{"_id": "1", "found": False}]},
        ("POST", f"{INDEX}-writes/_bulk"): {"items": [{"index": {"_id": "1", "status": 201}}]},
        ("POST", f"{INDEX}/_refresh"): {"_shards": {"failed": 0}},
        ("POST", "/_msearch"): {"responses": [found("1"), found("1")]},
    } | changed


def indexed(server, **options):
    return Indexer(server.client(), "films", embedder=WordEmbedder(), **options).write([FILM])


def sent(server, method, path):
    return [json.loads(r.body) for r in server.requests if (r.method, r.path) == (method, path)]


def test_a_serverless_index_is_made_without_a_word_on_shards_or_replicas():
    with FakeServer(project()) as server:
        assert indexed(server, shards=3, replicas=2).indexed == 1
        (body,) = sent(server, "PUT", INDEX)
    assert body["settings"]["index"].keys() == {"mapping"}


def test_nothing_is_asked_about_the_nodes_of_a_serverless_project():
    with FakeServer(project()) as server:
        indexed(server)
        paths = [request.path for request in server.requests]
    assert not [path for path in paths if path.startswith(("/_nodes", "/_cluster", "/_cat"))]


def test_a_serverless_project_gets_base64_vectors_whatever_number_it_states():
    old = {"version": {"number": "8.11.0", "build_flavor": "serverless"}}
    with FakeServer(project() | {("GET", "/"): old}) as server:
        indexed(server)
        (bulk,) = [r.body for r in server.requests if r.path.endswith("_bulk")]
    assert isinstance(json.loads(bulk.splitlines()[1])["embedding"], str)


def test_what_was_indexed_on_serverless_is_found_by_both_legs():
    with FakeServer(project()) as server:
        indexed(server)
        server.script["GET", NAME] = {INDEX[1:]: sent(server, "PUT", INDEX)[0]}
        (hit,) = Searcher(
            server.client(), "films", embedder=WordEmbedder(), fusion="client"
        ).search("shark")
    assert (hit.id, hit.bm25.rank, hit.knn.rank) == ("1", 1, 1)


def test_a_serverless_project_that_does_not_say_so_is_learnt_by_trying():
    answers = project() | {("GET", "/"): DENIED, ("PUT", INDEX): (SHARDS, Answer({}))}
    with FakeServer(answers) as server:
        assert indexed(server).created is True
        first, second = sent(server, "PUT", INDEX)
    assert first["settings"]["index"]["number_of_shards"] == 1
    assert "number_of_shards" not in second["settings"]["index"]


RIGHTS = {
    "monitor": ("", "_license", "plugins"),
    "maintenance": ("_refresh",),
    "monitor and maintenance": ("", "_license", "plugins", "_refresh"),
}


@pytest.mark.parametrize("lacking", RIGHTS)
def test_a_writer_may_lack(lacking):
    cluster = Cluster(forbid=RIGHTS[lacking])
    report = Indexer(cluster, "films", embedder=WordEmbedder()).write([FILM])
    assert (report.indexed, report.created, report.analysis) == (1, True, "english")


def test_a_reader_needs_no_right_on_the_cluster():
    with FakeServer(project()) as server:
        indexed(server)
        body = {INDEX[1:]: sent(server, "PUT", INDEX)[0]}
    answers = {("GET", NAME): body, ("POST", "/_msearch"): {"responses": [found("1"), found("1")]}}
    with FakeServer(answers | {("GET", "/"): DENIED, ("GET", "/_license"): DENIED}) as server:
        result = Searcher(
            server.client(), "films", embedder=WordEmbedder(), fusion="client"
        ).search("shark")
    assert [hit.id for hit in result] == ["1"]


def read(cluster):
    Searcher(cluster, "films", embedder=WordEmbedder(), fusion="client").search("shark")


def write(cluster):
    Indexer(cluster, "films", embedder=WordEmbedder()).write([FILM])


@pytest.mark.parametrize("use", [read, write])
def test_who_may_not_read_the_contract_is_told_which_right_that_takes(use):
    with pytest.raises(AccessDenied, match=r"'films'.*grant.*`view_index_metadata`"):
        use(Cluster(forbid=("films",)))


def test_without_the_right_to_create_the_index_nothing_is_written():
    cluster = Cluster(forbid=(INDEX[1:],))
    with pytest.raises(AccessDenied, match=f"{INDEX[1:]}.*privilege"):
        write(cluster)
    assert cluster.sent("_bulk") == []


def test_without_the_right_to_read_an_index_that_is_there_nothing_is_written():
    cluster = Cluster()
    write(cluster)
    cluster.forbid = ("_mget",)
    with pytest.raises(AccessDenied, match=r"_mget.*privilege"):
        write(cluster)
    assert len(cluster.sent("_bulk")) == 1
