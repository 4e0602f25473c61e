"""Which reader for which input."""

import gzip
import os

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.field_types import FieldType
from es_hybrid.sources import Delimited, JsonLines, Pages, open_source

JSON, CSV = b'{"id": "1"}\n', b"id,t\n1,a\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.jsonl", JSON, JsonLines),
        ("a.ndjson", JSON, JsonLines),
        ("a.json", JSON, JsonLines),
        ("a.jsonl.gz", gzip.compress(JSON, mtime=0), JsonLines),
        ("a", JSON, JsonLines),
        ("a.gz", gzip.compress(JSON, mtime=0), JsonLines),
        ("a.log", b"\xef\xbb\xbf\n " + JSON, JsonLines),
        ("a.csv", CSV, Delimited),
        ("A.CSV", CSV, Delimited),
        ("a.tsv", b"id\tt\n", Delimited),
        ("a.csv.gz", gzip.compress(CSV, mtime=0), Delimited),
        ("a.md", b"hot", Pages),
        ("a.TXT", b"hot", Pages),
        ("a.htm", b"hot", Pages),
    ],
)
def test_extension_and_content_choose_the_reader(folder, name, data, kind):
    (folder / name).write_bytes(data)
    assert isinstance(open_source([name]), kind)


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a", "a.jsonl"])
def test_parquet_is_known_by_its_first_bytes(folder, name):
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    parquet.write_table(pa.table({"n": [1]}), folder / name)
    assert [item.record for item in open_source([name])] == [{"n": 1}]


def test_with_a_delimiter_standard_input_and_unknown_files_are_csv(folder):
    (folder / "a").write_bytes(CSV)
    assert [isinstance(open_source([p], delimiter=","), Delimited) for p in "a-"] == [True, True]
    assert isinstance(open_source(["-"]), JsonLines)


def test_inputs_of_several_kinds_are_read_in_their_order(folder):
    (folder / "docs").mkdir()
    (folder / "docs/b.md").write_text("hot")
    (folder / "a.csv").write_bytes(CSV)
    (folder / "c.jsonl").write_bytes(JSON)
    source = open_source(["c.jsonl", "docs", "a.csv"])
    items = list(source)
    assert [item.where for item in items] == ["c.jsonl line 1", "docs/b.md", "a.csv line 2"]
    assert [item.position for item in items][-1] == source.size == len(JSON) + 3 + len(CSV)


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [("a.jsonl", JSON, " line 1"), ("a.csv", CSV, " line 2"), ("a.md", b"hot", "")],
)
def test_files_of_one_name_are_told_apart_by_their_folders(folder, name, data, line):
    for place in ("x/2024", "y/2024"):
        (folder / place).mkdir(parents=True)
        (folder / place / name).write_bytes(data)
    source = open_source([f"{folder}/*/*/{name}"])
    told = [item.where.removeprefix(f"{folder}/") for item in source]
    assert told == [f"x/2024/{name}{line}", f"y/2024/{name}{line}"]
    assert source.name == f"x/2024/{name},y/2024/{name}"


def test_rows_of_parquet_files_of_one_name_are_told_apart_by_their_folders(folder):
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    for place in "xy":
        (folder / place).mkdir()
        parquet.write_table(pa.table({"n": [1]}), folder / place / "a.parquet")
    told = [item.where for item in open_source(["x/a.parquet", "y/a.parquet"])]
    assert told == ["x/a.parquet row 1", "y/a.parquet row 1"]


def test_files_of_several_folders_are_told_apart_and_keep_their_ids(folder):
    for place in ("x/notes", "y/notes"):
        (folder / place).mkdir(parents=True)
        (folder / place / "a.md").write_text("hot")
    items = list(open_source(["x/notes", "y/notes"]))
    assert [item.where for item in items] == ["x/notes/a.md", "y/notes/a.md"]
    assert [item.record["_id"] for item in items] == ["a.md", "a.md"]


def test_an_empty_text_file_among_others_is_rejected_alone(folder):
    (folder / "a.txt").touch()
    (folder / "b.txt").write_text("hot")
    empty, tea = open_source(["*.txt"])
    assert (empty.where, str(empty.record)) == ("a.txt", "holds no text")
    assert tea.record["text"] == "hot"


def test_many_sources_are_named_by_the_first_few(folder):
    for n in range(5):
        (folder / f"{n}.jsonl").write_bytes(JSON)
    assert open_source(["*.jsonl"]).name == "0.jsonl,1.jsonl,2.jsonl and 2 more"


def test_types_hold_only_where_all_sources_tell_them(folder):
    (folder / "a.md").write_text("hot")
    (folder / "b.md").write_text("hot")
    (folder / "c.jsonl").write_bytes(JSON)
    assert open_source(["a.md", "b.md"]).types == {"modified": FieldType("date")}
    assert open_source(["a.md", "c.jsonl"]).types == {}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["a.md"]),
        ("**/*.md", ["a.md", "docs/b.md"]),
        ("docs/?.md", ["docs/b.md"]),
        ("[ab].md", ["a.md"]),
    ],
)
def test_a_pattern_is_the_files_it_matches_sorted(folder, pattern, found):
    (folder / "docs/folder.md").mkdir(parents=True)
    (folder / "docs/b.md").write_text("hot")
    (folder / "a.md").write_text("hot")
    assert [item.record["_id"] for item in open_source([pattern])] == found


def test_a_file_with_the_name_of_a_pattern_is_that_file(folder):
    (folder / "[a].md").write_text("hot")
    assert [item.where for item in open_source(["[a].md"])] == ["[a].md"]


def test_a_pipe_is_read_once_and_not_touched_before(folder):
    os.mkfifo(folder / "pipe")
    assert open_source(["pipe"]).size is None


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "no input given"),
        (["nix.csv"], "no file 'nix.csv'"),
        (["nix"], "no file 'nix'"),
        (["*.md"], r"no file matches '\*\.md'"),
        (["a.png"], r"'a\.png' is binary and none of \.csv"),
        (["notes.log"], r"'notes\.log' is none of \.csv.*--delimiter"),
        (["empty.csv"], "'empty.csv' is empty"),
        (["wide.jsonl"], r"'wide\.jsonl' is binary and no JSON Lines in UTF-8: convert it"),
    ],
)
def test_what_cannot_be_opened_says_why(folder, paths, said):
    (folder / "a.png").write_bytes(b"\x89PNG\0\0")
    (folder / "notes.log").write_text("id,t\n")
    (folder / "empty.csv").touch()
    (folder / "wide.jsonl").write_text('{"n": 1}', encoding="utf-16")
    with pytest.raises(SourceError, match=said):
        open_source(paths)
