"""The judged queries fit the corpus they judge."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "judged" / "stdlib"

# Later versions of Python drop and move a few names; other systems lack os.fdatasync and its like.
SHARE = 1.0 if sys.version_info[:2] == (3, 11) and sys.platform == "linux" else 0.95


@pytest.fixture(scope="module")
def queries() -> dict[str, dict]:
    lines = (FOLDER / "queries.jsonl").read_text("utf-8").splitlines()
    return {query["_id"]: query for query in map(json.loads, lines)}


@pytest.fixture(scope="module")
def qrels() -> list[dict[str, str]]:
    with (FOLDER / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def corpus_ids() -> set[str]:
    command = [sys.executable, str(ROOT / "scripts" / "stdlib_docs.py")]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    return {json.loads(line)["_id"] for line in written.splitlines()}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_language_has_enough_queries(queries, language):
    spoken = [query for query in queries.values() if query["metadata"]["language"] == language]
    assert len(spoken) >= 40
    assert all(query["_id"].startswith(f"{language}-") for query in spoken)


def test_no_query_is_asked_twice(queries):
    lines = (FOLDER / "queries.jsonl").read_text("utf-8").splitlines()
    assert len({query["text"] for query in queries.values()}) == len(lines)


@pytest.mark.parametrize("text", ["쉼표로 구분된 파일 읽기", "os.fsync"])
def test_the_queries_of_the_demo_are_among_them(queries, text):
    assert text in {query["text"] for query in queries.values()}


def test_every_query_has_an_answer_and_every_judgement_a_query(queries, qrels):
    assert {row["query-id"] for row in qrels if row["score"] == "2"} == set(queries)
    assert {row["query-id"] for row in qrels} == set(queries)


def test_grades_are_one_or_two(qrels):
    assert {row["score"] for row in qrels} == {"1", "2"}


def test_nothing_is_judged_twice(qrels):
    pairs = Counter((row["query-id"], row["corpus-id"]) for row in qrels)
    assert [pair for pair, count in pairs.items() if count > 1] == []


def test_queries_spread_over_the_library(qrels):
    assert len({row["corpus-id"].partition(".")[0] for row in qrels}) >= 35


def test_judged_documents_exist(qrels, corpus_ids):
    judged = {row["corpus-id"] for row in qrels}
    missing = sorted(judged - corpus_ids)
    assert len(judged & corpus_ids) >= SHARE * len(judged), missing


def test_the_readme_counts_right(queries, qrels):
    readme = (FOLDER / "README.md").read_text("utf-8")
    languages = Counter(query["metadata"]["language"] for query in queries.values())
    assert f"{languages['en']} English and\n{languages['ko']} Korean queries" in readme
    assert f"{len(qrels):,} judgements" in readme
