"""What becomes of the clusters in the cosines: the paper's figure, and its remedies in numbers."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from es_hybrid import cosine
from es_hybrid.cosine.factorisation import Matrix

RANK = 50
PENALTIES = {"objective 1": 10_000, "objective 2": 100}  # the paper's, section 4


def main() -> None:
    """Figure and numbers into the folder that is named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "cosine-paper")
    folder.mkdir(parents=True, exist_ok=True)
    data = cosine.simulated()
    pictures = {"true clusters": data.clusters[:, None] == data.clusters, **studied(data.x)}
    remedies = remedied(data.x)
    numbers = {
        name: round(cosine.same_cluster_auc(one, data.clusters), 4)
        for name, one in (pictures | remedies).items()
    }
    draw(pictures, numbers, folder / "cosine-paper.png")
    (folder / "cosine-paper.json").write_text(json.dumps(numbers, indent=2, ensure_ascii=False))
    print("AUC of pairs of one cluster against pairs of two (0.5 is chance):")
    for name, auc in numbers.items():
        print(f"  {auc:.4f}  {name}")
    print(f"figure and numbers are in {folder}/")


def studied(x: Matrix) -> dict[str, Matrix]:
    """The paper's four: objective 1 under three choices of D, and objective 2."""
    found = cosine.spectrum(x, rank=RANK)
    penalty = PENALTIES["objective 1"]
    shown = {
        f"objective 1, {name}": cosine.objective_1(
            found, regularisation=penalty, scale=choose(found, penalty)
        )
        for name, choose in cosine.RESCALINGS.items()
    }
    shown["objective 2"] = cosine.objective_2(found, regularisation=PENALTIES["objective 2"])
    return {name: cosine.cosine_similarities(model.items) for name, model in shown.items()}


def remedied(x: Matrix) -> dict[str, Matrix]:
    """The paper's remedies; each begins with the model whose cosines were the worst."""
    penalty = PENALTIES["objective 1"]
    model = cosine.objective_1(cosine.spectrum(x, rank=RANK), regularisation=penalty)
    even = cosine.standardised(x)
    evened = cosine.objective_2(
        cosine.spectrum(even, rank=RANK), regularisation=PENALTIES["objective 2"]
    )
    trained = cosine.train_normalised(x, rank=RANK)
    return {
        "trained with the normalisation inside": cosine.cosine_similarities(trained.items),
        "in the original space, columns of X": cosine.cosine_similarities(x.T),
        "in the original space, columns of X A Bᵀ": cosine.cosine_similarities(
            cosine.smoothed(x, model).T
        ),
        "objective 2 on standardised X": cosine.cosine_similarities(evened.items),
    }


def draw(pictures: dict[str, Matrix], numbers: dict[str, float], path: Path) -> None:
    """A square of items by items for each."""
    figure, axes = plt.subplots(
        1, len(pictures), figsize=(4 * len(pictures), 4.6), layout="constrained"
    )
    for axis, (name, similarities) in zip(axes, pictures.items(), strict=True):
        axis.imshow(similarities, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        axis.set_title(f"{name}\nAUC {numbers[name]:.3f}")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=80)


main()
