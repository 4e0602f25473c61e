"""Files that are broken, lie about what they are, never end, or would run what they hold."""

import gzip
import json
import os
import pickle
import resource
import threading
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from es_hybrid import Indexer
from es_hybrid.embedders.text import SentenceTransformerEmbedder
from es_hybrid.errors import DownloadFailed, EmbedderError, SourceError
from es_hybrid.node import server
from es_hybrid.sources import open_source
from tests.embedders import WordEmbedder

LINES = [json.dumps({"_id": str(n), "text": f"tea {n} {os.urandom(20).hex()}"}) for n in range(500)]
GOOD = '{"_id": "good", "text": "the sea is deep"}\n'
GB = 1024**3
MOST = 1.2  # GB that a run may take beside what the process has


@pytest.fixture
def memory():
    """Fails what takes far more memory than the largest line that Elasticsearch takes."""
    used = psutil.Process().memory_info().vms
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + int(MOST * GB), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def file(tmp_path):
    """Writes bytes to a file."""

    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def test_a_truncated_gzip_is_indexed_as_far_as_it_goes(write, file):
    whole = gzip.compress("\n".join(LINES).encode())
    report = write(file("docs.jsonl.gz", whole[:-2000]))
    assert 300 < report.indexed == report.read - 1
    assert "breaks off here and the rest is unread" in report.problems[0].reason


def test_a_truncated_parquet_is_refused(write, file, tmp_path):
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    parquet.write_table(pa.table({"text": LINES}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(SourceError, match=r"is no whole Parquet file .* if it is cut off"):
        write(file("docs.parquet", whole[: len(whole) // 2]))


def test_a_zip_bomb_is_not_unpacked(write, tmp_path, memory):
    for name in ("docs", "docs.jsonl"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("docs.jsonl", bytes(100_000_000))
        with pytest.raises(SourceError, match="is binary and no"):
            write(tmp_path / name)


@pytest.mark.parametrize("name", ["docs.jsonl.gz", "docs.csv.gz"])
def test_a_gzip_bomb_takes_neither_the_memory_nor_its_neighbours(write, file, memory, name):
    zeros = gzip.compress(bytes(20_000_000))
    good = GOOD if "jsonl" in name else "_id,text\ngood,the sea is deep\n"
    report = write(file(name, gzip.compress(good.encode()) + zeros * 40))  # 800 MB
    assert (report.indexed, report.rejected) == (1, 1)
    assert "a line does not end within" in report.problems[0].reason


@pytest.mark.parametrize("name", ["../evil", "/tmp/es-hybrid-evil"])
def test_no_member_of_an_archive_is_written_elsewhere(tmp_path, monkeypatch, name):
    archive = tmp_path / "server.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "evil")
    monkeypatch.setattr(server.maven, "fetch", lambda *_, **__: archive)
    place = tmp_path / "home/servers/9.5.4"
    place.parent.mkdir(parents=True)
    with pytest.raises(DownloadFailed, match="so it is not the server"):
        server._fetch("9.5.4", place, home=tmp_path / "home", say=print)
    assert [one for one in tmp_path.rglob("evil") if place.parent not in one.parents] == []
    assert not Path("/tmp/es-hybrid-evil").exists()


def test_a_link_out_of_a_folder_is_not_followed(write, tmp_path):
    (tmp_path / "secret.md").write_text("a secret")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/good.md").write_text("the sea is deep")
    (tmp_path / "docs/out.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "docs/up").symlink_to("..")
    report = write(tmp_path / "docs")
    assert (report.read, report.indexed) == (1, 1)
    assert report.left_out == {"links to elsewhere": 2}


def test_a_pipe_is_read_to_its_end(write, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(GOOD,), daemon=True)
    writer.start()
    assert write(tmp_path / "pipe").indexed == 1


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_a_device_is_refused(device):
    with pytest.raises(SourceError, match="is a device or a socket: name a file"):
        open_source([device])


class Evil:
    """Runs what it says where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder to see whether something was unpickled."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    assert list((tmp_path / "here").iterdir()) == []


def test_a_pickle_in_a_file_of_vectors_is_not_loaded(write, file, tmp_path, empty):
    np.save(tmp_path / "v.npy", np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(SourceError, match=r"is no \.npy file .*Python objects"):
        write(file("docs.jsonl", GOOD.encode()), vectors_file=tmp_path / "v.npy")


@pytest.mark.parametrize("name", ["model.pt", "model.pkl"])
def test_a_pickled_model_is_not_loaded(file, empty, name):
    with pytest.raises(EmbedderError, match="no folder with a sentence-transformers model"):
        _ = SentenceTransformerEmbedder(str(file(name, pickle.dumps(Evil())))).info


def test_formulas_in_cells_stay_text(write, file, stored):
    cells = [
        '=HYPERLINK("http://evil","x")',
        "+1+1",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "=cmd|' /C calc'!A0",
    ]
    rows = [f'{n},tea,"{cell.replace(chr(34), chr(34) * 2)}"' for n, cell in enumerate(cells)]
    report = write(file("docs.csv", "\n".join(["_id,text,cell", *rows]).encode()))
    assert report.indexed == len(cells)
    assert [stored(str(n))["cell"] for n in range(len(cells))] == cells


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("picture.jsonl", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is binary and no JSON Lines"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file is binary|not utf-8"),
        ("rows.jsonl", b"_id,text\n1,tea\n", "none of the 2 records can be read"),
        ("lines.parquet", GOOD.encode(), "is no whole Parquet file"),
        ("page.jsonl", b"<html><p>tea</html>", "none of the 1 records can be read"),
        ("docs.txt.gz", gzip.compress(b"tea", mtime=0), "none of the 1 records can be read"),
    ],
)
def test_a_file_of_another_kind_than_its_name_says_is_refused(write, file, name, data, said):
    with pytest.raises(SourceError, match=said):
        write(file(name, data))


@pytest.mark.parametrize("change", ["grown", "cut off"])
def test_a_file_that_changes_while_it_is_read_is_told_and_nothing_is_pruned(
    es, name, file, monkeypatch, change
):
    path = file("docs.jsonl", "\n".join(LINES).encode())
    indexer = Indexer(es, name, embedder=WordEmbedder(), analysis="standard", prune=1.0)
    indexer.write(open_source([path]))

    def changed(_):
        os.truncate(path, 10_000) if change == "cut off" else path.write_text(
            "\n".join(LINES) + "\n"
        )

    monkeypatch.setattr("es_hybrid.indexing.intake.WINDOW", 10)
    report = indexer.write(open_source([path]), progress=changed)
    assert "the source was changed while it was read" in report.notes[-1]
    assert report.not_pruned
    assert report.read == report.indexed + report.unchanged + report.dead_lettered + report.rejected


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "a", "a.jsonl.gz"])
def test_a_file_of_0_bytes_is_refused(write, file, name):
    with pytest.raises(SourceError, match="is empty: it needs"):
        write(file(name, b""))


@pytest.mark.parametrize(
    ("name", "head"), [("a.jsonl", GOOD * 500), ("a.csv", "_id,text\n" + "good,tea\n" * 500)]
)
def test_5_gb_of_nothing_behind_good_records_are_left_out(write, file, memory, name, head):
    path = file(name, head.encode())
    os.truncate(path, 5 * GB)
    report = write(path)
    assert report.indexed == 1
    assert "a line does not end within" in report.problems[-1].reason


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.jsonl", "is binary and no JSON Lines"),
        ("a.csv", "a line does not end within"),
        ("a.txt", "5,368,709,120 bytes, and 104,857,600 are the most"),
        ("a.parquet", "is no whole Parquet file"),
        ("a", "is binary and none of"),
    ],
)
def test_5_gb_of_nothing_are_refused(write, file, memory, name, said):
    path = file(name, b"")
    os.truncate(path, 5 * GB)
    with pytest.raises(SourceError, match=said):
        write(path)


def test_5_gb_of_no_vectors_are_refused(write, file, memory):
    docs, vectors = file("docs.jsonl", GOOD.encode()), file("v.npy", b"")
    os.truncate(vectors, 5 * GB)
    with pytest.raises(SourceError, match=r"is no \.npy file"):
        write(docs, vectors_file=vectors)
