"""A linear map from pictures to words: chosen without the pictures that it is measured on."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from es_hybrid.alignment import align, fitted, read_captions, recall_at
from es_hybrid.alignment.found import ranks
from es_hybrid.alignment.making import make
from es_hybrid.embedders import image_vectors, load_embedder
from es_hybrid.embedders.visual.aligned import beside, read_map, write_map
from es_hybrid.errors import EmbedderError, SourceError, UsageError
from es_hybrid.vectors import unit
from tests.scenes import SCENES, draw

TEXT, IMAGE = "usem3", "efficientnet-lite2"


def pairs(*, pictures=200, noise=0.5, seed=0):
    """Pictures whose features are captions, turned and noisy; two captions for each."""
    chance = np.random.default_rng(seed)
    meant = chance.normal(size=(pictures, 16))
    owners = np.repeat(np.arange(pictures), 2)
    captions = meant[owners] + noise * chance.normal(size=(2 * pictures, 16)) + 2
    features = meant @ chance.normal(size=(16, 40)) + noise * chance.normal(size=(pictures, 40))
    return features.astype(np.float32), captions.astype(np.float32), owners


def test_what_belongs_together_linearly_is_found_again():
    found = align(*pairs())
    assert (found.pairs, found.held_out) == (160, 40)
    assert found.recall[10] > 0.9
    assert found.mean[10] > 0.9


def test_captions_of_other_pictures_find_nothing():
    features, captions, owners = pairs(pictures=500)
    shuffled = features[np.random.default_rng(1).permutation(len(features))]
    assert align(shuffled, captions, owners, seeds=0).recall[10] < 0.2  # chance is 0.1


def test_what_is_held_out_has_no_part_in_the_map():
    features, captions, owners = pairs()
    others = features.copy()
    others[4::5] = np.random.default_rng(2).normal(size=others[4::5].shape)
    one, two = (align(some, captions, owners, seeds=0).fitted for some in (features, others))
    assert one.strength == two.strength
    assert np.array_equal(one.weights, two.weights)


def test_the_map_is_that_of_ridge_regression():
    features, captions, owners = (unit(one).vectors if one.ndim > 1 else one for one in pairs())
    made = fitted(features, captions, owners)
    centred = features - features.mean(axis=0)
    means = captions.reshape(-1, 2, 16).mean(axis=1)
    inverse = np.linalg.inv(centred.T @ centred + made.strength * np.eye(40))
    assert np.allclose(made.weights, inverse @ centred.T @ (means - means.mean(0)), atol=1e-4)


def test_ties_count_against_a_query():
    pictures = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    places = ranks(pictures[:1], pictures, np.array([0]))
    assert places.tolist() == [2]
    assert recall_at(places) == {1: 0.0, 5: 1.0, 10: 1.0}


def test_too_few_pictures_are_refused():
    features, captions, owners = pairs(pictures=10)
    with pytest.raises(UsageError, match="10 pictures with captions: a map needs 25"):
        align(features, captions, owners)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """Thirty drawn scenes with captions, one of them damaged."""
    folder = tmp_path_factory.mktemp("scenes")
    captions = {}
    for number, scene in enumerate(SCENES[::27]):
        draw(scene, seed=0).save(folder / f"{number:02}.png")
        captions[f"{number:02}.png"] = [scene.caption, f"a drawing of {scene.caption}"]
    (folder / "99.png").write_bytes(b"no picture")
    captions |= {"99.png": "damaged", "gone.png": "not there"}
    (folder / "captions.json").write_text(json.dumps(captions))
    rows = [f'{name},"{one}"' for name, of in captions.items() for one in of if len(of) == 2]
    (folder / "captions.csv").write_text("\n".join(["image,caption", *rows]))
    return folder


@pytest.fixture(scope="module")
def made(gallery):
    captions = read_captions(gallery / "captions.json", gallery)
    return make(captions, gallery / "scenes.map", text=TEXT, image=IMAGE)


def test_json_and_csv_hold_the_same_captions(gallery):
    one, two = (
        read_captions(gallery / name, gallery) for name in ("captions.json", "captions.csv")
    )
    assert [each for each in one if each.file.name != "99.png"] == two


@pytest.mark.parametrize("text", ["[1, 2]", '{"a.png": 7}', '{"a.png": [" "]}', "{", '{"a": "b"}'])
def test_captions_that_cannot_be_used_are_refused_with_how_to_write_them(text, tmp_path):
    (tmp_path / "captions.json").write_text(text)
    with pytest.raises(SourceError, match=r"write JSON, file name|none of the 1 pictures"):
        read_captions(tmp_path / "captions.json", tmp_path)


def test_a_map_says_what_it_was_fitted_with_and_what_it_finds(made):
    facts = json.loads(beside(made.file).read_text())
    assert (facts["text"]["spec"], facts["image"]["spec"]) == (TEXT, IMAGE)
    assert facts["pairs"] + facts["held_out"] == 30
    assert set(facts["recall"]) == {"R@1", "R@5", "R@10"}


def test_a_picture_that_cannot_be_read_is_left_out_with_its_reason(made):
    assert list(made.left_out) == ["99.png"]


@pytest.mark.parametrize("spec", ["aligned:{}", f"aligned:{TEXT}+{IMAGE}?map={{}}"])
def test_texts_and_pictures_come_out_in_one_space(made, spec):
    embedder = load_embedder(spec.format(made.file))
    pictures = image_vectors(embedder, [draw(SCENES[0], seed=0)])
    assert pictures.shape == embedder.embed_queries(["a dog"]).shape == (1, embedder.info.dims)
    assert embedder.info.modality == "image"


def test_a_picture_that_it_was_fitted_on_is_nearest_to_its_caption(made, gallery):
    embedder = load_embedder(f"aligned:{made.file}")
    scenes = [scene for number, scene in enumerate(SCENES[::27]) if number % 5 != 4]
    seen = unit(image_vectors(embedder, [draw(scene, seed=0) for scene in scenes])).vectors
    read = unit(embedder.embed_queries([scene.caption for scene in scenes])).vectors
    assert (np.diag(read @ seen.T) > (read @ seen.T).mean(axis=1)).mean() > 0.8


def test_other_embedders_than_the_maps_are_refused(made):
    with pytest.raises(EmbedderError, match=r"was fitted for usem3\+efficientnet-lite2, not for"):
        load_embedder(f"aligned:e5-small+{IMAGE}?map={made.file}").info  # noqa: B018 - reads it


def test_half_of_a_pair_is_refused(made):
    with pytest.raises(UsageError, match=r"name both, as aligned:TEXT\+IMAGE"):
        load_embedder(f"aligned:{TEXT}?map={made.file}")


def test_an_embedder_that_changed_since_is_refused(made, tmp_path):
    kept = read_map(made.file)
    write_map(replace(kept, image_probes=-kept.image_probes), tmp_path / "other.map")
    with pytest.raises(EmbedderError, match="another model than the one that the map was fitted"):
        load_embedder(f"aligned:{tmp_path / 'other.map'}").info  # noqa: B018 - proves the parts


def without_facts(kept, file):
    write_map(kept, file)
    beside(file).unlink()


def of_another_format(kept, file):
    write_map(replace(kept, facts=kept.facts | {"format": "other"}), file)
    beside(file).write_text(beside(file).read_text().replace("aligned 1", "aligned 9"))


def with_nan(kept, file):
    write_map(replace(kept, bias=kept.bias * np.nan), file)


def with_another_shape(kept, file):
    write_map(replace(kept, bias=kept.bias[:-1]), file)


def cut_off(kept, file):
    write_map(kept, file)
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    "damage", [without_facts, of_another_format, with_nan, with_another_shape, cut_off]
)
def test_a_damaged_map_is_refused_by_name(damage, made, tmp_path):
    file = tmp_path / "broken.map"
    damage(read_map(made.file), file)
    with pytest.raises(EmbedderError, match=r"broken.map' is no map of es-hybrid align"):
        load_embedder(f"aligned:{file}").info  # noqa: B018 - reads it


@pytest.mark.parametrize(
    ("text", "image", "complaint"),
    [(IMAGE, IMAGE, "--text .* is for pictures"), (TEXT, TEXT, "--image .* is for texts")],
)
def test_each_side_takes_its_own_kind_of_embedder(text, image, complaint, gallery, tmp_path):
    fit = partial(make, read_captions(gallery / "captions.csv", gallery), tmp_path / "a.map")
    with pytest.raises(UsageError, match=complaint):
        fit(text=text, image=image)
