"""A licensed cluster, played from recordings: it cannot be run here.

The server that `es-hybrid up` starts has no module for native fusion, and a licence for it is not
free. So `Replay` gives recorded answers of one to whoever sends exactly what was asked then. What
it proves: a native search is sent as Elasticsearch 9.5.0 understood it, and its answer is read
rightly. What it does not: that another version understands the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from es_hybrid.vectors import unpacked
from tests.fakes import Answer, FakeServer
from tests.recordings import answers, mapping

Body = dict[str, Any]

ROOT, NODE, LICENSE = ("GET", "/"), ("GET", "/_nodes/_local/plugins"), ("GET", "/_license")
MSEARCH = "/_msearch"

FORBIDDEN = Answer(
    {"error": {"type": "security_exception", "reason": "action is unauthorized"}, "status": 403},
    status=403,
)
GONE = Answer({"error": {"type": "api_not_available_exception", "reason": "no"}}, status=410)

# What differs between two bodies that mean the same: sources are not part of a recording, and a
# total is exact in it with this or without.
_UNSAID = {"_source": None, "track_total_hits": True, "size": 10, "from": 0}
_UNSAID_OF_FUSION = {"rank_window_size": 10, "rank_constant": 60}


def cluster(version: str = "9.5.0", modules: tuple[str, ...] = ("rank-rrf", "x-pack-core")) -> Body:
    """What a server says of itself, but for its licence."""
    parts = {"modules": [{"name": name} for name in modules], "plugins": []}
    return {
        ROOT: {"version": {"number": version, "build_flavor": "default"}},
        NODE: {"nodes": {"one": {"version": version, **parts}}},
    }


def licence(kind: str, status: str = "active") -> Body:
    return {LICENSE: {"license": {"type": kind, "status": status}}}


TRIAL = {LICENSE: answers()["license_trial"]["response"]} if answers() else {}
BASIC = {LICENSE: answers()["license_basic"]["response"]} if answers() else {}
NOT_TOLD = {NODE: FORBIDDEN, LICENSE: FORBIDDEN}
SERVERLESS = {
    ROOT: {"version": {"number": "8.11.0", "build_flavor": "serverless"}},
    LICENSE: GONE,
}


class Replay(FakeServer):
    """Answers a search that was recorded as it was answered then, and any other with 400.

    Args:
        cases: what was recorded.
        script: what else is answered, such as ``cluster() | TRIAL``.
        refusal: what every request with native fusion is answered with, such as a recorded 403;
            it may be set while the server runs, as a trial may end.
    """

    def __init__(self, *cases: Body, script: Body, refusal: Answer | None = None) -> None:
        both = {
            name: {"mappings": mapping()["mappings"], "settings": {}, "aliases": {}}
            for case in cases
            for name in case["index"].split(",")
            if "*" not in name
        }
        super().__init__({("GET", "/" + ",".join(both)): both, ("GET", "/zz*"): {}} | script)
        self.cases, self.refusal = cases, refusal

    def sent(self, path: str) -> list[list[tuple[Body, Body]]]:
        """Of every request to `path`, its pairs of header and body."""
        return [pairs(one.body) for one in self.requests if one.path == path]

    def answer_to(self, method: str, path: str) -> Answer:
        if path != MSEARCH:
            return super().answer_to(method, path)
        searches = pairs(self.requests[-1].body)
        if self.refusal is not None and any("retriever" in body for _, body in searches):
            return self.refusal
        found = [self._found(header, body) for header, body in searches]
        wrong = next((one for one in found if isinstance(one, str)), None)
        if wrong is not None:
            return Answer(refused("not_recorded", wrong), status=400)
        return Answer({"took": 1, "responses": found})

    def _found(self, header: Body, body: Body) -> Body | str:
        """The recorded response, or in what the search differs from what was recorded."""
        differing = "nothing is recorded"
        for case in self.cases:
            if "retriever" not in body:
                if (response := leg_response(case, body)) is not None:
                    return response
                continue
            wanted = {"where": where(case), **meaning(case["request"])}
            said = {"where": (header["index"], header.get("routing")), **meaning(body)}
            differing = "; ".join(differences(said, wanted))
            if not differing:
                return {**case["response"], "status": case["status"]}
        return differing


def refusal(name: str) -> Answer:
    """A recorded refusal."""
    recorded = answers()[name]
    return Answer(recorded["response"], status=recorded["status"])


def refused(kind: str, reason: str) -> Body:
    return {"error": {"type": kind, "reason": reason}, "status": 400}


def where(case: Body) -> tuple[str, str | None]:
    return case["index"], case["params"].removeprefix("?routing=") or None


def pairs(lines: bytes) -> list[tuple[Body, Body]]:
    read = [json.loads(line) for line in lines.splitlines()]
    return list(zip(read[::2], read[1::2], strict=True))


def leg_response(case: Body, body: Body) -> Body | None:
    """What a leg found that is asked by itself, sorted by score and `_shard_doc`."""
    asked = {name: value for name, value in body.items() if name not in {"sort", "fields"}}
    for leg in case["legs"]:
        recorded = leg["request"]
        most = recorded.get("knn", {}).get("k", recorded["size"])  # kNN finds no more than k
        recorded = recorded | {"size": min(most, recorded["size"])}
        if body["sort"] == ["_score", "_shard_doc"] and meaning(asked) == meaning(recorded):
            return {"hits": _sorted_hits(leg), "status": 200}
    return None


def _sorted_hits(leg: Body) -> Body:
    found = [
        {"_index": index, "_id": id_, "_score": score, "sort": [score, place]}
        for index, id_, score, place in leg["pit_hits"]
    ]
    return {**leg["response"]["hits"], "hits": found}


def meaning(body: Body) -> Body:
    """A search body with its defaults filled in, one way of writing kept, vectors as float32."""
    said = {name: value for name, value in (_UNSAID | body).items() if name != "_source"}
    if "retriever" in said:
        ((kind, retriever),) = said["retriever"].items()
        said["retriever"] = {
            kind: _fusion(kind, retriever) if "retrievers" in retriever else retriever
        }
    if "knn" in said:
        said["knn"] = _float32(said["knn"])
    return said


def _fusion(kind: str, retriever: Body) -> Body:
    said = _UNSAID_OF_FUSION | _listed(retriever)
    if kind == "linear":
        del said["rank_constant"]
    normalizer = said.pop("normalizer", "none")
    legs = [_element(one) for one in said["retrievers"]]
    if kind == "linear":
        legs = [{"normalizer": normalizer} | leg for leg in legs]
    return said | {"retrievers": legs}


def _element(element: Body) -> Body:
    wrapped = element if "retriever" in element else {"retriever": element}
    ((kind, leg),) = wrapped["retriever"].items()
    return {"weight": 1.0} | wrapped | {"retriever": {kind: _float32(_listed(leg))}}


def _listed(part: Body) -> Body:
    """With one filter as a list of one."""
    one = part.get("filter")
    return part | ({"filter": [one]} if isinstance(one, dict) else {})


def _float32(knn: Body) -> Body:
    if "query_vector" not in knn:
        return knn
    return knn | {"query_vector": unpacked(knn["query_vector"]).tolist()}


def differences(sent: Any, recorded: Any, at: str = "") -> Iterator[str]:
    """Where two bodies differ, and in what."""
    if isinstance(sent, dict) and isinstance(recorded, dict):
        for name in sorted({*sent, *recorded}):
            yield from differences(sent.get(name), recorded.get(name), f"{at}.{name}".lstrip("."))
    elif isinstance(sent, list) and isinstance(recorded, list) and len(sent) == len(recorded):
        for number, pair in enumerate(zip(sent, recorded, strict=True)):
            yield from differences(*pair, f"{at}[{number}]")
    elif sent != recorded:
        yield f"{at}: sent {sent!r}, recorded {recorded!r}"
