"""Documents of another collection are hidden among those of an index, and found.

A part of what scripts/bench anomalies measures: that takes minutes.
"""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from es_hybrid import Indexer
from es_hybrid.anomalies import Options, anomalies
from es_hybrid.client import path, request

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ES_HYBRID_SHARED", ROOT.parent / "shared")) / "data/collections"
PARAGRAPHS, HIDDEN = 240, 25


def corpus(name):
    lines = (SHARED / name / "corpus.jsonl").read_text().splitlines()
    return [one | {"_id": f"{name}-{one['_id']}"} for one in map(json.loads, lines) if one["text"]]


@pytest.mark.skipif(not (SHARED / "korquad-dev").is_dir(), reason=f"no korquad-dev in {SHARED}")
def test_a_group_of_abstracts_among_paragraphs_is_found_without_being_told_of(es, name):
    hidden = random.Random(7).sample(corpus("cranfield"), HIDDEN)
    Indexer(es, name).write([*corpus("korquad-dev")[:PARAGRAPHS], *hidden])
    anomalies(es, name, Options(), write=True)
    body = {"size": 2000, "_source": ["anomaly"]}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    odd = np.array([hit["_id"].startswith("cranfield") for hit in hits])
    scores = [hit["_source"]["anomaly"]["score"] for hit in hits]
    assert odd.sum() == HIDDEN
    assert roc_auc_score(odd, scores) >= 0.95
