"""Ids of every kind, and columns that are called like what Elasticsearch reads in a request."""

import json

import pytest

GOOD = {"_id": "good", "text": "the sea is deep"}
TEA = {"text": "green tea"}

REJECTED = {
    "empty": ({**TEA, "_id": ""}, "id '' in field '_id': an id is a string or an integer"),
    "above 512 bytes": ({**TEA, "_id": "차" * 171}, "has 513 bytes: Elasticsearch allows 512"),
    "duplicate in the file": ({**TEA, "_id": "good"}, "id 'good' stood before in this run"),
}
COLUMNS = {
    "_index": "field_index",
    "_source": "field_source",
    "pipeline": "pipeline",
    "routing": "routing",
    "_op_type": "_op_type",
}


@pytest.fixture
def lines(tmp_path):
    """Writes records as JSON Lines, the good one first."""

    def file(*records):
        (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, (GOOD, *records))))
        return tmp_path / "docs.jsonl"

    return file


@pytest.mark.parametrize("what", REJECTED)
def test_an_id_is_rejected_by_name_and_its_neighbour_is_indexed(write, lines, stored, what):
    record, reason = REJECTED[what]
    report = write(lines(record))
    assert (report.read, report.indexed, report.rejected) == (2, 1, 1)
    assert reason in report.problems[0].reason
    assert stored("good")["text"] == GOOD["text"]


def test_a_missing_id_is_made_from_the_content_and_is_the_same_in_the_next_run(write, lines):
    first = write(lines(TEA))
    again = write(lines(TEA))
    assert (first.indexed, first.made_ids) == (2, 1)
    assert (again.indexed, again.unchanged) == (0, 2)


def test_twins_of_a_number_and_a_string_are_one_id_and_the_second_is_rejected(write, lines):
    report = write(lines({**TEA, "_id": 7}, {"text": "black tea", "_id": "7"}))
    assert (report.read, report.indexed, report.rejected) == (3, 2, 1)
    assert "id '7' stood before in this run with other content" in report.problems[0].reason


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_called_like_a_word_of_the_request_stays_data(write, lines, stored, column):
    report = write(lines({**TEA, "_id": "odd", column: "delete"}))
    assert (report.read, report.indexed) == (2, 2)
    assert stored("odd")[COLUMNS[column]] == "delete"


def test_a_column_called_id_stays_data_where_another_one_is_the_id(write, lines, stored):
    report = write(lines({**TEA, "_id": "odd", "sku": "a"}), id_field="sku")
    assert (report.read, report.indexed, report.rejected) == (2, 1, 1)  # the good one has no sku
    assert stored("a")["field_id"] == "odd"
