"""Folders of texts: each file is a document, and what is none is said."""

import os

import pytest

from es_hybrid.errors import RecordError, SourceError, UsageError
from es_hybrid.field_types import FieldType
from es_hybrid.sources.folder import Pages

FILES = {
    "b.md": "# Tea\nhot",
    "a/z.txt": "Coffee\nblack",
    "a/k.html": "<title>Milk</title><p>white",
    ".hidden/x.md": "no",
    ".x.md": "no",
    "image.png": "no",
    "Makefile": "no",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "docs"


def records(path, **options):
    return [item.record for item in Pages(path, **options)]


def reasons(path, **options):
    bad = [item for item in Pages(path, **options) if isinstance(item.record, RecordError)]
    return {item.where: str(item.record) for item in bad}


def test_files_come_in_the_order_of_their_paths_which_are_their_ids(folder):
    assert [one["_id"] for one in records(folder)] == ["a/k.html", "a/z.txt", "b.md"]
    assert [one["title"] for one in records(folder)] == ["Milk", "Coffee", "Tea"]


def test_a_file_tells_path_date_and_extension(folder):
    os.utime(folder / "b.md", (1717149600.7, 1717149600.7))
    assert records(folder)[2] == {
        "_id": "b.md",
        "path": "b.md",
        "title": "Tea",
        "text": "# Tea\nhot",
        "modified": "2024-05-31T10:00:00+00:00",
        "extension": "md",
    }
    assert Pages(folder).types == {"modified": FieldType("date")}


def test_what_is_not_read_is_counted(folder, tmp_path):
    (tmp_path / "secret.md").write_text("no")
    (folder / "out.md").symlink_to(tmp_path / "secret.md")
    (folder / "loop").symlink_to(folder)
    (folder / "in.md").symlink_to(folder / "b.md")
    source = Pages(folder)
    assert source.left_out == {
        ".png files": 1,
        "files of no kind": 1,
        "hidden": 2,
        "links to elsewhere": 2,
    }
    assert [item.where for item in source] == ["a/k.html", "a/z.txt", "b.md", "in.md"]


def test_positions_grow_to_the_size_of_all_files(folder):
    source = Pages(folder)
    positions = [item.position for item in source]
    assert positions == sorted(positions)
    assert positions[-1] == source.size > 0


def test_a_file_alone_has_its_path_as_it_was_named_for_id(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert [one["_id"] for one in records("./a/z.txt")] == ["a/z.txt"]
    assert Pages(".").name == "docs"


def test_a_file_without_a_title_is_called_by_its_name(folder):
    (folder / "b.md").write_text("hot")
    assert records(folder)[2]["title"] == "b"


def test_front_matter_becomes_fields_but_none_of_ours(folder):
    (folder / "b.md").write_text("---\nlang: en\npath: x\n_id: y\n---\nhot")
    record = records(folder)[2]
    assert (record["lang"], record["path"], record["_id"]) == ("en", "b.md", "b.md")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no text"),
        (b" \n", "holds no text"),
        (b"PK\x03\x04\x00\x00", "binary, no text"),
        (b"\x89PNG\r\n", "no text ('utf-8' codec can't decode byte 0x89"),
        ("괴물".encode("cp949"), "name its encoding, as --encoding cp949"),
    ],
)
def test_a_file_that_is_no_text_is_rejected_alone(folder, data, said):
    (folder / "b.md").write_bytes(data)
    assert said in reasons(folder)["b.md"]
    assert len(records(folder)) == 3


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("b.md", "괴물".encode("cp949"), {"encoding": "cp949"}),
        ("b.md", "괴물".encode("utf-16"), {}),
        ("b.md", "\ufeff괴물".encode(), {}),
        ("b.html", '<meta charset="euc-kr">괴물'.encode("euc-kr"), {}),
        ("b.md", "\r\n괴물\r\n".encode(), {}),
    ],
)
def test_encodings_are_named_declared_or_seen(tmp_path, name, data, options):
    (tmp_path / name).write_bytes(data)
    assert records(tmp_path, **options)[0]["text"].strip() == "괴물"


def test_html_that_the_parser_gives_up_on_is_rejected_alone(folder):
    (folder / "a/k.html").write_text("<![foo[x]]>")  # newer Pythons skip it, and nothing is left
    assert list(reasons(folder)) == ["a/k.html"]


def test_a_pipe_or_device_is_refused(folder):
    os.mkfifo(folder / "pipe.txt")
    assert reasons(folder) == {"pipe.txt": "a pipe or a device, not a file"}
    with pytest.raises(SourceError, match="is a pipe or a device"):
        Pages(folder / "pipe.txt")


def test_a_link_to_nowhere_is_rejected(folder):
    (folder / "gone.md").symlink_to(folder / "nowhere")
    assert reasons(folder)["gone.md"] == "cannot be read: No such file or directory"


def test_a_file_that_vanishes_while_the_folder_is_read_is_rejected(folder):
    items = iter(Pages(folder))
    next(items)
    (folder / "b.md").unlink()
    assert str(list(items)[-1].record) == "cannot be read: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_rejected(folder):
    (folder / "a").chmod(0)
    assert reasons(folder) == {"a": "cannot be read: Permission denied"}


def test_a_file_too_large_for_one_request_is_rejected(folder):
    with (folder / "b.md").open("wb") as made:
        made.truncate(101 * 1024 * 1024)  # of holes: it takes no space
    assert reasons(folder) == {"b.md": "105,906,176 bytes, and 104,857,600 are the most"}


def test_a_folder_without_texts_says_what_it_has(tmp_path):
    (tmp_path / "a.parquet").touch()
    with pytest.raises(SourceError, match=r"has no file ending in .*\(it has 1 \.parquet files\)"):
        Pages(tmp_path)


def test_an_unknown_encoding_is_the_callers_mistake(folder):
    with pytest.raises(UsageError, match="unknown encoding 'klingon'"):
        Pages(folder, encoding="klingon")
