"""A repeated id: equal is unchanged, different is rejected, or the last one stays."""

import pytest

from es_hybrid.errors import ContractMismatch, UsageError
from es_hybrid.indexing import Indexer, intake
from tests.cluster import Cluster
from tests.embedders import WordEmbedder


@pytest.fixture
def cluster():
    return Cluster()


def write(cluster, records, **options):
    return Indexer(cluster, "films", embedder=WordEmbedder(), **options).write(records)


def film(identifier, title):
    return {"_id": identifier, "title": title}


def numbers(report):
    assert report.read == sum(
        (report.indexed, report.unchanged, report.dead_lettered, report.rejected)
    )
    return (report.indexed, report.unchanged, report.rejected, report.superseded)


A, A2, B = film("a", "one"), film("a", "two"), film("b", "other")


@pytest.mark.parametrize(
    ("records", "duplicates", "expected", "title"),
    [
        ([A, A], "reject", (1, 1, 0, 0), "one"),
        ([A, A2], "reject", (1, 0, 1, 0), "one"),
        ([A, A2, A], "reject", (1, 1, 1, 0), "one"),
        ([A, A], "last", (1, 1, 0, 0), "one"),
        ([A, B, A2], "last", (2, 1, 0, 1), "two"),
        ([A, A2, A], "last", (1, 2, 0, 2), "one"),
        ([A, A2, A2], "last", (1, 2, 0, 1), "two"),
    ],
)
@pytest.mark.parametrize("window", [512, 1], ids=["one window", "windows of one"])
def test_what_becomes_of_an_id_that_comes_again(
    cluster, monkeypatch, window, records, duplicates, expected, title
):
    monkeypatch.setattr(intake, "WINDOW", window)
    report = write(cluster, records, duplicates=duplicates)
    assert cluster.documents["a"]["title"] == title
    if window > 1:
        assert numbers(report) == expected
    else:  # each was written before the next was read
        assert report.indexed == expected[0] + expected[3]


@pytest.mark.parametrize(
    ("options", "unseen"),
    [
        ({}, ()),
        ({"columns": {"title": "headline"}}, ()),
        ({"columns": {"title": "headlin"}}, ("headlin",)),
        ({"fields": {"year": "number", "yaer": "number", "shop.open": "boolean"}}, ("yaer",)),
        ({"text_fields": ["headline", "plot"]}, ("plot",)),
        ({"text_fields": ["title", "text"], "columns": {"title": "headline"}}, ()),
    ],
)
def test_names_that_no_record_has_are_told(cluster, options, unseen):
    records = [{"headline": "one", "text": "a"}, {"headline": "two", "text": "b", "year": 1}]
    assert write(cluster, records, **options).unseen == unseen


def test_ids_made_from_the_content_are_counted(cluster):
    report = write(cluster, [A, {"title": "one"}, {"title": "two"}])
    assert (report.indexed, report.made_ids) == (3, 2)


def test_a_rejection_names_the_way_out(cluster):
    [problem] = write(cluster, [A, A2]).problems
    assert (problem.where, problem.id) == ("record 2", "a")
    assert problem.reason.endswith("or take the last one with --duplicates last")


def test_the_last_of_many_windows_is_the_one_that_stays(cluster):
    records = [film(str(n % 700), f"round {n // 700}") for n in range(2100)]
    write(cluster, records, duplicates="last")
    assert {document["title"] for document in cluster.documents.values()} == {"round 2"}


def test_another_word_for_duplicates_is_the_callers_mistake(cluster):
    with pytest.raises(UsageError, match="duplicates 'first' is not one of reject, last"):
        write(cluster, [A], duplicates="first")


def test_the_report_says_which_columns_have_another_name(cluster):
    report = write(cluster, [{**A, "_source": 1, "_op_type": 2}])
    assert report.renamed == {"_source": "field_source"}
    assert cluster.documents["a"]["field_source"] == 1


def test_typed_fields_are_mapped_and_converted(cluster):
    write(cluster, [{**A, "y": "1975"}], columns={"year": "y"}, fields={"year": "number"})
    mapped = cluster.body["mappings"]["properties"]["year"]
    assert mapped == {"type": "double", "meta": {"es_hybrid": "number"}}
    assert cluster.documents["a"]["year"] == 1975


def test_a_later_run_keeps_the_types_of_the_index(cluster):
    write(cluster, [{**A, "year": "1975"}], fields={"year": "number"})
    report = write(cluster, [{**A, "year": "1975"}, {**B, "year": "12a"}])
    assert (report.unchanged, report.rejected) == (1, 1)
    assert report.problems[0].reason.startswith("field 'year' holds '12a': a number")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": "keyword"}, "'title' cannot be typed keyword: it is a text field"),
        ({"embedding": "number"}, "it is written by es_hybrid itself"),
        ({"es_hybrid.norm": "number"}, "it is written by es_hybrid itself"),
        ({"_index": "keyword"}, "the column is kept as 'field_index'"),
        ({"a": "number", "a.b": "number"}, "it is an object, as 'a.b' is typed too"),
        ({"a": "text"}, "field type 'text' is not one of"),
    ],
)
def test_a_type_where_none_can_be_is_the_callers_mistake(cluster, fields, said):
    with pytest.raises(UsageError, match=said):
        write(cluster, [A], fields=fields)
    assert not cluster.documents


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"year": "keyword"}, r"has field 'year' as double \(--field year:number\), .* keyword"),
        ({"year.low": "number"}, "has field 'year' as double"),
        ({"shop": "geo"}, "has field 'shop' as an object"),
    ],
)
def test_a_type_against_that_of_the_index_is_refused_before_anything_is_written(
    cluster, fields, said
):
    write(cluster, [A], fields={"year": "number", "shop.open": "boolean"})
    body = cluster.body["mappings"]["properties"]
    cluster.body["mappings"]["properties"] = {
        **body,
        "shop": {"properties": {"open": body["shop.open"]}},
    }
    with pytest.raises(ContractMismatch, match=said):
        write(cluster, [B], fields=fields)
    assert list(cluster.documents) == ["a"]
