"""What the index has already is neither embedded nor written."""

import json
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.errors import AccessDenied
from es_hybrid.indexing.patience import Requests
from es_hybrid.indexing.plan import plan
from tests.fakes import Answer, FakeServer

A, B = (document({"_id": name, "text": name}, Fields()) for name in "ab")
MGET = ("POST", "/films-000001/_mget")


def found(one, content_hash=None, text_hash=None):
    hashes = {"content_hash": content_hash or one.content_hash, "text_hash": text_hash}
    source = {"es_hybrid": hashes}
    return {"_id": one.id, "found": True, "_source": source}


def planned(*docs):
    with FakeServer({MGET: {"docs": list(docs)}}) as server:
        return plan(Requests(server.client()), "films-000001", [A, B]), server.requests[0]


@pytest.mark.parametrize(
    "theirs",
    [
        {"_id": "a", "found": False},
        found(A, "another hash"),
        {"_id": "a", "found": True, "_source": {}},
        {"_id": "a", "found": True, "_source": {"es_hybrid": {}}},
        {"_id": "a", "found": True},
        {"_id": "a", "error": {"type": "shard_not_available", "reason": "…"}},
    ],
    ids=["new", "changed", "not ours", "no hash", "no source", "error"],
)
def test_what_is_new_changed_or_unknown_is_written(theirs):
    todo, _ = planned(theirs, found(B))
    assert (todo.write, todo.rewrite, todo.unchanged) == ((A,), (), 1)


def test_another_content_with_the_same_text_needs_no_embedding():
    todo, _ = planned(found(A, "another hash", A.text_hash), found(B))
    assert (todo.write, todo.rewrite, todo.unchanged) == ((), (A,), 1)


def test_a_document_that_came_with_its_vector_needs_none_of_the_index():
    given = replace(A, vector=np.ones(2, np.float32))
    answer = {"docs": [found(A, "another hash", A.text_hash)]}
    with FakeServer({MGET: answer}) as server:
        todo = plan(Requests(server.client()), "films-000001", [given])
    assert (todo.write, todo.rewrite) == ((given,), ())


def test_what_is_there_already_is_left_alone():
    todo, _ = planned(found(A), found(B))
    assert (todo.write, todo.unchanged) == ((), 2)


def test_only_the_hashes_are_asked_for():
    _, request = planned(found(A), found(B))
    assert unquote(request.query) == "_source_includes=es_hybrid.content_hash,es_hybrid.text_hash"
    assert json.loads(request.body) == {"ids": ["a", "b"]}


def test_a_refusal_is_an_error_not_an_empty_index():
    refused = Answer({"error": {"type": "security_exception", "reason": "no"}}, status=403)
    with FakeServer({MGET: refused}) as server, pytest.raises(AccessDenied):
        plan(Requests(server.client()), "films-000001", [A])
