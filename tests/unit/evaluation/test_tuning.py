"""Tuning on planted legs: fusions without a server, the choice, and what it is worth unseen."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

from es_hybrid.adaptive import Leg, adaptive
from es_hybrid.errors import UsageError
from es_hybrid.evaluation.measures import measured
from es_hybrid.evaluation.tuning import candidates, known_items
from es_hybrid.evaluation.tuning.candidates import SHARES, Family, boosted, families, weights
from es_hybrid.evaluation.tuning.choosing import Choice, chosen, held_out, setting
from es_hybrid.evaluation.tuning.known_items import query_of, trust
from es_hybrid.evaluation.tuning.legs import Found, LegRun, Legs
from es_hybrid.evaluation.tuning.offline import alone, ideals, paired_legs, run, values
from es_hybrid.evaluation.tuning.tune import check_enough, tabled
from es_hybrid.fusion import linear, rrf
from es_hybrid.tuned import Setting

WINDOWS = (100, 50, 200)
DOCUMENTS = 400


def legs_of(count, *, seed=0):
    """Random legs: BM25 matches few documents of some queries; scores have ties."""
    draw = np.random.default_rng(seed)
    made = {}
    for number in range(count):
        matched = int(draw.integers(0, 300)) if number % 3 else int(draw.integers(0, 15))
        bm25 = leg(draw, min(matched, 200), draw.integers(1, 40, size=200) / 2)
        near = dict.fromkeys(WINDOWS)
        keys, cosines = draw.permutation(DOCUMENTS), 0.5 + draw.random(200) / 4
        for window in WINDOWS:
            near[window] = leg(draw, window, cosines, keys=keys)
        made[f"q{number}"] = Legs({None: bm25, ("a^2",): bm25}, near)
    return made


def leg(draw, count, scores, *, keys=None):
    keys = draw.permutation(DOCUMENTS) if keys is None else keys
    scored = sorted(
        ((float(np.float32(s)), int(k)) for s, k in zip(scores[:count], keys, strict=False)),
        key=lambda one: (-one[0], one[1]),
    )
    found = {("i", f"d{key}"): Found(score, key) for score, key in scored}
    return LegRun(found, ended=count < 200)


def qrels_of(legs, *, seed=1):
    draw = np.random.default_rng(seed)
    return {
        query: {f"d{n}": int(draw.integers(0, 3)) for n in draw.integers(0, DOCUMENTS, size=60)}
        for query in legs
    }


def fused(one, how):
    """The first ten documents, by the functions that a live search calls."""
    window = how.window
    bm25 = dict(list(one.bm25[how.fields].found.items())[:window])
    near = one.knn[window].found
    ties = {key: found.tie for key, found in (bm25 | near).items()}
    scored = [{key: found.score for key, found in side.items()} for side in (bm25, near)]
    options = {"weights": how.weights, "ties": ties, "size": 10}
    if how.method == "rrf":
        made = rrf(scored, rank_constant=how.rank_constant, **options)
    elif how.method == "linear":
        lists = [list(one.items()) for one in scored]
        made = linear(lists, normalizers=how.normalizer, **options)
    else:
        legs = [Leg(scored[0], ended=len(scored[0]) < window), Leg(scored[1], dense=True)]
        made, _ = adaptive(legs, earned=how.earned, **options)
    return [entry.key[1] for entry in made]


LEGS = legs_of(30)
QRELS = qrels_of(LEGS)
WAYS = [family.setting for family in families([None, ("a^2",)])]


@pytest.mark.parametrize("module", [candidates, known_items])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("share", [0, 0.35, 0.5, 1])
@pytest.mark.parametrize("how", WAYS, ids=str)
def test_what_is_fused_offline_is_what_a_search_fuses(how, share):
    how = replace(how, weights=weights(share))
    found = run(LEGS, QRELS, how)
    assert found == {query: fused(one, how) for query, one in LEGS.items()}


@pytest.mark.parametrize("how", WAYS[:4], ids=str)
def test_the_table_of_a_family_holds_what_trec_eval_measures(how):
    pair = paired_legs(LEGS, QRELS, how)
    table = values(pair, Family(how, plain=True), ideals(QRELS, list(LEGS)))
    member = replace(how, weights=weights(SHARES[7]))
    judged = measured(run(LEGS, QRELS, member), QRELS, measure="nDCG@10")
    assert table[7] == pytest.approx([judged[query] for query in LEGS], abs=1e-6)


@pytest.mark.parametrize(("place", "name"), [(0, "bm25"), (1, "knn")])
def test_a_leg_alone_is_measured_without_what_the_other_found(place, name):
    pair = paired_legs(LEGS, QRELS, Setting())
    sides = {"bm25": lambda one: one.bm25[None], "knn": lambda one: one.knn[100]}
    first = {q: [key[1] for key in sides[name](one).found][:10] for q, one in LEGS.items()}
    judged = measured(first, QRELS, measure="nDCG@10")
    found = alone(pair, place, ideals(QRELS, list(LEGS)))
    assert found == pytest.approx([judged[query] for query in LEGS], abs=1e-6)


def test_thousands_of_settings_are_tried_where_there_are_two_text_fields():
    lexical = boosted(["title", "text"], ["title", "title.parts", "text"])
    members = [one for family in families(lexical) for one in family.members()]
    assert len(members) > 2000
    assert len(set(members)) == len(members)


def test_a_single_text_field_has_no_boost_to_try():
    assert boosted(["text"], ["text", "text.parts"]) == [None]


def planted(best, *, queries=60, gain=0.2, noise=0.1):
    """nDCG of some families; the one at `best` is better by `gain` in all its shares."""
    draw = np.random.default_rng(5)
    table = 0.5 + noise * draw.standard_normal((4, len(SHARES), queries))
    if best is not None:
        table[best] += gain
    return table


TRIED = [Family(Setting(rank_constant=10 + n), plain=n < 2) for n in range(4)]


@pytest.mark.parametrize("best", [0, 1, 2, 3])
def test_the_family_that_is_clearly_better_is_chosen(best):
    assert chosen(planted(best), TRIED).family == best


def test_what_is_not_everyday_is_not_chosen_for_a_lucky_difference():
    table = planted(None)
    table[3] = table[0] + 1e-4
    assert TRIED[chosen(table, TRIED).family].plain


def test_one_lucky_share_does_not_outdo_shares_that_are_good_together():
    table = planted(None, noise=0.0)
    table[0, 10] += 0.05
    table[1, 4:9] += 0.03
    assert chosen(table, TRIED) == Choice(1, 6)


def test_the_setting_of_a_choice_has_its_weights():
    assert setting(Choice(1, 0), TRIED) == Setting(rank_constant=11, weights=(2.0, 0.0))


def test_held_out_queries_gain_where_there_is_something_to_gain():
    table = planted(1)
    assert held_out(table, TRIED).mean() - table[0].mean() > 0.15


def test_held_out_queries_do_not_gain_from_noise():
    table = planted(None, queries=40)
    seen = table.mean(2).max() - table[0, 10].mean()
    unseen = held_out(table, TRIED).mean() - table[0, 10].mean()
    assert seen > 0.02
    assert abs(unseen) < seen


def test_a_query_has_no_part_in_what_it_is_measured_by():
    table = planted(0, noise=0.0)
    table[1, :, 0] = 100.0  # one query that would decide everything
    assert held_out(table, TRIED)[0] == pytest.approx(table[0, 0, 0])


def test_what_tunes_well_is_found_among_all():
    tried = families([None])
    table = tabled(LEGS, QRELS, tried)
    assert table.shape == (len(tried), len(SHARES), len(LEGS))
    assert 0 <= table.min() <= table.max() <= 1


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 judged queries are"), (1, "1 judged query is"), (19, "19 judged q")]
)
def test_too_few_queries_are_refused_with_the_ways_out(count, said):
    with pytest.raises(UsageError, match=rf"^{said}.* too few.*--self"):
        check_enough(count)


@pytest.mark.parametrize(
    ("bm25", "knn", "least", "most"),
    [(1, 1, 1.4, 1.6), (1, 0.6, 0.7, 0.9), (1, 0.1, 0, 0.01), (0, 0, 1.8, 2), (0.2, 1, 1.8, 2)],
)
def test_knn_is_trusted_the_less_the_more_it_falls_behind(bm25, knn, least, most):
    of_bm25, of_knn = trust(bm25, knn)
    assert least <= of_knn <= most
    assert of_bm25 + of_knn == pytest.approx(2)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("서울의 봄. 벚꽃이 핀다.", "서울의 봄."),
        ("no end " * 10, " ".join(["no end"] * 6)),
        ("first\nsecond", "first"),
        ("  ", ""),
    ],
)
def test_the_query_of_a_document_is_its_first_sentence_as_people_type(text, query):
    assert query_of(text) == query
