"""Tuning on a real node: what was fused offline is what a search finds, and searches use it."""

import random
import re
from dataclasses import replace

import orjson
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.evaluation import read_collection
from es_hybrid.evaluation.tuning import store, tune, tune_by_itself
from es_hybrid.evaluation.tuning.candidates import boosted
from es_hybrid.evaluation.tuning.legs import all_legs
from es_hybrid.evaluation.tuning.offline import run
from es_hybrid.evaluation.tuning.tune import record
from es_hybrid.tuned import TUNED_KEY, UNTUNED, Setting
from tests.commands import Terminal
from tests.embedders import OtherModel, WordEmbedder, ships

DOCUMENTS, QUERIES = 260, 40

# So few axes that many words share one: kNN is the weaker leg here.
NEAR = WordEmbedder(12)


def words(draw, count):
    return " ".join(f"w{min(int(draw.expovariate(0.02)), 299)}" for _ in range(count))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Documents of random words, and queries of some words of one of them each."""
    folder, draw = tmp_path_factory.mktemp("judged"), random.Random(3)
    documents = [
        {"_id": f"d{n}", "title": words(draw, 4), "text": words(draw, 14)} for n in range(DOCUMENTS)
    ]
    queries, qrels = [], ["query-id\tcorpus-id\tscore"]
    for number, document in enumerate(documents[:QUERIES]):
        some = draw.sample(f"{document['title']} {document['text']}".split(), 4)
        queries.append({"_id": f"q{number}", "text": " ".join(some)})
        qrels.append(f"q{number}\t{document['_id']}\t1")
    (folder / "qrels").mkdir()
    for file, records in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / file).write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))
    (folder / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n")
    return folder


@pytest.fixture(scope="module")
def made(es, judged):
    name = "t-tuning"
    documents = [orjson.loads(line) for line in (judged / "corpus.jsonl").read_bytes().splitlines()]
    Indexer(es, name, embedder=NEAR, analysis="standard").write(documents)
    yield name
    request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


@pytest.fixture
def index(es, made):
    """Its name; nothing is tuned before a test, and after it."""
    yield made
    store(es, f"{made}-000001", None)


def searcher(es, index, **options):
    return Searcher(es, index, **{"embedder": NEAR, "fusion": "client"} | options)


SETTINGS = [
    Setting(rank_constant=5, weights=(1.3, 0.7), window=50),
    Setting(fields=("title^4", "text")),
    Setting(method="linear", weights=(1.6, 0.4)),
    Setting(method="linear", normalizer="l2_norm", window=200),
    Setting(method="adaptive"),
    Setting(method="adaptive", earned=False, weights=(0.9, 1.1), fields=("title^2", "text")),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_tuned_search_finds_what_the_same_setting_finds_offline(es, index, judged, setting):
    plain, collection = searcher(es, index), read_collection(judged)
    lexical = [None] if setting.fields is None else [None, setting.fields]
    legs = all_legs(plain, collection.queries, lexical=lexical)
    tuned = record(setting, plain.searched(), source="judged", queries=QUERIES)
    store(es, f"{index}-000001", tuned)
    asked = [{"query": words} for words in collection.queries.values()]
    results = searcher(es, index).search_many(asked)
    live = {q: [hit.id for hit in one] for q, one in zip(legs, results, strict=True)}
    assert live == run(legs, collection.qrels, setting)
    assert {one.fusing.settled_by for one in results} == {"tuned"}


def test_tuning_finds_the_better_leg_and_says_what_that_is_worth(es, index, judged):
    report = tune(searcher(es, index), read_collection(judged), untuned=UNTUNED)
    assert report.better_leg == "bm25"
    assert report.worth_it
    assert report.held_out >= report.bm25 - 0.02


def test_every_fields_list_that_is_tried_is_one_that_a_search_takes(es, index):
    known = searcher(es, index).searched()
    for fields in boosted(known.text_fields, known.lexical_fields)[1:]:
        assert searcher(es, index).search("w1 w2", fields=list(fields)).hits


def test_a_setting_is_read_with_the_contract_and_costs_no_request(es, index, monkeypatch):
    mine = searcher(es, index)
    store(es, f"{index}-000001", record(SETTINGS[0], mine.searched(), source="self", queries=20))
    fresh = searcher(es, index)
    assert fresh.search("w1 w2").fusing.settled_by == "self-tuned"
    sent = []
    perform = es.transport.perform_request
    monkeypatch.setattr(
        es.transport, "perform_request", lambda *a, **k: sent.append(a) or perform(*a, **k)
    )
    fresh.search("w1 w2 w3")
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("options", "settled_by"),
    [
        ({}, "tuned"),
        ({"size": 200}, "tuned"),
        ({"window": 120}, "tuned"),
        ({"tuned": False}, "default"),
        ({"method": "rrf"}, "given"),
        ({"weights": {"knn": 2}}, "given"),
        ({"fields": "title"}, "given"),
        ({"rank_constant": 60}, "given"),
    ],
)
def test_what_a_search_says_itself_goes_before_what_was_tuned(es, index, options, settled_by):
    mine = searcher(es, index)
    store(es, f"{index}-000001", record(SETTINGS[0], mine.searched(), source="judged", queries=20))
    result = searcher(es, index).search("w1 w2 w3", **options)
    assert result.fusing.settled_by == settled_by
    assert len(result) > 0


def test_pages_of_a_tuned_search_hold_every_hit_once(es, index):
    mine = searcher(es, index)
    store(es, f"{index}-000001", record(SETTINGS[0], mine.searched(), source="judged", queries=20))
    ids = [hit.id for page in searcher(es, index).pages("w1 w2 w3", size=30) for hit in page]
    assert len(ids) == len(set(ids)) == 100


def test_what_was_tuned_for_another_model_is_left_aside(es, index):
    mine = searcher(es, index)
    other = record(SETTINGS[0], mine.searched(), source="judged", queries=20)
    store(es, f"{index}-000001", replace(other, embedder=OtherModel().info.id))
    assert searcher(es, index).search("w1").fusing.settled_by == "default"


def test_one_leg_alone_is_not_touched_by_what_was_tuned(es, index):
    mine = searcher(es, index)
    store(es, f"{index}-000001", record(SETTINGS[1], mine.searched(), source="judged", queries=20))
    alone = searcher(es, index).search("w1 w2", mode="bm25")
    assert alone.fusing is None
    assert [hit.id for hit in alone] == [hit.id for hit in mine.search("w1 w2", mode="bm25")]


def test_an_index_tells_by_its_own_titles_how_far_knn_can_be_trusted(es, index):
    known = tune_by_itself(searcher(es, index), count=60)
    bm25, knn = known.tuned.setting.weights
    assert known.field == "title"
    assert known.bm25 > known.knn
    assert knn < bm25


@pytest.fixture
def typed(capsys, monkeypatch, url):
    monkeypatch.setenv("ES_HYBRID_URL", url)
    ships(monkeypatch, NEAR.info.id, lambda: NEAR)
    return Terminal(capsys, monkeypatch)


def test_the_command_tunes_and_a_search_says_that_it_uses_it(typed, index, judged):
    told = typed("tune", index, "--queries", str(judged))
    assert "40 judged queries" in told.out
    assert "tuned, on queries held out" in told.out
    assert "fused by the tuned setting" in typed("search", index, "w1 w2").out


def numbers(page):
    return set(map(float, re.findall(r'<data value="([^"]*)"', page.read_text())))


def test_the_page_of_judged_queries_holds_the_numbers_of_its_json(typed, index, judged, tmp_path):
    page = tmp_path / "out.html"
    queries = ("--queries", str(judged), "--dry-run")
    told = typed("tune", index, *queries, "--json", "--report", str(page)).json
    means = {told[name] for name in ("bm25", "knn", "untuned", "held_out")}
    gain = {told["gain"][name] for name in ("difference", "low", "high", "p_value", "wins")}
    best = {value for one in told["kinds"] for value in one["ndcg"].values()}
    assert means | gain | best <= numbers(page)
    assert page.read_text().count("<svg") == 3


def test_the_best_of_each_kind_is_on_its_own_line_of_weights(typed, index, judged):
    told = typed("tune", index, "--queries", str(judged), "--dry-run", "--json").json
    for one in told["kinds"]:
        share = one["setting"]["weights"][1] / 2
        along = dict(zip(told["shares"], one["by_share"], strict=True))
        assert along[round(share, 2)] == pytest.approx(one["ndcg"]["mean"])
    assert sum(one["tried"] for one in told["kinds"]) == told["tried"] > 2000


def test_the_page_of_titles_holds_the_numbers_of_its_json(typed, index, tmp_path):
    page = tmp_path / "out.html"
    told = typed("tune", index, "--self", "--dry-run", "--json", "--report", str(page)).json
    ends = {end for low_and_high in told["intervals"].values() for end in low_and_high}
    assert {told["bm25"], told["knn"], *told["tuned"]["setting"]["weights"], *ends} <= numbers(page)


def test_no_tuned_leaves_it_aside(typed, index, judged):
    typed("tune", index, "--queries", str(judged))
    fusing = typed("search", index, "w1 w2", "--no-tuned", "--json").json["fusing"]
    assert (fusing["settled_by"], fusing["method"]) == ("default", "rrf")


def test_a_dry_run_writes_nothing(typed, es, index, judged):
    assert "not written" in typed("tune", index, "--queries", str(judged), "--dry-run").out
    meta = request(es, "GET", path(f"{index}-000001"))[f"{index}-000001"]["mappings"]["_meta"]
    assert TUNED_KEY not in meta


def test_an_index_is_tuned_by_itself_and_forgets_it_again(typed, index):
    assert "looked for by their own words of 'title'" in typed("tune", index, "--self").out
    assert "self-tuned setting" in typed("search", index, "w1 w2").out
    typed("tune", index, "--forget")
    assert "tuned" not in typed("search", index, "w1 w2").out


def test_adaptive_weights_are_explained(typed, index):
    told = typed("search", index, "w1 w2", "--fusion", "adaptive", "--explain").out
    assert "weight of knn" in told
    assert "support by words" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing says what is good"),
        (["--self", "--forget"], "are different ways"),
        (["--self", "--qrels", "x"], "--qrels are of --queries"),
        (["--forget", "--report", "out.html"], "--forget measures nothing"),
        (["--self", "--report", "/none/out.html"], "--report /none/out.html"),
    ],
)
def test_tuning_without_a_way_to_tell_is_refused(typed, index, arguments, message):
    ended = typed("tune", index, *arguments)
    assert ended.code == 2
    assert message in ended.err


def test_too_few_judged_queries_are_refused_before_anything_is_searched(typed, index, tmp_path):
    (tmp_path / "q.tsv").write_text("q1\tw1 w2\n")
    (tmp_path / "judged.qrels").write_text("q1 0 d1 1\n")
    ended = typed(
        "tune",
        index,
        "--queries",
        str(tmp_path / "q.tsv"),
        "--qrels",
        str(tmp_path / "judged.qrels"),
    )
    assert ended.code == 2
    assert "1 judged query is too few" in ended.err
