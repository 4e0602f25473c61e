"""How much longer a hybrid search takes than the requests it is made of.

search.py [--only stub|node|vectorstore] [--rounds N] [--documents 100000] [--json FILE]

Three measurements. The query vector is given in all of them, so no embedder runs; window 100,
10 hits. Arms take turns within a round, every second round backwards, one search at a time on
one thread. Figures are of medians, with the 95 % interval of a bootstrap over rounds; a limit
is missed where the upper end of the interval is above it, and the exit status is 1 then.

stub: a server in a process of its own answers at once, each leg with 100 hits of about 540
bytes. ``raw`` sends the very bytes of a search (recorded by the stub) over one kept http.client
connection, reads the answer and parses it with orjson: the difference is all that es_hybrid and
the client below it add. Shown beside it, without a limit: ``msearch``, the plain client's own
``client.msearch`` with the same bodies, JSON by the standard library.

node: 100,000 synthetic documents in one segment of an embedded server. ``hand`` is
``client.msearch`` on the same client, which parses the answer and reads nothing of it. Its two
bodies are written below as an engineer would who wants the same answer: same fields, same
num_candidates and rescoring (so the same recall), same sort (``_shard_doc`` breaks ties as the
native fusion does), and no vectors in the hits. With other bodies the ratio would compare two
questions to the server; ``plain`` shows what that would be worth: the same legs sorted by
``_score`` alone. Before anything is timed, each hit must stand in the legs of ``hand`` at the
ranks that es_hybrid reports.

vectorstore: elasticsearch-py's own ``VectorStore`` on the same index and client, asked for kNN
(100 hits, as many candidates) and then for BM25 (100 hits). It fuses nothing, searches one text
field where es_hybrid also searches the parts of words, and rescores nothing: only the ratio is
shown.

A busy machine adds to es_hybrid's part more than to the server's, since every search then finds
the caches cold: the load is printed with each measurement.

Not measured: embedding, several threads, a network, filters, a cold server. The index is kept
for the next run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch
from elasticsearch.helpers.vectorstore import BM25Strategy, DenseVectorStrategy, VectorStore
from pairs import Arm, Measured, difference, interleaved, ratio, record, shown
from stub import NAME, Sent, answers, sent, stub
from synthetic import TEXT, Corpus, filled

import es_hybrid
from es_hybrid import capabilities
from es_hybrid.hits import SearchResult
from es_hybrid.node import Node
from es_hybrid.vectors import Vectors

OURS, RAW, MSEARCH = "es_hybrid", "raw", "msearch"
HAND, PLAIN, STORE = "hand", "plain", "VectorStore"
WINDOW, SIZE, CANDIDATES, OVERSAMPLE = 100, 10, 1000, 2.0
LARGEST_DIFFERENCE, LARGEST_RATIO = 0.5, 1.10
ROUNDS, WARM_UP, QUERIES = 1000, 200, 200
HEAP = "1g"

# Texts of such a length that title and text together are about 540 bytes.
STUB_CORPUS = Corpus(2 * WINDOW, shortest=106, longest=130)

Query = tuple[str, Vectors]


def search(client: Elasticsearch, name: str, queries: Sequence[Query]) -> Callable[[int], Any]:
    """Arm: what es_hybrid does."""
    searcher = es_hybrid.Searcher(client, name)

    def arm(number: int) -> SearchResult:
        words, vector = queries[number % len(queries)]
        return searcher.search(words, vector=vector, size=SIZE, window=WINDOW)

    return arm


def on_stub(rounds: int) -> Measured:
    """es_hybrid beside the requests that it sends, on a server that answers at once."""
    queries = STUB_CORPUS.queries(1)
    with (
        stub(answers(STUB_CORPUS, window=WINDOW)) as port,
        es_hybrid.connect(url=f"http://127.0.0.1:{port}") as client,
        Elasticsearch(f"http://127.0.0.1:{port}") as plain,
    ):
        ours = search(client, NAME, queries)
        ours(0)  # reads the contract
        sent(port)
        ours(0)
        requests = sent(port)
        arms = {OURS: ours, RAW: replayed(port, requests), MSEARCH: resent(plain, requests)}
        times = interleaved(arms, rounds=rounds, warm_up=WARM_UP)
    return times, [
        difference(times, OURS, RAW, limit=LARGEST_DIFFERENCE),
        difference(times, MSEARCH, RAW),
    ]


def replayed(port: int, requests: Sequence[Sent]) -> Arm:
    """Arm: the same bytes, over one connection that is kept."""
    connection = HTTPConnection("127.0.0.1", port)
    bodies = [(one, one.body.encode()) for one in requests]

    def arm(_: int) -> list[Any]:
        parsed = []
        for one, body in bodies:
            connection.request(one.method, one.target, body, one.headers)
            parsed.append(orjson.loads(connection.getresponse().read()))
        return parsed

    return arm


def resent(client: Elasticsearch, requests: Sequence[Sent]) -> Arm:
    """Arm: the client's own method, with the lines of the one ``_msearch`` among the requests."""
    body = next(one.body for one in requests if one.target.startswith("/_msearch"))
    lines = [orjson.loads(line) for line in body.splitlines()]
    return lambda _: client.msearch(searches=lines)


def on_node(client: Elasticsearch, name: str, queries: Sequence[Query], rounds: int) -> Measured:
    """es_hybrid beside an ``_msearch`` written by hand, on a real server."""
    ours, hand = search(client, name, queries), by_hand(client, name, queries, sort=True)
    for number in range(min(20, len(queries))):
        check_same(ours(number), hand(number))
    arms = {OURS: ours, HAND: hand, PLAIN: by_hand(client, name, queries, sort=False)}
    times = interleaved(arms, rounds=rounds, warm_up=WARM_UP)
    return times, [ratio(times, OURS, HAND, limit=LARGEST_RATIO), ratio(times, OURS, PLAIN)]


def by_hand(
    client: Elasticsearch, name: str, queries: Sequence[Query], *, sort: bool
) -> Callable[[int], Any]:
    """Arm: both legs in one ``_msearch``, through the client's own method."""
    lists = [(words, vector.tolist()) for words, vector in queries]

    def arm(number: int) -> Any:
        words, vector = lists[number % len(lists)]
        bodies = (bm25_body(words), knn_body(vector))
        ordered = {"sort": ["_score", "_shard_doc"]} if sort else {}
        return client.msearch(
            searches=[part for body in bodies for part in ({"index": name}, body | ordered)]
        )

    return arm


def bm25_body(words: str) -> dict[str, Any]:
    """The words, whole and in the parts of words, whichever fits better."""
    fields = [TEXT, f"{TEXT}.parts"]
    query = {"multi_match": {"query": words, "fields": fields, "type": "best_fields"}}
    return {"query": query, "size": WINDOW, "_source": [TEXT]}


def knn_body(vector: list[float]) -> dict[str, Any]:
    """The nearest vectors, scored again with the exact ones."""
    knn = {
        "field": "embedding",
        "query_vector": vector,
        "k": WINDOW,
        "num_candidates": CANDIDATES,
        "rescore_vector": {"oversample": OVERSAMPLE},
    }
    return {"knn": knn, "size": WINDOW, "_source": [TEXT]}


def check_same(result: SearchResult, answer: Any) -> None:
    """Both searched alike: each hit stands in the other's legs at the rank it reports."""
    found = dict(zip(("bm25", "knn"), answer["responses"], strict=True))
    for hit in result:
        for name, leg in hit.legs.items():
            there = found[name]["hits"]["hits"][leg.rank - 1]["_id"]
            if there != hit.id:
                sys.exit(f"hit {hit.id} is {name} {leg.rank}, where the other arm has {there}")
    if not result.hits or result.fusion != "client":
        sys.exit(f"{len(result)} hits, fused by {result.fusion}: there is nothing to compare")


def beside_store(
    client: Elasticsearch, name: str, queries: Sequence[Query], rounds: int
) -> Measured:
    """es_hybrid beside elasticsearch-py's helper, asked twice."""
    stores = [
        VectorStore(
            client,
            index=name,
            retrieval_strategy=strategy,
            text_field=TEXT,
            vector_field="embedding",
        )
        for strategy in (DenseVectorStrategy(), BM25Strategy())
    ]
    lists = [(words, vector.tolist()) for words, vector in queries]

    def arm(number: int) -> Any:
        words, vector = lists[number % len(lists)]
        near, worded = stores
        return (
            near.search(query_vector=vector, k=WINDOW, num_candidates=CANDIDATES),
            worded.search(query=words, k=WINDOW),
        )

    arms = {OURS: search(client, name, queries), STORE: arm}
    times = interleaved(arms, rounds=rounds, warm_up=WARM_UP)
    return times, [ratio(times, OURS, STORE)]


@contextmanager
def filled_node(corpus: Corpus) -> Iterator[tuple[Elasticsearch, str]]:
    """A client of a running node, and the index that holds the corpus."""
    with (
        Node(name="bench-search", heap=HEAP) as node,
        es_hybrid.connect(url=node.url) as client,
    ):
        yield client, filled(client, corpus)


def measured(options: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    """Each measurement asked for, with its title."""
    if options.only in (None, "stub"):
        yield f"stub server, window {WINDOW}", on_stub(options.rounds)
    if options.only == "stub":
        return
    corpus = Corpus(options.documents)
    queries = corpus.queries(QUERIES)
    with filled_node(corpus) as (client, name):
        server = capabilities.read(client).version
        title = f"Elasticsearch {server}, {corpus.documents:,} documents of {corpus.dims}-d"
        for word, measure in {"node": on_node, "vectorstore": beside_store}.items():
            if options.only in (None, word):
                yield f"{title}, {word}", measure(client, name, queries, options.rounds)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("stub", "node", "vectorstore"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> bool:
    """Measure and print; whether a limit is missed."""
    options, found = parsed(), {}
    for title, one in measured(options):
        print(shown(title, one), flush=True)
        found[title] = one
    if options.json:
        options.json.write_bytes(record(found))
    return any(figure.missed for _, figures in found.values() for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
