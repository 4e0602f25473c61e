"""Runs are judged without a server: what the numbers are, and where two runs differ."""

import re

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.evaluation import Collection
from es_hybrid.evaluation.evaluate import evaluate
from es_hybrid.evaluation.runs import Scored
from es_hybrid.evaluation.searching import DEFAULT_WAYS
from es_hybrid.evaluation.told import evaluation_report
from es_hybrid.hits import MODES
from es_hybrid.reports import page

JUDGED = Collection(
    {"q1": "sea", "q2": "hill", "q3": "<b>river</b>"},
    {},
    {"q1": {"a": 2, "b": 0}, "q2": {"c": 1}, "q3": {"a": 1}},
    ("one note",),
)


def run(**found):
    return {
        query: [Scored(one, -float(rank)) for rank, one in enumerate(ids)]
        for query, ids in found.items()
    }


RUNS = {
    "old": run(q1=["b", "a"], q2=["c"], unjudged=["a"]),
    "new": run(q1=["a", "b"], q2=["d", "c"], q3=["a"]),
}


@pytest.fixture(scope="module")
def found():
    return evaluate(None, JUDGED, runs=RUNS, measures=["RR@10", "R@1"])


def test_a_judged_query_without_results_counts_as_zero(found):
    assert found.systems["old"].values["RR@10"] == {"q1": 0.5, "q2": 1.0, "q3": 0.0}
    assert found.systems["old"].intervals["RR@10"].mean == 0.5
    assert found.systems["old"].without_results == 1


def test_the_share_of_the_first_ten_that_was_judged_is_told(found):
    assert found.systems["new"].judged == pytest.approx((1 + 0.5 + 1) / 3)
    assert found.to_dict()["modes"]["new"]["judged"] == found.systems["new"].judged


def test_a_run_that_found_nothing_is_measured_as_well():
    empty = evaluate(None, JUDGED, runs={"none": {"q1": [], "q2": []}}, measures=["AP"])
    assert empty.systems["none"].intervals["AP"].mean == 0.0
    assert empty.systems["none"].judged is None


def test_each_pair_is_compared_by_each_measure(found):
    compared = [(one.first, one.second, one.measure) for one in found.comparisons]
    assert compared == [("old", "new", "RR@10"), ("old", "new", "R@1")]
    paired = found.comparisons[0].paired
    assert (paired.wins, paired.losses, paired.ties) == (2, 1, 0)


def test_the_queries_that_change_most_come_with_both_rankings_and_grades(found):
    won, lost = found.changes("old", "new", most=1)
    assert (won[0].query, won[0].text) == ("q3", "<b>river</b>")
    assert lost[0].rankings == ([("c", 1)], [("d", None), ("c", 1)])
    assert (lost[0].first, lost[0].second) == (1.0, 0.5)


def test_the_json_has_means_intervals_and_every_query(found):
    told = found.to_dict()
    new = told["modes"]["new"]
    assert (told["queries"], new["RR@10"], new["ci"]) == (3, 5 / 6, new["intervals"]["RR@10"])
    assert told["per_query"]["q2"] == {
        "old": {"RR@10": 1.0, "R@1": 1.0},
        "new": {"RR@10": 0.5, "R@1": 0.0},
    }
    assert (told["notes"], new["latency_ms"]) == (["one note"], None)


def test_the_page_escapes_what_people_typed(found):
    written = page(evaluation_report(found))
    assert "<b>river" not in written
    assert "&lt;b&gt;river&lt;/b&gt;" in written


def test_every_number_of_the_page_is_one_of_the_json(found):
    told = found.to_dict()
    values = set(map(float, re.findall(r'<data value="([^"]*)"', page(evaluation_report(found)))))
    modes = told["modes"].values()
    means = {one[measure] for one in modes for measure in told["measures"]}
    ends = {end for one in modes for ends in one["intervals"].values() for end in ends}
    differences = {one[name] for one in told["comparisons"] for name in ("difference", "p_value")}
    assert means | ends | differences <= values


def test_a_run_of_other_queries_is_refused():
    with pytest.raises(SourceError, match=r"run 'x' has none .* 'zz', the judgements with 'q1'"):
        evaluate(None, JUDGED, runs={"x": run(zz=["a"])})


def test_a_collection_without_judgements_is_refused():
    with pytest.raises(SourceError, match="no judged query"):
        evaluate(None, Collection({}, {}, {}), runs=RUNS)


def test_every_mode_of_a_search_is_measured_unless_something_else_is_asked():
    assert set(DEFAULT_WAYS) == set(MODES)
