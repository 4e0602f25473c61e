"""What the cosine of learned embeddings does to recommendations, on MovieLens 100k.

movielens.py [--wheel FILE] [--json FILE]

Films that a user rated 4 and more are what he likes; of each user the latest fifth is held out,
and the best ten of all films that he has not rated before are compared with it (nDCG@10). Items are
embedded by matrix factorisation under both objectives of arXiv 2403.05440; rank and regularisation
are chosen by the dot product on the fifth before the last. Then one model's films are recommended

  - by dot product, which is what the model was trained to predict,
  - by cosine of its embeddings, under three choices of the diagonal D that no prediction sees,
  - in the original space: by the cosine of the films' columns of X A B' and of X.

The data are MovieLens 100k as the wheel of recbole 1.2.1 has it; without --wheel it is fetched by
pip.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from es_hybrid import cosine
from es_hybrid.cosine.factorisation import Factors, Matrix
from es_hybrid.evaluation import interval, measured

WHEEL, INSIDE = "recbole==1.2.1", "recbole/dataset_example/ml-100k/ml-100k.inter"
LIKED, HELD_OUT, SHOWN = 4.0, 5, 10
RANKS = (10, 20, 50, 100)
PENALTIES = {1: (1, 10, 30, 100, 300, 1000), 2: (0.5, 1, 2, 5, 10, 20)}


@dataclass(frozen=True)
class Ratings:
    """Who liked what, in order of time: each user's rows of items."""

    liked: list[list[int]]
    items: int

    def split(self, *, last: int) -> tuple[Matrix, list[list[int]]]:
        """X without the last parts of each user, and what was in the part that follows it."""
        x = np.zeros((len(self.liked), self.items))
        held = []
        for user, items in enumerate(self.liked):
            part = max(1, len(items) // HELD_OUT)
            end = len(items) - last * part
            x[user, items[:end]] = 1
            held.append(items[end : end + part])
        return x, held


def read(wheel: Path) -> Ratings:
    """Ratings of users with at least two times five liked films."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(INSIDE).decode()
    rows = list(csv.reader(io.StringIO(text), delimiter="\t"))[1:]
    rows.sort(key=lambda row: float(row[3]))
    items = {item: number for number, item in enumerate(sorted({row[1] for row in rows}))}
    liked: dict[str, list[int]] = {}
    for user, item, rating, _ in rows:
        if float(rating) >= LIKED:
            liked.setdefault(user, []).append(items[item])
    return Ratings([one for one in liked.values() if len(one) >= 2 * HELD_OUT], len(items))


def fetched() -> Path:
    """The wheel, by pip."""
    folder = tempfile.mkdtemp()
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL]
    subprocess.run(command, check=True)
    return next(Path(folder).glob("*.whl"))


def quality(scores: Matrix, x: Matrix, held: list[list[int]]) -> list[float]:
    """nDCG@10 of each user; films that he has had are not recommended."""
    best = np.argsort(np.where(x > 0, -np.inf, scores) * -1, axis=1, kind="stable")[:, :SHOWN]
    run = {str(user): [str(item) for item in row] for user, row in enumerate(best)}
    qrels = {str(user): dict.fromkeys(map(str, items), 1) for user, items in enumerate(held)}
    return list(measured(run, qrels, measure=f"nDCG@{SHOWN}").values())


def by_cosine(users: Matrix, items: Matrix) -> Matrix:
    """Of users' and items' embeddings, shape (users, items)."""
    return unit(users) @ unit(items).T


def unit(rows: Matrix) -> Matrix:
    """Rows at length 1; of zeros zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def fitted(found: cosine.Spectrum, objective: int, penalty: float) -> Factors:
    """One model."""
    solve = {1: cosine.objective_1, 2: cosine.objective_2}[objective]
    return solve(found, regularisation=penalty)


def cut(found: cosine.Spectrum, rank: int) -> cosine.Spectrum:
    """Its strongest directions: looking for them takes longer than all else."""
    return cosine.Spectrum(found.directions[:, :rank], found.strengths[:rank])


def chosen(ratings: Ratings, objective: int) -> tuple[int, float]:
    """Rank and regularisation, by the dot product on what comes before the last part."""
    x, held = ratings.split(last=2)
    found = cosine.spectrum(x, rank=max(RANKS))
    grid = list(product(RANKS, PENALTIES[objective]))
    means = [
        np.mean(quality(fitted(cut(found, rank), objective, penalty).predictions(x), x, held))
        for rank, penalty in grid
    ]
    return grid[int(np.argmax(means))]


def ways(x: Matrix, objective: int, rank: int, penalty: float) -> Iterator[tuple[str, Matrix]]:
    """All ways to recommend by one objective."""
    found = cosine.spectrum(x, rank=rank)
    model = fitted(found, objective, penalty)
    head = f"objective {objective}"
    yield f"{head}, dot product", model.predictions(x)
    if objective == 1:
        for name, choose in cosine.RESCALINGS.items():
            one = cosine.objective_1(found, regularisation=penalty, scale=choose(found, penalty))
            yield f"{head}, cosine, {name}", by_cosine(one.users(x), one.items)
    else:
        yield f"{head}, cosine", by_cosine(model.users(x), model.items)
    columns = unit(cosine.smoothed(x, model).T)
    yield f"{head}, original space, X A B'", x @ columns @ columns.T


def main() -> None:
    """Print a table, and write it as JSON where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, help="recbole's; fetched by pip where it is not said")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    asked = parser.parse_args()
    ratings = read(asked.wheel or fetched())
    x, held = ratings.split(last=1)
    print(f"{len(x)} users, {ratings.items} films, {int(x.sum()):,} liked before the last fifth")
    numbers = {}
    scores: list[tuple[str, Matrix]] = []
    for objective in (1, 2):
        rank, penalty = chosen(ratings, objective)
        print(f"objective {objective}: rank {rank}, regularisation {penalty}")
        scores += ways(x, objective, rank, penalty)
    columns = unit(x.T)
    scores.append(("original space, X", x @ columns @ columns.T))
    scores.append(("the most popular", np.tile(x.sum(axis=0), (len(x), 1))))
    print(f"\n{'nDCG@10':>8}  {'95 % interval':<16} recommended by")
    for name, one in scores:
        found = interval(quality(one, x, held))
        numbers[name] = {"nDCG@10": found.mean, "ci": [found.low, found.high]}
        print(f"{found.mean:8.4f}  [{found.low:.4f}, {found.high:.4f}] {name}")
    if asked.json:
        asked.json.write_text(json.dumps(numbers, indent=2, ensure_ascii=False))


main()
