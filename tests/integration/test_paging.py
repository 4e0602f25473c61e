"""Page after page on a real node, with a point in time that is kept."""

import pytest

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import RequestRefused, UsageError
from es_hybrid.search import Leg
from tests.shelf import FOREIGN, QUERY, WORDS, Counted, cosine, ids, put, shelf_index


@pytest.fixture
def own(es):
    """A searcher of a shelf that the test may change."""
    with shelf_index(es) as name:
        yield Searcher(es, name, embedder=WORDS)


def delete(es, name, key):
    request(es, "DELETE", path(name, "_doc", key), params={"refresh": "true"})


def is_open(es, pit):
    body = {"pit": {"id": pit.id}, "size": 0}
    try:
        request(es, "POST", path("_search"), body=body)
    except RequestRefused:
        return False
    return True


# The window and its pages


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
@pytest.mark.parametrize(("size", "window"), [(2, 6), (4, 6), (3, 100), (9, 9), (1, 1)])
def test_pages_are_the_whole_list_in_its_order(books, mode, size, window):
    whole = ids(books.search(QUERY, mode=mode, size=window, window=window))
    pages = [ids(page) for page in books.pages(QUERY, mode=mode, size=size, window=window)]
    assert [key for page in pages for key in page] == whole
    assert all(len(page) == size for page in pages[:-1])


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
def test_pages_end_at_the_window_of_one_hundred(es, mode):
    many = [{"_id": str(n), "text": f"sea number{n}"} for n in range(110)]
    with shelf_index(es, many) as name:
        searcher = Searcher(es, name, embedder=WORDS)
        assert [len(page) for page in searcher.pages("sea", mode=mode, size=40)] == [40, 40, 20]


@pytest.mark.parametrize("options", [{"from_": 7}, {"from_": 7, "size": 2}, {"from_": 8}])
def test_pages_begin_where_they_are_told(books, options):
    whole = ids(books.search(QUERY))
    pages = [ids(page) for page in books.pages(QUERY, **options)]
    assert [key for page in pages for key in page] == whole[options["from_"] :]


def test_nothing_found_is_one_empty_page(books):
    (page,) = books.pages(QUERY, filter="genre=nothing")
    assert (len(page), page.total.value) == (0, 0)


def test_a_page_behind_the_last_hit_is_empty_and_tells_the_total(books):
    page = books.search(QUERY, from_=50)
    assert (len(page), page.total.value) == (0, 9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"from_": 100}, "from 100 lies past the window: the 100 best .* a window above 100"),
        ({"from_": 6, "window": 5, "size": 5}, "from 6 lies past the window"),
        ({"from_": 9_995, "mode": "bm25"}, r"from \+ size 10005 is not between"),
        ({"from_": -1}, "from -1 is not between"),
    ],
)
def test_past_the_window_there_is_a_clear_end(books, es, monkeypatch, options, said):
    counted = Counted(monkeypatch, es)
    with pytest.raises(UsageError, match=said):
        books.search(QUERY, **options)
    assert counted.sent == []


def test_pages_without_hits_are_refused_before_a_point_in_time_is_opened(books, es, monkeypatch):
    counted = Counted(monkeypatch, es)
    with pytest.raises(UsageError, match="a page has at least one hit"):
        next(books.pages(QUERY, size=0))
    assert counted.sent == []


def test_a_filter_holds_on_every_page(books):
    pages = books.pages(QUERY, filter={"terms": {"genre": ["novel", "map"]}}, size=3)
    assert [len(page) for page in pages] == [3, 1]


def test_pages_of_own_legs(books):
    legs = [Leg.bm25(fields=["title"]), Leg.knn(minimum=0.3)]
    whole = ids(books.search(QUERY, legs=legs))
    assert [key for page in books.pages(QUERY, legs=legs, size=2) for key in ids(page)] == whole


# What happens between pages


def test_documents_written_and_deleted_between_pages_change_nothing(es, own):
    whole = ids(own.search(QUERY))
    seen = []
    for number, page in enumerate(own.pages(QUERY, size=2)):
        seen += ids(page)
        put(es, own.name, f"new{number}", FOREIGN)
        delete(es, own.name, whole[-1 - number])
    assert seen == whole


def test_every_option_sees_the_point_in_time(es, own):
    options = {"aggs": {"n": {"value_count": {"field": "year"}}}, "explain": True}
    with own.point_in_time() as pit:
        before = own.search(QUERY, pit=pit, highlight=True, mmr=0.5, **options)
        put(es, own.name, "tea", FOREIGN)
        put(es, own.name, "new", FOREIGN)
        after = own.search(QUERY, pit=pit, highlight=True, mmr=0.5, **options)
    assert after.to_dict() | {"took_ms": 0} == before.to_dict() | {"took_ms": 0}


@pytest.mark.parametrize("kind", ["flat", "hnsw", "int8_hnsw"])
def test_an_exact_search_sees_the_point_in_time(es, kind):
    with shelf_index(es, vector_index=kind) as name:
        own = Searcher(es, name, embedder=WORDS)
        with own.point_in_time() as pit:
            delete(es, name, "moby")
            inside = own.search(QUERY, mode="knn", exact=True, size=1, pit=pit)
        outside = own.search(QUERY, mode="knn", exact=True, size=1)
    assert (ids(inside), ids(outside)) == (["moby"], ["orca"])
    assert inside.hits[0].knn.cosine == pytest.approx(cosine("moby"), abs=1e-6)


def test_pages_of_a_point_in_time_of_ones_own_leave_it_open(es, books):
    with books.point_in_time() as pit:
        first = [ids(page) for page in books.pages(QUERY, size=4, pit=pit)]
        again = [ids(page) for page in books.pages(QUERY, size=4, pit=pit)]
    assert first == again
    assert not is_open(es, pit)


def test_whoever_stops_reading_pages_leaves_no_point_in_time_open(es, books, monkeypatch):
    counted = Counted(monkeypatch, es)
    for _ in books.pages(QUERY, size=2):
        break
    assert counted.sent[-1] == "DELETE /_pit"


def test_each_page_is_one_request(books, es, monkeypatch):
    books.search(QUERY)
    counted = Counted(monkeypatch, es)
    assert len(list(books.pages(QUERY, size=3))) == 3
    assert counted.sent.count("POST /_msearch") == 3  # the total says that there are no more


# A point in time that is gone


def test_a_closed_point_in_time_is_named_with_the_way_out(books):
    with books.point_in_time() as pit:
        pass
    with pytest.raises(RequestRefused, match=r"point in time is closed, or .* open a new one"):
        books.search(QUERY, pit=pit)


@pytest.mark.parametrize("options", [{"exact": True, "mode": "knn"}, {"mode": "bm25"}])
def test_it_is_so_in_every_mode(books, options):
    with books.point_in_time() as pit:
        pass
    with pytest.raises(RequestRefused, match="point in time is closed"):
        books.search(QUERY, pit=pit, **options)


def test_closing_twice_does_no_harm(books):
    with books.point_in_time() as pit:
        books.close_point_in_time(pit)


def test_a_point_in_time_needs_no_preference(books):
    with books.point_in_time() as pit, pytest.raises(UsageError, match="leave preference out"):
        books.search(QUERY, pit=pit, preference="session-7")


def test_a_point_in_time_of_another_searcher_is_refused(es, books, own):
    with own.point_in_time() as pit, pytest.raises(UsageError, match="this point in time is of"):
        books.search(QUERY, pit=pit)


def test_a_point_in_time_keeps_to_the_routing(es):
    with shelf_index(es, shards=3) as name:
        bound = Searcher(es, name, embedder=WORDS, routing="moby")
        with bound.point_in_time() as pit:
            found = ids(bound.search(QUERY, pit=pit))
        assert found == ids(bound.search(QUERY))
    assert "moby" in found
    assert len(found) < 9


def test_a_duration_that_is_none_is_refused(books):
    with pytest.raises(UsageError, match="keep_alive 'soon' is no duration"):
        books.open_point_in_time("soon")
