"""Values of typed fields: what they become, and why some are refused."""

from datetime import UTC, date, datetime

import pytest

from es_hybrid.errors import RecordError, UsageError
from es_hybrid.field_types import FIELD_TYPES, field_type, retyped

SEOUL = {"lat": 37.5, "lon": 127.0}


@pytest.mark.parametrize(
    ("spec", "value", "converted"),
    [
        ("keyword", "007", "007"),
        ("keyword", 7, 7),
        ("number", "1975", 1975),
        ("number", " -3.5e2 ", -350.0),
        ("number", ".5", 0.5),
        ("number", 7, 7),
        ("number", "1" * 25, float("1" * 25)),
        ("integer", "9223372036854775807", 2**63 - 1),
        ("integer", 3.0, 3),
        ("integer", "007", 7),
        ("boolean", "TRUE", True),
        ("boolean", "no", False),
        ("boolean", 1, True),
        ("date", "2024", "2024"),
        ("date", "2024-05", "2024-05"),
        ("date", "2024-05-31", "2024-05-31"),
        ("date", "20240531", "2024-05-31"),
        ("date", "2024-05-31 10:00", "2024-05-31T10:00:00"),
        ("date", "2024-05-31T10:00:00+09:00", "2024-05-31T10:00:00+09:00"),
        ("date", date(2024, 5, 31), "2024-05-31"),
        ("date", datetime(2024, 5, 31, tzinfo=UTC), "2024-05-31T00:00:00+00:00"),
        ("date:%d.%m.%Y", "31.05.2024", "2024-05-31"),
        ("date:%d.%m.%Y", "2024-05-31", "2024-05-31"),
        ("date:%Y년 %m월 %d일", "2024년 5월 31일", "2024-05-31"),
        ("date:%d/%m/%y %H:%M", "31/05/24 10:00", "2024-05-31T10:00:00"),
        ("date:epoch_s", 1717113600, "2024-05-31T00:00:00+00:00"),
        ("date:epoch_ms", "1717113600000", "2024-05-31T00:00:00+00:00"),
        ("geo", "37.5, 127", SEOUL),
        ("geo", [127, 37.5], SEOUL),
        ("geo", {"lat": "37.5", "lon": 127}, SEOUL),
        ("geo", {"type": "Point", "coordinates": [127, 37.5]}, SEOUL),
        ("geo", [[127, 37.5], "37.5,127"], [SEOUL, SEOUL]),
        ("number", ["1", 2, None], [1, 2, None]),
        ("date", None, None),
        ("number", float("nan"), None),
    ],
)
def test_a_value_of_the_type_is_converted(spec, value, converted):
    assert field_type(spec).converted(value) == converted


@pytest.mark.parametrize(
    ("spec", "value", "said"),
    [
        ("number", "12a", "'12a': a number is written like"),
        ("number", "1,234", "without unit or separators"),
        ("number", "", "'': a number"),
        ("number", True, "True: a number"),
        ("number", "nan", "'nan': a number"),
        ("number", "1e999", "a number is finite"),
        ("number", "１２", "a number is written"),
        ("integer", "1.5", "an integer has no fraction"),
        ("integer", 2**63, "at most 64 bits"),
        ("integer", [1, "x"], "'x': a number"),
        ("boolean", "maybe", "a boolean is one of true, yes, 1, false, no, 0"),
        ("boolean", 2, "a boolean is one of"),
        ("keyword", {"a": 1}, "a keyword is a string"),
        ("date", "31.05.2024", "a date is written like 2024-05-31"),
        ("date", 20240531, "a date is written like"),
        ("date", "2024-13-01", "a date is written like"),
        ("date", "2024-13", "a date is written like"),
        ("date:%d.%m.%Y", "31.02.2024", r"like 2024-05-31 or %d\.%m\.%Y"),
        ("date:epoch_s", "today", "a date is written like"),
        ("date:epoch_s", 10**20, "a date is written like"),
        ("geo", "Seoul", "a place is"),
        ("geo", "a,b", "a place is"),
        ("geo", "127,37.5", "a latitude is within 90"),
        ("geo", {"lat": 1}, "a place is"),
        ("geo", {"lat": 1, "lon": True}, "a place is"),
        ("geo", 5, "a place is"),
    ],
)
def test_another_value_is_refused_with_its_reason(spec, value, said):
    with pytest.raises(RecordError, match=said):
        field_type(spec).converted(value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("text", "'text' is not one of keyword, number, integer, date, boolean, geo"),
        ("", "'' is not one of"),
        ("number:%d", "only a date has a format"),
        ("date:dd.MM.yyyy", "write it like %d.%m.%Y"),
        ("date:" + "%d" * 30, "longer than 50 characters"),
    ],
)
def test_a_type_that_is_none_is_a_mistake_of_the_caller(spec, said):
    with pytest.raises(UsageError, match=said):
        field_type(spec)


@pytest.mark.parametrize("spec", [*FIELD_TYPES, "date:%Y"])
def test_the_mapping_remembers_the_type(spec):
    kind = field_type(spec)
    assert field_type(kind.mapping()["meta"]["es_hybrid"]) == kind


@pytest.mark.parametrize(
    ("record", "converted"),
    [
        ({"a": {"b": "1"}}, {"a": {"b": 1}}),
        ({"a.b": "1"}, {"a.b": 1}),
        ({"a": [{"b": "1"}, {"c": "x"}]}, {"a": [{"b": 1}, {"c": "x"}]}),
        ({"a": "x"}, {"a": "x"}),
        ({"c": "x"}, {"c": "x"}),
    ],
)
def test_a_dotted_name_reaches_into_objects(record, converted):
    assert retyped(record, [("a.b", field_type("number"))]) == converted


def test_a_refusal_names_the_field_and_the_record_stays_as_it_was():
    record = {"a": {"b": "12a"}}
    with pytest.raises(RecordError, match=r"^field 'a\.b' holds '12a': "):
        retyped(record, [("a.b", field_type("number"))])
    assert record == {"a": {"b": "12a"}}
