"""What a person should know about an answer."""

import json

import pytest

from es_hybrid import Searcher
from es_hybrid.search.queries import LONGEST_QUERY
from tests.fakes import Answer, FakeServer
from tests.unit.search.test_searcher import FILMS, INDEX, MSEARCH, WORDS, leg

NOTHING = leg()


def noted(*responses, query="shark", **options):
    """The notes of a search that is answered so, and the bodies of its last request."""
    rounds = tuple(Answer({"responses": list(one)}) for one in responses)
    script = {INDEX: FILMS, MSEARCH: rounds}
    with FakeServer(script) as server:
        found = Searcher(server.client(), "films", embedder=WORDS, fusion="client")
        notes = found.search(query, **options).notes
        bodies = [json.loads(line) for line in server.requests[-1].body.splitlines()][1::2]
    return notes, bodies


def test_there_is_nothing_to_say_of_an_everyday_answer():
    assert noted([leg("a"), leg("b")])[0] == ()


def test_nothing_found_without_a_minimum_needs_no_note():
    assert noted([NOTHING, NOTHING])[0] == ()


@pytest.mark.parametrize("mode", ["hybrid", "bm25"])
def test_how_far_bm25_read_is_told(mode):
    query = "shark " * LONGEST_QUERY
    notes, _ = noted([leg("a"), leg("a")][: 1 + (mode == "hybrid")], query=query, mode=mode)
    assert notes == ("BM25 looked for the first 2,000 of 12,000 characters of the query",)


def test_knn_reads_as_far_as_its_model():
    assert noted([leg("a")], query="shark " * LONGEST_QUERY, mode="knn")[0] == ()


def test_where_minima_left_nothing_each_leg_is_asked_for_its_best_without_one():
    near = [leg("a", score=3.5), leg("b", score=0.75)]
    notes, bodies = noted([NOTHING, NOTHING], near, min_bm25=4, min_cosine=0.6)
    assert notes == (
        (
            "nothing good enough: the best of leg bm25 has score 3.500, below its minimum 4; "
            "the best of leg knn has cosine 0.500, below its minimum 0.6"
        ),
    )
    assert [body["size"] for body in bodies] == [1, 1]
    assert ("min_score" in bodies[0], "similarity" in bodies[1]["knn"]) == (False, False)


def test_a_leg_that_matches_nothing_at_all_is_told_so():
    near = [NOTHING, leg("b", score=0.75)]
    notes, _ = noted([NOTHING, NOTHING], near, min_bm25=4, min_cosine=0.6)
    assert "leg bm25 matches nothing, whatever its minimum" in notes[0]


def test_only_legs_with_a_minimum_are_asked_again():
    notes, bodies = noted([NOTHING, NOTHING], [leg("b", score=0.75)], min_cosine=0.6)
    assert (len(bodies), "bm25" in notes[0]) == (1, False)


def test_hits_of_one_leg_are_enough():
    assert noted([leg("a"), NOTHING], min_cosine=0.6)[0] == ()


def test_a_fused_score_that_none_reaches_is_told():
    notes, _ = noted([leg("a"), leg("a")], method="linear", min_score=3)
    assert notes == ("nothing good enough: no fused score reaches 3",)
