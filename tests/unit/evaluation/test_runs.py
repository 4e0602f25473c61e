"""TREC runs, in and out: others read the same order, and measure the same."""

import random

import pytest
import pytrec_eval

from es_hybrid.errors import SourceError
from es_hybrid.evaluation import measured
from es_hybrid.evaluation.runs import Scored, ids, read_run, write_run


def file(tmp_path, text):
    path = tmp_path / "run"
    path.write_text(text, "utf-8")
    return path


def test_a_run_is_ordered_by_its_scores_whatever_its_ranks_say(tmp_path):
    run = read_run(file(tmp_path, "q Q0 low 1 1.5 x\nq Q0 high 2 7 x\nother Q0 d 1 -3e2 x\n"))
    assert ids(run) == {"q": ["high", "low"], "other": ["d"]}
    assert run["q"][0] == Scored("high", 7.0)


def test_a_run_without_tags_is_read(tmp_path):
    assert ids(read_run(file(tmp_path, "q 0 d 1 2\n"))) == {"q": ["d"]}


@pytest.mark.parametrize("seed", range(5))
def test_equal_scores_are_ordered_as_trec_eval_does(tmp_path, seed):
    chance = random.Random(seed)
    scores = {f"d{number}": float(chance.randrange(3)) for number in range(30)}
    qrels = {"q": {document: chance.randrange(3) for document in scores}}
    text = "".join(f"q Q0 {one} 1 {score} x\n" for one, score in scores.items())
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"map"}).evaluate({"q": scores})
    ours = measured(ids(read_run(file(tmp_path, text))), qrels, measure="AP")
    assert ours["q"] == pytest.approx(theirs["q"]["map"])


def test_what_is_written_is_read_in_the_same_order_with_its_scores(tmp_path):
    run = {"q": [Scored("b", 0.5), Scored("a", 0.25)], "p": [Scored("산", -1.0)]}
    write_run(tmp_path / "out", run, tag="mine")
    assert read_run(tmp_path / "out") == run
    assert (tmp_path / "out").read_text().splitlines()[0] == "q Q0 b 1 0.5 mine"


@pytest.mark.parametrize(
    "scores", [[1.0] * 5, [0.1, 0.2, 0.3], [0.3, 0.3 - 1e-12, 0.3 - 2e-12]], ids=str
)
def test_the_order_survives_scores_that_do_not_tell_it(tmp_path, scores):
    run = {"q": [Scored(f"d{number}", score) for number, score in enumerate(scores)]}
    write_run(tmp_path / "out", run, tag="mine")
    assert ids(read_run(tmp_path / "out")) == ids(run)


FAULTS = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "too few columns": ("q d 1\n", "which has 3 columns"),
    "a score in words": ("q Q0 d 1 high x\n", "the score 'high'"),
    "a score that is none": ("q Q0 d 1 nan x\n", "the score 'nan'"),
    "a document twice": (
        "q Q0 d 1 2 x\nq Q0 d 2 1 x\n",
        "line 2: query 'q' has document 'd' twice",
    ),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_run_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_run(file(tmp_path, text))


@pytest.mark.parametrize("name", ["a b", "", "a\tb"])
def test_an_id_that_the_format_has_no_room_for_is_refused(tmp_path, name):
    with pytest.raises(SourceError, match="parted by blanks"):
        write_run(tmp_path / "out", {"q": [Scored(name, 1.0)]}, tag="mine")
