"""Existing indices of a serverless project, played by a real node behind a proxy."""

import pytest
from elasticsearch import Elasticsearch

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.existing import adopt, enrich, enrich_into, rebuild, rollback, survey
from tests.embedders import WordEmbedder
from tests.faults.existing import DIMS, DOCUMENTS, Reading
from tests.faults.serverless import serverless
from tests.foreign import TEXT_FIELDS, change

SETTINGS = {"number_of_shards": 3, "mapping": {"nested_objects": {"limit": 20_000}}}


@pytest.fixture
def project(node, es, proxy, name):
    """An index of wines in three shards."""
    with Reading(es=es, proxy=proxy, name=name) as made:
        made.begin(**SETTINGS)
        made.follow(*serverless())
        with Elasticsearch(proxy.url, request_timeout=20) as made.client:
            yield made
    for index in request(es, "GET", path(f"{name}*"), params={"expand_wildcards": "all"}):
        request(es, "DELETE", path(index))


def making(project):
    return {"text_fields": TEXT_FIELDS, "embedder": project.embedder}


def copied(project):
    """A copy behind an alias; its report, and the alias."""
    into = f"{project.name}-new"
    return enrich_into(project.client, project.name, into, **making(project)).to_dict(), into


def test_an_index_gets_vectors_in_place(project):
    report = enrich(project.client, project.name, **making(project)).to_dict()
    assert project.wrong(project.name, report) == []
    found = survey(project.client, project.name)
    assert (found.documents, found.current) == (DOCUMENTS, DOCUMENTS)


def test_a_copy_asks_for_no_setting_that_is_the_projects_own(project):
    report, into = copied(project)
    assert project.wrong(into, report) == []
    settings = request(project.es, "GET", path(into, "_settings"), params={"flat_settings": "true"})
    kept = next(iter(settings.values()))["settings"]
    assert kept["index.number_of_shards"] == "1"


class Meddler(WordEmbedder):
    """While it embeds, somebody writes to every shard."""

    def __init__(self, meddle):
        super().__init__(64)
        self.meddle = meddle

    def embed_documents(self, texts):
        if len(texts) > 5:  # more than the probe texts
            meddle, self.meddle = self.meddle, lambda: None
            meddle()
        return super().embed_documents(texts)


@pytest.fixture
def versioned(project):
    """The same in three shards behind an alias, made where shards can be asked for; the alias."""
    into = f"{project.name}-new"
    enrich_into(project.es, project.name, into, **making(project))
    return into


def test_a_new_version_catches_up_with_every_shard(project, versioned):
    def meddle():
        for key in map(str, range(30)):  # about ten on each shard
            change(project.es, versioned, key, price=77)

    report = rebuild(project.client, versioned, embedder=Meddler(meddle))
    body = {"query": {"term": {"price": 77}}}
    found = request(project.es, "GET", path(versioned, "_count"), body=body)["count"]
    assert (report.index, report.documents, found) == (f"{versioned}-000002", DOCUMENTS, 30)


def test_the_version_before_can_be_gone_back_to_and_written_to(project, versioned):
    rebuild(project.client, versioned, embedder=WordEmbedder(64))
    assert rollback(project.client, versioned).index == f"{versioned}-000001"
    change(project.client, versioned, "1", price=78)


def test_vectors_that_are_there_are_adopted_and_found(project):
    name, words = project.with_vectors(60), WordEmbedder(DIMS)
    found = adopt(project.client, name, vector_field="v", embedder=words, text_fields=TEXT_FIELDS)
    assert (found.sampled, found.agreed) == (50, 50)
    [hit] = Searcher(project.client, name, embedder=words).search("number17", size=1)
    assert hit.id == "17"
