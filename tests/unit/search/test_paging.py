"""Which page is next."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.hits import Hit, SearchResult, Total
from es_hybrid.search.paging import Pages

PIT = object()


def page(count, *, total, relation="eq"):
    hits = tuple(Hit(str(n), "films", 1.0, {}, {}) for n in range(count))
    return SearchResult(hits, Total(total, relation), "hybrid", "client", 0.1)


def read(query, hits, *, relation="eq"):
    """(from, shown) of all pages of a list of so many hits."""
    pages, seen = Pages({"query": "tea", **query}), []
    size = query.get("size", 10)
    while (search := pages.next(PIT)) is not None:
        assert search["pit"] is PIT
        start = search["from_"]
        count = max(0, min(size, min(hits, search["window"]) - start))
        seen.append((start, pages.holds(page(count, total=hits, relation=relation))))
    return seen


@pytest.mark.parametrize(
    ("query", "hits", "expected"),
    [
        ({}, 0, [(0, True)]),
        ({}, 5, [(0, True)]),
        ({}, 10, [(0, True)]),
        ({}, 11, [(0, True), (10, True)]),
        ({"size": 40}, 1000, [(0, True), (40, True), (80, True)]),
        ({"size": 50}, 1000, [(0, True), (50, True)]),
        ({"size": 5, "window": 5}, 1000, [(0, True)]),
        ({"size": 5, "window": 7}, 1000, [(0, True), (5, True)]),
        ({"from_": 95}, 1000, [(95, True)]),
        ({"from_": 5}, 3, [(5, True)]),
        ({"size": 200}, 1000, [(0, True)]),
        ({"mode": "bm25"}, 25, [(0, True), (10, True), (20, True)]),
        ({"mode": "bm25", "size": 60}, 1000, [(0, True), (60, True)]),
        ({"mode": "bm25", "from_": 150}, 1000, [(150, True)]),
        ({"mode": "bm25", "window": 20}, 1000, [(0, True), (10, True)]),
    ],
)
def test_pages_go_on_until_the_window_or_the_hits_end(query, hits, expected):
    assert read(query, hits) == expected


def test_where_the_total_is_a_lower_bound_an_empty_page_ends_it_and_is_not_shown():
    assert read({"size": 5}, 10, relation="gte") == [(0, True), (5, True), (10, False)]


def test_all_pages_are_of_one_search():
    pages = Pages({"query": "tea", "size": 3, "filter": "lang=ko"})
    search = pages.next(PIT)
    assert search == {
        "query": "tea",
        "size": 3,
        "filter": "lang=ko",
        "pit": PIT,
        "from_": 0,
        "window": 100,
    }


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"size": 0}, "size 0: a page has at least one hit"),
        ({"from_": 100}, "lies past the window"),
        ({"sise": 3}, "did you mean 'size'"),
    ],
)
def test_pages_that_can_never_be_are_refused_at_once(query, said):
    with pytest.raises(UsageError, match=said):
        Pages({"query": "tea", **query})
