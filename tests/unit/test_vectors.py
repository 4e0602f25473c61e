"""Rows of length 1, bad rows named, and the bytes on the wire."""

from base64 import b64decode

import numpy as np
import pytest

from es_hybrid.errors import VectorError
from es_hybrid.vectors import matrix, packed, unit, usable, usable_query, vector


def lengths(vectors):
    return np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))


@pytest.mark.parametrize(
    "row",
    [
        [3.0, 4.0],
        [1e-11, -2e-11],
        [3e38, 3e38],
        [1e-45, 1.0],
        [np.finfo(np.float32).tiny, 1e-11],
        list(range(1, 4097)),
    ],
    ids=["plain", "tiny", "huge", "denormal", "smallest normal", "many"],
)
def test_every_usable_row_gets_length_one(row):
    result = unit(np.array([row], np.float32))
    assert lengths(result.vectors) == pytest.approx(1, abs=1e-6)
    assert not result.faults


def test_the_direction_is_kept():
    rows = np.random.default_rng(1).normal(size=(5, 384)).astype(np.float32)
    result = unit(rows)
    np.testing.assert_allclose(result.vectors * result.norms[:, None], rows, rtol=1e-6)


def test_the_norms_are_the_lengths_before():
    assert unit(np.array([[3, 4], [0, 2]], np.float32)).norms.tolist() == [5.0, 2.0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([0.0, -0.0], "length zero"),
        ([1e-45, 0.0], "length zero"),
        ([np.nan, 1.0], "NaN or infinity"),
        ([np.inf, 1.0], "NaN or infinity"),
        ([-np.inf, np.inf], "NaN or infinity"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_kept(row, reason):
    result = unit(np.array([[1, 0], row, [0, 1]], np.float32))
    assert list(result.faults) == [1]
    assert reason in result.faults[1]
    assert result.vectors.tolist() == [[1, 0], [0, 0], [0, 1]]


def test_the_given_vectors_stay_as_they_were():
    rows = np.array([[3, 4]], np.float32)
    unit(rows)
    assert rows.tolist() == [[3, 4]]


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], np.float64),
        np.array([[1, 2], [3, 4]], ">f4"),
        np.array([[1, 2], [3, 4]], np.float16),
        np.array([[1, 3], [2, 4]], np.float32).T,
        np.array([[1, 0, 2], [3, 0, 4]], np.float32)[:, ::2],
    ],
    ids=["int list", "float64", "big-endian", "float16", "transposed", "strided"],
)
def test_any_numbers_become_native_contiguous_float32(values):
    made = matrix(values, rows=2, dims=2, maker="m")
    assert made.tolist() == [[1, 2], [3, 4]]
    assert made.dtype == np.dtype("=f4")
    assert made.flags.c_contiguous


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[1.0, 2.0]], r"shape \(1, 2\) for 2 texts, not \(2, 2\)"),
        ([[1.0], [2.0]], r"shape \(2, 1\)"),
        ([1.0, 2.0], r"shape \(2,\)"),
        ([[[1.0, 2.0]], [[1.0, 2.0]]], r"shape \(2, 1, 2\)"),
        ([], r"shape \(0,\)"),
        ([[1.0, 2.0], [3.0]], "unequal length, not 2"),
        ([["a", "b"], ["c", "d"]], "type <U1, not numbers"),
        ([[True, False], [True, False]], "type bool"),
        ([[1j, 2j], [1j, 2j]], "type complex128"),
        ([[None, 1.0], [1.0, 1.0]], "type object"),
        (None, "type object"),
    ],
)
def test_anything_else_is_refused_and_its_maker_named(values, said):
    with pytest.raises(VectorError, match=f"model-x gave .*{said}"):
        matrix(values, rows=2, dims=2, maker="model-x")


def test_a_number_too_large_for_float32_is_a_fault_of_its_row():
    result = unit(matrix([[1e300, 0.0], [1.0, 0.0]], rows=2, dims=2, maker="m"))
    assert list(result.faults) == [0]


def test_a_query_vector_is_scaled():
    assert usable_query(np.array([0, 5], np.float32), maker="m", scaled=True).tolist() == [0, 1]


@pytest.mark.parametrize("row", [[0, 0], [np.nan, 1]])
def test_a_useless_query_vector_is_refused_and_its_maker_named(row):
    with pytest.raises(VectorError, match=r"model-x gave a vector .* for the query"):
        usable_query(np.array(row, np.float32), maker="model-x", scaled=True)


def test_packed_is_base64_of_big_endian_float32():
    assert packed(np.array([[1.0, -2.0]], np.float32)) == ["P4AAAMAAAAA="]


def test_packing_loses_nothing():
    rows = np.random.default_rng(1).normal(size=(3, 7)).astype(np.float32)[:, ::2]
    back = [np.frombuffer(b64decode(text), ">f4").tolist() for text in packed(rows)]
    assert back == rows.tolist()


def test_what_is_not_scaled_stays_as_it_came_but_for_what_cannot_be_used():
    rows = np.array([[3, 4], [0, 0], [1e20, 0], [np.nan, 1], [np.inf, 1]], np.float32)
    result = usable(rows, scaled=False)
    assert result.vectors.tolist() == [[3, 4], [0, 0], [0, 0], [0, 0], [0, 0]]
    assert sorted(result.faults) == [1, 2, 3, 4]
    assert result.faults[2] == "a vector of length 1e+20, above 1e+15"


@pytest.mark.parametrize("values", [[1, 2], (1.0, 2.0), np.array([[1, 2]], np.int8)], ids=str)
def test_one_vector_is_read_from_whatever_holds_its_numbers(values):
    assert vector(values, maker="m").tolist() == [1, 2]


@pytest.mark.parametrize(
    "values", [[], 1, "1", [[1], [1, 2]], [[1], [2]], [None], {}, [1j]], ids=str
)
def test_what_is_no_vector_is_refused_by_its_maker(values):
    with pytest.raises(VectorError, match=r"^m (holds|has) "):
        vector(values, maker="m")
