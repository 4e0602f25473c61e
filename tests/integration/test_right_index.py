"""The right index and the right model, whatever an alias or a pattern leads to in the meantime."""

import asyncio
from functools import partial

import numpy as np
import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid import AsyncSearcher, Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.documents import VECTOR_FIELD
from es_hybrid.errors import (
    ContractError,
    ContractMismatch,
    IndexNotFound,
    InvalidFilter,
    NoContract,
    RequestRefused,
    UsageError,
)
from es_hybrid.search import Leg
from tests.embedders import OtherModel, WordEmbedder, ships

TEA = [
    {"_id": "green", "title": "green tea", "text": "leaves that are not oxidised", "n": 1},
    {"_id": "black", "title": "black tea", "text": "leaves that are oxidised", "n": 2},
]
COFFEE = [
    {"_id": "green", "title": "green coffee", "text": "beans that are not roasted", "n": 3},
    {"_id": "dark", "title": "dark coffee", "text": "beans that are roasted", "n": 4},
]


@pytest.fixture
def shop(es, name):
    """Makes indices, moves aliases, and deletes all of it in the end."""
    made = Shop(es, name)
    yield made
    made.close()


class Shop:
    def __init__(self, es, name):
        self.es, self.name, self._indices = es, name, []

    def index(self, suffix, records, embedder=None, **options):
        """Index records under NAME-SUFFIX; the index behind that alias."""
        alias = f"{self.name}-{suffix}"
        self._indices.append(f"{alias}-000001")
        Indexer(self.es, alias, embedder=embedder or WordEmbedder(), **options).write(records)
        return self._indices[-1]

    def plain(self, suffix, properties, documents=(), **more):
        """An index that es_hybrid did not make."""
        index = f"{self.name}-{suffix}"
        self._indices.append(index)
        body = {"mappings": {"properties": properties}, **more}
        request(self.es, "PUT", path(index), body=body)
        for number, document in enumerate(documents):
            where = path(index, "_doc", str(number))
            request(self.es, "PUT", where, params={"refresh": "true"}, body=document)
        return index

    def point(self, alias, *indices, **how):
        """Let an alias lead to these indices alone."""
        actions = [{"add": {"index": index, "alias": alias, **how}} for index in indices]
        remove = {"remove": {"index": "*", "alias": alias, "must_exist": False}}
        request(self.es, "POST", path("_aliases"), body={"actions": [remove, *actions]})

    def close(self):
        for index in self._indices:
            request(self.es, "DELETE", path(index), ok=(404,))


@pytest.fixture
def sent(es, monkeypatch):
    """Method and path of every request."""
    calls, real = [], es.perform_request

    def noted(method, where, **more):
        calls.append(f"{method} {where}")
        return real(method, where, **more)

    monkeypatch.setattr(es, "perform_request", noted)
    return calls


def ids(result):
    return {hit.id for hit in result}


def indices(result):
    return {hit.index for hit in result}


@pytest.fixture
def moved(shop, es):
    """A searcher that has searched for tea, whose alias now leads to coffee."""
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    assert indices(searcher.search("green")) == {tea}
    shop.point(shop.name, coffee)
    return searcher


def cosine(query, record):
    """Of a query and a record, by the words model."""
    rows = WordEmbedder().embed_documents([query, f"{record['title']} {record['text']}"])
    one, other = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float(one @ other)


def test_a_moved_alias_is_noticed_by_the_index_of_a_hit(moved, shop, sent):
    result = moved.search("roasted beans")
    assert indices(result) == {f"{shop.name}-coffee-000001"}
    assert sent == ["POST /_msearch", f"GET /{shop.name}", "POST /_msearch"]
    assert result.hits[0].knn.cosine == pytest.approx(cosine("roasted beans", COFFEE[1]))


def test_after_that_a_search_is_one_request_again(moved, sent):
    moved.search("roasted")
    sent.clear()
    moved.search("roasted")
    assert sent == ["POST /_msearch"]


def test_of_several_searches_the_contracts_are_read_again_once(moved, shop, sent):
    results = moved.search_many([{"query": word} for word in ("roasted", "beans", "dark")])
    assert all(indices(one) == {f"{shop.name}-coffee-000001"} for one in results)
    assert sent == ["POST /_msearch", f"GET /{shop.name}", "POST /_msearch"]


def test_a_searcher_that_awaits_notices_it_as_well(shop, es, url):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    shop.point(shop.name, tea)

    async def searched():
        async with AsyncElasticsearch(url) as client:
            searcher = AsyncSearcher(client, shop.name, embedder=WordEmbedder())
            before = await searcher.search("green")
            shop.point(shop.name, coffee)
            after = await asyncio.gather(searcher.search("green"), searcher.search("dark"))
            return [indices(one) for one in (before, *after)]

    assert asyncio.run(searched()) == [{tea}, {coffee}, {coffee}]


def test_a_point_in_time_holds_the_old_index_with_its_own_model(shop, es):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    with searcher.point_in_time() as pit:
        shop.point(shop.name, coffee)
        first, second = searcher.search_many([{"query": "green"}, {"query": "green", "pit": pit}])
    assert (indices(first), indices(second)) == ({coffee}, {tea})


def test_a_point_in_time_is_of_the_indices_that_the_alias_leads_to_when_it_is_opened(moved, shop):
    with moved.point_in_time() as pit:
        assert indices(moved.search("green", pit=pit)) == {f"{shop.name}-coffee-000001"}


@pytest.mark.parametrize("dims", [64, 128, 32], ids=["same", "bigger", "smaller"])
@pytest.mark.parametrize("query", ["green", "xyzzy"])
def test_an_index_of_another_model_needs_that_model(shop, es, dims, query):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, OtherModel(dims))
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    searcher.search("green")
    shop.point(shop.name, coffee)
    with pytest.raises(ContractMismatch, match=f"'other-{dims}'"):
        searcher.search(query)


@pytest.fixture
def packaged(monkeypatch):
    """Two models of a package: an index may name them."""
    ships(monkeypatch, "words-64", WordEmbedder)
    for dims in (64, 128, 32):
        ships(monkeypatch, f"other-{dims}", partial(OtherModel, dims))


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("dims", [64, 128, 32], ids=["same", "bigger", "smaller"])
@pytest.mark.parametrize("mode", ["hybrid", "knn"])
@pytest.mark.parametrize("partial", [False, True])
def test_the_words_are_embedded_by_the_model_of_the_new_index(shop, es, sent, dims, mode, partial):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, OtherModel(dims))
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name)
    searcher.search("green")
    shop.point(shop.name, coffee)
    sent.clear()
    hits = searcher.search("dark coffee", mode=mode, allow_partial=partial).hits
    assert (hits[0].id, hits[0].knn.rank) == ("dark", 1)
    assert hits[0].knn.cosine > 0.5
    assert sent == ["POST /_msearch", f"GET /{shop.name}", "POST /_msearch"]


@pytest.mark.usefixtures("packaged")
def test_several_searches_are_embedded_by_the_model_of_the_new_index(shop, es):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, OtherModel())
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name)
    with searcher.point_in_time() as pit:
        shop.point(shop.name, coffee)
        asked = [{"query": "dark coffee"}, {"query": "green tea"}, {"query": "green tea"}]
        asked[2]["pit"] = pit
        results = [one.hits[0] for one in searcher.search_many(asked)]
    assert [(hit.id, hit.index) for hit in results] == [
        ("dark", coffee),
        ("green", coffee),
        ("green", tea),
    ]
    assert results[2].knn.cosine > 0.5


def test_an_index_with_other_text_fields_is_searched_in_those(shop, es):
    tea = shop.index("tea", TEA)
    drinks = shop.index(
        "drinks", [{"_id": "mate", "plant": "yerba mate", "n": 1}], text_fields=("plant",)
    )
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    assert len(searcher.search("mate", mode="bm25")) == 0
    shop.point(shop.name, drinks)
    assert ids(searcher.search("mate", mode="bm25")) == {"mate"}


def test_an_alias_of_a_deleted_index_is_a_missing_index(shop, es):
    tea = shop.index("tea", TEA)
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    searcher.search("green")
    request(es, "DELETE", path(tea))
    with pytest.raises(IndexNotFound, match=f"no index '{shop.name}'"):
        searcher.search("green")


def test_an_alias_that_moves_twice_during_a_search_is_an_error(shop, es, monkeypatch):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    searcher.search("green")
    real, turns = es.perform_request, iter([coffee, tea])

    def moving(method, where, **more):
        if where == "/_msearch":
            monkeypatch.setattr(es, "perform_request", real)
            shop.point(shop.name, next(turns))
            monkeypatch.setattr(es, "perform_request", moving)
        return real(method, where, **more)

    monkeypatch.setattr(es, "perform_request", moving)
    with pytest.raises(ContractError, match="while it is searched, whose contract was not"):
        searcher.search("green")
    monkeypatch.setattr(es, "perform_request", real)
    assert indices(searcher.search("green")) == {tea}


def test_a_field_that_came_later_is_known_after_all(shop, es, monkeypatch):
    monkeypatch.setattr("es_hybrid.search.flow.FRESH", 0)
    tea = shop.index("tea", TEA)
    searcher = Searcher(es, tea, embedder=WordEmbedder())
    with pytest.raises(InvalidFilter, match="no field 'origin'"):
        searcher.search("green", filter="origin=assam")
    new = {"title": "assam", "text": "a tea of malt", "origin": "assam"}
    request(es, "PUT", path(tea, "_doc", "assam"), params={"refresh": "true"}, body=new)
    assert ids(searcher.search("malt", mode="bm25", filter="origin=assam")) == {"assam"}


def test_a_vector_that_fits_the_new_index_is_taken(shop, es, monkeypatch):
    monkeypatch.setattr("es_hybrid.search.flow.FRESH", 0)
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, OtherModel(128))
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name)
    searcher.searched()
    shop.point(shop.name, coffee)
    vector = OtherModel(128).embed_queries(["dark coffee"])[0]
    assert searcher.search(vector=vector).hits[0].id == "dark"


def test_an_index_made_again_under_its_name_is_noticed_before_long(shop, es):
    tea = shop.index("tea", TEA)
    searcher = Searcher(es, tea, embedder=WordEmbedder())
    searcher.search("green")
    request(es, "DELETE", path(tea))
    assert shop.index("tea", TEA, OtherModel()) == tea
    searcher._known._due = 0  # a minute later
    with pytest.raises(ContractMismatch, match="'other-64'"):
        searcher.search("green")


# Several indices


def test_documents_of_equal_ids_in_two_indices_are_two_hits(shop, es):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    result = Searcher(es, [tea, coffee], embedder=WordEmbedder()).search("green", explain=True)
    found = {(hit.index, hit.id) for hit in result}
    assert found == {(tea, "green"), (tea, "black"), (coffee, "green"), (coffee, "dark")}
    assert result.total.value == 4


@pytest.mark.parametrize("way", ["list", "commas", "pattern"])
def test_indices_are_named_in_three_ways(shop, es, way):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE)
    names = {"list": [tea, coffee], "commas": f"{tea},{coffee}", "pattern": f"{shop.name}-*-000001"}
    searcher = Searcher(es, names[way], embedder=WordEmbedder())
    assert indices(searcher.search("green")) == {tea, coffee}


def test_two_models_are_not_searched_together_but_their_words_are(shop, es):
    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, OtherModel())
    searcher = Searcher(es, f"{tea},{coffee}", embedder=WordEmbedder())
    with pytest.raises(ContractError, match=r"has embedder '.*has '.*--mode bm25"):
        searcher.search("green")
    assert indices(searcher.search("green", mode="bm25")) == {tea, coffee}


def test_each_of_two_contracts_is_proven_even_where_they_claim_one_model(shop, es):
    class Pretender(OtherModel):
        name = "words"

    tea, coffee = shop.index("tea", TEA), shop.index("coffee", COFFEE, Pretender())
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    searcher.search("green")
    shop.point(shop.name, tea, coffee)
    with pytest.raises(ContractError, match="both have the embedder 'words-64', but its vectors"):
        searcher.search("coffee")
    with pytest.raises(ContractMismatch, match="another model"):
        Searcher(es, coffee, embedder=WordEmbedder()).search("coffee")


def test_an_index_that_begins_to_match_a_pattern_is_noticed(shop, es):
    tea = shop.index("tea", TEA)
    searcher = Searcher(es, f"{shop.name}-*-000001", embedder=WordEmbedder())
    searcher.search("green")
    coffee = shop.index("coffee", COFFEE)
    assert indices(searcher.search("green")) == {tea, coffee}
    assert set(searcher.searched().contracts) == {tea, coffee}


@pytest.mark.parametrize("dims", [64, 128], ids=["same", "bigger"])
def test_an_index_of_another_model_that_begins_to_match_is_noticed(shop, es, dims):
    shop.index("tea", TEA)
    searcher = Searcher(es, f"{shop.name}-*-000001", embedder=WordEmbedder())
    searcher.search("green")
    shop.index("coffee", COFFEE, OtherModel(dims))
    with pytest.raises(ContractError, match=f"-coffee-000001' has embedder 'other-{dims}'"):
        searcher.search("coffee")


@pytest.mark.parametrize("how", ["hidden", "closed"])
def test_what_a_pattern_does_not_search_is_not_asked_for_its_contract(shop, es, how):
    tea, other = shop.index("tea", TEA), shop.index("other", COFFEE, OtherModel())
    if how == "hidden":
        body = {"index": {"hidden": True}}
        request(es, "PUT", path(other, "_settings"), body=body)
    else:
        request(es, "POST", path(other, "_close"))
    searcher = Searcher(es, f"{shop.name}-*-000001", embedder=WordEmbedder())
    assert indices(searcher.search("green")) == {tea}


def test_a_closed_index_says_so(shop, es):
    tea = shop.index("tea", TEA)
    request(es, "POST", path(tea, "_close"))
    with pytest.raises(RequestRefused, match=r"closed"):
        Searcher(es, tea, embedder=WordEmbedder()).search("green")


def test_an_alias_with_a_filter_shows_what_passes_it(shop, es):
    tea = shop.index("tea", TEA)
    shop.point(shop.name, tea, filter={"term": {"n": 2}})
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    assert [ids(searcher.search("green tea", mode=mode)) for mode in ("hybrid", "knn", "bm25")] == [
        {"black"}
    ] * 3
    assert ids(searcher.search("tea", exact_totals=True, explain=True, mmr=0.5)) == {"black"}


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        ("no-such-*", IndexNotFound, "no index matches 'no-such-\\*'"),
        (["no-such-a", "no-such-b"], IndexNotFound, "not all of 'no-such-a', 'no-such-b'"),
        ("Films", UsageError, "has capital letters"),
        ("a b", UsageError, "holds ' '"),
    ],
)
def test_names_that_lead_nowhere_say_why(es, names, error, said):
    with pytest.raises(error, match=said):
        Searcher(es, names).search("tea")


# Indices that es_hybrid did not make


@pytest.fixture
def foreign(shop):
    """Two documents with texts, and vectors of somebody else's making."""
    properties = {
        "title": {"type": "text"},
        VECTOR_FIELD: {"type": "dense_vector", "dims": 2, "similarity": "cosine"},
        "other": {"type": "dense_vector", "dims": 3, "similarity": "l2_norm"},
    }
    documents = [
        {"title": "green tea", VECTOR_FIELD: [1, 0], "other": [1, 0, 0]},
        {"title": "black coffee", VECTOR_FIELD: [0, 1], "other": [0, 0, 1]},
    ]
    return shop.plain("foreign", properties, documents)


def test_an_index_without_a_contract_says_what_can_be_done(foreign, es):
    with pytest.raises(NoContract, match=r"was not made by es_hybrid.*--mode bm25, or with legs"):
        Searcher(es, foreign).search("tea")


def test_its_words_are_searched_in_the_text_fields_of_its_mapping(foreign, es):
    assert ids(Searcher(es, foreign).search("tea", mode="bm25")) == {"0"}


@pytest.mark.parametrize(
    ("field", "vector"), [(VECTOR_FIELD, [0, 1]), ("other", [0, 0, 1])], ids=["ours", "another"]
)
def test_its_vectors_are_searched_by_a_leg_with_a_vector(foreign, es, field, vector):
    legs = [Leg.knn(field=field, vector=vector), Leg.query("words", {"match": {"title": "tea"}})]
    result = Searcher(es, foreign).search(legs=legs)
    assert {hit.id: set(hit.legs) for hit in result} == {"0": {"knn", "words"}, "1": {"knn"}}
    assert min(result, key=lambda hit: hit.knn.rank).id == "1"


def test_a_vector_field_that_is_none_is_named_with_those_there_are(foreign, es):
    with pytest.raises(UsageError, match=r"'title' is no vector field.*it has"):
        Searcher(es, foreign).search(legs=[Leg.knn(field="title", vector=[1, 0])])


def test_an_index_without_vectors_and_one_of_ours_are_searched_by_words(shop, foreign, es):
    tea = shop.index("tea", TEA)
    bare = shop.plain("bare", {"body": {"type": "text"}}, [{"body": "tea without vectors"}])
    searcher = Searcher(es, [tea, bare], embedder=WordEmbedder())
    with pytest.raises(NoContract, match=f"{bare}.*bm25"):
        searcher.search("tea")
    assert indices(searcher.search("tea", mode="bm25")) == {tea, bare}


def test_an_index_without_texts_has_nothing_for_bm25(shop, es):
    numbers = shop.plain("numbers", {"n": {"type": "long"}}, [{"n": 1}])
    with pytest.raises(UsageError, match="has no text field"):
        Searcher(es, numbers).search("tea", mode="bm25")


def test_a_data_stream_is_searched_in_its_backing_indices(shop, es):
    template = f"{shop.name}-template"
    body = {
        "index_patterns": [f"{shop.name}-logs"],
        "data_stream": {},
        "priority": 900,
        "template": {"mappings": {"properties": {"message": {"type": "text"}}}},
    }
    try:
        request(es, "PUT", path("_index_template", template), body=body)
        record = {"@timestamp": "2026-01-01T00:00:00Z", "message": "tea is ready"}
        where = path(f"{shop.name}-logs", "_doc")
        request(es, "POST", where, params={"refresh": "true"}, body=record)
    except RequestRefused as error:
        pytest.skip(f"this server has no data streams: {error}")
    try:
        hit = Searcher(es, f"{shop.name}-logs").search("tea", mode="bm25").hits[0]
        assert hit.index.startswith(f".ds-{shop.name}-logs-")
    finally:
        request(es, "DELETE", path("_data_stream", f"{shop.name}-logs"), ok=(400, 405))
        request(es, "DELETE", path("_index_template", template), ok=(400, 405))


def test_an_alias_that_leads_nowhere_for_a_while_is_found_again(shop, es):
    tea = shop.index("tea", TEA)
    shop.point(shop.name, tea)
    searcher = Searcher(es, shop.name, embedder=WordEmbedder())
    searcher.search("green")
    shop.point(shop.name)
    with pytest.raises(IndexNotFound):
        searcher.search("green")
    shop.point(shop.name, shop.index("coffee", COFFEE))
    assert ids(searcher.search("dark")) == {"green", "dark"}
