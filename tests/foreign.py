"""An index that another program made and writes to, which knows nothing of vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson

from es_hybrid.client import path, request

MAPPINGS = {
    "_meta": {"team": "search"},
    "properties": {
        "title": {"type": "text", "fields": {"plain": {"type": "text", "analyzer": "simple"}}},
        "body": {"properties": {"text": {"type": "text"}}},
        "price": {"type": "long"},
        "changed": {"type": "date"},
    },
}
TEXT_FIELDS = ("title", "body.text")


def wine(number: int, **more: Any) -> dict[str, Any]:
    """One document of it."""
    text = f"a wine number{number} from valley{number % 7}"
    day = f"2026-01-{number % 28 + 1:02d}T00:00:00Z"
    return {"title": f"Wine {number}", "body": {"text": text}, "changed": day, **more}


@contextmanager
def foreign_index(es: Any, documents: int = 0, **body: Any) -> Iterator[str]:
    """An index of wines with ids "0", "1" …; it and what was made of it are deleted at the end."""
    name = f"t-{uuid4().hex[:12]}"
    request(es, "PUT", path(name), body={"mappings": MAPPINGS} | body)
    bulk(es, name, {str(number): wine(number) for number in range(documents)})
    try:
        yield name
    finally:
        for made in (name, f"{name}-new-000001", f"{name}-new-000002"):
            request(es, "DELETE", path(made), ok=(404,))


def bulk(es: Any, name: str, documents: Mapping[str, Any], **action: Any) -> None:
    """Write documents as another program does, visible at once."""
    lines = []
    for key, document in documents.items():
        lines += [{"index": {"_id": key, **action}}, document]
    if lines:
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        where = path(name, "_bulk")
        answer = request(es, "POST", where, params={"refresh": "true"}, body=body, ndjson=True)
        assert answer["errors"] is False


def change(es: Any, name: str, key: str, **fields: Any) -> None:
    """Change some fields of a document, visible at once."""
    where = path(name, "_update", key)
    request(es, "POST", where, params={"refresh": "true"}, body={"doc": fields})


def everything(es: Any, name: str) -> dict[str, dict[str, Any]]:
    """Every document with all that the index keeps of it, vectors as well."""
    request(es, "POST", path(name, "_refresh"))
    body = {"size": 10_000, "fields": ["embedding"], "query": {"match_all": {}}}
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {
        hit["_id"]: hit["_source"] | {"vector": hit.get("fields", {}).get("embedding")}
        for hit in hits
    }
