"""Faults of the connection."""

import pytest

from tests.faults import acts
from tests.faults.checks import plan
from tests.faults.proxy import Rule

PASSING = {
    "refused mid-run then back": acts.refused(0.7),
    "reset before body": acts.reset_before_body,
    "reset after body before answer": acts.reset_after_body,
    "half-open silence": acts.silence(3),
    "1 byte a second": acts.trickle(3),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_broken_connection_is_waited_for_and_nothing_is_lost(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)
    report = scene.ingest(planned, Rule(fault, PASSING[fault], at=range(3 + seed, 5 + seed)))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []
