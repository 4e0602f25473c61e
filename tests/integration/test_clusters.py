"""Clusters of real indices: found, called by their words, drawn, written back, kept up with."""

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.clusters import Options, clusters
from es_hybrid.errors import NoContract, UsageError
from tests.commands import Terminal
from tests.embedders import WordEmbedder

WORDS = WordEmbedder(256)
SUBJECTS = {
    "ship": "ships sailing the stormy sea with a captain and sailors",
    "bread": "baking bread with flour and yeast in an oven of a bakery",
    "korean": "서울의 봄에는 벚꽃이 피고 사람들이 공원에서 사진을 찍는다",
}
EACH = 30


def rows():
    return [
        {"_id": f"{name}{row}", "text": f"{text} number{row}", "price": 1}
        for name, text in SUBJECTS.items()
        for row in range(EACH)
    ]


@pytest.fixture
def subjects(es, name):
    Indexer(es, name, embedder=WORDS, analysis="english").write(rows())
    return name


def source(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]


def test_subjects_are_told_apart_and_called_by_their_words(es, subjects):
    found = clusters(es, subjects)
    assert sorted(one.documents for one in found.clusters) == [EACH] * 3
    by_example = {one.examples[0].rstrip("0123456789"): set(one.words) for one in found.clusters}
    assert by_example["ship"] <= set(SUBJECTS["ship"].split())
    assert by_example["korean"] <= set(SUBJECTS["korean"].split())


def test_stems_are_shown_as_the_words_that_people_wrote(es, subjects):
    words = {word for one in clusters(es, subjects).clusters for word in one.words}
    assert words & {"baking", "bakery", "ships", "sailing", "sailors", "stormy"}
    assert not words & {"bake", "bakeri", "sailor", "stormi"}


def test_the_number_that_was_asked_for_is_taken(es, subjects):
    assert len(clusters(es, subjects, Options(clusters=5)).clusters) == 5


def test_without_write_nothing_is_written(es, subjects):
    before = request(es, "GET", path(subjects, "_mapping"))
    assert clusters(es, subjects).written is None
    assert clusters(es, subjects, write=True, dry_run=True).written is None
    assert request(es, "GET", path(subjects, "_mapping")) == before


@pytest.fixture
def written(es, subjects):
    return subjects, clusters(es, subjects, write=True)


def test_number_and_label_are_written_and_can_be_counted_and_filtered_by(es, written):
    name, found = written
    searcher = Searcher(es, name, embedder=WORDS)
    facets = {"by": {"terms": {"field": "cluster.label"}}}
    told = searcher.search("number1", mode="bm25", aggs=facets, size=1)
    labels = {one.label for one in found.clusters}
    ship = source(es, name, "ship3")["cluster"]
    hits = searcher.search("number3", mode="bm25", filter=f"cluster.id={ship['id']}")
    assert found.written.written == 3 * EACH
    assert {one["key"] for one in told.aggregations["by"]["buckets"]} <= labels
    assert [hit.id for hit in hits] == ["ship3"]


def test_a_second_pass_finds_all_as_it_is(es, written):
    again = clusters(es, written[0], write=True).written
    assert (again.written, again.unchanged) == (0, 3 * EACH)


def test_documents_that_come_in_get_their_cluster(es, written):
    name, _ = written
    new = {"_id": "new", "text": "a captain of ships sailing the sea"}
    changed = {**rows()[0], "price": 2}
    Indexer(es, name, embedder=WORDS).write([new, changed])
    expected = source(es, name, "ship3")["cluster"]
    assert source(es, name, "new")["cluster"] == expected
    assert source(es, name, "ship0")["cluster"] == expected


def test_what_is_written_back_changes_nothing_for_the_next_run(es, written):
    assert Indexer(es, written[0], embedder=WORDS).write(rows()).unchanged == 3 * EACH


def test_the_same_documents_lie_at_the_same_places_of_a_map(es, subjects):
    first, second = (clusters(es, subjects, map_too=True).places for _ in range(2))
    assert len(first) == 3 * EACH
    assert first == second


def test_neighbours_on_the_map_are_of_one_cluster(es, subjects):
    places = clusters(es, subjects, map_too=True).places
    at = np.array([[one.x, one.y] for one in places])
    apart = np.linalg.norm(at[:, None] - at[None], axis=2) + np.diag([np.inf] * len(at))
    same = [
        places[near].cluster == one.cluster
        for one, near in zip(places, apart.argmin(1), strict=True)
    ]
    assert np.mean(same) > 0.95


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(clusters=1), "clusters 1 must be 2 or more"),
        (Options(clusters=90), "fewer than the 90 documents"),
        (Options(sample=3), "sample 3 must be 20 or more"),
    ],
)
def test_what_can_never_work_is_refused(es, subjects, options, said):
    with pytest.raises(UsageError, match=said):
        clusters(es, subjects, options)


@pytest.mark.parametrize("field", ["text", "es_hybrid", "a.b", "", "_id", "embedding"])
def test_a_field_that_is_not_free_is_not_written_over(es, subjects, field):
    with pytest.raises(UsageError, match="--field"):
        clusters(es, subjects, Options(field=field), write=True)


def test_of_too_few_documents_there_are_no_clusters(es, name):
    Indexer(es, name, embedder=WORDS).write([{"text": "a"}, {"text": "b"}])
    with pytest.raises(UsageError, match="has 2 documents"):
        clusters(es, name)


def test_an_index_without_vectors_is_refused(es, name):
    es.indices.create(index=name)
    with pytest.raises(NoContract, match=name):
        clusters(es, name)


def test_the_command_draws_a_page_and_a_picture(es, url, subjects, capsys, monkeypatch, tmp_path):
    typed, page, png = Terminal(capsys, monkeypatch), tmp_path / "m.html", tmp_path / "m.png"
    files = ("--map", str(page), "--map", str(png))
    told = typed("clusters", subjects, "--url", url, *files, "--json").json
    assert len(told["clusters"]) == 3
    assert page.read_text().count("<circle") == 3 * EACH
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_map_of_another_kind_is_refused(es, url, subjects, capsys, monkeypatch):
    ended = Terminal(capsys, monkeypatch)("clusters", subjects, "--url", url, "--map", "m.pdf")
    assert (ended.code, ".html or .png" in ended.err) == (2, True)
