"""Pictures from files that hold anything: right, or refused with a reason."""

import os
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from es_hybrid.errors import RecordError
from es_hybrid.pictures import decoded, facts, opened, shown, thumbnail
from tests.drawn import RED, WHITE, bomb, described, plain, saved


def near(found, wanted, by=3):
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def turned(orientation):
    """Left half red and right half white, as it is seen; stored as a camera would on its side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = plain()
    picture.paste(WHITE, (20, 0, 40, 20))
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
            8: Image.Transpose.ROTATE_270}[orientation]  # fmt: skip
    stored = picture if back is None else picture.transpose(back)
    return saved(stored, "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_becomes_rgb(kind):
    found = decoded(saved(plain(), kind))
    assert (found.mode, found.size) == ("RGB", (40, 20))
    assert near(found.getpixel((3, 3)), RED)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_stands_as_its_exif_says(orientation):
    found = decoded(turned(orientation))
    assert found.size == (40, 20)
    assert near(found.getpixel((2, 10)), RED, by=12)
    assert near(found.getpixel((38, 10)), WHITE, by=12)


@pytest.mark.parametrize(
    ("picture", "kind", "seen"),
    [
        (plain(mode="CMYK", color=(0, 255, 255, 0)), "JPEG", RED),
        (plain(mode="RGBA", color=(255, 0, 0, 0)), "PNG", WHITE),
        (plain(mode="LA", color=(0, 0)), "PNG", WHITE),
        (plain(mode="1", color=1), "PNG", WHITE),
        (plain(mode="L", color=128), "PNG", (128, 128, 128)),
        (plain().convert("P"), "GIF", RED),
        (Image.fromarray(np.full((20, 40), 65535, np.uint16)), "PNG", WHITE),
        (Image.fromarray(np.full((20, 40), 32768, np.uint16)), "PNG", (127, 127, 127)),
        (Image.fromarray(np.full((20, 40), 0.5, np.float32)), "TIFF", (127, 127, 127)),
    ],
    ids=["cmyk", "transparent", "grey-alpha", "one-bit", "grey", "palette", "16-bit-white",
         "16-bit-grey", "float"],
)  # fmt: skip
def test_every_mode_becomes_the_colours_that_are_seen(picture, kind, seen):
    assert near(decoded(saved(picture, kind)).getpixel((3, 3)), seen)


def test_of_an_animation_the_first_frame_is_taken():
    data = saved(plain(), "GIF", save_all=True, append_images=[plain(color=WHITE)] * 3)
    assert near(decoded(data).getpixel((3, 3)), RED)


def test_a_wrong_extension_does_not_matter(tmp_path):
    file = tmp_path / "photo.png"
    file.write_bytes(saved(plain(), "JPEG"))
    assert near(decoded(file).getpixel((3, 3)), RED)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"an empty file \(0 bytes\)"),
        (b"hello, world", r"no picture of JPEG, PNG.*begins with b'hello, w'"),
        (saved(plain((400, 400)), "JPEG")[:700], "a damaged picture"),
        (saved(Image.effect_noise((90, 90), 50))[:3000], "a damaged picture"),
        (saved(plain())[:20], "damaged|cut off"),
        (bomb(60_000, 60_000), "more than 89,000,000 pixels"),
        (bomb(300_000, 300), "90,000,000|more than 89,000,000 pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture of JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture of JPEG"),
    ],
    ids=["empty", "text", "truncated-jpeg", "truncated-png", "head-only", "bomb", "small-bomb",
         "eps", "svg"],
)  # fmt: skip
def test_what_is_no_good_picture_is_refused_with_the_reason(data, said):
    with pytest.raises(RecordError, match=said):
        decoded(data)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "photo.jpg"
    os.mkfifo(pipe)
    with pytest.raises(RecordError, match="a folder, a pipe or a device"):
        decoded(pipe)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    file = tmp_path / "photo.jpg"
    with file.open("wb") as out:
        out.truncate(5_000_000_000)
    with pytest.raises(RecordError, match="5,000,000,000 bytes, and 104,857,600 are the most"):
        decoded(file)


def told(exif, kind="JPEG"):
    with opened(saved(plain(), kind, exif=exif)) as picture:
        return facts(picture)


def test_time_place_camera_and_caption_are_read_from_exif():
    found = told(described())
    assert (found.taken_at, found.location) == ("2024-05-01T12:30:00+09:00", (37.56, 126.98))
    assert (found.camera, found.description) == ("Maker Model 7", "A road without people")
    assert found.fields()["location"] == {"lat": 37.56, "lon": 126.98}


def test_south_and_west_are_negative():
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 0.0, 0.0)})
    assert told(exif).location == (-33.5, -70.0)


@pytest.mark.parametrize(
    "place",
    [
        {},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (99.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (37.0, 0.0, 0.0)},
    ],
    ids=["none", "null-island", "beyond-the-pole", "half"],
)
def test_a_place_that_is_none_is_left_out(place):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(place)
    assert told(exif).location is None


@pytest.mark.parametrize("moment", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_time_that_is_none_is_left_out(moment):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: moment})
    assert told(exif).taken_at is None


def test_the_size_is_that_of_the_upright_picture():
    with opened(turned(6)) as picture:
        found = facts(picture)
    assert (found.width, found.height, found.format) == (40, 20, "JPEG")


def test_a_thumbnail_is_a_small_jpeg_of_the_same_proportions():
    small = Image.open(BytesIO(b64decode(thumbnail(plain((1000, 500))))))
    assert (small.format, small.size) == ("JPEG", (128, 64))
    assert near(small.getpixel((5, 5)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_models_are_shown_large_pictures_smaller_and_small_ones_as_they_are(kind):
    large, small = (shown(saved(plain(size), kind)) for size in ((3000, 2000), (300, 200)))
    assert (large.size, small.size) == ((1152, 768), (300, 200))
    assert near(large.getpixel((9, 9)), RED)


def test_a_picture_is_shown_alike_from_a_file_its_bytes_and_pillow(tmp_path):
    data = saved(Image.effect_noise((900, 1200), 60).convert("RGB"))
    file = tmp_path / "noise.png"
    file.write_bytes(data)
    made = [shown(source).tobytes() for source in (file, data, Image.open(file))]
    assert made[0] == made[1] == made[2]


def test_a_strip_of_a_picture_keeps_some_pixels():
    assert shown(saved(plain((5000, 2)))).size == (5000, 2)


def test_a_smaller_copy_stands_as_its_exif_says():
    large = plain((2000, 1000))
    large.paste(WHITE, (0, 0, 1000, 1000))
    exif = Image.Exif()
    exif[0x0112] = 3
    found = shown(saved(large, "JPEG", exif=exif))
    assert found.size == (1536, 768)
    assert near(found.getpixel((9, 9)), RED, by=12)
