"""The five checks: every record has one fate, and the index holds what it should, once."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import Fields, document
from tests.faults.proxy import Proxy

WORDS = ["shark", "sea", "ship", "star", "moon", "city", "rain", "film", "song", "road"]
UNREADABLE = 3  # records of a plan that have no text


@dataclass
class Plan:
    """Records, and what the index must hold when all of them are dealt with.

    Attributes:
        records: each has a number of its own in the field ``n``; half of them have no id.
        lost: numbers of the records that must end as dead letters.
        rejected: numbers of the records that never become a document.
    """

    records: list[dict[str, Any]]
    lost: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)

    def write(self, file: Path) -> Path:
        """As JSON Lines."""
        file.write_text("".join(json.dumps(record) + "\n" for record in self.records))
        return file

    @property
    def documents(self) -> int:
        """How many the index must hold."""
        return len(self.records) - len(self.lost) - len(self.rejected)

    def expected(self) -> dict[str, str]:
        """Id -> content hash of every document that the index must hold."""
        gone = self.lost | self.rejected
        kept = (document(one, Fields()) for one in self.records if one["n"] not in gone)
        return {one.id: one.content_hash for one in kept}


def plan(seed: int, count: int = 240) -> Plan:
    """So many records that can be indexed, and a few that cannot be read."""
    chance = random.Random(seed)
    records: list[dict[str, Any]] = []
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(1, 12)))
        named = {"_id": f"doc-{number}"} if number % 2 else {}
        records.append({**named, "title": f"Record {number}", "text": text, "n": number})
    unread = [{"text": " ", "n": count + extra} for extra in range(UNREADABLE)]
    for record in unread:
        records.insert(chance.randrange(count // 2, count), record)
    return Plan(records, rejected={record["n"] for record in unread})


def wrong(
    es: Elasticsearch, index: str, planned: Plan, report: Mapping[str, Any], proxy: Proxy
) -> list[str]:
    """What one of the five checks finds, in words; nothing is wrong where it is empty.

    Args:
        es: asks the node itself, past the proxy.
        index: what was written to.
        planned: what was to be written.
        report: of the run that ended the work.
        proxy: knows what was acknowledged.
    """
    request(es, "POST", path(index, "_refresh"))
    found = {hit["_id"]: hit["_source"] for hit in scan(es, index)}
    return [
        *_sums(planned, report),
        *_count(es, index, planned),
        *_contents(found, planned),
        *_doubles(es, index),
        *[f"acknowledged and lost: {one}" for one in sorted(proxy.acknowledged - set(found))],
    ]


def scan(es: Elasticsearch, index: str) -> Iterator[dict[str, Any]]:
    """Every document, by a point in time."""
    opened = request(es, "POST", path(index, "_pit"), params={"keep_alive": "1m"})
    body: dict[str, Any] = {
        "pit": {"id": opened["id"], "keep_alive": "1m"},
        "size": 1000,
        "sort": ["_shard_doc"],
        "_source": ["n", "es_hybrid.content_hash"],
    }
    try:
        while hits := request(es, "POST", "/_search", body=body)["hits"]["hits"]:
            yield from hits
            body["search_after"] = hits[-1]["sort"]
    finally:
        request(es, "DELETE", "/_pit", body={"id": opened["id"]})


def _sums(planned: Plan, report: Mapping[str, Any]) -> Iterator[str]:
    fates = {fate: report[fate] for fate in ("indexed", "unchanged", "dead_lettered", "rejected")}
    if report["read"] != sum(fates.values()):
        yield f"{report['read']} read, but {fates}"
    expected = (len(planned.records), len(planned.lost), len(planned.rejected))
    said = (report["read"], report["dead_lettered"], report["rejected"])
    if said != expected:
        yield f"(read, dead-lettered, rejected) is {said}, not {expected}"


def _count(es: Elasticsearch, index: str, planned: Plan) -> Iterator[str]:
    count = request(es, "GET", path(index, "_count"))["count"]
    if count != planned.documents:
        yield f"_count is {count}, not {planned.documents}"


def _contents(found: Mapping[str, Mapping[str, Any]], planned: Plan) -> Iterator[str]:
    has = {key: source["es_hybrid"]["content_hash"] for key, source in found.items()}
    expected = planned.expected()
    yield from (f"missing: {key}" for key in expected.keys() - has.keys())
    yield from (f"not planned: {key}" for key in has.keys() - expected.keys())
    both = has.keys() & expected.keys()
    yield from (f"other content: {key}" for key in both if has[key] != expected[key])


def _doubles(es: Elasticsearch, index: str) -> Iterator[str]:
    same = {"terms": {"field": "n", "min_doc_count": 2, "size": 10}}
    body = {"size": 0, "aggs": {"same": same}}
    answer = request(es, "POST", path(index, "_search"), body=body)
    for bucket in answer["aggregations"]["same"]["buckets"]:
        yield f"record {bucket['key']} is there {bucket['doc_count']} times"


def letters(file: Path) -> Counter[int]:
    """Number of the record -> how many dead letters there are for it."""
    lines = file.read_bytes().splitlines() if file.exists() else []
    return Counter(json.loads(line)["record"]["n"] for line in lines)
