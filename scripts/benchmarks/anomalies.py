"""AUROC and precision of each way to find anomalies, with 95 % intervals over documents.

anomalies.py [EMBEDDER]

100 abstracts of Cranfield (aeronautics, English) hidden among KorQuAD's dev paragraphs (Wikipedia,
Korean): the abstracts came in the last of nine weeks. A group of 100 that are alike is what
`neighbours` has to be told to expect: once it is (--contamination 0.1), once not.

Limit: AUROC of `neighbours` that expects them is at least 0.95.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score

import es_hybrid
from es_hybrid.anomalies import Options, anomalies
from es_hybrid.existing.scan import Scan, pages

COLLECTIONS = Path(os.environ.get("ES_HYBRID_SHARED", "../shared")) / "data" / "collections"
HIDDEN, WEEKS = 100, 9
LOWEST = 0.95
START = datetime(2026, 1, 1, tzinfo=UTC)
WAYS = {
    "neighbours": Options(method="neighbours", contamination=0.1, field="neighbours"),
    "neighbours, k 20": Options(method="neighbours", k=20, field="near"),
    "mean": Options(method="mean", field="mean"),
    "clusters": Options(method="clusters", field="clusters"),
    "recent": Options(method="recent", time_field="day", window="1w", field="recent"),
}


def corpus(name: str) -> list[dict[str, Any]]:
    """Documents with a text."""
    lines = (COLLECTIONS / name / "corpus.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["text"]]


def records() -> Iterator[dict[str, Any]]:
    """All documents; the hidden ones have the tag ``odd``."""
    chance = random.Random(7)
    for name, documents in (
        ("korquad-dev", corpus("korquad-dev")),
        ("cranfield", chance.sample(corpus("cranfield"), HIDDEN)),
    ):
        odd = name == "cranfield"
        for one in documents:
            week = WEEKS - 1 if odd else chance.randrange(WEEKS)
            day = START + timedelta(weeks=week, hours=chance.randrange(7 * 24))
            yield {
                "_id": f"{name}-{one['_id']}",
                "title": one["title"],
                "text": one["text"],
                "odd": odd,
                "day": day.isoformat(),
            }


def scores(client: Any, index: str, field: str, *, since: str | None) -> Any:
    """What was written back: whether each document was hidden, and its score."""
    filters = ({"range": {"day": {"gte": since}}},) if since else ()
    scan = Scan(index, {"includes": ["odd", field]}, filters=filters)
    found = [one.source for page in pages(client, scan) for one in page.documents]
    return (
        np.array([one["odd"] for one in found]),
        np.array([one[field]["score"] for one in found]),
    )


def auroc(odd: Any, score: Any) -> float:
    """Area under the ROC curve; 0.5 where a draw has but one kind."""
    return float(roc_auc_score(odd, score)) if 0 < odd.sum() < len(odd) else 0.5


def precision(odd: Any, score: Any) -> float:
    """Of as many documents as are hidden, those with the highest scores."""
    return float(odd[np.argsort(-score)[: int(odd.sum())]].mean()) if odd.any() else 0.0


def measured(odd: Any, score: Any, measure: Any) -> str:
    """With its percentile interval over documents drawn again."""
    ends = bootstrap(
        (odd, score),
        measure,
        paired=True,
        vectorized=False,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(7),
    ).confidence_interval
    return f"{measure(odd, score):.3f} [{ends.low:.3f}, {ends.high:.3f}]"


def main() -> None:
    """Print the table."""
    name = "benchmark-anomalies"
    with es_hybrid.connect() as client:
        embedder = sys.argv[1] if len(sys.argv) > 1 else None
        es_hybrid.Indexer(client, name, embedder=embedder, fields={"day": "date"}).write(records())
        print("| method | AUROC | precision@hidden | p of the window |")
        print("|---|---|---|---|")
        found = {}
        for way, options in WAYS.items():
            result = anomalies(client, name, options, write=True)
            since = result.facts.get("window_from")
            odd, score = scores(client, result.index, options.field, since=since)
            found[way] = auroc(odd, score)
            p = f"{result.shift.p_value:.3f}" if result.shift else ""
            values = (measured(odd, score, measure) for measure in (auroc, precision))
            print(f"| {way} | {' | '.join(values)} | {p} |", flush=True)
    if found["neighbours"] < LOWEST:
        sys.exit(f"limit missed: AUROC of neighbours is {found['neighbours']:.3f}, not {LOWEST}")


if __name__ == "__main__":
    main()
