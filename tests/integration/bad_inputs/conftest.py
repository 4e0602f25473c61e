"""Bad inputs beside good neighbours: all in time, and every record accounted for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.indexing import Report
from es_hybrid.sources import open_source
from es_hybrid.vectors import Vectors, unpacked
from tests.deadline import deadline
from tests.embedders import WordEmbedder

LONGEST = 60  # seconds of one test


@pytest.fixture(autouse=True)
def in_time(es: Elasticsearch) -> Iterator[None]:
    """No input may hang a run; the server is started before."""
    with deadline(LONGEST):
        yield


@pytest.fixture
def write(es: Elasticsearch, name: str, tmp_path: Path) -> Callable[..., Report]:
    """Indexes records, or files by their paths; none may be lost without a word."""
    dead = tmp_path / "dead.ndjson"

    def run(*given: Any, **options: Any) -> Report:
        records = open_source(given) if isinstance(given[0], Path) else list(given)
        if not options.keys() & {"vector_field", "vectors_file"}:
            options["embedder"] = WordEmbedder()
        report = Indexer(
            es, name, **{"analysis": "standard", "dead_letters": dead, "patience": 20, **options}
        ).write(records)
        lost = report.dead_lettered + report.rejected
        assert report.read == report.indexed + report.unchanged + lost
        assert len(dead.read_bytes().splitlines() if dead.exists() else []) == lost
        return report

    return run


@pytest.fixture
def stored(es: Elasticsearch, name: str) -> Callable[[str], dict[str, Any]]:
    """Reads back what a document says."""

    def read(identifier: str) -> dict[str, Any]:
        source: dict[str, Any] = request(es, "GET", path(name, "_doc", identifier))["_source"]
        return source

    return read


@pytest.fixture
def vector_of(es: Elasticsearch, name: str) -> Callable[[str], Vectors]:
    """Reads back a document's vector."""

    def read(identifier: str) -> Vectors:
        body = {"query": {"ids": {"values": [identifier]}}, "fields": ["embedding"]}
        (hit,) = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
        return unpacked(hit["fields"]["embedding"])

    return read
