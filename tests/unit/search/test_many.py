"""The words of several searches are embedded in one call of the model."""

import pytest

from es_hybrid import Searcher
from es_hybrid.errors import VectorError
from es_hybrid.search import Leg
from tests.embedders import NanFor, WordEmbedder
from tests.fakes import FakeServer
from tests.unit.search.test_searcher import FILMS, INDEX, leg

TEA, SEA = {"query": "tea"}, {"query": "sea"}
VECTOR = [1.0] + [0.0] * 63


def calls(queries, model=None):
    """What the model was asked to embed, call by call."""
    model = model or WordEmbedder()
    legs = sum(legs_of(query) for query in queries)
    answer = {"responses": [leg("a", score=0.75)] * legs}
    with FakeServer({INDEX: FILMS, ("POST", "/_msearch"): answer}) as server:
        searcher = Searcher(server.client(), "films", embedder=model, fusion="client")
        searcher.prepare()
        model.calls.clear()
        try:
            searcher.search_many(queries)
        finally:
            sent = [one.path for one in server.requests]
    return model.calls, sent


def legs_of(query):
    if "legs" in query:
        return len(query["legs"])
    return 1 if query.get("mode") or "query" not in query else 2


@pytest.mark.parametrize(
    ("queries", "embedded"),
    [
        ([TEA], [["tea"]]),
        ([TEA, SEA], [["tea", "sea"]]),
        ([TEA, TEA], [["tea"]]),
        ([TEA, SEA, TEA | {"size": 3}], [["tea", "sea"]]),
        ([TEA | {"mode": "bm25"}, SEA | {"mode": "bm25"}], []),
        ([TEA | {"mode": "bm25"}, SEA], [["sea"]]),
        ([{"vector": VECTOR}, {"vector": VECTOR}], []),
        ([TEA | {"legs": [Leg.knn(text="salt"), Leg.bm25()]}, SEA], [["salt", "sea"]]),
        ([TEA | {"legs": [Leg.knn(), Leg.knn("b", text="salt")]}], [["tea"], ["salt"]]),
    ],
)
def test_each_text_is_embedded_once(queries, embedded):
    assert calls(queries)[0] == embedded


def test_a_text_without_a_vector_stops_them_all_before_they_are_sent():
    model, seen = NanFor("sea"), []
    with pytest.raises(VectorError, match="NaN"):
        seen = calls([TEA, SEA], model)
    assert seen == []
