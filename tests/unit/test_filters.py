"""Filters are clauses that only select, on fields that exist."""

import json

import pytest

from es_hybrid.errors import InvalidFilter
from es_hybrid.filters import combined, parse_filter

FIELDS = {
    "lang": "keyword",
    "year": "long",
    "title": "text",
    "title.exact": "keyword",
    "notes": "text",
    "author.name": "keyword",
    "place": "geo_point",
    "es_hybrid.norm": "float",
}


def parsed(clause):
    return parse_filter(json.dumps(clause), fields=FIELDS)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("lang=ko", "lang", "ko"),
        (" lang = ko ", "lang", "ko"),
        ("lang=", "lang", ""),
        ("lang=a=b", "lang", "a=b"),
        ("lang=파일", "lang", "파일"),
        ("lang={x}", "lang", "{x}"),
    ],
)
def test_field_equals_value_is_a_term(text, name, value):
    assert parse_filter(text) == {"term": {name: value}}


@pytest.mark.parametrize("text", ["", "lang", "=ko", " = ko", "lang:ko"])
def test_anything_else_is_told_how_to_write_it(text):
    with pytest.raises(InvalidFilter, match="write field=value, or a clause as JSON"):
        parse_filter(text)


@pytest.mark.parametrize(
    "clause",
    [
        {"term": {"lang": "ko"}},
        {"term": {"lang": {"value": "ko", "boost": 2}}},
        {"terms": {"lang": ["ko", "en"]}},
        {"terms": {"lang": ["ko"], "boost": 1.0}},
        {"range": {"year": {"gte": 2000, "lt": 2010}}},
        {"exists": {"field": "year"}},
        {"exists": {"field": "author"}},
        {"prefix": {"lang": "k"}},
        {"term": {"author.name": "Kim"}},
        {"term": {"_id": "7"}},
        {"ids": {"values": ["1", "2"]}},
        {"match_all": {}},
        {"geo_distance": {"distance": "1km", "place": [127, 37]}},
        {"geo_bounding_box": {"place": {"top_left": [0, 1], "bottom_right": [1, 0]}}},
    ],
    ids=lambda clause: next(iter(clause)),
)
def test_every_clause_that_selects_is_taken_as_it_is(clause):
    assert parsed(clause) == clause


@pytest.mark.parametrize(
    ("clause", "field"),
    [
        ({"term": {"title": "Jaws"}}, "title.exact"),
        ({"terms": {"title": ["Jaws"]}}, "title.exact"),
        ({"prefix": {"title": "Ja"}}, "title.exact"),
        ({"range": {"title": {"gte": "J"}}}, "title.exact"),
        ({"term": {"title.exact": "Jaws"}}, "title.exact"),
        ({"term": {"notes": "x"}}, "notes"),
    ],
)
def test_an_analysed_field_is_compared_as_a_whole_where_it_can_be(clause, field):
    (body,) = parsed(clause).values()
    assert list(body) == [field]


def test_field_equals_value_uses_the_exact_subfield_too():
    assert parse_filter("title=Jaws 2", fields=FIELDS) == {"term": {"title.exact": "Jaws 2"}}


@pytest.mark.parametrize(
    "kind",
    [
        "script",
        "query_string",
        "regexp",
        "wildcard",
        "fuzzy",
        "match",
        "nested",
        "function_score",
        "percolate",
        "more_like_this",
        "knn",
    ],
)
def test_clauses_that_parse_text_or_run_code_are_refused(kind):
    with pytest.raises(InvalidFilter, match=f"'{kind}' is not one of bool, exists"):
        parsed({kind: {"lang": "ko"}})


@pytest.mark.parametrize("kind", ["script", "query_string", "regexp", "wildcard"])
@pytest.mark.parametrize("part", ["filter", "must", "must_not", "should"])
def test_nor_can_they_hide_in_a_bool(kind, part):
    with pytest.raises(InvalidFilter, match=f"'{kind}'"):
        parsed({"bool": {part: [{"bool": {"filter": {kind: {}}}}]}})


def test_values_are_never_fetched_from_another_index():
    lookup = {"index": "secrets", "id": "1", "path": "words"}
    with pytest.raises(InvalidFilter, match="looks up 'lang' in another document"):
        parsed({"terms": {"lang": lookup}})


@pytest.mark.parametrize("part", ["filter", "must", "must_not", "should"])
def test_every_part_of_a_bool_is_checked_and_becomes_a_list(part):
    clause = parsed({"bool": {part: {"term": {"title": "Jaws"}}}})
    assert clause == {"bool": {part: [{"term": {"title.exact": "Jaws"}}]}}


def test_minimum_should_match_is_kept():
    clause = {"bool": {"should": [{"term": {"lang": "ko"}}], "minimum_should_match": 1}}
    assert parsed(clause) == clause


def test_a_list_means_all_of_them():
    clauses = [{"term": {"lang": "ko"}}, {"exists": {"field": "year"}}]
    assert parsed(clauses) == {"bool": {"filter": clauses}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"term": {"lang": "ko"}', "is not JSON"),
        ("{'term': {'lang': 'ko'}}", "is not JSON .*mind the quotes"),
        ("[", "is not JSON"),
        ("[1]", "filter 1 is no clause"),
        ("{}", "is no clause"),
        ('{"term": {"lang": "ko"}, "exists": {"field": "x"}}', "is no clause"),
        ('{"term": "ko"}', "'term' holds 'ko': give an object"),
        ('{"bool": []}', r"bool holds \[\]"),
        ('{"bool": {"shall": []}}', r"bool holds \['shall'\]: allowed are filter"),
        ('{"bool": {"must": 1}}', "filter 1 is no clause"),
    ],
)
def test_a_broken_clause_is_refused_and_quoted(text, said):
    with pytest.raises(InvalidFilter, match=said):
        parse_filter(text)


@pytest.mark.parametrize(
    "clause",
    [
        {"term": {"langg": "ko"}},
        {"exists": {"field": "langg"}},
        {"exists": {"field": "nowhere"}},
        {"bool": {"must_not": {"range": {"langg": {"gte": 1}}}}},
    ],
)
def test_an_unknown_field_is_refused_with_those_that_are_known(clause):
    with pytest.raises(
        InvalidFilter, match=r"no field '.*' in this index: it has author.name, lang"
    ):
        parsed(clause)


def nested(depth):
    return "[" * depth + '{"match_all": {}}' + "]" * depth


def test_nesting_has_a_limit_that_is_named():
    assert parse_filter(nested(20), fields=FIELDS)
    with pytest.raises(InvalidFilter, match="deeper than 20"):
        parse_filter(nested(21))


@pytest.mark.parametrize("depth", [500, 5000])
def test_absurd_nesting_is_refused_like_any_other(depth):
    with pytest.raises(InvalidFilter):
        parse_filter(nested(depth))


def test_filters_are_combined_by_and():
    a, b = {"term": {"lang": "ko"}}, {"term": {"year": 1}}
    assert combined([]) is None
    assert combined([a]) == a
    assert combined([a, b]) == {"bool": {"filter": [a, b]}}
