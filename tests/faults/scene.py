"""One ingestion through the proxy: the same command again and again, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.indexing.run import OnProgress
from es_hybrid.sources.jsonl import JsonLines
from tests.embedders import WordEmbedder
from tests.faults.checks import Plan, wrong
from tests.faults.proxy import Proxy, Rule

TIMEOUT = 1.0  # seconds for one request
BEGUN = 5  # records that are in the index before the fault
EMBEDDER = WordEmbedder(8)


class Scene:
    """Everything an ingestion needs; a context manager.

    Attributes:
        es: a client past the proxy.
        proxy: what the ingestion goes through.
        name: the alias that is written through.
        dead: the file of dead letters.
        state: the folder of notes about runs.
        client: the client of the ingestion, which waits a second.
        patient: the same, but it waits for long.
        options: more arguments for the `Indexer`.
    """

    def __init__(
        self, *, es: Elasticsearch, proxy: Proxy, name: str, folder: Path, **connection: Any
    ) -> None:
        self.es, self.proxy, self.name, self.folder = es, proxy, name, folder
        self.dead = folder / "dead.jsonl"
        self.state = folder / "state"
        self.options: dict[str, Any] = {}
        self.client = Elasticsearch(proxy.url, request_timeout=TIMEOUT, **connection)
        self.patient = self.client.options(request_timeout=30)

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def index(self) -> str:
        return f"{self.name}-000001"

    @property
    def acknowledged(self) -> int:
        """Documents that the client knows to be written."""
        return len(self.proxy.acknowledged)

    def begin(self, planned: Plan) -> None:
        """Make the index with the first records: the making alone may take a second."""
        Indexer(self.es, self.name, embedder=EMBEDDER).write(planned.records[:BEGUN])

    def replicate(self, replicas: int) -> None:
        """Keep so many copies of each shard, and wait until they are there."""
        body = {"index.number_of_replicas": replicas}
        request(self.es, "PUT", path(self.index, "_settings"), body=body)
        self.settle("green")

    def settle(self, status: str = "yellow") -> None:
        """Wait until the index can be written to again."""
        params = {"wait_for_status": status, "timeout": "60s"}
        request(self.es, "GET", path("_cluster", "health", self.index), params=params, timeout=90)

    def ingest(
        self, planned: Plan, *script: Rule, progress: OnProgress = lambda _: None
    ) -> Mapping[str, Any]:
        """Write the plan, while the script acts; the report."""
        self.proxy.follow(*script)
        options: dict[str, Any] = {
            "embedder": EMBEDDER,
            "dead_letters": self.dead,
            "state": self.state,
        }
        indexer = Indexer(self.client, self.name, **{**options, **self.options})
        return indexer.write(JsonLines([self.file(planned)]), progress=progress).to_dict()

    def file(self, planned: Plan) -> Path:
        """The plan as a file that stays as it is."""
        file = self.folder / "records.jsonl"
        return file if file.exists() else planned.write(file)

    def wrong(self, planned: Plan, report: Mapping[str, Any]) -> list[str]:
        """What the five checks find."""
        return wrong(self.es, self.index, planned, report, self.proxy)

    def in_mid_run(self, fault: str, planned: Plan) -> bool:
        """Whether the fault happened first when some documents were written, but not all."""
        first = next((one for one in self.proxy.fired if one.fault == fault), None)
        return first is not None and 0 < first.acknowledged < planned.documents
