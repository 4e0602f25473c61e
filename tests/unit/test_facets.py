"""Facets as a person reads them: which values there are, and how many documents have each."""

from types import SimpleNamespace

import pytest

from es_hybrid.cli.facets import facet_lines, facet_tables


def result(*values, key="key"):
    """A search that counted these values of a label, once each."""
    buckets = [{key: value, "key": value, "doc_count": 1} for value in values]
    return SimpleNamespace(aggregations={"label": {"buckets": buckets}})


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["sea", "oven"], "label: sea (1), oven (1)"),
        (["sea, ship", "oven"], 'label: "sea, ship" (1), oven (1)'),
        (["sea (1), ship"], 'label: "sea (1), ship" (1)'),
        (['a 5" disk, new'], r'label: "a 5\" disk, new" (1)'),
        (['"sea"'], r'label: "\"sea\"" (1)'),
        (["바다, 배"], 'label: "바다, 배" (1)'),
        ([1979, True], "label: 1979 (1), True (1)"),
        ([], "label: no values"),
    ],
)
def test_a_value_with_a_comma_is_told_from_two_values(values, line):
    assert list(facet_lines(result(*values))) == [line]


def test_a_value_is_told_as_elasticsearch_writes_it():
    assert list(facet_lines(result("1979-01-01", key="key_as_string"))) == ["label: 1979-01-01 (1)"]


def test_a_table_has_values_as_they_are():
    (table,) = facet_tables(result("sea, ship"))
    assert [list(map(str, row)) for row in table.rows] == [["sea, ship", "1"]]


def test_a_table_without_values_says_so():
    (table,) = facet_tables(result())
    assert table.notes == ("no document that matches has a value",)
