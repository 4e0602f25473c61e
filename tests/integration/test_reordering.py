"""After fusion on a real node: a reranker reads the hits again, and MMR makes them differ."""

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.rerank import CrossEncoderReranker
from es_hybrid.search import Leg
from tests.cross_encoder import saved
from tests.embedders import CountingEmbedder
from tests.shelf import (
    BOOKS,
    DIMS,
    QUERY,
    WORDS,
    Counted,
    cosine,
    ids,
    shelf_index,
    vector,
)


class Longest:
    """The longer a text, the better; every call is kept."""

    id = "longest"

    def __init__(self):
        self.calls = []

    def scores(self, query, texts):
        self.calls.append((query, texts))
        return [len(text) for text in texts]


class Broken:
    id = "broken"

    def scores(self, query, texts):
        raise RuntimeError("no memory")


# A reranker


def test_hits_are_sorted_by_the_reranker_and_keep_their_fused_scores(books):
    plain = {hit.id: hit.score for hit in books.search(QUERY)}
    hits = books.search(QUERY, rerank=Longest()).hits
    scores = [hit.rerank_score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert {hit.id: hit.score for hit in hits} == plain


def test_a_reranker_reads_all_text_fields_of_the_whole_window(books):
    reranker = Longest()
    books.search(QUERY, rerank=reranker, size=1, filter="genre=film")
    assert reranker.calls == [(QUERY, ["Orca\nwhale and whale and whale"])]


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
def test_the_first_hits_alone_are_reranked_where_that_is_asked_for(books, mode):
    reranker = Longest()
    plain = ids(books.search(QUERY, mode=mode))
    hits = books.search(QUERY, mode=mode, rerank=reranker, rerank_window=3).hits
    assert {hit.id for hit in hits[:3]} == set(plain[:3])
    assert [hit.id for hit in hits[3:]] == plain[3:]
    assert [hit.rerank_score for hit in hits[3:]] == [None] * len(hits[3:])


def test_pages_are_of_the_reranked_list(books):
    whole = ids(books.search(QUERY, rerank=Longest(), rerank_window=5))
    pages = books.pages(QUERY, rerank=Longest(), rerank_window=5, size=2)
    assert [key for page in pages for key in ids(page)] == whole


def test_a_reranker_is_not_asked_where_nothing_was_found(books):
    assert ids(books.search(QUERY, rerank=Broken(), filter="genre=nothing")) == []


def test_a_failing_reranker_is_an_error(books):
    with pytest.raises(EmbedderError, match="broken failed: RuntimeError: no memory"):
        books.search(QUERY, rerank=Broken())


def test_reranked_hits_are_highlighted_collapsed_and_explained(books):
    options = {"collapse": "genre", "highlight": True, "explain": True, "size": 2}
    hits = books.search(QUERY, rerank=Longest(), **options).hits
    assert [hit.id for hit in hits] == ["soup", "moby"]
    assert all(hit.highlight and set(hit.legs) | set(hit.missing) for hit in hits)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (["year"], "source leaves out title, text: name them as well"),
        (["title", "year"], "source leaves out text"),
        ("tit*", "source leaves out text"),
    ],
)
def test_texts_that_are_not_read_cannot_be_reranked(books, es, monkeypatch, source, said):
    books.search(QUERY)
    counted = Counted(monkeypatch, es)
    with pytest.raises(UsageError, match=said):
        books.search(QUERY, rerank=Longest(), source=source)
    assert "POST /_msearch" not in counted.sent


@pytest.mark.parametrize("source", [["t*"], ["title", "text", "year"], "*", True])
def test_texts_that_are_read_can_be_reranked(books, source):
    assert ids(books.search(QUERY, rerank=Longest(), source=source, size=1)) == ["soup"]


def test_a_real_cross_encoder_sorts_the_hits(books, tmp_path):
    pytest.importorskip("sentence_transformers")
    folder = saved(tmp_path / "model", "BertForSequenceClassification", num_labels=1)
    model = CrossEncoderReranker(folder, device="cpu")
    hits = books.search(QUERY, rerank=model, size=20).hits
    texts = [f"{hit.source['title']}\n{hit.source['text']}" for hit in hits]
    assert [hit.rerank_score for hit in hits] == pytest.approx(
        sorted(model.scores(QUERY, texts).tolist(), reverse=True), abs=1e-5
    )


# Maximal marginal relevance


def by_hand(keys, relevance, trade_off):
    """The rule of Carbonell and Goldstein, one pick after the other."""
    rows = {key: vector(key).astype(float) / np.linalg.norm(vector(key)) for key in keys}
    picked, left = [], list(keys)

    def gain(key):
        like = max((float(rows[key] @ rows[other]) for other in picked), default=0.0)
        return round(trade_off * relevance[key] - (1 - trade_off) * like, 6)

    while left:
        best = max(left, key=gain)
        picked.append(best)
        left.remove(best)
    return picked


@pytest.mark.parametrize("trade_off", [0, 0.3, 0.5, 0.9, 1])
@pytest.mark.parametrize("mode", ["knn", "hybrid"])
def test_hits_differ_as_by_hand(books, mode, trade_off):
    plain = [key for key in ids(books.search(QUERY, mode=mode)) if key != "songs"]
    relevance = {key: cosine(key) for key in plain}
    found = ids(books.search(QUERY, mode=mode, mmr=trade_off))
    assert [key for key in found if key != "songs"] == by_hand(plain, relevance, trade_off)


def test_a_document_without_a_vector_is_like_nothing_and_comes_last(books):
    assert ids(books.search(QUERY, mmr=0.5))[-1] == "songs"


@pytest.mark.parametrize("clause", ["genre=cookery", {"range": {"year": {"lt": 1980}}}])
def test_a_filter_holds_for_hits_that_differ(books, clause):
    plain = ids(books.search(QUERY, filter=clause))
    assert sorted(ids(books.search(QUERY, filter=clause, mmr=0.5))) == sorted(plain)


def test_hits_that_differ_are_chosen_from_the_whole_window(books):
    first = ids(books.search(QUERY, mmr=0.2, size=3))
    assert first == ids(books.search(QUERY, mmr=0.2))[:3]
    assert set(first) != set(ids(books.search(QUERY, size=3)))


def test_pages_are_of_the_list_that_differs(books):
    whole = ids(books.search(QUERY, mmr=0.4))
    pages = books.pages(QUERY, mmr=0.4, size=4)
    assert [key for page in pages for key in ids(page)] == whole


def test_the_best_leg_is_told_apart_by_its_vectors_in_own_legs(books):
    legs = [Leg.bm25(fields=["title"]), Leg.knn("near", text="hot water")]
    found = ids(books.search(QUERY, legs=legs, mmr=1.0))
    relevance = {key: cosine(key, "hot water") for key in found if key != "songs"}
    assert [round(relevance[key], 5) for key in found if key != "songs"] == sorted(
        (round(value, 5) for value in relevance.values()), reverse=True
    )


@pytest.mark.parametrize("similarity", ["cosine", "max_inner_product", "l2_norm"])
def test_every_similarity_tells_hits_apart_by_their_direction(es, similarity):
    with shelf_index(es, similarity=similarity, vector_index="flat") as name:
        searcher = Searcher(es, name, embedder=WORDS)
        plain = ids(searcher.search(QUERY, mode="knn"))
        found = ids(searcher.search(QUERY, mode="knn", mmr=0.5))
    assert found == by_hand(plain, {key: cosine(key) for key in plain}, 0.5)


def test_a_reranker_says_what_is_relevant_where_both_are_asked_for(books):
    reranked = books.search(QUERY, rerank=Longest()).hits
    scores = {hit.id: hit.rerank_score for hit in reranked}
    low, high = min(scores.values()), max(scores.values())
    relevance = {key: (score - low) / (high - low) for key, score in scores.items()}
    keys = [hit.id for hit in reranked if hit.id != "songs"]
    found = ids(books.search(QUERY, rerank=Longest(), mmr=0.6))
    assert [key for key in found if key != "songs"] == by_hand(keys, relevance, 0.6)


def test_relevance_alone_leaves_the_reranked_order(books):
    reranked = [key for key in ids(books.search(QUERY, rerank=Longest())) if key != "songs"]
    found = ids(books.search(QUERY, rerank=Longest(), mmr=1.0))
    assert [key for key in found if key != "songs"] == reranked


def test_what_is_not_reranked_stays_behind(books):
    plain = ids(books.search(QUERY, rerank=Longest(), rerank_window=4))
    found = ids(books.search(QUERY, rerank=Longest(), rerank_window=4, mmr=0.5))
    assert set(found[:4]) == set(plain[:4])
    assert found[4:] == plain[4:]


@pytest.mark.parametrize(
    "options", [{"mode": "bm25"}, {"legs": [Leg.query("own", {"match_all": {}})]}]
)
def test_hits_without_vectors_cannot_differ(books, es, monkeypatch, options):
    counted = Counted(monkeypatch, es)
    with pytest.raises(UsageError, match="mmr tells hits apart by their vectors"):
        books.search(QUERY, mmr=0.5, **options)
    assert counted.sent == []


def test_passages_cannot_differ_and_nothing_is_searched(es, name, monkeypatch):
    model = CountingEmbedder(DIMS)
    Indexer(es, name, embedder=model, passages="8:2").write(BOOKS)
    counted = Counted(monkeypatch, es)
    with pytest.raises(UsageError, match="mmr needs one vector for each document, not passages"):
        Searcher(es, name, embedder=model).search(QUERY, mmr=0.5, filter="genre=nothing")
    assert "POST /_msearch" not in counted.sent


def test_passages_are_reranked_by_whole_texts(es, name):
    model, reranker = CountingEmbedder(DIMS), Longest()
    Indexer(es, name, embedder=model, passages="8:2").write(BOOKS)
    Searcher(es, name, embedder=model).search("soup", rerank=reranker, filter="title=Fish soup")
    assert reranker.calls[0][1] == ["Fish soup\nshark fin in hot water from the sea"]
