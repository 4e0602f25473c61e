"""Which neighbour counts: one beyond the largest group that may still be odd."""

import pytest

from es_hybrid.anomalies import Options


@pytest.mark.parametrize(
    ("documents", "contamination", "k"),
    [
        (50, 0.01, 20),
        (1_061, 0.01, 107),
        (1_061, 0.2, 213),
        (1_000_000, 0.01, 1_000),
        (40, 0.01, 20),
        (30, 0.01, 15),
        (20, 0.01, 10),
        (20, 0.5, 11),
    ],
)
def test_k_is_beyond_a_tenth_or_what_is_expected_and_not_beyond_half_of_a_few(
    documents, contamination, k
):
    assert Options(contamination=contamination).neighbour(documents) == k


def test_k_is_what_was_asked_for():
    assert Options(k=3).neighbour(1_000) == 3
