"""What the README shows runs as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from es_hybrid.client import path, request
from es_hybrid.node.home import default_home

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
QUICK_START, SEARCHING = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_quick_start_is_short():
    assert len(QUICK_START.splitlines()) <= 12


def test_the_quick_start_finds_both_films(es, node, capsys):
    try:
        exec(QUICK_START.replace("http://localhost:9200", node.url), {})
    finally:
        request(es, "DELETE", path("films-000001"), ok=(404,))
    assert sorted(line.split()[1] for line in capsys.readouterr().out.splitlines()) == [
        "Jaws",
        "기생충",
    ]


def test_the_searches_find_what_they_are_said_to_find(es, node):
    shown = {}
    try:
        exec(QUICK_START.replace("http://localhost:9200", node.url) + SEARCHING, shown)
    finally:
        request(es, "DELETE", path("films-000001"), ok=(404,))
    best, own = shown["best"], shown["own"]
    assert [hit.source["title"] for hit in best][:1] == ["Jaws"]
    assert best.aggregations["years"]["buckets"][0]["doc_count"] == 2
    assert set(own.hits[0].legs) == {"words", "near", "own"}


@pytest.fixture(scope="module")
def demo(nodes, node):
    """What scripts/demo prints, with a node of its own and every thirtieth document."""
    env = {**os.environ, "ES_HYBRID_NODE": f"demo-{nodes.name}"}
    for other in ("ES_HYBRID_URL", "ELASTICSEARCH_URL", "ES_URL", "ES_LOCAL_URL"):
        env.pop(other, None)
    command = [ROOT / "scripts" / "demo", "--every", "30"]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=env, timeout=600
        )
    finally:
        stop = [Path(sys.executable).with_name("es-hybrid"), "down"]
        subprocess.run(stop, check=False, capture_output=True, env=env)
        shutil.rmtree(default_home() / "nodes" / env["ES_HYBRID_NODE"], ignore_errors=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "shown",
    ["1. A real Elasticsearch", "2. Real text", "3. Text and vectors", "4. The same", "5. Korean"],
)
def test_the_demo_goes_through_its_steps(demo, shown):
    assert shown in demo


@pytest.mark.parametrize("column", ["bm25", "knn", "hybrid", "쉼표로 구분된 파일 읽기"])
def test_the_demo_shows_the_modes_side_by_side(demo, column):
    assert column in demo


def test_every_command_that_the_readme_names_exists():
    from typer.main import get_command

    from es_hybrid.cli.app import app

    known = set(get_command(app).commands)
    named = set(re.findall(r"^    es-hybrid ([\w-]+)", README, flags=re.MULTILINE))
    assert named
    assert named <= known
