"""What people combine with hybrid search on a real node: filters, facets, highlights, minima."""

import pytest

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from es_hybrid.search import Leg
from tests.shelf import BOOKS, EVERY, QUERY, WITH_WORDS, WORDS, Counted, ids, shelf_index

GENRES = {"genres": {"terms": {"field": "genre"}}}
NOVELS = "genre=novel"


def counts(result):
    return {one["key"]: one["doc_count"] for one in result.aggregations["genres"]["buckets"]}


def genres(keys):
    """How many of these books are of each genre."""
    of = {book["_id"]: book["genre"] for book in BOOKS} | {"songs": "music"}
    found = [of[key] for key in keys]
    return {genre: found.count(genre) for genre in found}


# Filters


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
def test_a_filter_is_applied_before_the_window_is_cut(books, mode):
    result = books.search(QUERY, mode=mode, filter=NOVELS, size=1, window=1)
    assert ids(result) == ["moby"]


def test_a_filter_of_one_leg_leaves_the_other_alone(books):
    legs = [Leg.bm25(filter=NOVELS), Leg.knn(filter="genre=map")]
    hits = {hit.id: set(hit.legs) for hit in books.search(QUERY, legs=legs)}
    assert hits == {"moby": {"bm25"}, "jaws": {"bm25"}, "atlas": {"knn"}, "coast": {"knn"}}


def test_filters_of_search_and_leg_hold_together(books):
    legs = [Leg.bm25(filter={"range": {"year": {"gte": 1900}}}), Leg.knn()]
    hits = {hit.id: set(hit.legs) for hit in books.search(QUERY, legs=legs, filter=NOVELS)}
    assert hits == {"moby": {"knn"}, "jaws": {"bm25", "knn"}}


# Totals and aggregations


def test_aggregations_are_over_the_union_of_the_legs(books):
    result = books.search(QUERY, aggs=GENRES)
    assert counts(result) == genres(EVERY)
    assert (result.total.value, result.total.relation) == (len(EVERY), "eq")


def test_bm25_counts_beyond_the_window_and_knn_its_own_hits(books):
    result = books.search(QUERY, aggs=GENRES, window=2, size=2, weights={"knn": 0})
    nearest = ids(books.search(QUERY, mode="knn", size=2))
    assert counts(result) == genres(WITH_WORDS | set(nearest))
    assert len(result) == 2


def test_a_document_that_knn_alone_found_is_counted(books):
    legs = [Leg.bm25(text="flour"), Leg.knn(text="maps coast walks", k=1)]
    assert counts(books.search(legs=legs, aggs=GENRES)) == {"cookery": 1, "map": 1}


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_a_single_leg_is_aggregated_as_well(books, mode):
    result = books.search("whale", mode=mode, aggs=GENRES, size=1, window=3)
    best = ids(books.search("whale", mode=mode, size=3))
    assert counts(result) == genres(best)  # three books have the word


@pytest.mark.parametrize(
    "options",
    [
        {"vector": WORDS.embed_queries(["tea"])[0], "filter": "genre=nothing"},
        {"query": QUERY, "method": "linear", "min_score": 5.0},
        {"query": QUERY, "min_cosine": 0.99, "min_bm25": 99},
    ],
    ids=["filter", "min_score", "minima"],
)
def test_nothing_found_is_nothing_counted(books, options):
    result = books.search(**options, aggs=GENRES, exact_totals=True)
    assert (len(result), result.total.value, counts(result)) == (0, 0, {})


def test_minima_hold_for_what_is_counted(books):
    least = books.search("whale", mode="bm25", size=1).hits[0].score
    result = books.search("whale", min_bm25=least, min_cosine=0.99, aggs=GENRES)
    assert sum(counts(result).values()) == len(result) == result.total.value == 1


def test_totals_are_a_lower_bound_until_exact_ones_are_asked_for(books):
    bound = books.search(QUERY, window=2, size=2).total
    exact = books.search(QUERY, window=2, size=2, exact_totals=True).total
    nearest = set(ids(books.search(QUERY, mode="knn", size=2)))
    assert (exact.value, exact.relation) == (len(WITH_WORDS | nearest), "eq")
    assert (bound.relation, bound.value <= exact.value) == ("gte", True)


def test_everything_about_the_hits_takes_two_requests(books, es, monkeypatch):
    books.search(QUERY)
    counted = Counted(monkeypatch, es)
    books.search(QUERY, aggs=GENRES, highlight=True, explain=True, window=2, size=2)
    assert counted.sent == ["POST /_msearch"] * 2


def test_aggregations_within_others_and_of_texts_as_a_whole(books):
    within = {"titles": {"terms": {"field": "title.exact"}}, "last": {"max": {"field": "year"}}}
    aggs = {"genres": {"terms": {"field": "genre"}, "aggs": within}}
    found = books.search("shark", mode="bm25", aggs=aggs).aggregations["genres"]["buckets"]
    told = {one["key"]: (one["titles"]["buckets"][0]["key"], one["last"]["value"]) for one in found}
    assert told == {"cookery": ("Fish soup", 1985), "novel": ("Jaws", 1974)}


def test_a_field_that_is_made_when_it_is_read_is_a_field(es):
    with shelf_index(es) as name:
        made = {"runtime": {"maker": {"type": "keyword"}}}
        request(es, "PUT", path(name, "_mapping"), body=made)
        aggs = {"makers": {"missing": {"field": "maker"}}}
        result = Searcher(es, name, embedder=WORDS).search(QUERY, aggs=aggs)
    assert result.aggregations["makers"]["doc_count"] == len(EVERY)


def test_facets_alone_need_no_hits(books):
    result = books.search(QUERY, size=0, aggs=GENRES, highlight=True, explain=True)
    assert (len(result), counts(result)) == (0, genres(EVERY))


# Highlights


def test_words_are_marked_in_all_fields_that_are_searched(books):
    marked = {hit.id: hit.highlight for hit in books.search(QUERY, highlight=True)}
    assert marked["moby"] == {
        "title": ["The <em>whale</em>"],
        "text": ["<em>whale</em> hunters on the cold <em>sea</em>"],
    }
    assert marked["bread"] == {}  # by kNN alone


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [(["title"], {"title"}), ("title,text", {"title", "text"}), (["t*"], {"title", "text"})],
)
def test_words_are_marked_in_the_fields_asked_for(books, wanted, fields):
    hit = books.search(QUERY, highlight=wanted, size=1, filter="title=The whale").hits[0]
    assert {name for name in hit.highlight if "." not in name} == fields


def test_the_words_of_the_search_are_marked_as_the_caller_wants(books):
    own = {"pre_tags": ["<b>"], "post_tags": ["</b>"], "fields": {"text": {}}}
    hit = books.search("hot water", highlight=own, size=1).hits[0]
    assert hit.highlight == {"text": ["leaves in <b>hot</b> <b>water</b>"]}


def test_own_tags_need_no_fields(books):
    own = {"pre_tags": ["*"], "post_tags": ["*"]}
    hit = books.search("tea", highlight=own, size=1).hits[0]
    assert hit.highlight == {"title": ["*Tea*"]}


def test_a_query_of_ones_own_is_marked_in_what_it_searches(books):
    own = Leg.query("own", {"match": {"text": "flour"}})
    hit = books.search(legs=[own], highlight=True).hits[0]
    assert hit.highlight["text"] == ["<em>flour</em> and warm water"]


def test_the_part_of_an_identifier_is_marked_in_its_field(es):
    with shelf_index(es, [{"_id": "a", "title": "csv.DictReader", "text": "rows"}]) as name:
        hit = Searcher(es, name).search("dictreader", mode="bm25", highlight=True).hits[0]
    assert hit.highlight == {"title": ["csv.<em>DictReader</em>"]}


def test_a_filter_is_not_marked(books):
    hit = books.search("whale", highlight=True, filter={"match": {"text": "cold"}}).hits[0]
    assert hit.highlight["text"] == ["<em>whale</em> hunters on the cold sea"]


def test_highlights_and_reasons_come_together(books):
    hits = books.search(QUERY, highlight=True, explain=True, window=3, size=3).hits
    assert all(hit.highlight for hit in hits)
    assert all(set(hit.legs) | set(hit.missing) == {"bm25", "knn"} for hit in hits)


# Collapse


@pytest.mark.parametrize("field", ["genre", "year"])
def test_the_best_hit_of_each_value_stays(books, field):
    everything = books.search(QUERY, window=50).hits
    best = {}
    for hit in everything:
        best.setdefault(hit.source[field], hit.id)
    assert ids(books.search(QUERY, collapse=field)) == list(best.values())


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_a_single_leg_is_collapsed_as_deep_as_the_window(books, mode):
    hits = books.search("water sea", mode=mode, collapse="genre", size=3).hits
    assert len({hit.source["genre"] for hit in hits}) == len(hits) == 3


def test_pages_are_of_the_collapsed_list(books):
    whole = ids(books.search(QUERY, collapse="genre"))
    pages = [ids(books.search(QUERY, collapse="genre", size=2, from_=n)) for n in (0, 2, 4)]
    assert [key for page in pages for key in page] == whole


def test_hits_of_several_values_cannot_be_collapsed(es):
    tagged = [{"_id": "a", "text": "sea", "tags": ["x", "y"]}, {"_id": "b", "text": "sea"}]
    with shelf_index(es, tagged) as name:
        searcher = Searcher(es, name, embedder=WORDS)
        with pytest.raises(UsageError, match="by 'tags': document 'a' has 2 values"):
            searcher.search("sea", collapse="tags")


# Several indices


@pytest.fixture(scope="module")
def two(es):
    """Two shelves of the same books under the same ids."""
    with shelf_index(es) as one, shelf_index(es) as other:
        yield one, other


@pytest.mark.parametrize(
    "options", [{}, {"mmr": 0.5}, {"mode": "bm25"}, {"mode": "knn", "exact": True}]
)
def test_documents_of_one_id_in_two_indices_are_two(es, two, options):
    found = Searcher(es, two, embedder=WORDS).search(QUERY, size=40, **options)
    alone = Searcher(es, two[0], embedder=WORDS).search(QUERY, size=40, **options)
    assert sorted(ids(found)) == sorted(ids(alone) * 2)
    assert len({(hit.index, hit.id) for hit in found}) == len(found)


def test_what_is_told_of_hits_is_told_in_each_index(es, two):
    searcher = Searcher(es, two, embedder=WORDS)
    options = {"explain": True, "highlight": True, "aggs": GENRES}
    found = searcher.search(QUERY, legs=[Leg.bm25(), Leg.knn(k=3)], size=40, **options)
    assert all(set(hit.legs) | set(hit.missing) == {"bm25", "knn"} for hit in found)
    assert {hit.id for hit in found if not hit.highlight} == {
        hit.id for hit in found if "bm25" in hit.missing
    }
    assert sum(counts(found).values()) == found.total.value == len(found)


def test_pages_go_through_all_indices(es, two):
    pages = Searcher(es, two, embedder=WORDS).pages(QUERY, size=5)
    keys = [(hit.index, hit.id) for page in pages for hit in page]
    assert len(keys) == len(set(keys)) == 2 * len(EVERY)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"collapse": "title"}, "cannot collapse by 'title', a field of type text"),
        ({"collapse": "embedding"}, "a field of type dense_vector"),
        ({"collapse": "nope"}, "no field 'nope'"),
        ({"highlight": ["txt"]}, "no field 'txt'"),
        ({"highlight": {"fields": {"txt": {}}}}, "no field 'txt'"),
        ({"fields": ["titel"]}, "no field 'titel'"),
        ({"aggs": {"a": {"terms": {"field": "gnre"}}}}, "no field 'gnre'"),
        ({"aggs": {"a": {"terms": {"field": "title"}}}}, "'title' is text: take 'title.exact'"),
    ],
)
def test_a_field_that_cannot_work_is_named(books, options, said):
    with pytest.raises(UsageError, match=said):
        books.search(QUERY, **options)
