"""What a caller gave, if it can ever work."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.search.checks import choice, field_list, number, plain, query_row, whole, words


def test_words_are_composed_as_documents_are():
    assert words("Cafe\u0301 \uac00") == "Café 가"


@pytest.mark.parametrize("query", ["", " \n", "\u200b", "\ud800 tea", None, 7, b"tea", ["tea"]])
def test_what_is_no_text_to_search_for_is_refused(query):
    with pytest.raises(UsageError, match="query"):
        words(query)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1), Fraction(1, 2), -0.0])
def test_a_number_is_any_real_one_and_becomes_a_float(value):
    assert type(number("weight", value, least=0, most=1)) is float


@pytest.mark.parametrize(
    "value", [-1, 1.01, np.nan, np.inf, "1", None, True, 1j, Decimal("0.5"), [0.5], 10**400]
)
def test_another_is_quoted_with_its_range(value):
    with pytest.raises(UsageError, match=r"weight .* is no number between 0 and 1"):
        number("weight", value, least=0, most=1)


@pytest.mark.parametrize("value", [1, 10, np.int64(3), np.uint8(10)])
def test_a_whole_number_is_any_integer_and_becomes_an_int(value):
    assert type(whole("size", value, least=1, most=10)) is int


@pytest.mark.parametrize("value", [0, 11, 1.0, "1", None, True, np.float32(3), 10**400])
def test_another_whole_number_is_quoted(value):
    with pytest.raises(UsageError, match=r"size .* is no(t| whole)"):
        whole("size", value, least=1, most=10)


def test_a_choice_names_what_there_is():
    assert choice("mode", "knn", ["bm25", "knn"]) == "knn"
    with pytest.raises(UsageError, match="unknown mode 'dense': choose one of bm25, knn"):
        choice("mode", "dense", ["bm25", "knn"])


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ("title", ("title",)),
        ("title^2, text", ("title^2", "text")),
        (["a.b^0.5", "t*"], ("a.b^0.5", "t*")),
        (("title",), ("title",)),
    ],
)
def test_fields_are_names_with_boosts(given, fields):
    assert field_list(given) == fields
    assert [plain(name) for name in fields] == [name.split("^")[0] for name in fields]


@pytest.mark.parametrize("given", ["", "title^", "title^-1", "a b", ["title", 3], [], "a^b"])
def test_what_is_no_field_is_quoted(given):
    with pytest.raises(UsageError, match="field"):
        field_list(given)


def test_a_vector_is_scaled_where_the_index_is_of_unit_vectors():
    row = np.array([3, 4], np.float32)
    assert query_row(row, dims=2, scaled=True).tolist() == pytest.approx([0.6, 0.8])
    assert query_row(row, dims=None, scaled=False).tolist() == [3, 4]


def test_a_vector_of_length_one_stays_as_it_came():
    row = np.array([0.6, 0.8], np.float32)
    assert query_row(row, dims=2, scaled=True).tobytes() == row.tobytes()


def test_a_vector_of_other_dimensions_is_refused_with_both():
    with pytest.raises(VectorError, match="has 2 numbers, the index has 3 dimensions"):
        query_row(np.array([1, 0], np.float32), dims=3, scaled=True)
