"""Folders of pictures: each file is a document with what is told of it, or a reason."""

import csv
import json
import re

import pytest

from es_hybrid.errors import RecordError, SourceError
from es_hybrid.sources import Pages, PictureRecords, Pictures, memory
from es_hybrid.sources.captions import Captions
from tests.drawn import BAD, described, laid, plain, saved

SEA = saved(plain((64, 32)), "JPEG")


@pytest.fixture
def folder(tmp_path):
    return laid(
        tmp_path / "photos",
        {
            "trips/jeju/sea-at_noon.jpg": SEA,
            "road.jpg": saved(plain(), "JPEG", exif=described()),
            ".hidden.jpg": SEA,
            "notes.md": b"no picture",
        },
    )


def records(folder, **options):
    found = [item.record for item in Pictures(folder, **options)]
    return {record["_id"]: record for record in found if not isinstance(record, RecordError)}


def table(path, *rows):
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def test_ids_are_paths_and_come_in_their_order(folder):
    assert list(records(folder)) == ["road.jpg", "trips/jeju/sea-at_noon.jpg"]


def test_names_of_the_file_and_of_its_folders_can_be_read_and_filtered(folder):
    record = records(folder)["trips/jeju/sea-at_noon.jpg"]
    assert (record["title"], record["tags"]) == ("sea at noon", ["trips", "jeju"])
    assert (record["width"], record["height"], record["format"]) == (64, 32, "JPEG")


def test_what_the_camera_wrote_is_told(folder):
    record = records(folder)["road.jpg"]
    assert (record["taken_at"], record["camera"]) == ("2024-05-01T12:30:00+09:00", "Maker Model 7")
    assert record["location"] == {"lat": 37.56, "lon": 126.98}
    assert record["caption"] == "A road without people"


def test_a_text_beside_a_picture_is_its_caption(folder):
    laid(folder, {"road.txt": b"a quiet\nroad", "trips/jeju/sea-at_noon.jpg.txt": b"waves"})
    found = records(folder)
    assert found["road.jpg"]["caption"] == ["a quiet road", "A road without people"]
    assert found["trips/jeju/sea-at_noon.jpg"]["caption"] == "waves"
    assert Pictures(folder).left_out == {".md files": 1, "hidden": 1}


def test_a_table_gives_several_captions_tags_and_other_fields(folder, tmp_path):
    captions = table(
        tmp_path / "captions.csv",
        ("image", "caption", "tags", "weather"),
        ("sea-at_noon.jpg", "waves", "blue, calm", "fair"),
        ("sea-at_noon.jpg", "water", "", "fair"),
    )
    record = records(folder, captions=captions)["trips/jeju/sea-at_noon.jpg"]
    assert (record["caption"], record["weather"]) == (["waves", "water"], "fair")
    assert record["tags"] == ["trips", "jeju", "blue", "calm"]


def test_json_leads_from_a_picture_to_captions_or_to_fields(folder, tmp_path):
    told = {"road.jpg": ["a road"], "trips/jeju/sea-at_noon.jpg": {"caption": "waves", "by": "me"}}
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps(told))
    found = records(folder, captions=captions)
    assert found["road.jpg"]["caption"] == ["a road", "A road without people"]
    assert found["trips/jeju/sea-at_noon.jpg"]["by"] == "me"


def test_captions_of_no_picture_are_counted(folder, tmp_path):
    captions = table(tmp_path / "c.csv", ("image", "caption"), ("gone.jpg", "what was there"))
    assert Pictures(folder, captions=captions).left_out["captions of no picture"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("photo;words\n", "none that names a picture|tells nothing"),
        ("a,b\n1,2\n", "none that names a picture"),
        ("[1, 2]", "holds a list"),
        ('{"a.jpg": ', "no JSON of captions"),
        ("image,caption\n", "tells nothing of any picture"),
    ],
)
def test_captions_that_tell_nothing_are_refused_with_the_way_out(tmp_path, text, said):
    file = tmp_path / "captions"
    file.write_text(text)
    with pytest.raises(SourceError, match=said):
        Captions(file)


@pytest.mark.parametrize("name", ["bomb.png", "empty.jpg", "text.jpg"])
def test_what_is_no_picture_is_told_with_its_place_and_reason(tmp_path, name):
    data, why = BAD[name]
    (item,) = Pictures(laid(tmp_path, {name: data}))
    assert item.where == name
    assert why in str(item.record)


def test_the_hash_is_that_of_the_bytes(folder):
    before = {item.where: item.picture.hash for item in Pictures(folder)}
    laid(folder, {"road.jpg": SEA})
    after = {item.where: item.picture.hash for item in Pictures(folder)}
    assert after["road.jpg"] == before["trips/jeju/sea-at_noon.jpg"] != before["road.jpg"]


def test_positions_end_at_the_size(folder):
    source = Pictures(folder)
    assert [item.position for item in source][-1] == source.size


def test_a_run_depends_on_pictures_and_captions(folder, tmp_path):
    laid(folder, {"road.txt": b"a quiet road"})
    captions = table(tmp_path / "c.csv", ("image", "caption"), ("road.jpg", "a road"))
    found = Pictures(folder, captions=captions).files()
    assert [name.rpartition("/")[2] for name in found] == [
        "road.jpg", "sea-at_noon.jpg", "road.txt", "c.csv",
    ]  # fmt: skip


def test_a_source_that_is_left_early_stops_reading(folder):
    laid(folder, {f"{number:03}.jpg": SEA for number in range(200)})
    items = iter(Pictures(folder))
    assert next(items).where == "000.jpg"
    items.close()


def test_a_single_picture_is_a_source(folder):
    assert list(records(folder / "road.jpg")) == ["road.jpg"]


def test_a_folder_without_pictures_says_what_it_has(tmp_path):
    with pytest.raises(SourceError, match=r"no picture ending in .*\(it has 1 \.md files\)"):
        Pictures(laid(tmp_path, {"x.md": b"tea"}))


def test_a_folder_of_pictures_alone_says_how_they_are_indexed(tmp_path):
    with pytest.raises(SourceError, match="--mapping images"):
        Pages(laid(tmp_path, {"sea.jpg": SEA}))


def named(*records, **options):
    found = PictureRecords(memory(records), **options)
    return found, [item.record for item in found]


def test_records_bring_their_pictures_and_what_they_say_themselves(folder):
    _, [one, other] = named(
        {"image": "road.jpg", "caption": "mine", "price": 7},
        {"_id": "s", "image": "trips/jeju/sea-at_noon.jpg"},
        folder=folder,
    )
    assert (one["_id"], one["caption"], one["price"], one["width"]) == ("road.jpg", "mine", 7, 40)
    assert (other["_id"], other["title"], other["format"]) == ("s", "sea at noon", "JPEG")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"text": "tea"}, "no picture: name its file in 'image'"),
        ({"image": "gone.jpg"}, "a folder, a pipe or a device|cannot be read"),
        ({"image": "../secret.jpg"}, "lies outside"),
        ({"image": "/etc/passwd"}, "lies outside"),
        ({"image_url": "http://pictures.example/a.jpg"}, "allow it with --allow-urls"),
    ],
)
def test_a_record_without_a_picture_says_why(folder, record, said):
    _, [found] = named(record, folder=folder)
    assert isinstance(found, RecordError)
    assert re.search(said, str(found))


def test_addresses_are_read_where_that_is_allowed_and_kept_until_they_are_embedded(folder):
    asked = []
    source = PictureRecords(
        memory([{"image_url": "https://pictures.example/sea.jpg"}]),
        folder=folder,
        allow_urls=True,
        fetch=lambda url: asked.append(url) or SEA,
    )
    [item] = source
    assert (item.record["_id"], asked) == (asked[0], ["https://pictures.example/sea.jpg"])
    assert item.picture.path.read_bytes() == SEA
