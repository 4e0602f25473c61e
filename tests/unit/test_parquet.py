"""Parquet: types kept, nulls missing, and what JSON cannot say is refused at once."""

import datetime as dt
import json
import os
import sys
from decimal import Decimal

import numpy as np
import pytest

from es_hybrid.documents import Fields, document
from es_hybrid.errors import RecordError, SourceError
from es_hybrid.field_types import FieldType

pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")

from es_hybrid.sources.parquet import Parquet  # noqa: E402 - only where pyarrow is there


@pytest.fixture
def source(tmp_path):
    """Writes columns to a file and opens it."""

    def written(columns, **options):
        pq.write_table(pa.table(columns), tmp_path / "films.parquet", **options)
        return Parquet(tmp_path / "films.parquet")

    return written


def only(source):
    return [item.record for item in source]


MOMENT = dt.datetime(2024, 5, 31, 10, 0, 0, 123456)
SEOUL = dt.timezone(dt.timedelta(hours=9))


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        (2**63 - 1, pa.int64(), 2**63 - 1),
        (2**64 - 1, pa.uint64(), 2**64 - 1),
        (0.1, pa.float64(), 0.1),
        (np.float16(0.5), pa.float16(), 0.5),
        (True, pa.bool_(), True),
        ("기생충", pa.string(), "기생충"),
        ("a", pa.dictionary(pa.int8(), pa.string()), "a"),
        (MOMENT, pa.timestamp("us"), "2024-05-31T10:00:00.123456"),
        (1717149600123456789, pa.timestamp("ns"), "2024-05-31T10:00:00.123456"),
        (
            MOMENT.replace(tzinfo=SEOUL),
            pa.timestamp("us", "Asia/Seoul"),
            "2024-05-31T01:00:00.123456+00:00",
        ),
        (dt.date(2024, 5, 31), pa.date32(), "2024-05-31"),
        (dt.time(10, 0), pa.time32("s"), "10:00:00"),
        (Decimal("12.50"), pa.decimal128(10, 2), "12.50"),
        ([1, None, 2], pa.list_(pa.int64()), [1, None, 2]),
        ([MOMENT], pa.list_(pa.timestamp("ns")), ["2024-05-31T10:00:00.123456"]),
        ({"a": 1, "b": None}, pa.struct({"a": pa.int64(), "b": pa.string()}), {"a": 1}),
        ([("a", 1)], pa.map_(pa.string(), pa.int64()), {"a": 1}),
    ],
)
def test_a_value_becomes_what_json_can_say(source, value, kind, read):
    [record] = only(source({"x": pa.array([value], kind)}))
    assert record == {"x": read}
    json.dumps(record)


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.timestamp("ns"), pa.null()])
def test_a_null_is_a_missing_value(source, kind):
    assert only(source({"id": [1], "x": pa.array([None], kind)})) == [{"id": 1}]


def test_nan_in_a_column_of_numbers_is_a_missing_value(source):
    assert only(source({"id": [1, 2], "x": [float("nan"), 1.0]})) == [
        {"id": 1},
        {"id": 2, "x": 1.0},
    ]


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (pa.float64(), float("inf"), "'x' holds -?inf"),
        (pa.list_(pa.float32()), [1.0, float("nan")], "'x' holds nan"),
        (pa.struct({"y": pa.float64()}), {"y": float("nan")}, "'x.y' holds nan"),
    ],
    ids=str,
)
def test_what_is_no_number_is_rejected_by_its_field(source, kind, value, said):
    films = source({"title": ["Jaws"], "x": pa.array([value], kind)})
    with pytest.raises(RecordError, match=said):
        document(only(films)[0], Fields(types=films.types))


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary(),
        pa.large_binary(),
        pa.binary(2),
        pa.duration("s"),
        pa.list_(pa.binary()),
        pa.struct({"bytes": pa.binary()}),
    ],
    ids=str,
)
def test_what_json_cannot_say_is_refused_by_column_before_anything_is_read(source, kind):
    with pytest.raises(SourceError, match=r"films\.parquet holds what JSON cannot say in 'x'"):
        source({"id": [1], "x": pa.array([None], kind)})


def test_the_columns_tell_their_types(source):
    columns = {
        "_id": [1],
        "n": [1],
        "f": [0.5],
        "b": [True],
        "d": [dt.date(2024, 5, 31)],
        "t": [MOMENT],
        "s": ["x"],
        "l": [[1]],
    }
    types = source(columns).types
    assert types == {
        name: FieldType(kind)
        for name, kind in zip(
            "nfbdt", ("integer", "number", "boolean", "date", "date"), strict=True
        )
    }


def test_what_it_reads_fits_the_types_it_tells(source):
    films = source({"title": ["Jaws"], "n": [1], "f": [0.5], "b": [True], "t": [MOMENT]})
    made = document(only(films)[0], Fields(types=films.types))
    assert made.source == {**only(films)[0]}


def test_each_row_has_its_number_and_positions_grow_to_the_size(source):
    films = source({"n": list(range(2000))}, row_group_size=300)
    items = list(films)
    assert [items[0].where, items[-1].where] == ["films.parquet row 1", "films.parquet row 2000"]
    positions = [item.position for item in items]
    assert positions == sorted(positions)
    assert positions[-1] == films.size


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-40], "is no whole Parquet file"),
        (lambda data: b"id,title\n1,Jaws\n", "is no whole Parquet file"),
        (lambda data: b"", "is empty"),
    ],
    ids=["cut off", "csv", "empty"],
)
def test_what_is_no_parquet_is_refused(source, tmp_path, damage, said):
    source({"n": [1, 2, 3]})
    path = tmp_path / "films.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SourceError, match=said):
        Parquet(path)


def test_damage_in_the_middle_ends_the_rows_with_a_reason(source, tmp_path):
    texts = [f"text {n * 7919}" for n in range(5000)]
    source({"t": texts}, row_group_size=1000, use_dictionary=False)
    path = tmp_path / "films.parquet"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(data)
    items = list(Parquet(path))
    assert "breaks off here" in str(items[-1].record)
    assert 1000 < len(items) < 5000


def test_a_missing_pyarrow_is_named_with_the_command_that_installs_it(source, monkeypatch):
    films = source({"n": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SourceError, match=r"pip install 'es_hybrid\[parquet\]'"):
        Parquet(films.path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="is a pipe"):
        Parquet(tmp_path / "pipe")


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(SourceError, match="two columns called 'x'"):
        Parquet(tmp_path / "x.parquet")
