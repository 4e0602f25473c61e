"""What the report of an index run tells to do next, which must work."""

from dataclasses import replace

import pytest

from es_hybrid.cli.index import _print
from es_hybrid.indexing import Report

DONE = Report(
    name="films",
    index="films-000001",
    embedder="e5-small",
    analysis="english",
    vector_index="int8_hnsw",
    read=3,
    indexed=3,
    unchanged=0,
    embedded=3,
    dead_lettered=0,
    rejected=0,
    created=True,
    seconds=1.0,
    embedding_seconds=0.5,
    problems=(),
)


@pytest.mark.parametrize(
    ("embedder", "said"),
    [
        ("e5-small", 'search films "some words"\n'),
        ("given:mine", 'search films "some words" --mode bm25\n'),
        ("efficientnet-lite2", 'search films --image FILE, or "words of captions" --mode bm25\n'),
        ("dinov2:vit_small", "search films --image FILE"),
        ("open_clip:RN50/openai", 'search films "some words"\n'),
    ],
)
def test_it_names_a_search_that_the_model_can_answer(capsys, embedder, said):
    _print(replace(DONE, embedder=embedder))
    assert said in capsys.readouterr().out


def test_where_nothing_is_indexed_it_names_no_search(capsys):
    _print(replace(DONE, indexed=0, rejected=3))
    assert "search it" not in capsys.readouterr().out
