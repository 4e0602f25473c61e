"""Pictures that could not be indexed are, once their files or what is told of them is mended."""

import json

import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.indexing.replay import replay
from es_hybrid.sources import PictureRecords, Pictures, memory
from tests.drawn import BAD, BLUE, GREEN, RED, described, laid, plain, saved
from tests.embedders import Colours, ships

ROAD = saved(plain(color=RED), "JPEG", exif=described())
CUT_OFF, EMPTY = BAD["truncated.jpg"][0], b""
FILES = {"sea.png": saved(plain(color=BLUE)), "sea.txt": b"waves"}


@pytest.fixture
def folder(tmp_path):
    return laid(tmp_path / "photos", FILES)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "dead.ndjson"


def write(es, name, source, file):
    return Indexer(es, name, embedder=Colours(), dead_letters=file).write(source)


def told(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def numbers(es, name, file, **options):
    """Of a replay; whatever happens, they add up to the letters."""
    done = replay(es, name, file, state=None, embedder=Colours(), **options)
    parts = (done.indexed, done.unchanged, done.overtaken, done.failed, done.kept)
    assert (done.letters, done.left) == (sum(parts), len(told(file)))
    return parts


def source(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]


@pytest.mark.parametrize("bad", [CUT_OFF, EMPTY], ids=["cut off", "empty"])
def test_a_picture_that_is_mended_becomes_the_document_that_its_folder_makes(
    es, name, folder, file, bad
):
    captions = (
        laid(folder.parent, {"c.csv": b"image,caption,tags\nroad.jpg,home,quiet\n"}) / "c.csv"
    )
    laid(folder, {"trips/road.jpg": bad, "trips/road.txt": b"a quiet road"})
    write(es, name, Pictures(folder, captions=captions), file)
    laid(folder, {"trips/road.jpg": ROAD})
    assert numbers(es, name, file) == (1, 0, 0, 0, 0)
    road = source(es, name, "trips/road.jpg")
    assert road["caption"] == ["home", "a quiet road", "A road without people"]
    report = write(es, name, Pictures(folder, captions=captions), file)
    assert (report.read, report.unchanged, report.embedded) == (2, 2, 0)


def test_what_is_not_mended_stays_with_its_picture_and_can_be_tried_again(es, name, folder, file):
    laid(folder, {"road.jpg": CUT_OFF, "home.jpg": EMPTY})
    write(es, name, Pictures(folder), file)
    before = {one["picture"] for one in told(file)}
    assert numbers(es, name, file) == (0, 0, 0, 2, 0)
    assert {one["picture"] for one in told(file)} == before
    laid(folder, {"road.jpg": ROAD})
    assert numbers(es, name, file) == (1, 0, 0, 1, 0)


def test_a_picture_that_failed_in_two_runs_becomes_one_document(es, name, folder, file):
    laid(folder, {"road.jpg": CUT_OFF})
    write(es, name, Pictures(folder), file)
    write(es, name, Pictures(folder), file)
    laid(folder, {"road.jpg": ROAD})
    assert numbers(es, name, file) == (1, 1, 0, 0, 0)


def test_a_picture_that_a_later_run_indexed_is_not_written_again(es, name, folder, file):
    laid(folder, {"road.jpg": EMPTY, "road.txt": b"the old road"})
    write(es, name, Pictures(folder), file)
    laid(folder, {"road.jpg": ROAD, "road.txt": b"the new road"})
    write(es, name, Pictures(folder), None)
    assert numbers(es, name, file) == (0, 0, 1, 0, 0)
    assert "the new road" in source(es, name, "road.jpg")["caption"]


def test_what_the_server_refused_to_be_told_of_a_picture_is_mended_in_the_letter(
    es, name, folder, file
):
    records = [
        {"image": "sea.png", "year": 1999},
        {"image": "field.png", "year": "long ago"},
    ]
    laid(folder, {"field.png": saved(plain(color=GREEN))})
    report = write(es, name, PictureRecords(memory(records), folder=folder), file)
    file.write_text(file.read_text().replace('"long ago"', "2001"))
    assert (report.indexed, report.dead_lettered) == (1, 1)
    assert numbers(es, name, file) == (1, 0, 0, 0, 0)
    assert source(es, name, "field.png")["year"] == 2001


def test_a_picture_that_a_record_names_is_found_once_it_is_there(es, name, folder, file):
    records = memory([{"image": "sea.png"}, {"_id": "home", "image": "road.jpg", "price": 7}])
    write(es, name, PictureRecords(records, folder=folder), file)
    assert numbers(es, name, file) == (0, 0, 0, 1, 0)
    laid(folder, {"road.jpg": ROAD})
    assert numbers(es, name, file) == (1, 0, 0, 0, 0)
    assert (source(es, name, "home")["price"], source(es, name, "home")["width"]) == (7, 40)


@pytest.mark.parametrize(
    ("allowed", "said"), [(False, "allow it with --allow-urls"), (True, "127.0.0.1")]
)
def test_addresses_are_asked_again_only_where_that_is_allowed(
    es, name, folder, file, allowed, said
):
    records = memory([{"image": "sea.png"}, {"image_url": "http://127.0.0.1/road.jpg"}])
    write(es, name, PictureRecords(records, folder=folder), file)
    assert numbers(es, name, file, allow_urls=allowed) == (0, 0, 0, 1, 0)
    assert said in told(file)[0]["reason"]


def test_the_command_indexes_what_is_mended(es, name, folder, file, url, typed, monkeypatch):
    monkeypatch.setenv("ES_HYBRID_URL", url)
    ships(monkeypatch, "colours", Colours)
    laid(folder, {"road.jpg": CUT_OFF})
    write(es, name, Pictures(folder), file)
    laid(folder, {"road.jpg": ROAD})
    arguments = ("dead-letters", "replay", name, str(file), "--embedder", "colours", "--json")
    ended = typed(*arguments)
    assert (ended.code, ended.json["indexed"], ended.json["left"]) == (0, 1, 0)
