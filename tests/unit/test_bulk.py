"""Documents become two lines each, whatever they hold, and requests of a size that is taken."""

import json

import numpy as np
import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.indexing import bulk
from es_hybrid.indexing.bulk import batches, prepared


def ready(name, **more):
    return prepared(document({"_id": name, "text": name}, Fields()), {"text": name, **more})


@pytest.mark.parametrize("column", ["pipeline", "routing", "_op_type", "_source", "_id", "index"])
def test_a_column_named_like_bulk_metadata_stays_data(column):
    action, source = ready("a", **{column: "delete"}).lines.splitlines()
    assert json.loads(action) == {"index": {"_id": "a"}}
    assert json.loads(source)[column] == "delete"


def test_a_vector_and_a_text_with_line_breaks_fit_on_their_line():
    lines = ready("a\n", text="x\ny\u2028z", embedding=np.array([0.6, 0.8], np.float32)).lines
    assert lines.count(b"\n") == 2
    assert lines.endswith(b'"embedding":[0.6,0.8]}\n')


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
