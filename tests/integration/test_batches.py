"""Several searches in one round trip, on a real node."""

import pytest

from es_hybrid import Searcher
from es_hybrid.errors import RequestRefused, UsageError, VectorError
from es_hybrid.search import Leg
from tests.embedders import NanFor, WordEmbedder
from tests.shelf import DIMS, QUERY, WORDS, Counted, ids, shelf_index, vector

GENRES = {"genres": {"terms": {"field": "genre"}}}


class Shortest:
    id = "shortest"

    def scores(self, query, texts):
        return [-len(text) for text in texts]


# Some need one request, some a second one, and some a third.
QUERIES = [
    {"query": QUERY},
    {"query": "tea", "mode": "bm25", "aggs": GENRES},
    {"query": QUERY, "explain": True, "size": 3, "window": 3, "highlight": True},
    {"vector": vector("soup"), "filter": "genre=cookery"},
    {"query": "coast", "mmr": 0.5, "explain": True},
    {"query": QUERY, "rerank": Shortest(), "collapse": "genre"},
    {"query": "maps", "min_cosine": 0.99, "min_bm25": 99},
    {"query": "nobody has this word", "mode": "bm25"},
    {"query": QUERY, "legs": [Leg.bm25(), Leg.knn(text="hot water", minimum=0.2)]},
    {"query": QUERY, "exact": True, "exact_totals": True},
]


def told(result):
    return result.to_dict() | {"took_ms": 0}


def test_each_answer_is_that_of_a_single_search(books):
    alone = [told(books.search(**{"query": None} | one)) for one in QUERIES]
    assert [told(one) for one in books.search_many(QUERIES)] == alone


def test_any_order_of_a_batch_gives_the_same_answers(books):
    backwards = [told(one) for one in books.search_many(QUERIES[::-1])]
    assert backwards[::-1] == [told(one) for one in books.search_many(QUERIES)]


@pytest.mark.parametrize(
    ("places", "requests"),
    [([0], 1), ([0, 3, 7, 8], 1), ([0, 1, 2], 2), ([0, 4], 3), ([1, 2, 6, 9], 2), ([], 0)],
)
def test_the_searches_share_their_rounds(books, es, monkeypatch, places, requests):
    books.search(QUERY, exact=True)
    counted = Counted(monkeypatch, es)
    assert len(books.search_many([QUERIES[place] for place in places])) == len(places)
    assert counted.sent.count("POST /_msearch") == requests


def test_all_words_are_embedded_in_one_call(es, shelf):
    model = WordEmbedder(DIMS)
    searcher = Searcher(es, shelf, embedder=model)
    searcher.prepare()
    model.calls.clear()
    searcher.search_many([{"query": "tea"}, {"query": "sea"}, {"query": "tea", "size": 1}])
    assert model.calls == [["tea", "sea"]]


def test_searches_with_and_without_a_point_in_time_go_together(books):
    with books.point_in_time() as pit:
        inside, outside = books.search_many([{"query": QUERY, "pit": pit}, {"query": QUERY}])
    assert told(inside) == told(outside)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"query": ""}, UsageError, "query '' is empty"),
        ({"query": "tea", "sise": 3}, UsageError, "no option 'sise': did you mean 'size'"),
        ({"query": "tea", "collapse": "nope"}, UsageError, "no field 'nope'"),
        ({"vector": [1, 2]}, VectorError, "the query vector has 2 numbers"),
        ({"query": "tea", "aggs": {"a": {"nope": {}}}}, RequestRefused, "nope"),
        ({"query": "tea", "legs": [Leg.query("own", {"nope": {}})]}, RequestRefused, "nope"),
        ("tea", UsageError, "'tea'"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_search_that_fails_is_an_error_of_all(books, place, wrong, error, said):
    queries = [{"query": QUERY}, {"query": "sea"}]
    queries.insert(place, wrong)
    with pytest.raises(error, match=said):
        books.search_many(queries)


def test_an_error_says_which_search_it_was(books):
    broken = {"query": "tea", "collapse": "nope"}
    with pytest.raises(UsageError) as raised:
        books.search_many([{"query": QUERY}, broken])
    assert raised.value.__notes__ == ["search 2 of 2: 'tea'"]


def test_an_error_of_the_request_that_all_share_is_laid_to_none(books):
    broken = {"query": "tea", "legs": [Leg.query("own", {"nope": {}})]}
    with pytest.raises(RequestRefused, match="nope") as raised:
        books.search_many([{"query": QUERY}, broken])
    assert not hasattr(raised.value, "__notes__")


def test_a_search_that_may_be_partial_is_so_alone(books):
    broken = {"function_score": {"query": {"match_all": {}}, "field_value_factor": {"field": "x"}}}
    legs = [Leg.bm25(), Leg.query("broken", broken)]
    first, second = books.search_many(
        [{"query": QUERY}, {"query": QUERY, "legs": legs, "allow_partial": True}]
    )
    assert (first.degraded, len(second.degraded)) == ((), 1)
    assert ids(second) == ids(books.search(QUERY, mode="bm25"))


def test_words_that_have_no_vector_stop_the_batch_before_it_is_sent(es, monkeypatch):
    model = NanFor("tea")
    with shelf_index(es, [{"_id": "a", "text": "sea"}], embedder=model) as name:
        searcher = Searcher(es, name, embedder=model)
        searcher.prepare()
        counted = Counted(monkeypatch, es)
        with pytest.raises(VectorError, match="NaN"):
            searcher.search_many([{"query": "sea"}, {"query": "tea"}])
    assert "POST /_msearch" not in counted.sent


def test_one_batch_may_hold_very_many_searches(books):
    words = [word for word in ("tea", "sea", "whale", "maps") for _ in range(50)]
    found = books.search_many([{"query": word, "size": 1} for word in words])
    alone = {word: ids(books.search(word, size=1)) for word in set(words)}
    assert [ids(one) for one in found] == [alone[word] for word in words]


def test_a_batch_of_nothing_needs_no_server(es):
    assert Searcher(es, "no-such-index", embedder=WORDS).search_many([]) == []
