"""What an index keeps of documents that came with their vectors."""

import numpy as np
import orjson
import pytest

from es_hybrid.documents import Fields, Reader
from es_hybrid.indexing.given import checked
from es_hybrid.indexing.stored import Stored

ROWS = np.array([[3, 4], [0.5, 0], [0, 0], [1, 1]], np.float32)


def read():
    reader = Reader(Fields())
    records = [{"_id": name, "text": f"word {name}", "n": 1} for name in "abcd"]
    return [reader.document(record, vector=row) for record, row in zip(records, ROWS, strict=True)]


def without_time(prepared):
    lines = [orjson.loads(line) for line in prepared.lines.splitlines()]
    del lines[1]["es_hybrid"]["updated_at"]
    return prepared.document.id, lines


@pytest.mark.parametrize("base64", [True, False])
@pytest.mark.parametrize("field", ["embedding", "body.vector"])
def test_documents_written_together_are_those_written_one_by_one(base64, field):
    found = checked(read(), maker="given:m", scaled=True)
    stored = Stored(source="s", base64=base64, vector_field=field)
    alone = [without_time(stored.prepared(item)) for item in found.embedded()]
    assert [without_time(one) for one in stored.prepared_each(found)] == alone
    assert [name for name, _ in alone] == ["a", "b", "d"]


def test_a_vector_of_length_zero_is_refused_and_the_others_are_scaled():
    found = checked(read(), maker="given:m", scaled=True)
    assert found.norms.tolist() == pytest.approx([5, 0.5, 2**0.5])
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1, 1, 1])
    assert [(one.id, why) for one, why in found.refused] == [
        ("c", "given:m gave a vector of length zero")
    ]


def test_a_document_tells_its_norm_and_both_hashes():
    document = read()[0]
    [first, *_] = Stored(source="s", base64=True).prepared_each(
        checked([document], maker="given:m", scaled=True)
    )
    assert without_time(first)[1][1]["es_hybrid"] == {
        "content_hash": document.content_hash,
        "text_hash": document.text_hash,
        "source": "s",
        "norm": 5.0,
    }
