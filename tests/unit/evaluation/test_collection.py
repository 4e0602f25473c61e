"""Queries and judgements from files, and everything that may be wrong with them."""

import gzip
import json

import pytest

from es_hybrid.errors import SourceError, UsageError
from es_hybrid.evaluation import read_collection
from es_hybrid.evaluation.qrels import read_qrels
from es_hybrid.evaluation.queries import read_queries

QUERIES = '{"_id": "q1", "text": "sea", "metadata": {"language": "en"}}\n{"_id": 2, "text": "산"}\n'
QRELS = {"q1": {"d1": 2, "d2": 0}, "2": {"d3": 1}}
FORMS = {
    "TREC": "q1 0 d1 2\nq1 0 d2 0\n2 0 d3 1\n",
    "TREC with tabs": "q1\tQ0\td1\t2\nq1\tQ0\td2\t0\n2\tQ0\td3\t1\n",
    "BEIR": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n2\td3\t1\n",
    "BEIR in another order": "score\tcorpus-id\tquery-id\n2\td1\tq1\n0\td2\tq1\n1\td3\t2\n",
    "BEIR without a first line": "q1\td1\t2\nq1\td2\t0\n2\td3\t1\n",
    "with a byte order mark": "\ufeffquery-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n2\td3\t1\n",
    "with blank lines and Windows ends": "q1 0 d1 2\r\n\r\nq1 0 d2 0\r\n2 0 d3 1\r\n\r\n",
    "the same judgement twice": "q1 0 d1 2\nq1 0 d1 2\nq1 0 d2 0\n2 0 d3 1\n",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text(QUERIES, "utf-8")
    (tmp_path / "qrels" / "test.tsv").write_text(FORMS["BEIR"], "utf-8")
    return tmp_path


def file(tmp_path, text, name="file"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_judgements_are_read_in_each_form(tmp_path, text):
    assert read_qrels(file(tmp_path, text)).qrels == QRELS


def test_a_gzipped_file_is_read_as_what_it_holds(tmp_path):
    packed = tmp_path / "qrels.txt"
    packed.write_bytes(gzip.compress(FORMS["TREC"].encode()))
    assert read_qrels(packed).qrels == QRELS


def test_an_id_with_spaces_is_kept_where_tabs_part_the_columns(tmp_path):
    assert read_qrels(file(tmp_path, "q\tGone with the wind\t1\n")).qrels == {
        "q": {"Gone with the wind": 1}
    }


def test_grades_below_zero_count_as_not_relevant_and_are_counted(tmp_path):
    qrels, negative = read_qrels(file(tmp_path, "q 0 a 1\nq 0 spam -2\n"))
    assert (qrels, negative) == ({"q": {"a": 1, "spam": 0}}, 1)


QRELS_FAULTS = {
    "empty": ("", "is empty"),
    "two columns": ("q d\n", "'q d'"),
    "another number of columns later": ("q 0 d 1\nq d 1\n", "line 2 has 3 columns"),
    "a grade in words": ("q 0 d 1\nq 0 e high\n", "line 2: the grade 'high'"),
    "a grade with a fraction": ("q 0 d 0.5\n", "'0.5'"),
    "two grades": ("q 0 d 1\nq 0 d 2\n", "line 2: document 'd' has two grades"),
    "nothing relevant": ("q 0 d 0\nq 0 e -1\n", "no document with a grade above 0"),
    "a first line alone": ("query-id\tcorpus-id\tscore\n", "no document with a grade above 0"),
}


@pytest.mark.parametrize(("text", "message"), QRELS_FAULTS.values(), ids=QRELS_FAULTS)
def test_judgements_that_are_none_are_refused_with_their_line(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_qrels(file(tmp_path, text))


def test_bytes_that_are_no_utf8_are_refused_with_their_line(tmp_path):
    (tmp_path / "q").write_bytes(b"q 0 d 1\nq 0 \xff 1\n")
    with pytest.raises(SourceError, match="line 2 is not UTF-8"):
        read_qrels(tmp_path / "q")


@pytest.mark.parametrize("text", [QUERIES, "q1\tsea\n2\t산\n"], ids=["JSON Lines", "tabs"])
def test_queries_are_read_in_each_form(tmp_path, text):
    found = read_queries(file(tmp_path, text))
    assert {query: one.text for query, one in found.items()} == {"q1": "sea", "2": "산"}


QUERY_FAULTS = {
    "words alone": ("the sea\n", "'the sea'"),
    "no id": ('{"text": "sea"}\n', "line 1 has no _id"),
    "an id that is a truth value": ('{"_id": true, "text": "sea"}\n', "has no _id"),
    "no text": ('{"_id": "q"}\n', "query 'q' has no text"),
    "broken JSON": ('{"_id": "q"\n', "line 1: not JSON"),
    "two texts": ("q\tsea\nq\thill\n", "line 2: query 'q' stands there twice"),
}


@pytest.mark.parametrize(("text", "message"), QUERY_FAULTS.values(), ids=QUERY_FAULTS)
def test_queries_that_are_none_are_refused_with_their_line(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_queries(file(tmp_path, text))


def test_a_folder_holds_queries_and_judgements(folder):
    collection = read_collection(folder)
    assert collection.queries == {"q1": "sea", "2": "산"}
    assert (collection.qrels, collection.notes) == (QRELS, ())


def test_a_part_has_the_queries_metadata_and_judgements_that_belong_together(folder):
    part = read_collection(folder).where("language", "en")
    assert (list(part.queries), list(part.metadata), list(part.qrels)) == (["q1"],) * 3


def test_other_judgements_may_be_named_for_a_folder(folder, tmp_path):
    dev = file(tmp_path, "q1 0 d9 1\n", "dev.trec")
    assert read_collection(folder, dev).qrels == {"q1": {"d9": 1}}


def test_the_only_file_of_judgements_in_a_folder_is_taken(folder):
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "dev.tsv")
    assert read_collection(folder).qrels == QRELS


def test_what_is_in_one_file_alone_is_left_out_and_told(folder):
    with (folder / "queries.jsonl").open("a") as queries:
        queries.write(json.dumps({"_id": "unjudged", "text": ""}) + "\n")
    with (folder / "qrels" / "test.tsv").open("a") as qrels:
        qrels.write("untold\td1\t-1\n")
    collection = read_collection(folder)
    assert collection.qrels == QRELS
    assert collection.notes == (
        "1 of 3 queries are not judged, and left out",
        "1 of 3 judged queries have no text, and are left out",
        "1 grades below 0 count as 0, not relevant",
    )


def test_judgements_of_other_queries_are_refused(folder, tmp_path):
    other = file(tmp_path, "zz 0 d1 1\n", "other")
    with pytest.raises(SourceError, match=r"no query of .* \(such as 'q1'\) .* \(such as 'zz'\)"):
        read_collection(folder, other)


def test_a_judged_query_without_words_is_refused(folder):
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": " "}\n')
    with pytest.raises(SourceError, match=r"1 judged queries of .* are blank, such as 'q1'"):
        read_collection(folder)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is no BEIR folder"):
        read_collection(tmp_path)


@pytest.mark.parametrize("files", [[], ["dev.tsv", "train.tsv"]], ids=["none", "several"])
def test_a_folder_that_leaves_the_judgements_open_is_refused(folder, files):
    (folder / "qrels" / "test.tsv").unlink()
    for name in files:
        (folder / "qrels" / name).write_text(FORMS["BEIR"])
    with pytest.raises(SourceError, match="name a file with --qrels"):
        read_collection(folder)


def test_queries_alone_are_no_collection(folder):
    with pytest.raises(UsageError, match="--qrels"):
        read_collection(folder / "queries.jsonl")
