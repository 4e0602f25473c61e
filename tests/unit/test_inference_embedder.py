"""The cluster's own inference API, by a stand-in that answers as its documentation says.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-inference-text-embedding
The embedded node has no such module; what it says instead is real.
"""

import asyncio
import json

import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid import AsyncSearcher, Searcher
from es_hybrid.contract import Contract, probe
from es_hybrid.embedders import load_embedder
from es_hybrid.embedders.remote import Clock
from es_hybrid.errors import ContractError, EmbedderError, EmbedderUnavailable, VectorError
from es_hybrid.live import reached, way
from es_hybrid.mapping import index_body
from tests.embedders import WordEmbedder
from tests.fakes import Answer, FakeServer

WORDS = WordEmbedder(dims=8)
PATH = "/_inference/text_embedding/my-e5"
ENDPOINT = {
    "endpoints": [
        {
            "inference_id": "my-e5",
            "task_type": "text_embedding",
            "service": "elasticsearch",
            "service_settings": {"model_id": ".multilingual-e5-small", "dimensions": 8},
        }
    ]
}
EMPTY = {"status": 200, "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}


class Cluster(FakeServer):
    """Embeds as `WORDS`, once for each request."""

    def __init__(self, script=None):
        super().__init__({("GET", PATH): ENDPOINT, ("GET", "/"): {}} | (script or {}))

    def answer_to(self, method, path):
        if (method, path) == ("POST", PATH) and (method, path) not in self.script:
            rows = WORDS.embed_documents(self.asked()["input"])
            return Answer({"text_embedding": [{"embedding": row.tolist()} for row in rows]})
        return super().answer_to(method, path)

    def asked(self):
        return json.loads(self.requests[-1].body)

    def embedded(self):
        """What the requests for vectors held."""
        bodies = [one.body for one in self.requests if (one.method, one.path) == ("POST", PATH)]
        return [json.loads(body) for body in bodies]


class Impatient(Clock):
    def wait(self, seconds):
        pass


@pytest.fixture
def cluster():
    with Cluster() as running:
        yield running


def embedder(cluster, options=""):
    found = reached(load_embedder(f"elasticsearch:my-e5{options}"), way(cluster.client()))
    found._clock = Impatient()
    return found


def test_the_cluster_says_which_model_it_is(cluster):
    info = embedder(cluster).info
    assert (info.id, info.dims) == ("elasticsearch:my-e5", 8)
    assert info.revision == "elasticsearch .multilingual-e5-small"
    assert cluster.embedded() == []


def test_dimensions_that_are_not_told_are_learnt_from_a_vector(cluster):
    untold = {"endpoints": [{"service": "openai", "service_settings": {"model_id": "m"}}]}
    cluster.script["GET", PATH] = untold
    assert embedder(cluster).info.dims == 8


def test_documents_and_queries_are_told_apart(cluster):
    made = embedder(cluster)
    made.embed_documents(["a ship"])
    made.embed_queries(["the sea"])
    assert cluster.embedded() == [
        {"input": ["a ship"], "input_type": "ingest"},
        {"input": ["the sea"], "input_type": "search"},
    ]


def test_a_service_that_does_not_tell_them_apart_is_not_asked_to_again(cluster):
    reason = "Invalid value [ingest] received. [input_type] is not allowed"
    refusal = {"error": {"type": "validation_exception", "reason": reason}, "status": 400}
    good = {"text_embedding": [{"embedding": [1, 0]}]}
    cluster.script["POST", PATH] = (Answer(refusal, status=400), Answer(good))
    made = embedder(cluster)
    made.embed_documents(["a"])
    made.embed_documents(["b"])
    assert [sorted(one) for one in cluster.embedded()] == [
        ["input", "input_type"],
        *[["input"]] * 2,
    ]


def test_texts_are_sent_in_batches_and_come_back_in_order(cluster):
    texts = [f"word{number}" for number in range(7)]
    made = embedder(cluster, "?batch_size=3&concurrency=1").embed_documents(texts)
    assert made.tolist() == WORDS.embed_documents(texts).tolist()
    assert [len(one["input"]) for one in cluster.embedded()] == [3, 3, 1]


def test_vectors_of_bytes_are_numbers_as_well(cluster):
    cluster.script["POST", PATH] = {"text_embedding_bytes": [{"embedding": [23, -127]}]}
    assert embedder(cluster).embed_documents(["a"]).tolist() == [[23, -127]]


@pytest.mark.parametrize(
    "answer",
    [
        {"sparse_embedding": [{"is_truncated": False, "embedding": {"sea": 1.0}}]},
        {"text_embedding": [{"embedding": [1, 0]}, {"embedding": [1, 0]}]},
        {"text_embedding": []},
    ],
)
def test_an_answer_that_is_no_vector_for_each_text_is_refused(cluster, answer):
    cluster.script["POST", PATH] = answer
    with pytest.raises(VectorError, match="elasticsearch:my-e5 gave"):
        embedder(cluster).embed_documents(["a"])


def test_a_busy_model_is_asked_again(cluster):
    busy = {"error": {"type": "es_rejected_execution_exception", "reason": "full"}, "status": 429}
    good = {"text_embedding": [{"embedding": [1, 0]}]}
    cluster.script["POST", PATH] = (Answer(busy, status=429), Answer(good))
    assert embedder(cluster).embed_documents(["a"]).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("status", "reason", "complaint"),
    [
        (404, "Inference endpoint not found [my-e5]", "make the endpoint with PUT /_inference"),
        (400, "Invalid index name [_inference], must not start with '_'", "has no inference API"),
        (403, "current license is non-compliant for [inference]", "non-compliant"),
        (403, "action [cluster:monitor/xpack/inference/get] is unauthorized", "unauthorized"),
    ],
)
def test_why_an_endpoint_cannot_be_used_is_said(cluster, status, reason, complaint):
    error = {"error": {"type": "any_exception", "reason": reason}, "status": status}
    cluster.script["GET", PATH] = Answer(error, status=status)
    with pytest.raises(EmbedderUnavailable, match=complaint):
        embedder(cluster).info  # noqa: B018 - asks the cluster


def test_without_a_way_to_the_cluster_nothing_is_embedded():
    with pytest.raises(EmbedderError, match="name it to an Indexer or a Searcher"):
        load_embedder("elasticsearch:my-e5").embed_documents(["a"])


@pytest.fixture
def films():
    """A cluster with an index whose vectors it made itself."""
    with Cluster() as running:
        model = embedder(running)
        contract = Contract(model.info, ("text",), "standard", "int8_hnsw", probe(model))
        body = json.loads(json.dumps(index_body(contract)))
        running.script |= {
            ("GET", "/films"): {"films-000001": {"mappings": body["mappings"]}},
            ("POST", "/_msearch"): {"responses": [EMPTY, EMPTY]},
        }
        running.requests.clear()
        yield running


NAMED = {"embedder": "elasticsearch:my-e5", "fusion": "client"}


def test_a_searcher_shows_its_embedder_the_way(films):
    Searcher(films.client(), "films", **NAMED).search("sea")
    assert films.embedded()[-1] == {"input": ["sea"], "input_type": "search"}


def test_an_async_searcher_shows_it_the_way_without_blocking_its_loop(films):
    async def search():
        async with AsyncElasticsearch(films.url, max_retries=0) as client:
            return await AsyncSearcher(client, "films", **NAMED).search("sea")

    asyncio.run(search())
    assert films.embedded()[-1] == {"input": ["sea"], "input_type": "search"}


def test_an_index_alone_does_not_choose_an_endpoint(films):
    with pytest.raises(ContractError, match="is not loaded on the word of an index"):
        Searcher(films.client(), "films", fusion="client").search("sea")
    assert films.embedded() == []
