"""nDCG@10 of bm25, knn and hybrid over the judged queries of the standard library, by language.

quality.py INDEX   (made by scripts/demo)

Limit: on the English queries, mean(hybrid - better leg) is at least -0.01.
"""

import sys
from pathlib import Path
from statistics import fmean

import es_hybrid
from es_hybrid.evaluation import Collection, measured, read_collection

JUDGED = Path(__file__).parents[2] / "tests" / "judged" / "stdlib"
MODES = ("bm25", "knn", "hybrid")
LOWEST_GAIN = -0.01


def ndcg(searcher: es_hybrid.Searcher, collection: Collection) -> dict[str, dict[str, float]]:
    """Mode -> query -> nDCG@10."""
    found = {
        mode: {
            query: [hit.id for hit in searcher.search(text, mode=mode, size=10)]
            for query, text in collection.queries.items()
        }
        for mode in MODES
    }
    return {mode: measured(run, collection.qrels, measure="nDCG@10") for mode, run in found.items()}


def gain(values: dict[str, dict[str, float]]) -> float:
    """Mean nDCG@10 of hybrid less that of the better leg."""
    better = max(("bm25", "knn"), key=lambda mode: fmean(values[mode].values()))
    return fmean(values["hybrid"][query] - values[better][query] for query in values[better])


def main() -> None:
    """Print the table."""
    collection = read_collection(JUDGED)
    with es_hybrid.connect() as client:
        searcher = es_hybrid.Searcher(client, sys.argv[1])
        print("| language | queries | bm25 | knn | hybrid | hybrid - better leg |")
        print("|---|---|---|---|---|---|")
        gains = {}
        for language in ("en", "ko"):
            part = collection.where("language", language)
            values = ndcg(searcher, part)
            means = " | ".join(f"{fmean(values[mode].values()):.3f}" for mode in MODES)
            gains[language] = gain(values)
            print(f"| {language} | {len(part.queries)} | {means} | {gains[language]:+.3f} |")
    if gains["en"] < LOWEST_GAIN:
        sys.exit(f"limit missed: hybrid - better leg is {gains['en']:+.3f}, not {LOWEST_GAIN}")


if __name__ == "__main__":
    main()
