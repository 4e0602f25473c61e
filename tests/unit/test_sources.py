"""Any iterable of records is a source."""

from pathlib import Path
from types import MappingProxyType

import pytest

from es_hybrid.errors import RecordError, UsageError
from es_hybrid.sources import memory


def test_records_in_memory_are_numbered_from_one():
    items = list(memory([{"n": 1}, {"n": 2}]))
    assert [(item.where, item.record) for item in items] == [
        ("record 1", {"n": 1}),
        ("record 2", {"n": 2}),
    ]


def test_records_in_memory_are_read_lazily():
    def endless():
        while True:
            yield {"n": 1}

    items = iter(memory(endless()))
    assert [next(items).where for _ in range(3)] == ["record 1", "record 2", "record 3"]


def test_nobody_knows_the_size_of_an_iterable():
    source = memory(iter([]))
    assert (source.size, source.name, list(source)) == (None, "records", [])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (["a"], "a list, not an object with fields"),
        ("text", "a str, not an object with fields"),
        (None, "a NoneType, not an object with fields"),
        ({1: "a", "b": 2}, "field name 1 is not a string"),
        ({None: "a"}, "field name None is not a string"),
    ],
)
def test_what_is_no_record_says_why_and_the_next_one_is_read(record, said):
    bad, good = [item.record for item in memory([record, {"n": 1}])]
    assert isinstance(bad, RecordError)
    assert str(bad) == said
    assert good == {"n": 1}


def test_any_mapping_is_a_record():
    (item,) = memory([MappingProxyType({"n": 1})])
    assert item.record == {"n": 1}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ("films.csv", r"'films\.csv' is no records.*open_source\(\['films\.csv'\]\)"),
        (Path("films.csv"), r"films\.csv.* is no records.*open_source"),
        (b"{}", "is no records"),
        ({"title": "Jaws"}, "one record: write a list of it"),
        (7, "7 is no records"),
    ],
)
def test_what_can_never_be_records_is_refused_with_the_way_out(records, said):
    with pytest.raises(UsageError, match=said):
        memory(records)


def test_an_empty_record_is_left_to_the_next_step():
    assert [item.record for item in memory([{}])] == [{}]
