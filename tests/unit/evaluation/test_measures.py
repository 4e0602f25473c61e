"""Measures agree with trec_eval, and a query without results counts."""

import random
from statistics import fmean

import pytest
import pytrec_eval

from es_hybrid.errors import UsageError
from es_hybrid.evaluation import MEASURES, all_measured, measured

TREC_EVAL = {
    "nDCG@10": "ndcg_cut_10",
    "R@100": "recall_100",
    "AP": "map",
    "P@5": "P_5",
    "RR": "recip_rank",
}


def drawn(seed):
    """Random judgements (grades 0 to 3), and a run that misses some queries and knows others."""
    chance = random.Random(seed)
    documents = [f"d{number}" for number in range(300)]
    qrels = {
        f"q{number}": {one: chance.randrange(4) for one in chance.sample(documents, 30)}
        for number in range(40)
    }
    asked = [query for query in qrels if chance.random() < 0.9] + ["unjudged"]
    run = {query: chance.sample(documents, chance.randrange(200)) for query in asked}
    return qrels, run


def by_trec_eval(qrels, run, measure):
    """Query -> value, by pytrec_eval itself; it leaves out queries without results."""
    scored = {
        query: {one: 1000.0 - rank for rank, one in enumerate(ids)} for query, ids in run.items()
    }
    asked = measure.replace("_cut_", "_cut.").replace("recall_", "recall.").replace("P_", "P.")
    found = pytrec_eval.RelevanceEvaluator(qrels, {asked}).evaluate(scored)
    return {query: found.get(query, {}).get(measure, 0.0) for query in qrels}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("measure", TREC_EVAL)
def test_measures_are_those_of_trec_eval(measure, seed):
    qrels, run = drawn(seed)
    theirs = by_trec_eval(qrels, run, TREC_EVAL[measure])
    assert measured(run, qrels, measure=measure) == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(3))
def test_reciprocal_rank_within_ten_is_trec_evals_of_the_first_ten(seed):
    qrels, run = drawn(seed)
    theirs = by_trec_eval(qrels, {query: ids[:10] for query, ids in run.items()}, "recip_rank")
    assert measured(run, qrels, measure="RR@10") == pytest.approx(theirs)


def test_several_measures_at_once_are_each_of_them_alone():
    qrels, run = drawn(1)
    together = all_measured(run, qrels)
    assert together == {name: measured(run, qrels, measure=name) for name in MEASURES}


@pytest.mark.parametrize("measure", [*MEASURES, "P@5", "Judged@10", "ERR@10", "Success@1"])
def test_an_empty_ranking_is_no_ranking_in_every_measure(measure):
    assert measured({"a": [], "b": []}, {"a": {"d": 1}, "c": {"d": 1}}, measure=measure) == {
        "a": 0.0,
        "c": 0.0,
    }


def test_a_query_without_results_counts_as_zero():
    values = measured({"a": ["d"]}, {"a": {"d": 1}, "b": {"d": 1}}, measure="AP")
    assert values == {"a": 1.0, "b": 0.0}
    assert fmean(values.values()) == 0.5


@pytest.mark.parametrize(
    ("said", "meant"), [("MRR@10", "RR@10"), ("MAP", "AP"), ("Recall@5", "R@5")]
)
def test_other_names_of_a_measure_mean_the_same(said, meant):
    assert list(all_measured({}, {"q": {"d": 1}}, measures=[said])) == [meant]


@pytest.mark.parametrize(
    "name", ["", "best", "nDCG@", "nDCG@x", "nDCG(", "nDCG@0", "RBP", "BPM", "open('f')"]
)
def test_a_measure_that_cannot_be_taken_is_refused(name):
    with pytest.raises(UsageError, match="cannot be taken"):
        measured({}, {"q": {"d": 1}}, measure=name)
