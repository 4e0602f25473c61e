"""Labels on a real node: decided, written back with their score, and never over others' fields."""

import csv

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.labelling import Options, classify
from es_hybrid.sources import Pictures
from tests.commands import Terminal
from tests.drawn import BLUE, GREEN, RED, laid, plain, saved
from tests.embedders import Colours, WordEmbedder, ships

FILES = {
    f"{color}-{number}.png": saved(plain((40 + number, 20), shade))
    for color, shade in (("red", RED), ("green", GREEN), ("blue", BLUE))
    for number in range(3)
}
ZERO_SHOT = Options(labels=("red", "green", "blue"))
BY_EXAMPLES = Options(examples="kind", k=3)


@pytest.fixture
def pictures(es, name, tmp_path):
    """Nine pictures; the first of each colour has a label."""
    kinds = tmp_path / "kinds.csv"
    with kinds.open("w", newline="") as out:
        rows = [(f"{color}-0.png", color.upper()) for color in ("red", "green", "blue")]
        csv.writer(out).writerows([("image", "kind"), *rows])
    source = Pictures(laid(tmp_path / "photos", FILES), captions=kinds)
    Indexer(es, name, embedder=Colours()).write(source)
    return name


def labels(es, name):
    body = {"size": 100, "_source": ["label"]}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {hit["_id"]: hit["_source"].get("label", {}).get("name") for hit in hits}


def test_names_of_labels_are_read_and_the_nearest_is_written_with_its_score(es, pictures):
    found = classify(es, pictures, ZERO_SHOT, embedder=Colours())
    assert (found.written.read, found.written.written) == (9, 9)
    assert labels(es, pictures) == {one: one.partition("-")[0] for one in FILES}
    assert [(one.label, one.documents, one.score > 0.99) for one in found.counted] == [
        ("blue", 3, True),
        ("green", 3, True),
        ("red", 3, True),
    ]


def test_examples_vote_and_keep_the_label_that_they_have(es, pictures):
    found = classify(es, pictures, BY_EXAMPLES)
    assert (found.examples, found.written.written) == (3, 6)
    kinds = {one: one.partition("-")[0].upper() for one in FILES if not one.endswith("-0.png")}
    assert labels(es, pictures) == kinds | dict.fromkeys(("red-0.png", "green-0.png", "blue-0.png"))


def test_a_second_run_writes_nothing(es, pictures):
    classify(es, pictures, ZERO_SHOT, embedder=Colours())
    again = classify(es, pictures, ZERO_SHOT, embedder=Colours())
    assert (again.written.written, again.written.unchanged) == (0, 9)


def test_a_dry_run_decides_the_same_and_touches_nothing(es, pictures):
    dry = classify(es, pictures, ZERO_SHOT, embedder=Colours(), dry_run=True)
    mapping = request(es, "GET", path(pictures, "_mapping"))[f"{pictures}-000001"]["mappings"]
    assert [(one.label, one.documents) for one in dry.counted] == [
        ("blue", 3),
        ("green", 3),
        ("red", 3),
    ]
    assert set(labels(es, pictures).values()) == {None}
    assert "label" not in mapping["properties"]


def test_a_filter_limits_what_is_labelled(es, pictures):
    limited = classify(es, pictures, ZERO_SHOT, embedder=Colours(), filter="path=red-1.png")
    assert limited.written.read == 1
    assert [(one.label, one.documents) for one in limited.counted] == [("red", 1)]


def test_labels_can_be_searched_for_and_what_is_indexed_again_is_unchanged(es, pictures, tmp_path):
    classify(es, pictures, ZERO_SHOT, embedder=Colours())
    found = Searcher(es, pictures, embedder=Colours()).search("png", filter="label.name=blue")
    again = Indexer(es, pictures, embedder=Colours()).write(
        Pictures(tmp_path / "photos", captions=tmp_path / "kinds.csv")
    )
    assert {hit.id for hit in found} == {"blue-0.png", "blue-1.png", "blue-2.png"}
    assert again.unchanged == 9


def test_texts_are_labelled_as_well(es, name):
    texts = {"1": "a storm at sea", "2": "hot tea"}
    records = [{"_id": key, "text": text} for key, text in texts.items()]
    Indexer(es, name, embedder=WordEmbedder()).write(records)
    classify(es, name, Options(labels=("sea", "tea")), embedder=WordEmbedder())
    assert labels(es, name) == {"1": "sea", "2": "tea"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(labels=("a", "b"), field="title"), "a field 'title' of its own"),
        (Options(labels=("a", "b"), field="embedding"), "a field 'embedding' of its own"),
        (Options(labels=("a", "b"), field="a.b"), "one name without dots"),
        (Options(examples="weather"), "no field 'weather'"),
        (Options(examples="camera"), "no document .* has a label in 'camera'"),
        (Options(examples="format"), "all 9 examples have the label 'PNG'"),
    ],
)
def test_what_cannot_be_labelled_is_refused_before_anything_is_written(es, pictures, options, said):
    with pytest.raises(UsageError, match=said):
        classify(es, pictures, options, embedder=Colours())


def test_a_model_that_reads_no_texts_needs_examples(es, pictures):
    class Blind(Colours):
        def embed_queries(self, texts):
            raise EmbedderError("colours-0 reads no texts")

    with pytest.raises(EmbedderError, match=r"reads no texts; or classify by .*--examples"):
        classify(es, pictures, ZERO_SHOT, embedder=Blind())


def test_the_command_shows_how_often_each_label_was_given(capsys, monkeypatch, url, pictures):
    monkeypatch.setenv("ES_HYBRID_URL", url)
    ships(monkeypatch, "colours", Colours)
    cli = Terminal(capsys, monkeypatch)
    arguments = ("classify", pictures, "--labels", "red,green,blue", "--embedder", "colours")
    dry = cli(*arguments, "--dry-run", "--json").json
    done = cli(*arguments, "--template", "all {}")
    assert [one["documents"] for one in dry["counted"]] == [3, 3, 3]
    assert "9 read = 9 written + 0 unchanged" in done.out
