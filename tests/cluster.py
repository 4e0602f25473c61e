"""An Elasticsearch in memory, for tests that need no real one."""

import json
from types import SimpleNamespace


class Cluster:
    """A client of an Elasticsearch in memory: one index, its documents, every request it got.

    Args:
        refuse: ids whose bulk items are answered with 400.
        forbid: the last parts of paths that are answered with 403.
        version: what ``GET /`` says.
    """

    transport = SimpleNamespace(
        node_pool=SimpleNamespace(all=lambda: [SimpleNamespace(base_url="http://memory")])
    )

    def __init__(self, *, refuse=(), forbid=(), version="9.5.4"):
        self.refuse, self.forbid, self.version = refuse, forbid, version
        self.body, self.documents, self.requests = None, {}, []
        self.uuid = "the first"  # of the index
        self.index = "films-000001"  # its name
        self.params = {}  # last part of a path -> the query strings it got

    def options(self, **_):
        return self

    def perform_request(self, method, path, *, params=None, headers=None, body=None):
        self.requests.append(f"{method} {path}")
        self.params.setdefault(path.rsplit("/", 1)[-1], []).append(dict(params or {}))
        status, answer = self.answer(method, path.rsplit("/", 1)[-1], body)
        return SimpleNamespace(meta=SimpleNamespace(status=status, headers={}), body=answer)

    def answer(self, method, last, body):
        if last in self.forbid:
            error = {"type": "security_exception", "reason": "unauthorized"}
            return 403, {"error": error, "status": 403}
        if method == "PUT":
            return self.create(last, json.loads(body))
        answers = {"": self.root, "_mget": self.mget, "_bulk": self.bulk, "_refresh": dict}
        if last == "_settings" and self.body is not None:
            return 200, {self.index: {"settings": {"index": {"uuid": self.uuid}}}}
        if last in answers:
            return 200, answers[last](*([body] if last in {"_mget", "_bulk"} else []))
        if self.body is None or last.startswith("_") or last == "plugins":
            return 404, {"error": {"type": "index_not_found_exception"}, "status": 404}
        return 200, {self.index: self.body}

    def root(self):
        return {"version": {"number": self.version}}

    def create(self, index, body):
        if self.body is not None:
            return 400, {"error": {"type": "resource_already_exists_exception", "reason": "…"}}
        self.index, self.body = index, body
        return 200, {}

    def mget(self, body):
        found = ((i, self.documents.get(i)) for i in json.loads(body)["ids"])
        return {"docs": [{"_id": i} | ({"_source": d} if d else {}) for i, d in found]}

    def bulk(self, body):
        lines = [json.loads(line) for line in body.splitlines()]
        return {
            "items": [
                {"index": self.one(*pair)} for pair in zip(lines[::2], lines[1::2], strict=True)
            ]
        }

    def one(self, action, source):
        identifier = action["index"]["_id"]
        if identifier in self.refuse:
            return {"status": 400, "error": {"type": "document_parsing_exception", "reason": "bad"}}
        self.documents[identifier] = source
        return {"status": 201}

    def sent(self, ending):
        return [request for request in self.requests if request.endswith(ending)]
