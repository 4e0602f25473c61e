"""A fitted model: distances by hand, kept as a document, read back as it was, damage refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from es_hybrid.errors import ContractError
from es_hybrid.fitted import Fitted, nearest, whole
from es_hybrid.fitted.model import fitted_for, from_record
from tests.embedders import OtherModel, WordEmbedder
from tests.unit.test_untrusted_meta import contract

CENTRES = np.array([[1, 0], [0, 1]], np.float32)
UNITS = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], np.float32)


def model(**changes):
    said = {"kind": "anomaly", "method": "clusters", "field": "anomaly", "threshold": 0.7}
    said |= {"embedder": "words", "proof": "p", "dims": 2, "centres": CENTRES, "fitted_on": 9}
    return Fitted(**{**said, **changes})


def clusters(**changes):
    return model(kind="cluster", threshold=None, labels=("east", "north"), **changes)


def record(made, **changes):
    return json.loads(json.dumps(made.to_record())) | changes


def test_distances_are_euclidean_to_the_nearest_centre():
    distances, rows = nearest(UNITS, CENTRES)
    assert distances == pytest.approx([0, 0, np.sqrt(2 - 2 * 0.8), np.sqrt(2)], abs=1e-7)
    assert rows.tolist() == [0, 1, 1, 1]


def test_a_score_above_the_threshold_is_flagged():
    assert [one["flag"] for one in model().values(UNITS)] == [False, False, False, True]


def test_a_score_at_the_threshold_is_not_flagged_however_it_is_rounded():
    [told] = model(threshold=1 / 3).flagged(np.array([1 / 3]))
    assert told == {"score": 0.333333, "flag": False}


def test_a_cluster_is_told_by_number_and_label():
    assert clusters().values(UNITS)[2] == {"id": 1, "label": "north"}


NEIGHBOURS = model(method="neighbours", k=5, among=('{"term":{"kind":"red"}}',))


@pytest.mark.parametrize("made", [model(), clusters(), NEIGHBOURS])
def test_a_model_is_read_back_as_it_was_kept(made):
    assert from_record(record(made), name="m").hash == made.hash


def test_a_model_from_before_filters_were_kept_has_none():
    earlier = record(NEIGHBOURS)
    del earlier["among"]
    assert from_record(earlier, name="m").filters == ()


@pytest.mark.parametrize(
    ("made", "changes"),
    [
        (model(), {"centres": "no base64"}),
        (model(), {"centres": ""}),
        (model(), {"centres": "AADAfwAAwH8="}),  # NaN
        (model(), {"dims": 0}),
        (model(), {"dims": 3}),
        (model(), {"threshold": None}),
        (model(), {"threshold": "high"}),
        (model(), {"kind": "other"}),
        (model(), {"field": "a.b"}),
        (NEIGHBOURS, {"k": None}),
        (NEIGHBOURS, {"among": ["kind=red"]}),
        (NEIGHBOURS, {"among": ["[]"]}),
        (NEIGHBOURS, {"among": 7}),
        (clusters(), {"labels": ["one"]}),
        (clusters(), {"labels": 3}),
    ],
)
def test_a_damaged_model_is_refused(made, changes):
    with pytest.raises(ContractError, match="'m' is damaged"):
        from_record(record(made, **changes), name="m")


def test_a_model_of_a_newer_es_hybrid_is_refused():
    with pytest.raises(ContractError, match="schema 2, and this es_hybrid reads 1"):
        from_record(record(model(), schema=2), name="m")


def test_what_a_later_es_hybrid_adds_is_left_aside():
    assert from_record(record(model(), colour="red"), name="m").hash == model().hash


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        (contract("words-64", WordEmbedder()), True),
        (contract("words-64", OtherModel()), False),
        (contract("other-64", WordEmbedder()), False),
        (replace(contract("words-64", WordEmbedder()), similarity="l2_norm"), False),
    ],
)
def test_a_model_fits_the_vectors_that_it_was_fitted_on_alone(other, fits):
    said = {"kind": "anomaly", "method": "mean", "field": "anomaly", "threshold": 1.0}
    made = fitted_for(contract("words-64", WordEmbedder()), centres=CENTRES, **said)
    assert made.fits(other) is fits


def test_a_document_of_passages_is_the_mean_of_their_directions():
    ids, units = whole(["a", "a", "b"], UNITS[[0, 1, 3]])
    assert ids == ["a", "b"]
    assert units == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [-1, 0]]), abs=1e-6)
