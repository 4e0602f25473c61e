"""Legs of one's own, their minima, fields and depths, on a real node."""

import numpy as np
import pytest

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.search import Leg
from tests.shelf import BOOKS, EVERY, QUERY, WORDS, cosine, ids, shelf_index

# Minima


def test_a_minimum_of_a_leg_is_the_true_cosine(books):
    found = books.search(QUERY, mode="knn", min_cosine=0.3)
    assert set(ids(found)) == {book["_id"] for book in BOOKS if cosine(book["_id"]) >= 0.3}


def test_each_leg_has_its_own_minimum(books):
    scores = [hit.score for hit in books.search(QUERY, mode="bm25")]
    hits = books.search(QUERY, min_bm25=scores[1], min_cosine=0.3).hits
    assert sum(hit.bm25 is not None for hit in hits) == 2
    assert all(hit.knn is None or hit.knn.cosine >= 0.3 for hit in hits)


@pytest.mark.parametrize("exact", [False, True])
def test_where_nothing_is_good_enough_the_nearest_is_told(books, exact):
    result = books.search(QUERY, min_bm25=50, min_cosine=0.95, exact=exact)
    best = books.search(QUERY, mode="bm25", size=1).hits[0].score
    (note,) = result.notes
    assert note == (
        f"nothing good enough: the best of leg bm25 has score {best:.3f}, below its minimum 50; "
        f"the best of leg knn has cosine {cosine('moby'):.3f}, below its minimum 0.95"
    )


def test_a_fused_score_that_none_reaches_is_told(books):
    result = books.search(QUERY, method="linear", min_score=2.5)
    assert (len(result), result.notes) == (
        0,
        ("nothing good enough: no fused score reaches 2.5",),
    )


# Fields and legs


def test_boosts_change_the_order(books):
    by_title = ids(books.search("atlas shark", mode="bm25", fields=["title^9", "text"]))
    by_text = ids(books.search("atlas shark", mode="bm25", fields=["title", "text^9"]))
    assert (by_title[0], by_text[-1]) == ("atlas", "atlas")


def test_several_text_legs_and_a_query_of_ones_own_are_fused(books):
    recent = {
        "function_score": {
            "query": {"match": {"text": "sea"}},
            "field_value_factor": {"field": "year", "modifier": "log1p"},
        }
    }
    legs = [Leg.bm25("titles", fields=["title"]), Leg.bm25("texts", fields=["text"])]
    hit = books.search(QUERY, legs=[*legs, Leg.query("recent", recent)]).hits[0]
    assert (hit.id, set(hit.legs)) == ("songs", {"titles", "texts", "recent"})
    assert hit.score == pytest.approx(sum(leg.contribution for leg in hit.legs.values()))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ('"tea" OR (title:* "unclosed', {"tea"}),
        ("flour) -maps ~ /x/ {", {"bread", "atlas", "coast"}),
        ("*:* ?", set()),
    ],
)
def test_what_looks_like_syntax_is_words_in_every_leg(books, words, found):
    legs = [Leg.bm25(), Leg.query("own", {"match": {"text": words}})]
    assert set(ids(books.search(words, legs=legs))) == found


@pytest.fixture
def covers(es):
    """The shelf with a second vector field: the colours of the covers, in two dimensions."""
    colours = {"tea": [0.0, 1.0], "moby": [1.0, 0.0], "jaws": [3.0, 4.0]}
    with shelf_index(es) as name:
        field = {"type": "dense_vector", "dims": 2, "similarity": "cosine"}
        mapping = {"properties": {"cover": field}}
        request(es, "PUT", path(name, "_mapping"), body=mapping)
        for key, colour in colours.items():
            body = {"doc": {"cover": colour}}
            params = {"refresh": "true"}
            request(es, "POST", path(name, "_update", key), params=params, body=body)
        yield Searcher(es, name, embedder=WORDS)


def test_several_vector_fields_are_legs(covers):
    legs = [Leg.knn("text"), Leg.knn("colour", field="cover", vector=[0.0, 2.0])]
    hits = {hit.id: hit.legs for hit in covers.search(QUERY, legs=legs)}
    assert hits["moby"]["text"].cosine == pytest.approx(cosine("moby"), abs=1e-6)
    found = {key: legs["colour"].cosine for key, legs in hits.items() if "colour" in legs}
    assert found == pytest.approx({"tea": 1.0, "jaws": 0.8, "moby": 0.0}, abs=1e-6)


def test_another_vector_field_is_searched_exactly_and_with_a_minimum(covers):
    leg = Leg.knn("colour", field="cover", vector=np.array([0, 1]), minimum=0.5)
    result = covers.search(legs=[leg], exact=True)
    assert (ids(result), result.knn) == (["tea", "jaws"], "exact:rescored")


# Depths


@pytest.mark.parametrize("options", [{"size": 60}, {"size": 500}, {"size": 10_000}, {"size": 1}])
@pytest.mark.parametrize("mode", ["hybrid", "knn"])
def test_any_number_of_hits_can_be_asked_for(books, mode, options):
    found = books.search(QUERY, mode=mode, **options)
    everything = EVERY if mode == "hybrid" else EVERY - {"songs"}
    assert len(found) == min(options["size"], len(everything))


@pytest.mark.parametrize("given", [{"k": 7}, {"num_candidates": 1}, {"k": 10_000}])
def test_candidates_are_never_fewer_than_what_they_are_for(books, given):
    found = books.search(QUERY, legs=[Leg.knn(**given)], size=20)
    assert len(found) == min(given.get("k", 20), len(BOOKS))


@pytest.mark.parametrize("size", [11, 50])
def test_more_than_ten_hits_are_found(es, size):
    many = [{"_id": str(n), "text": f"sea number{n}"} for n in range(60)]
    with shelf_index(es, many) as name:
        found = Searcher(es, name, embedder=WORDS).search("sea", size=size)
    assert len(found) == size
    assert sum(hit.knn is not None for hit in found) >= size - 1
