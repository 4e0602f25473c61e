"""Faults while a source is pruned: what is gone from it is found all the same, and nothing else."""

import json
import signal

import pytest
from elasticsearch import Elasticsearch

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.sources.jsonl import JsonLines
from tests.faults import acts
from tests.faults.conftest import STARTS, Restart
from tests.faults.proxy import Rule
from tests.faults.scene import EMBEDDER
from tests.faults.test_reading import OF_EACH_KIND, PAGE, in_pages

DOCUMENTS, GONE = 200, 30


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """Many small pages instead of a few large ones."""
    for limit in ("_FIRST", "_MOST"):
        monkeypatch.setattr(f"es_hybrid.indexing.pages.{limit}", 20)


def write(client, scene, *, gone=0, **options):
    """Write all records but the first, which the source has no more."""
    file = scene.folder / "films.jsonl"
    records = [{"_id": str(n), "text": f"film {n}"} for n in range(gone, DOCUMENTS)]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    indexer = Indexer(client, scene.name, embedder=EMBEDDER, **options)
    return indexer.write(JsonLines([file]))


@pytest.fixture
def films(scene):
    """An index with all records of a source, and a document of another one."""
    write(scene.es, scene)
    Indexer(scene.es, scene.name, embedder=EMBEDDER).write([{"_id": "loose", "text": "a leaf"}])
    return scene


def ids(es, name):
    request(es, "POST", path(name, "_refresh"))
    body = {"size": 1000, "_source": False}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {hit["_id"] for hit in hits}


LEFT = {"loose"} | {str(number) for number in range(GONE, DOCUMENTS)}


def in_mid_scan(scene, fault):
    """Whether the fault happened first when some documents were looked at, but not all."""
    first = next((one for one in scene.proxy.fired if one.fault == fault), None)
    return first is not None and 0 < first.shown < DOCUMENTS


@pytest.mark.parametrize("fault", OF_EACH_KIND)
def test_only_what_is_gone_is_deleted(films, fault, seed):
    films.proxy.follow(in_pages(fault, seed))
    report = write(films.client, films, gone=GONE, prune=0.2)
    assert in_mid_scan(films, fault)
    assert (report.gone, report.pruned, report.not_pruned) == (GONE, GONE, None)
    assert ids(films.es, films.name) == LEFT


def test_the_share_that_is_gone_counts_each_document_once(films, seed):
    films.proxy.follow(in_pages("point in time lost", seed))
    report = write(films.client, films, gone=GONE, prune=0.1)
    assert f"{GONE} of {DOCUMENTS} documents" in (report.not_pruned or "")
    assert len(ids(films.es, films.name)) == DOCUMENTS + 1


def test_a_node_that_is_killed_and_restarted_in_mid_scan_is_gone_on_with(films, node, seed):
    signal.alarm(STARTS)
    restart = Restart(node, films.proxy)
    fault = "node killed and restarted"
    films.proxy.follow(Rule(fault, acts.meanwhile(restart), at={5 + seed}, on=PAGE))
    report = write(films.client, films, gone=GONE, prune=0.2, patience=STARTS)
    restart.wait()
    assert in_mid_scan(films, fault)
    assert (report.gone, report.pruned) == (GONE, GONE)
    with Elasticsearch(node.url, request_timeout=30) as es:
        assert ids(es, films.name) == LEFT
