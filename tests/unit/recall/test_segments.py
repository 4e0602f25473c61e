"""Where Lucene compares all vectors, by its own rule."""

import pytest

from es_hybrid.recall.segments import Segments, has_graph, visited


@pytest.mark.parametrize(
    ("vectors", "threshold", "graph"),
    [(0, 150, False), (1000, 150, False), (1100, 150, True), (2300, 300, False), (2400, 300, True)],
)
def test_small_segments_get_no_graph(vectors, threshold, graph):
    assert has_graph(vectors, threshold) == graph


def test_without_a_threshold_every_segment_has_its_graph():
    assert has_graph(2, 0)


def test_what_is_expected_to_be_visited_is_cut_to_a_whole_number():
    assert [visited(100, n) for n in (0, 1, 10, 1000)] == [0, 0, 230, 690]


@pytest.mark.parametrize(
    ("segments", "candidates", "share", "exhaustive"),
    [
        ([10_000], 1000, 1.0, False),  # 9,210 of 10,000
        ([10_000], 1100, 1.0, True),
        ([10_000], 150, 0.1, True),  # 1,381 of the 1,000 that pass
        ([10_000, 500], 1000, 1.0, False),  # one is small, the other is not
        ([500, 500], 15, 1.0, True),  # no graph in either
    ],
)
def test_a_search_is_exhaustive_if_it_is_so_in_every_segment(
    segments, candidates, share, exhaustive
):
    assert Segments(segments, 150).exhaustive(candidates, share=share) == exhaustive


def test_what_has_no_graphs_follows_no_rule_of_graphs():
    assert not Segments([10], 150, graph=False).exhaustive(1000)


@pytest.mark.parametrize(("candidates", "exhaustive"), [(400, False), (999, False), (1000, True)])
def test_older_servers_compare_all_only_where_all_are_candidates(candidates, exhaustive):
    assert Segments([1000], 0, expects=False).exhaustive(candidates) == exhaustive
