"""Fields that options name beside those that are searched."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.search.asked import asked
from es_hybrid.search.named_fields import check_named_fields
from es_hybrid.search.searched import Searched

TYPES = {
    "title": "text",
    "title.exact": "keyword",
    "body": "text",
    "lang": "keyword",
    "year": "integer",
    "born": "date",
    "meta": "object",
    "meta.author": "keyword",
    "labels": "flattened",
    "embedding": "dense_vector",
}
FILMS = Searched("films", {"films-1": None}, {name: {"type": kind} for name, kind in TYPES.items()})


class Reranker:
    id = "none"

    def scores(self, query, texts):
        return [0] * len(texts)


def aggs(kind, field, **more):
    return {"aggs": {"a": {kind: {"field": field}, **more}}}


def check(options):
    check_named_fields(asked("tea", options), FILMS)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"collapse": "lang"},
        {"collapse": "year"},
        {"collapse": "meta.author"},
        {"highlight": ["title", "b*"]},
        {"highlight": {"fields": [{"nobody": {}}]}},  # left to Elasticsearch
        {"rerank": Reranker()},
        {"rerank": Reranker(), "source": ["title", "body", "year"]},
        {"rerank": Reranker(), "source": "*"},
        {"rerank": Reranker(), "source": ["tit*", "body"]},
        aggs("terms", "lang"),
        aggs("terms", "title.exact"),
        aggs("terms", "_index"),
        aggs("terms", "labels.colour.dark"),
        aggs("significant_text", "title"),
        aggs("filter", {"term": {"lang": "ko"}}),
        {"aggs": {"a": {"global": {}, "aggs": {"b": {"max": {"field": "year"}}}}}},
        {"aggs": {"a": {"filters": {"filters": {"x": {"match_all": {}}}}, "meta": {"field": 1}}}},
    ],
)
def test_fields_that_are_there_are_of_use(options):
    check(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"collapse": "titel"}, "no field 'titel' in 'films'"),
        ({"collapse": "title"}, "field of type text: take a keyword or a number"),
        ({"collapse": "born"}, "field of type date"),
        ({"collapse": "meta"}, "field of type object"),
        ({"highlight": ["nobody"]}, "no field 'nobody'"),
        ({"highlight": {"fields": {"nobody": {}}}}, "no field 'nobody'"),
        ({"rerank": Reranker(), "source": ["year"]}, "leaves out title, body"),
        ({"rerank": Reranker(), "source": ["title.exact", "body"]}, "leaves out title:"),
        (aggs("terms", "lagn"), "no field 'lagn'"),
        (aggs("terms", "meta.autor"), "no field 'meta.autor'"),
        (aggs("terms", "lang", aggs={"b": {"avg": {"field": "yaer"}}}), "no field 'yaer'"),
        (aggs("terms", "lang", aggregations={"b": {"avg": {"field": "yaer"}}}), "no field 'yaer'"),
        (aggs("terms", "title"), "'title' is text: take 'title.exact'"),
        (aggs("cardinality", "body"), "'body' is text: take a keyword or a number"),
    ],
)
def test_fields_that_are_not_are_named(options, said):
    with pytest.raises(UsageError, match=said):
        check(options)
