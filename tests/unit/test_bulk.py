"""Documents become two lines each, whatever they hold, and requests of a size that is taken."""

import json

import pytest

from es_hybrid.documents import Fields, document, stored_name
from es_hybrid.indexing import bulk
from es_hybrid.indexing.bulk import batches, prepared


def ready(name, **more):
    return prepared(document({"_id": name, "text": name, **more}, Fields()), [b'"beside":1'])


NAMES = ("pipeline", "routing", "version", "_op_type", "_source", "_index", "_type", "index")
LINES = 'x\n{"delete":{"_id":"b"}}\r\n\u2028\x85{"index":{"_id":"c"}}'


@pytest.mark.parametrize("value", ["delete", LINES, {"delete": {"_id": "b"}}, ["create"]], ids=str)
@pytest.mark.parametrize("column", NAMES)
def test_a_column_named_like_bulk_metadata_stays_data_and_one_line(column, value):
    action, source = ready("a", **{column: value}).lines.splitlines()
    assert json.loads(action) == {"index": {"_id": "a"}}
    assert json.loads(source)[stored_name(column)] == value


@pytest.mark.parametrize("name", ["a\n", LINES, '"},"delete":{"_id":"', "\\", "b\x00"], ids=repr)
def test_an_id_stays_an_id_whatever_it_says(name):
    action, _, end = ready(name).lines.split(b"\n")
    assert json.loads(action) == {"index": {"_id": name}}
    assert end == b""


@pytest.mark.parametrize("key", ['"},"delete":{"', "a\nb", "{}"], ids=repr)
def test_a_field_stays_a_field_whatever_it_is_called(key):
    _, source = ready("a", **{key: 1}).lines.splitlines()
    assert json.loads(source) == {"text": "a", key: 1, "beside": 1}


def test_a_record_that_is_nothing_but_its_id_has_only_what_stands_beside():
    empty = document({"_id": "a"}, Fields(text_required=False))
    assert prepared(empty, [b'"beside":1']).lines.splitlines()[1] == b'{"beside":1}'


def sizes(monkeypatch, lengths, *, most_bytes=100, most_documents=3):
    monkeypatch.setattr(bulk, "MAX_BYTES", most_bytes)
    monkeypatch.setattr(bulk, "MAX_DOCUMENTS", most_documents)
    one = ready("a").document
    made = [bulk.Prepared(one, b"x" * length) for length in lengths]
    return [[len(item.lines) for item in batch] for batch in batches(made)]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([10, 10, 10], [[10, 10, 10]]),
        ([10, 10, 10, 10], [[10, 10, 10], [10]]),
        ([60, 40, 1], [[60, 40], [1]]),
        ([60, 41], [[60], [41]]),
        ([500, 500], [[500], [500]]),
        ([10, 500, 10], [[10], [500], [10]]),
    ],
)
def test_requests_are_cut_by_bytes_and_by_number(monkeypatch, lengths, expected):
    assert sizes(monkeypatch, lengths) == expected


def test_a_request_goes_out_as_soon_as_it_is_full():
    def endless():
        while True:
            yield ready("a")

    assert len(next(batches(endless()))) == bulk.MAX_DOCUMENTS


def test_a_request_goes_out_when_its_first_document_has_waited_long_enough():
    clock = iter([0, 0.4, 0.8, 1.2, 2, 2.4])
    made = [ready(name) for name in "abcd"]
    cut = batches(made, now=lambda: next(clock))
    assert [[item.document.id for item in batch] for batch in cut] == [["a", "b", "c"], ["d"]]
