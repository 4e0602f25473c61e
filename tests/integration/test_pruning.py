"""What is gone from a source leaves the index: only that, and only if the source is whole."""

import json

import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import UsageError
from es_hybrid.indexing import pages
from es_hybrid.indexing import prune as pruning
from es_hybrid.sources import JsonLines
from tests.embedders import WordEmbedder

FILMS = [{"_id": str(n), "text": f"film {n}", "year": 2000} for n in range(20)]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "films.jsonl"


def write(es, name, file, records, *, prune=0.2, **options):
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    indexer = Indexer(es, name, embedder=WordEmbedder(), prune=prune, **options)
    return indexer.write(JsonLines([file]))


def ids(es, name):
    request(es, "POST", path(name, "_refresh"))
    body = {"size": 1000, "_source": False}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {hit["_id"] for hit in hits}


def test_what_the_source_has_no_more_is_deleted(es, name, file):
    write(es, name, file, FILMS)
    report = write(es, name, file, FILMS[3:])
    assert (report.gone, report.pruned, report.not_pruned) == (3, 3, None)
    assert ids(es, name) == {one["_id"] for one in FILMS[3:]}


@pytest.mark.parametrize("size", [1, 7, 19])
def test_documents_are_looked_through_page_by_page(es, name, file, monkeypatch, size):
    for limit in ("_FIRST", "_FEWEST", "_MOST"):
        monkeypatch.setattr(pages, limit, size)
    write(es, name, file, FILMS)
    assert write(es, name, file, FILMS[1:]).pruned == 1


def test_documents_of_other_sources_stay(es, name, file):
    write(es, name, file, FILMS)
    other = [{"_id": "book", "text": "a book"}]
    write(es, name, file.with_name("books.jsonl"), other, prune=1.0)
    Indexer(es, name, embedder=WordEmbedder()).write([{"_id": "loose", "text": "a leaf"}])
    write(es, name, file, FILMS[1:])
    assert ids(es, name) == {"book", "loose"} | {one["_id"] for one in FILMS[1:]}


@pytest.mark.parametrize(("share", "pruned"), [(0.2, 0), (0.25, 5), (1.0, 5)])
def test_more_than_the_allowed_share_stays(es, name, file, share, pruned):
    write(es, name, file, FILMS)
    report = write(es, name, file, FILMS[5:], prune=share)
    assert (report.gone, report.pruned) == (5, pruned)
    assert ("5 of 20 documents" in (report.not_pruned or "")) == (not pruned)


@pytest.mark.parametrize(
    "bad",
    [{"_id": "x", "text": ""}, {"_id": "x", "text": "words", "year": "long ago"}],
    ids=["rejected", "dead letter"],
)
def test_nothing_is_pruned_if_a_record_was_lost(es, name, file, bad):
    write(es, name, file, FILMS)
    report = write(es, name, file, [*FILMS[1:], bad])
    assert (report.gone, report.pruned) == (None, 0)
    assert report.not_pruned == "1 record could not be indexed"


def test_a_document_that_somebody_changes_meanwhile_stays(es, name, file, monkeypatch):
    write(es, name, file, FILMS)
    real = pruning._deleted

    def late(sender, gone):
        request(es, "POST", path(name, "_update", "0"), body={"doc": {"year": 2026}})
        return real(sender, gone)

    monkeypatch.setattr(pruning, "_deleted", late)
    report = write(es, name, file, FILMS[2:])
    assert (report.gone, report.pruned) == (2, 1)
    assert "0" in ids(es, name)


def test_a_document_that_another_run_writes_meanwhile_stays(es, name, file, monkeypatch):
    write(es, name, file, FILMS)
    real = pruning._documents

    def late(*arguments, **options):
        newer = [{"_id": "newer", "text": "written just now"}]
        Indexer(es, name, embedder=WordEmbedder(), source="films.jsonl").write(newer)
        yield from real(*arguments, **options)

    monkeypatch.setattr(pruning, "_documents", late)
    report = write(es, name, file, FILMS[1:])
    assert (report.gone, report.pruned) == (1, 1)
    assert "newer" in ids(es, name)


def test_a_named_source_goes_by_its_name(es, name, file):
    write(es, name, file, FILMS, source="the films")
    report = write(es, name, file.with_name("new.jsonl"), FILMS[1:], source="the films")
    assert report.pruned == 1


def test_records_that_may_come_from_anywhere_need_a_name(es, name):
    with pytest.raises(UsageError, match="source='films'"):
        Indexer(es, name, embedder=WordEmbedder(), prune=0.2).write(FILMS)


@pytest.mark.parametrize("share", [-0.1, 1.1, 20])
def test_a_share_is_one(es, name, share):
    with pytest.raises(UsageError, match="0 to 1"):
        Indexer(es, name, prune=share)
