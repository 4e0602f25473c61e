"""Long texts in passages, with all that is combined with hybrid search, on a real node."""

from uuid import uuid4

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.search import Leg
from tests.embedders import CountingEmbedder
from tests.shelf import DIMS, ids, put

MODEL = CountingEmbedder(DIMS)
KRAKEN = "The kraken sleeps under old ice."
TEA = "Tea is hot and sweet today."
LONG = "Sharks swim in the deep blue sea. " * 4 + KRAKEN + f" {TEA}" * 4
STORIES = [
    {"_id": "long", "title": "Whole story", "text": LONG, "lang": "en"},
    {"_id": "short", "text": "kraken ice", "lang": "ko"},
    {"_id": "cup", "text": f"{TEA} Nothing else is in it, whatever people say.", "lang": "en"},
    *({"_id": f"n{n}", "text": f"Filler number {n}. More {n}.", "lang": "en"} for n in range(9)),
]


@pytest.fixture(scope="module")
def index(es):
    name = f"t-{uuid4().hex[:12]}"
    Indexer(es, name, embedder=MODEL, passages="8:2").write(STORIES)
    put(es, name, "alien", {"text": "kraken", "lang": "xx"})
    yield name
    request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


@pytest.fixture
def stories(es, index):
    return Searcher(es, index, embedder=MODEL)


def test_a_hit_has_its_passage_its_highlight_and_the_reason_it_lacks_a_leg(stories):
    options = {"highlight": True, "explain": True, "window": 20}
    hits = {hit.id: hit for hit in stories.search(KRAKEN, **options)}
    assert hits["long"].passage.text.strip() == KRAKEN
    assert "<em>kraken</em>" in hits["long"].highlight["text"][0]
    assert hits["alien"].missing["knn"].reason == "no vector"
    assert hits["n1"].missing["bm25"].reason == "no match"


def test_what_knn_would_have_given_is_told_by_the_best_passage(stories):
    everything = {hit.id: hit.knn.cosine for hit in stories.search(TEA, mode="knn")}
    legs = [Leg.bm25(), Leg.knn(k=1)]
    missing = [hit for hit in stories.search(TEA, legs=legs, explain=True) if hit.knn is None]
    told = {hit.id: hit.missing["knn"].cosine for hit in missing if hit.id != "alien"}
    assert told == pytest.approx({key: everything[key] for key in told}, abs=1e-6)
    assert told


@pytest.mark.parametrize("mode", ["knn", "hybrid", "bm25"])
def test_filter_and_collapse(stories, mode):
    hits = stories.search(KRAKEN, mode=mode, collapse="lang", filter={"terms": {"lang": ["en"]}})
    assert ids(hits) == ["long"]


def test_the_minimum_is_that_of_the_best_passage(stories):
    cosines = {hit.id: hit.knn.cosine for hit in stories.search(TEA, mode="knn")}
    least = sorted(cosines.values())[-2] - 1e-4
    found = stories.search(TEA, mode="knn", min_cosine=least)
    assert set(ids(found)) == {key for key, value in cosines.items() if value >= least}
    assert len(found) == 2


def test_nothing_good_enough_tells_the_best_passage(stories):
    best = stories.search("kraken tea", mode="knn", size=1).hits[0].knn.cosine
    result = stories.search("kraken tea", mode="knn", min_cosine=0.95)
    (note,) = result.notes
    assert note.endswith(f"the best of leg knn has cosine {best:.3f}, below its minimum 0.95")


def test_documents_are_counted_not_passages(stories):
    aggs = {"langs": {"terms": {"field": "lang"}}}
    result = stories.search(KRAKEN, aggs=aggs)
    buckets = result.aggregations["langs"]["buckets"]
    assert {one["key"]: one["doc_count"] for one in buckets} == {"en": 11, "ko": 1, "xx": 1}
    assert (result.total.value, result.total.relation) == (13, "eq")


def test_pages_of_a_point_in_time(stories):
    whole = [(hit.id, hit.passage) for hit in stories.search(KRAKEN, size=20)]
    pages = stories.pages(KRAKEN, size=4)
    assert [(hit.id, hit.passage) for page in pages for hit in page] == whole


def test_a_batch_is_as_single_searches(stories):
    queries = [
        {"query": KRAKEN, "explain": True},
        {"query": TEA, "highlight": True, "filter": "lang=en"},
        {"query": TEA, "mode": "knn", "size": 2},
        {"query": KRAKEN, "legs": [Leg.bm25(), Leg.knn("far", text=TEA)]},
    ]
    alone = [stories.search(**query).to_dict() | {"took_ms": 0} for query in queries]
    found = [result.to_dict() | {"took_ms": 0} for result in stories.search_many(queries)]
    assert found == alone


def test_legs_of_different_words_show_the_passage_of_the_first(stories):
    legs = [Leg.knn("kraken", text=KRAKEN), Leg.knn("tea", text=TEA)]
    hit = next(hit for hit in stories.search(legs=legs) if hit.id == "long")
    assert hit.passage.text.strip() == KRAKEN
