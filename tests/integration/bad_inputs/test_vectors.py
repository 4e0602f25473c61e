"""Ready vectors of every kind: stored with length 1 and their direction, or refused by name."""

import numpy as np
import pytest

NAN, INFINITY = float("nan"), float("inf")

REFUSED = {
    "NaN": ([NAN, 0, 0, 1], "holds a vector with NaN or infinity"),
    "+Inf": ([INFINITY, 0, 0, 1], "holds a vector with NaN or infinity"),
    "-Inf": ([-INFINITY, 0, 0, 1], "holds a vector with NaN or infinity"),
    "zero norm": ([0, 0, 0, 0], "holds a vector of length zero"),
    "wrong dims": ([1, 2, 3], "holds 3 numbers, the others 4"),
    "empty": ([], "has shape (0,), not that of one vector"),
    "2-D": (np.ones((2, 4)), "has shape (2, 4), not that of one vector"),
    "strings": (["1", "2", "3", "4"], "holds no list of numbers"),
    "ragged": ([[1, 2, 3, 4], [5]], "holds rows of unequal length"),
    "denormal": (np.full(4, 1e-40, np.float32), "holds a vector of length zero"),
}
STORED = {
    "float64": np.array([3, 4, 0, 0], np.float64),
    "int": [3, 4, 0, 0],
    "non-contiguous": np.array([3, 9, 4, 9, 0, 9, 0, 9], np.float32)[::2],
    "big-endian": np.array([3, 4, 0, 0], ">f4"),
}


def beside_good_ones(vector):
    return [
        {"_id": name, "text": "tea", "v": given}
        for name, given in (("before", [1, 0, 0, 0]), ("odd", vector), ("after", [0, 0, 0, 1]))
    ]


@pytest.mark.parametrize("what", REFUSED)
def test_is_rejected_by_name_and_its_neighbours_are_indexed(write, what):
    vector, reason = REFUSED[what]
    report = write(*beside_good_ones(vector), vector_field="v")
    assert (report.read, report.indexed, report.rejected) == (3, 2, 1)
    assert report.problems[0].where == "record 2"
    assert f"vector field 'v' {reason}" in report.problems[0].reason


@pytest.mark.parametrize("what", STORED)
def test_is_stored_with_its_direction_and_length_1(write, vector_of, what):
    report = write(*beside_good_ones(STORED[what]), vector_field="v")
    assert (report.read, report.indexed) == (3, 3)
    assert np.allclose(vector_of("odd"), [0.6, 0.8, 0, 0], atol=1e-6)
    assert abs(np.linalg.norm(vector_of("odd").astype(float)) - 1) <= 1e-4
