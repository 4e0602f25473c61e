"""Dead letters are indexed again once their cause is mended; what fails again stays."""

import json

import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import IndexNotFound
from es_hybrid.indexing.replay import replay
from tests.embedders import FailsOn, WordEmbedder

GOOD = {"_id": "1", "text": "a shark", "year": 1}
LATE = {"_id": "2", "text": "a whale", "year": "long ago"}
POISON = {"_id": "3", "text": "poison"}
EMPTY = {"_id": "4", "text": ""}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "dead.ndjson"


def write(es, name, records, file, **options):
    options.setdefault("embedder", FailsOn("poison"))
    return Indexer(es, name, dead_letters=file, **options).write(records)


def told(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def mend(file, **changes):
    """Correct the records in the file itself."""
    lines = [one | {"record": one["record"] | changes} for one in told(file)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def source(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]


def numbers(done):
    assert done.letters == (
        done.indexed + done.unchanged + done.overtaken + done.failed + done.kept
    )
    return (done.indexed, done.unchanged, done.overtaken, done.failed, done.kept, done.left)


def test_what_succeeds_leaves_the_file_and_the_rest_stays_with_its_reason(es, name, file):
    write(es, name, [GOOD, LATE, POISON, EMPTY], file)
    before = told(file)
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert numbers(done) == (1, 0, 0, 2, 0, 2)
    assert sorted(one["id"] or "" for one in told(file)) == ["", "2"]
    assert {one["where"] for one in told(file)} < {one["where"] for one in before}


def test_a_file_without_letters_any_more_is_gone(es, name, file):
    write(es, name, [GOOD, LATE], file)
    mend(file, year=2)
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert (numbers(done), file.exists()) == ((1, 0, 0, 0, 0, 0), False)
    assert source(es, name, "2")["year"] == 2
    assert source(es, name, "2")["es_hybrid"]["source"] == "records"


def test_a_letter_whose_document_was_written_later_does_not_bring_the_old_one_back(es, name, file):
    write(es, name, [GOOD, LATE], file)
    write(es, name, [{**LATE, "year": 3}], None)
    mend(file, year=2)
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert numbers(done) == (0, 0, 1, 0, 0, 0)
    assert source(es, name, "2")["year"] == 3


def test_ready_vectors_come_back_from_the_letters(es, name, file, tmp_path):
    records = [{**GOOD, "v": [3.0, 4.0]}, {**LATE, "v": [0.1, 0.2]}]
    write(es, name, records, file, embedder=None, vector_field="v", label="mine")
    mend(file, year=2)
    done = replay(es, name, file, state=None, vector_field="v", label="mine")
    assert numbers(done) == (1, 0, 0, 0, 0, 0)
    assert "v" not in source(es, name, "2")


def test_rejected_records_are_read_with_the_options_that_are_given(es, name, file):
    raw = [{"sku": "1", "words": "a shark"}, {"sku": "2", "word": "a whale"}]
    options = {"id_field": "sku", "columns": {"text": "words"}}
    write(es, name, raw, file, **options)
    file.write_text(file.read_text().replace('"word"', '"words"'))
    done = replay(es, name, file, state=None, embedder=WordEmbedder(), **options)
    assert numbers(done) == (1, 0, 0, 0, 0, 0)
    assert source(es, name, "2")["text"] == "a whale"


def test_a_duplicate_replaces_what_stood_before_it_as_it_is_the_later_one(es, name, file):
    write(es, name, [GOOD, {**GOOD, "text": "another shark"}], file)
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert numbers(done) == (1, 0, 0, 0, 0, 0)
    assert source(es, name, "1")["text"] == "another shark"


def test_values_that_were_converted_once_are_converted_again_to_the_same(es, name, file):
    fields = {"day": "date:%d.%m.%Y", "price": "number", "at": "geo", "new": "boolean"}
    raw = {"day": "31.12.1999", "price": "1.5", "at": "1,2", "new": "yes"}
    write(es, name, [{**GOOD, **raw}, {**LATE, **raw}], file, fields=fields)
    mend(file, year=2)
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert numbers(done) == (1, 0, 0, 0, 0, 0)
    first, second = (source(es, name, one) for one in "12")
    assert {key: first[key] for key in raw} == {key: second[key] for key in raw}


def test_a_letter_without_a_record_and_what_is_no_letter_stay(es, name, file):
    write(es, name, [GOOD], file)
    file.write_text('{"record": null}\nno JSON\n{"record": {"_id": "5", "text": "tea"}}\n')
    done = replay(es, name, file, state=None, embedder=WordEmbedder())
    assert numbers(done) == (1, 0, 0, 0, 2, 2)
    assert file.read_text() == '{"record": null}\nno JSON\n'


def test_a_replay_needs_an_index(es, name, file):
    file.write_text("{}\n")
    with pytest.raises(IndexNotFound, match=name):
        replay(es, name, file, state=None)
    assert file.read_text() == "{}\n"
