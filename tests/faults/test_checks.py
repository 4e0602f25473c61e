"""The five checks find what they are for."""

import pytest

from es_hybrid.client import path, request
from tests.faults.checks import plan


def delete(scene, identifier):
    request(scene.es, "DELETE", path(scene.index, "_doc", identifier))


def change(scene, identifier):
    body = {"doc": {"es_hybrid": {"content_hash": "another"}}}
    request(scene.es, "POST", path(scene.index, "_update", identifier), body=body)


def double(scene, identifier):
    source = request(scene.es, "GET", path(scene.index, "_doc", identifier))["_source"]
    request(scene.es, "PUT", path(scene.index, "_doc", "twin"), body=source)


FOUND = {
    "a lost document": (delete, {"_count is", "missing: doc-7", "acknowledged and lost: doc-7"}),
    "another content": (change, {"other content: doc-7"}),
    "a double": (double, {"_count is", "not planned: twin", "record 7 is there 2 times"}),
}


@pytest.mark.parametrize("harm", FOUND)
def test_harm_that_is_done_to_an_index_is_found(scene, harm):
    planned = plan(0, 20)
    scene.client = scene.patient
    report = scene.ingest(planned)
    do, said = FOUND[harm]
    do(scene, "doc-7")
    found = scene.wrong(planned, report)
    assert len(found) == len(said)
    assert all(any(one.startswith(words) for one in found) for words in said)


def test_numbers_that_do_not_add_up_are_found(scene):
    planned = plan(0, 20)
    scene.client = scene.patient
    report = scene.ingest(planned)
    assert scene.wrong(planned, report) == []
    assert len(scene.wrong(planned, {**report, "indexed": 19})) == 1
    assert len(scene.wrong(planned, {**report, "indexed": 19, "rejected": 4})) == 1
