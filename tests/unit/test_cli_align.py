"""``es-hybrid align`` from captions to a map, or to the reason why there is none."""

import json

import pytest

from es_hybrid.embedders import image_vectors, load_embedder
from es_hybrid.vectors import unit
from tests.drawn import laid
from tests.embedders import Colours, WordEmbedder, ships
from tests.scenes import SCENES, draw

# Colours and words are told by their own axes: what is drawn in a colour is found by its name.
DRAWN = SCENES[::8]
PARTS = ("--text", "words", "--image", "colours")


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    """Embedders of both kinds."""
    ships(monkeypatch, "words", WordEmbedder)
    ships(monkeypatch, "colours", Colours)


@pytest.fixture
def folder(tmp_path):
    """A hundred drawings, of which one is cut off, and what is seen on them in both formats."""
    made = tmp_path / "drawn"
    made.mkdir()
    captions = {}
    for number, scene in enumerate(DRAWN):
        captions[f"{number:02}.png"] = [scene.caption, f"{scene.colour} {scene.shape}"]
        draw(scene, seed=0).save(made / f"{number:02}.png")
    cut_off = (made / "07.png").read_bytes()[:500]
    rows = [f"{name},{text}" for name, told in captions.items() for text in told]
    table = "\n".join(["image,caption", *rows]).encode()
    return laid(
        made,
        {
            "07.png": cut_off,
            "captions.json": json.dumps(captions).encode(),
            "captions.csv": table,
            "few.csv": b"image,caption\n00.png,one\n01.png,two\n",
            "elsewhere.csv": b"image,caption\nnowhere.png,one\n",
            "broken.json": b'{"00.png": ',
        },
    )


def fit(typed, folder, *more, captions="captions.json"):
    out = ("--images", str(folder), "--out", str(folder / "drawn.map"))
    return typed("align", str(folder / captions), *out, *(more or PARTS))


@pytest.mark.parametrize("captions", ["captions.json", "captions.csv"])
def test_a_map_is_written_and_its_numbers_add_up(typed, folder, captions):
    told = fit(typed, folder, *PARTS, "--json", captions=captions).json
    assert (told["pairs"], told["held_out"], list(told["left_out"])) == (80, 19, ["07.png"])
    assert told["captions"] == 2 * (told["pairs"] + told["held_out"])
    assert json.loads((folder / "drawn.map.json").read_text())["recall"] == told["recall"]


def test_a_person_is_told_what_it_finds_how_it_is_used_and_what_was_left_out(typed, folder):
    ended = fit(typed, folder)
    assert "19 never seen" in ended.out
    assert f"--embedder aligned:{folder / 'drawn.map'}" in ended.out
    assert ended.err.startswith("07.png was left out: a damaged picture")


def test_what_is_found_among_pictures_never_seen_is_far_from_chance(typed, folder):
    told = fit(typed, folder, *PARTS, "--json").json
    assert told["recall"]["R@5"] > 2 * 5 / told["held_out"]


def test_the_map_leads_from_the_name_of_a_colour_to_what_is_drawn_in_it(typed, folder):
    fit(typed, folder)
    embedder = load_embedder(f"aligned:{folder / 'drawn.map'}")
    pictures = unit(image_vectors(embedder, [draw(scene, seed=1) for scene in DRAWN])).vectors
    for colour in ("red", "blue", "yellow"):
        nearest = (pictures @ unit(embedder.embed_queries([colour])).vectors[0]).argsort()[-5:]
        assert sum(DRAWN[place].colour == colour for place in nearest) >= 4


BAD = {
    "captions that are not there": ({"captions": "none.json"}, PARTS, 1, "none.json"),
    "captions that are cut off": ({"captions": "broken.json"}, PARTS, 1, "write JSON, file name"),
    "captions of other pictures": ({"captions": "elsewhere.csv"}, PARTS, 1, "--images"),
    "too few pictures": ({"captions": "few.csv"}, PARTS, 2, "a map needs 25"),
    "an embedder that nobody knows": ({}, ("--text", "wrods"), 2, "wrods"),
    "pictures that are read": ({}, ("--text", "words", "--image", "words"), 2, "--image"),
    "texts that are seen": ({}, ("--text", "colours", "--image", "colours"), 2, "--text"),
    "a file in no folder": ({}, (*PARTS, "--out", "none/drawn.map"), 2, "in a folder that exists"),
}


@pytest.mark.parametrize(("where", "arguments", "code", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_fitted_is_refused_and_leaves_no_map(
    typed, folder, where, arguments, code, said
):
    ended = fit(typed, folder, *arguments, **where)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert said in ended.err
    assert not list(folder.glob("*.map*"))
