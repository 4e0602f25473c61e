"""A record becomes a document with stable ids, or is rejected with a reason."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest

from es_hybrid.documents import Document, Fields, Reader, document
from es_hybrid.errors import RecordError
from es_hybrid.field_types import field_type

TEA = {"_id": "tea", "title": "Tea", "text": "a hot drink", "price": 3}


def made(record, **fields) -> Document:
    return document(record, Fields(**fields))


def test_the_text_is_the_text_fields_in_their_order():
    assert made(TEA).text == "Tea a hot drink"
    assert made(TEA, text=("text", "title")).text == "a hot drink Tea"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("  Tea\n", "Tea"),
        (["Tea", " Chai "], "Tea Chai"),
        ([["Tea"], [None, "Chai"]], "Tea Chai"),
        (42, "42"),
        (None, ""),
        ([], ""),
        ("", ""),
    ],
)
def test_a_text_field_may_hold_strings_numbers_and_lists_of_them(title, text):
    assert made({"title": title, "text": "x"}).text == f"{text} x".strip()


@pytest.mark.parametrize("value", [{"ko": "차"}, ["Tea", {"ko": "차"}]])
def test_an_object_in_a_text_field_is_rejected_by_name(value):
    with pytest.raises(RecordError, match="text field 'title' holds"):
        made({"title": value, "text": "x"})


@pytest.mark.parametrize("missing", [float("nan"), None, " \t\n", []])
def test_a_missing_value_is_no_text(missing):
    with pytest.raises(RecordError, match="no text in title"):
        made({"title": missing}, text=("title",))


def test_blank_text_is_not_called_missing():
    with pytest.raises(
        RecordError, match=r"no text in title, text \(nothing to read in its text\)"
    ):
        made({"text": " ", "body": "x"})


def test_missing_text_names_the_fields_that_were_found_and_the_way_out():
    with pytest.raises(RecordError, match=r"title, text.*body, lang.*--text-fields"):
        made({"lang": "ko", "body": "x"})


def test_the_same_content_has_the_same_id_whatever_the_order_of_its_fields():
    first, second = (
        made({"text": "a", "n": {"x": 1, "y": 2}}),
        made({"n": {"y": 2, "x": 1}, "text": "a"}),
    )
    assert (first.id, first.content_hash) == (second.id, second.content_hash)
    assert len(first.id) == 32


def test_ids_do_not_change_between_versions():
    assert made({"text": "a hot drink"}).id == "6ffec9c69e5b89503e3ae3bf90c57306"


def test_hashes_do_not_change_between_versions():
    one = Reader(Fields()).document({"text": "a hot drink"}, vector=np.array([1, 2], np.float32))
    assert one.text_hash == "488f0131366ebff92c72f49784a6a251"
    assert one.content_hash == "79fd327dd6f65c8ae0f633e039c125e3"


def test_another_price_changes_the_content_hash_only():
    before, after = made(TEA), made({**TEA, "price": 4})
    assert before.content_hash != after.content_hash
    assert (before.id, before.text_hash) == (after.id, after.text_hash)


def test_another_text_changes_both_hashes():
    before, after = made(TEA), made({**TEA, "text": "a cold drink"})
    assert before.content_hash != after.content_hash
    assert before.text_hash != after.text_hash


def test_the_id_takes_no_part_in_the_content_hash():
    assert made(TEA).content_hash == made({**TEA, "_id": "chai"}).content_hash


@pytest.mark.parametrize(("value", "identifier"), [(7, "7"), (0, "0"), (-1, "-1"), ("é", "é")])
def test_an_id_is_a_string_or_an_integer(value, identifier):
    assert made({**TEA, "_id": value}).id == identifier


@pytest.mark.parametrize("value", [True, False, None, "", 1.5, ["a"], {"a": 1}, "\ud800"])
def test_anything_else_is_no_id(value):
    with pytest.raises(RecordError, match="field '_id': an id is"):
        made({**TEA, "_id": value})


@pytest.mark.parametrize("longest", ["x" * 512, "차" * 170 + "xx"])
def test_an_id_has_at_most_512_bytes(longest):
    assert made({**TEA, "_id": longest}).id == longest
    with pytest.raises(RecordError, match="513 bytes: Elasticsearch allows 512"):
        made({**TEA, "_id": longest + "x"})


def test_a_named_id_field_is_taken_and_stays_in_the_source():
    one = made({"sku": 12, "text": "x"}, id="sku")
    assert (one.id, one.source) == ("12", {"sku": 12, "text": "x"})


def test_a_missing_named_id_field_is_rejected():
    with pytest.raises(RecordError, match=r"no id field 'sku'.*--id-field"):
        made(TEA, id="sku")


def test_the_id_leaves_the_source_and_the_record_stays_as_it_was():
    record = dict(TEA)
    assert made(record).source == {"title": "Tea", "text": "a hot drink", "price": 3}
    assert record == TEA


@pytest.mark.parametrize("name", ["embedding", "es_hybrid", "es_hybrid.norm"])
def test_reserved_fields_are_rejected_by_name(name):
    with pytest.raises(RecordError, match=f"field '{name}' is written by es_hybrid"):
        made({**TEA, name: [1.0]})


@pytest.mark.parametrize(
    ("name", "way_out"),
    [("es_hybrid", "--map OTHER=es_hybrid$"), ("embedding", "--vector-field embedding")],
)
def test_a_reserved_field_has_a_way_out(name, way_out):
    with pytest.raises(RecordError, match=way_out):
        made({**TEA, name: [1.0]})
    renamed = document({**TEA, name: [1.0]}, Fields(columns={"other": name}))
    assert renamed.source["other"] == [1.0]


@pytest.mark.parametrize("name", ["pipeline", "routing", "_op_type", "_type", "embeddings"])
def test_columns_named_like_bulk_metadata_are_data(name):
    assert made({**TEA, name: "x"}).source[name] == "x"


@pytest.mark.parametrize("name", ["_source", "_index", "_routing", "_doc_count", "_source.x"])
def test_columns_named_like_metadata_fields_are_data_under_another_name(name):
    source = made({**TEA, name: "x"}).source
    assert source["field" + name] == "x"
    assert name not in source


@pytest.mark.parametrize(
    ("fields", "title"), [(("title", "text"), "Tea"), (("title",), ""), (("none", "text"), "")]
)
def test_the_first_of_several_text_fields_is_the_title(fields, title):
    tea = document({"title": " Tea ", "text": "hot"}, Fields(text=fields))
    assert tea.title == title
    assert tea.text.startswith(title)


def test_a_column_called_id_is_data_where_another_field_is_the_id():
    tea = document({**TEA, "_id": 7, "sku": "a"}, Fields(id="sku"))
    assert (tea.id, tea.source["field_id"]) == ("a", 7)


def test_a_column_is_read_under_the_name_of_its_field():
    fields = Fields(columns={"title": "headline", "_id": "nr"})
    tea = document({"headline": "Tea", "nr": 7, "text": "hot"}, fields)
    assert (tea.id, tea.source) == ("7", {"title": "Tea", "text": "hot"})


def test_two_fields_may_change_places():
    fields = Fields(columns={"title": "text", "text": "title"})
    assert document(TEA, fields).source["text"] == TEA["title"]


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        ({"title": "Tea", "headline": "Hot"}, {"title": "headline"}),
        ({"_index": 1, "field_index": 2}, {}),
    ],
)
def test_no_column_is_lost_to_another_of_its_name(record, columns):
    with pytest.raises(RecordError, match=r"as well: .*--map OTHER="):
        document({**TEA, **record}, Fields(columns=columns))


def test_typed_values_are_converted_before_they_are_hashed():
    fields = Fields(types={"year": field_type("number")})
    text, number = (document({**TEA, "year": year}, fields) for year in ("1975", 1975))
    assert text.source["year"] == 1975
    assert text.content_hash == number.content_hash


@pytest.mark.parametrize("value", [{1, 2}, 2**64, "\ud800", {1: "a"}, object(), b"bytes"])
def test_what_json_cannot_say_is_rejected_by_its_field(value):
    with pytest.raises(RecordError, match=r"field 'extra' holds .* not JSON .*: make it text"):
        made({**TEA, "extra": value})


NAN, INFINITE = float("nan"), float("inf")


@dataclass
class Shop:
    price: float


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price", NAN, "'price' holds nan"),
        ("price", -INFINITE, "'price' holds -inf"),
        ("prices", [1.0, [2.0, INFINITE]], "'prices' holds inf"),
        ("pair", (1.0, NAN), "'pair' holds nan"),
        ("shop", {"name": None, "prices": [{"won": NAN}]}, "'shop.prices.won' holds nan"),
        ("shop", Shop(NAN), "'shop.price' holds nan"),
        ("text", INFINITE, "'text' holds inf"),
        ("_id", NAN, "id nan in field '_id'"),
        ("_index", NAN, "'field_index' holds nan"),
    ],
)
def test_a_number_that_is_not_finite_is_rejected_by_its_field_however_deep(field, value, said):
    with pytest.raises(RecordError, match=f"{said}.*: "):
        made({**TEA, field: value})


def test_nan_is_a_missing_value_where_a_text_or_a_type_is_expected():
    fields = Fields(types={"price": field_type("number")})
    tea = document({**TEA, "title": NAN, "text": ["hot", NAN], "price": [1, NAN]}, fields)
    assert tea.source == {"title": None, "text": ["hot", None], "price": [1, None]}
    assert tea.text == "hot"


def test_a_missing_value_is_kept_as_none():
    assert made({**TEA, "price": None, "shop": {"open": None}}).source["shop"] == {"open": None}


def test_dates_are_json():
    assert made({**TEA, "when": datetime(2020, 1, 1, tzinfo=UTC)}).content_hash


def test_a_long_value_is_cut_in_messages():
    with pytest.raises(RecordError) as caught:
        made({**TEA, "_id": ["x" * 1000]})
    assert len(str(caught.value)) < 200
