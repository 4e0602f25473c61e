"""Recall@10 of kNN against exact cosine, for each vector index type, and of FAISS beside it.

recall.py COLLECTION EMBEDDER [--types int8_hnsw,hnsw] [--node 1g] [--most 20000] [--faiss]
recall.py COLLECTION EMBEDDER --defaults --at-least 0.98

COLLECTION is a folder with corpus.jsonl and queries.jsonl, or one .jsonl.gz file: of that, 500
records drawn with a fixed seed are asked and left out of the index, so that no query finds
itself. The index is merged into one segment before it is asked: segments of a few hundred
vectors have no graph (flat_index_threshold), and where candidates times the logarithm of the
vectors reaches their number, Lucene compares them all. Such a recall of 1.0 proves nothing, and
is marked with an asterisk.

Beside it stand milliseconds for one query with the most candidates (Elasticsearch: 50 in a
request; FAISS: one at a time, one thread), and megabytes: what es-hybrid plan says should be in
memory, and what FAISS keeps there.

Vectors are kept in --cache as .npy, since embedding takes most of the time.
"""

import argparse
import gzip
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import orjson
from elasticsearch import Elasticsearch

import es_hybrid
from es_hybrid import capabilities
from es_hybrid.client import path, request
from es_hybrid.contract import Contract, probe
from es_hybrid.documents import VECTOR_FIELD
from es_hybrid.embedders import Embedder, document_vectors, load_embedder
from es_hybrid.mapping import index_body
from es_hybrid.node import Node
from es_hybrid.recall import Sampled, measure
from es_hybrid.recall.nearest import TIE, nearest
from es_hybrid.sizing import plan
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from es_hybrid.vector_stream import Batch, vector_index
from es_hybrid.vectors import Vectors, packed, unit

K, ASKED, SEED = 10, 500, 7
BATCH = 500
CANDIDATES = (15, 100, 200, 300, 400, 500, 700, 1000)
OVERSAMPLES = (1.0, 2.0, 3.0, 5.0, 10.0)


def texts(file: Path, *, zipped: bool = False) -> list[str]:
    """What the embedder reads of each record."""
    data = gzip.decompress(file.read_bytes()) if zipped else file.read_bytes()
    records = [orjson.loads(line) for line in data.splitlines() if line.strip()]
    return [f"{one.get('title') or ''} {one['text']}".strip() for one in records]


def cached(file: Path, embedder: Embedder, *, of: Sequence[str], query: bool = False) -> Vectors:
    """Unit vectors of texts, from the cache as far as they are there."""
    unfinished = file.with_suffix(".part.npy")
    if not file.exists():
        vectors = opened(unfinished, shape=(len(of), embedder.info.dims))
        order = [row for row in np.argsort([len(text) for text in of]) if not vectors[row].any()]
        blocks = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        random.Random(SEED).shuffle(blocks)  # so that what is there already is a fair sample
        for number, part in enumerate(blocks, start=1):
            read = [of[place] for place in part]
            made = embedder.embed_queries(read) if query else document_vectors(embedder, read)
            vectors[part] = made
            print(f"\r{file.name}: {number} of {len(blocks)} batches", end="", file=sys.stderr)
        vectors.flush()
        unfinished.rename(file)
    return unit(np.load(file, allow_pickle=False)).vectors


def opened(
    file: Path, *, shape: tuple[int, int]
) -> np.memmap[tuple[int, int], np.dtype[np.float32]]:
    """A file of vectors that is filled step by step, and gone on with after an interruption."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = "r+" if file.exists() else "w+"
    return np.lib.format.open_memmap(file, mode=mode, dtype=np.float32, shape=shape)


def corpus(collection: Path, name: str, cache: Path, *, partly: bool) -> tuple[Vectors, Vectors]:
    """Vectors of documents and of queries; without a vector (no text) none is kept."""
    embedder, stem = load_embedder(name), f"{collection.name.partition('.')[0]}.{name}"
    if partly:
        vectors = unit(np.load(cache / f"{stem}.documents.part.npy", mmap_mode="r")).vectors
        return halves(vectors[vectors.any(axis=1)])
    if collection.is_dir():
        documents, queries = texts(collection / "corpus.jsonl"), texts(collection / "queries.jsonl")
        asked = cached(cache / f"{stem}.queries.npy", embedder, of=queries, query=True)
        kept = cached(cache / f"{stem}.documents.npy", embedder, of=documents)
    else:
        everything = texts(collection, zipped=True)
        vectors = cached(cache / f"{stem}.documents.npy", embedder, of=everything)
        kept, asked = halves(vectors)
    return kept[kept.any(axis=1)], asked[asked.any(axis=1)]


def halves(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Those that are indexed, and those that are asked."""
    drawn = random.Random(SEED).sample(range(len(vectors)), ASKED)
    return np.delete(vectors, drawn, axis=0), vectors[drawn]


def build(client: Elasticsearch, name: str, documents: Vectors, contract: Contract) -> None:
    """One index of one segment; each vector has its row number as id."""
    body = index_body(contract, replicas=0)
    body["settings"]["index"]["refresh_interval"] = -1
    request(client, "PUT", path(name), body=body)
    base64 = capabilities.read(client).base64_vectors
    for start in range(0, len(documents), BATCH):
        part = documents[start : start + BATCH]
        written = packed(part) if base64 else part
        lines = (
            line
            for row, vector in enumerate(written, start)
            for line in ({"index": {"_id": str(row)}}, {VECTOR_FIELD: vector})
        )
        answer = request(client, "POST", path(name, "_bulk"), body=list(lines), ndjson=True)
        if answer["errors"]:
            raise SystemExit(str(answer["items"][0]))
    slow = client.options(request_timeout=3600)
    request(slow, "POST", path(name, "_forcemerge"), params={"max_num_segments": "1"})
    request(client, "POST", path(name, "_refresh"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        engine: what was asked.
        oversample: candidates per hit that are scored again; None where all are exact.
        recalls: of each number of candidates, with an asterisk where it proves nothing.
        lowest: of these.
        ms: milliseconds for one query with the last number of candidates.
        megabytes: what should be in memory.
    """

    engine: str
    oversample: float | None
    recalls: Sequence[str]
    lowest: float
    ms: float
    megabytes: float

    def __str__(self) -> str:
        """As Markdown."""
        cells = (self.engine, self.oversample or "-", *self.recalls)
        return f"| {' | '.join(map(str, cells))} | {self.ms:.2f} | {self.megabytes:,.0f} |"


def elasticsearch(
    client: Elasticsearch,
    contract: Contract,
    documents: Vectors,
    queries: Vectors,
    *,
    defaults: bool,
) -> Iterator[Row]:
    """A row for each oversampling of one vector index type."""
    name = f"recall-{uuid4().hex[:8]}"
    usual = VECTOR_INDEX_TYPES[contract.vector_index]
    try:
        build(client, name, documents, contract)
        found = measure(
            client,
            vector_index(client, name),
            Sampled(queries),
            k=K,
            candidates=(usual.num_candidates(K),) if defaults else CANDIDATES,
            oversamples=() if defaults else OVERSAMPLES,
        )
    finally:
        request(client, "DELETE", path(name), ok=(404,))
    sizes = {one.type: one for one in plan(len(documents), documents.shape[1]).sizes}
    for oversample in dict.fromkeys(one.oversample for one in found.settings):
        settings = [one for one in found.settings if one.oversample == oversample]
        means = [one.recall.mean for one in settings]
        yield Row(
            usual.name,
            oversample,
            [f"{one.recall.mean:.4f}{'*' if one.exhaustive else ''}" for one in settings],
            min(means),
            settings[-1].ms,
            sizes[usual.name].memory / 1e6,
        )


def faiss_rows(documents: Vectors, queries: Vectors, *, candidates: Sequence[int]) -> Iterator[Row]:
    """FAISS on the same vectors, one query at a time on one thread: flat, and HNSW."""
    import faiss

    faiss.omp_set_num_threads(1)
    batch = Batch(tuple(map(str, range(len(documents)))), documents, np.ones(len(documents)), (), 0)
    truth = nearest([batch], queries, k=K, similarity="cosine")
    flat = faiss.IndexFlatIP(documents.shape[1])
    graph = faiss.IndexHNSWFlat(documents.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 100
    for index, depths in ((flat, candidates[-1:]), (graph, candidates)):
        index.add(documents)
        size = faiss.serialize_index(index).nbytes / 1e6
        recalls, ms = [], 0.0
        for depth in depths:
            if index is graph:
                graph.hnsw.efSearch = depth
            began = time.perf_counter()
            scores = np.concatenate([index.search(row[None], K)[0] for row in queries])
            ms = 1000 * (time.perf_counter() - began) / len(queries)
            recalls.append(float((scores >= truth.least[:, None] - TIE).mean()))
        cells = [f"{value:.4f}" for value in recalls]
        name = "FAISS HNSW" if index is graph else "FAISS flat"
        yield Row(
            name, None, ["-"] * (len(candidates) - len(cells)) + cells, min(recalls), ms, size
        )


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collection", type=Path)
    parser.add_argument("embedder")
    parser.add_argument("--types", default="int8_hnsw,hnsw,int4_hnsw,bbq_hnsw")
    parser.add_argument("--cache", type=Path, default=Path("/tmp/es-hybrid-recall"))
    parser.add_argument("--defaults", action="store_true", help="only what searches do by default")
    parser.add_argument("--at-least", type=float, default=0.0, help="exit with 1 below this recall")
    parser.add_argument("--partly", action="store_true", help="only what is in the cache so far")
    parser.add_argument("--most", type=int, help="index only so many documents")
    parser.add_argument("--faiss", action="store_true", help="FAISS too (extra bench)")
    parser.add_argument("--node", metavar="HEAP", help="start a node of its own, such as 1g")
    return parser.parse_args()


def main() -> bool:
    """Print the table; whether a recall is below the limit."""
    options, missed = parsed(), False
    documents, queries = corpus(
        options.collection, options.embedder, options.cache, partly=options.partly
    )
    documents = documents[: options.most]
    embedder = load_embedder(options.embedder)
    columns: Sequence[object] = ("default",) if options.defaults else CANDIDATES
    head = " | ".join(map(str, columns))
    with ExitStack() as stack:
        url = None
        if options.node:
            url = stack.enter_context(Node(name="recall", heap=options.node)).url
        client = stack.enter_context(es_hybrid.connect(url=url))
        version = capabilities.read(client).version
        print(f"{options.collection.name}, {options.embedder}, Elasticsearch {version}")
        print(f"{len(documents):,} vectors of {documents.shape[1]}, {len(queries)} queries\n")
        print(f"| type | oversample | {head} | ms | MB |\n|---|---|{'---|' * (len(columns) + 2)}")
        for vector_index in options.types.split(","):
            contract = Contract(embedder.info, ("text",), "standard", vector_index, probe(embedder))
            rows = elasticsearch(client, contract, documents, queries, defaults=options.defaults)
            for row in rows:
                print(row, flush=True)
                missed |= row.lowest < options.at_least
    if options.faiss:
        depths = (VECTOR_INDEX_TYPES["hnsw"].candidates,) if options.defaults else CANDIDATES
        for row in faiss_rows(documents, queries, candidates=depths):
            print(row, flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
