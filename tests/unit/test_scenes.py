"""A small CLIP, trained on drawn scenes: texts find pictures of combinations it never saw."""

import numpy as np
import pytest

from es_hybrid.embedders import image_vectors, load_embedder
from es_hybrid.errors import EmbedderError
from tests.scenes import SCENES, SEEN, UNSEEN, draw


@pytest.fixture(scope="module")
def clip(scenes_clip):
    return load_embedder(f"open_clip:{scenes_clip}?device=cpu")


@pytest.fixture(scope="module")
def cosines(clip):
    """Captions by pictures, shape (200, 200)."""
    pictures = image_vectors(clip, [draw(scene, seed=0) for scene in UNSEEN])
    return clip.embed_queries([scene.caption for scene in UNSEEN]) @ pictures.T


def test_no_two_scenes_have_one_caption_and_none_is_both_seen_and_unseen():
    assert len({scene.caption for scene in SCENES}) == len(SCENES) == 800
    assert set(SEEN) | set(UNSEEN) == set(SCENES)
    assert not set(SEEN) & set(UNSEEN)


def test_a_caption_finds_its_picture_among_200_unseen_ones(cosines):
    assert (cosines.argmax(axis=1) == np.arange(len(UNSEEN))).mean() >= 0.8


def test_a_picture_finds_its_caption_among_200_unseen_ones(cosines):
    assert (cosines.argmax(axis=0) == np.arange(len(UNSEEN))).mean() >= 0.75


def test_both_sides_are_of_length_1(clip):
    vectors = np.concatenate(
        [clip.embed_queries(["a"]), clip.embed_images([draw(SEEN[0], seed=0)])]
    )
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_the_scale_of_the_softmax_is_the_models_own(clip):
    assert 5 < clip.logit_scale <= 100


def test_a_folder_without_weights_is_refused(scenes_clip, tmp_path):
    config = (scenes_clip / "open_clip_config.json").read_text()
    (tmp_path / "open_clip_config.json").write_text(config)
    with pytest.raises(EmbedderError, match=r"has no weights: put its .safetensors there"):
        load_embedder(f"open_clip:{tmp_path}").info  # noqa: B018 - loads the model
