"""Indexing on a real node: nothing is doubled, nothing unchanged is written again."""

import numpy as np
import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import ContractMismatch, NoContract, PluginMissing, SourceError
from tests.embedders import OtherModel, WordEmbedder

FILMS = [
    {"_id": "1", "title": "Jaws", "text": "a shark in the sea", "year": 1975},
    {"_id": "2", "title": "Alien", "text": "a monster in a spaceship", "year": 1979},
    {"_id": "3", "title": "기생충", "text": "반지하에 사는 가족", "year": 2019},
]


def write(es, name, records, **options):
    options.setdefault("embedder", WordEmbedder())
    return Indexer(es, name, **options).write(records)


def stored(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]


def test_the_second_run_embeds_and_writes_nothing(es, name):
    first, second = write(es, name, FILMS), write(es, name, FILMS)
    assert (first.indexed, first.embedded, first.created) == (3, 3, True)
    assert (second.indexed, second.embedded, second.unchanged) == (0, 0, 3)


def test_only_the_changed_document_is_written(es, name):
    write(es, name, FILMS)
    report = write(es, name, [{**FILMS[0], "year": 1976}, *FILMS[1:]])
    assert (report.indexed, report.unchanged) == (1, 2)
    assert stored(es, name, "1")["year"] == 1976


def test_documents_are_searchable_when_the_run_ends(es, name):
    write(es, name, FILMS)
    assert request(es, "GET", path(name, "_count"))["count"] == 3


def test_the_alias_points_to_the_first_version(es, name):
    write(es, name, FILMS)
    aliases = request(es, "GET", path(name, "_alias", name))
    assert aliases == {f"{name}-000001": {"aliases": {name: {"is_write_index": True}}}}


def test_the_users_fields_are_kept_and_the_length_of_the_vector_beside_them(es, name):
    write(es, name, FILMS)
    source = stored(es, name, "1")
    assert source["year"] == 1975
    (vector,) = WordEmbedder().embed_documents(["Jaws a shark in the sea"])
    assert source["es_hybrid"]["norm"] == pytest.approx(np.linalg.norm(vector))


def test_vectors_have_length_one(es, name):
    write(es, name, FILMS)
    body = {"fields": ["embedding"], "_source": False}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    for hit in hits:
        assert sum(x * x for x in hit["fields"]["embedding"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("column", ["pipeline", "routing", "_op_type", "version", "if_seq_no"])
def test_a_column_named_like_bulk_metadata_stays_data(es, name, column):
    write(es, name, [{"_id": "1", "text": "words", column: "delete"}])
    assert stored(es, name, "1")[column] == "delete"


def test_another_model_of_the_same_size_is_refused_and_both_are_named(es, name):
    write(es, name, FILMS)
    with pytest.raises(ContractMismatch, match=r"words-64.*other-64"):
        write(es, name, FILMS, embedder=OtherModel())


@pytest.mark.parametrize(
    ("option", "first", "second"),
    [
        ("analysis", "english", "cjk"),
        ("vector_index", "int8_hnsw", "flat"),
        ("text_fields", ("title", "text"), ("text",)),
    ],
)
def test_a_live_index_made_differently_is_refused_and_both_are_named(
    es, name, option, first, second
):
    write(es, name, FILMS, **{option: first})
    with pytest.raises(ContractMismatch) as caught:
        write(es, name, FILMS, **{option: second})
    shown = [",".join(v) if isinstance(v, tuple) else v for v in (first, second)]
    assert all(value in str(caught.value) for value in shown)


def test_what_is_left_out_is_taken_from_the_live_index(es, name):
    write(es, name, FILMS, analysis="korean", vector_index="flat")
    report = write(es, name, [{"_id": "4", "text": "새 영화"}])
    assert (report.analysis, report.vector_index, report.indexed) == ("korean", "flat", 1)


def test_an_index_of_somebody_else_is_refused(es, name):
    request(es, "PUT", path(name + "-000001"), body={"aliases": {name: {}}})
    with pytest.raises(NoContract, match=name):
        write(es, name, FILMS)


def test_a_record_that_elasticsearch_refuses_is_a_dead_letter_and_the_rest_is_indexed(es, name):
    records = [*FILMS, {"_id": "4", "text": "words", "year": "long ago"}]
    report = write(es, name, records)
    assert (report.read, report.indexed, report.dead_lettered) == (4, 3, 1)
    assert "year" in report.problems[0].reason


def test_a_rejected_record_is_counted_with_its_place(es, name):
    report = write(es, name, [{"_id": "1", "text": ""}, {"_id": "2", "text": "words"}])
    assert (report.indexed, report.rejected) == (1, 1)
    assert report.problems[0].where == "record 1"


def test_where_nothing_is_readable_no_index_is_made(es, name):
    with pytest.raises(SourceError, match="none of the 1 records"):
        write(es, name, [{"_id": "1", "text": " "}])
    assert "error" in request(es, "GET", path(name), ok=(404,))


def test_a_missing_analysis_plugin_is_named_with_another_way(es, name, monkeypatch):
    body = {"analysis": {"analyzer": {"es_hybrid_text": {"type": "custom", "tokenizer": "nori_x"}}}}
    monkeypatch.setattr("es_hybrid.mapping._analysis", lambda _: body)
    with pytest.raises(PluginMissing, match=r"analysis-nori.*cjk"):
        write(es, name, FILMS, analysis="korean")


@pytest.mark.parametrize(
    "kind", ["hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "flat", "int8_flat", "bbq_flat"]
)
def test_every_vector_index_type_stores_and_finds(es, name, kind):
    from es_hybrid import Searcher

    write(es, name, FILMS, vector_index=kind)
    result = Searcher(es, name, embedder=WordEmbedder()).search("shark sea", mode="knn", size=1)
    assert result.hits[0].id == "1"
