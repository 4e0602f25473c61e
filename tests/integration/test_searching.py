"""Searching on a real node."""

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import ContractMismatch, IndexNotFound, InvalidFilter, NoContract
from tests.embedders import OtherModel, WordEmbedder

PAGES = [
    {"_id": "fsync", "title": "os.fsync", "text": "write a file to disk", "lang": "en", "n": 1},
    {"_id": "csv", "title": "csv", "text": "comma separated values file", "lang": "en", "n": 2},
    {"_id": "json", "title": "json", "text": "encode and decode", "lang": "en", "n": 3},
    {"_id": "ko", "title": "파일", "text": "쉼표로 구분된 파일", "lang": "ko", "n": 4},
]


@pytest.fixture
def pages(es, name):
    Indexer(es, name, embedder=WordEmbedder()).write(PAGES)
    return Searcher(es, name, embedder=WordEmbedder())


def ids(result):
    return [hit.id for hit in result]


def test_a_hybrid_hit_says_what_each_leg_gave(pages):
    hit = pages.search("comma separated").hits[0]
    assert (hit.id, hit.bm25.rank, hit.knn.rank) == ("csv", 1, 1)
    assert hit.score == pytest.approx(hit.bm25.contribution + hit.knn.contribution)


def test_the_cosine_of_a_hit_is_the_true_one(pages):
    hit = pages.search("comma separated values file csv", mode="knn", size=1).hits[0]
    assert hit.knn.cosine == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_a_single_leg_is_sorted_by_its_own_score_and_not_fused(pages, mode):
    result = pages.search("file", mode=mode)
    assert result.fusion is None
    assert result.hits[0].score == result.hits[0].legs[mode].score


def test_one_request_answers_a_hybrid_search(pages, es, monkeypatch):
    pages.search("file")
    sent = []
    real = es.perform_request
    monkeypatch.setattr(es, "perform_request", lambda *a, **k: sent.append(a) or real(*a, **k))
    pages.search("file")
    assert [call[1] for call in sent] == ["/_msearch"]


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
@pytest.mark.parametrize(
    ("clause", "allowed"),
    [
        ("lang=ko", {"ko"}),
        ('{"range": {"n": {"lte": 2}}}', {"fsync", "csv"}),
        ({"term": {"lang": "ko"}}, {"ko"}),
        (["lang=en", "n=3"], {"json"}),
        ("title=os.fsync", {"fsync"}),
        ("lang=fr", set()),
    ],
)
def test_a_filter_holds_for_every_leg(pages, mode, clause, allowed):
    assert set(ids(pages.search("file 파일 decode", mode=mode, filter=clause))) <= allowed


def test_a_filter_is_applied_before_knn_so_that_hits_remain(pages):
    assert ids(pages.search("comma", mode="knn", size=1, filter="lang=ko")) == ["ko"]


def test_an_unknown_field_in_a_filter_is_named_with_the_known_ones(pages):
    with pytest.raises(InvalidFilter, match=r"'langg'.*lang"):
        pages.search("file", filter="langg=ko")


def test_the_users_fields_come_back_without_the_vector(pages):
    source = pages.search("comma").hits[0].source
    assert source == {key: value for key, value in PAGES[1].items() if key != "_id"}


def test_size_cuts_the_fused_list(pages):
    assert len(pages.search("file", size=2)) == 2
    assert len(pages.search("file", size=0)) == 0


def test_the_total_is_exact_where_both_legs_were_seen_to_their_end(pages):
    result = pages.search("comma")
    assert (result.total.value, result.total.relation) == (4, "eq")


def test_words_that_nobody_has_still_find_by_vector_only(pages):
    assert all(hit.bm25 is None for hit in pages.search("xyzzy"))


def test_query_syntax_in_a_query_is_just_words(pages):
    assert "csv" in ids(pages.search('comma AND (title:* OR "unbalanced', mode="bm25"))


def test_a_missing_index_is_named(es):
    with pytest.raises(IndexNotFound, match="no-such-index"):
        Searcher(es, "no-such-index").search("words")


def test_another_model_is_refused_before_searching(es, pages, name):
    with pytest.raises(ContractMismatch, match=r"words-64.*other-64"):
        Searcher(es, name, embedder=OtherModel()).search("words")


def test_bm25_needs_no_embedder(es, pages, name):
    assert ids(Searcher(es, name).search("comma", mode="bm25")) == ["csv"]


def test_an_index_without_a_contract_is_refused(es, name):
    request(es, "PUT", path(name + "-000001"), body={"aliases": {name: {}}})
    with pytest.raises(NoContract):
        Searcher(es, name).search("words")
