"""Embedders of pictures: checked as those of texts are, and proven by pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest

from es_hybrid.contract import Contract, check, from_meta, probe, same_model
from es_hybrid.embedders import EmbedderInfo, image_vectors
from es_hybrid.errors import ContractError, ContractMismatch, EmbedderError, VectorError
from es_hybrid.pictures import probe_pictures
from tests.embedders import Colours, WordEmbedder

PINNED = [34172391, 34148736, 25549504]  # sums of all values


def contract(embedder):
    return Contract(
        embedder=embedder.info,
        text_fields=("text",),
        analysis="english",
        vector_index="int8_hnsw",
        probes=probe(embedder),
    )


def meta(embedder):
    return json.loads(json.dumps(contract(embedder).to_meta()))


def test_probe_pictures_are_the_same_everywhere():
    sums = [int(np.asarray(picture).astype(np.int64).sum()) for picture in probe_pictures()]
    assert sums == PINNED


def test_probe_pictures_are_rgb_and_differ():
    pictures = probe_pictures()
    assert {(one.mode, one.size) for one in pictures} == {("RGB", (320, 240))}
    assert len({one.tobytes() for one in pictures}) == 3


def test_vectors_of_pictures_are_checked_as_those_of_texts_are():
    class Fewer(Colours):
        def embed_images(self, pictures):
            return super().embed_images(pictures)[:-1]

    with pytest.raises(VectorError, match=r"gave shape \(2, 64\) for 3 pictures"):
        image_vectors(Fewer(), probe_pictures())


def test_an_embedder_of_texts_is_given_no_pictures():
    with pytest.raises(EmbedderError, match=r"words-64 reads texts, no pictures: .*open_clip"):
        image_vectors(WordEmbedder(), probe_pictures())


def test_a_contract_of_a_picture_embedder_comes_back_equal():
    assert from_meta(meta(Colours()), index="i") == contract(Colours())


def test_a_contract_from_before_there_were_pictures_is_about_texts():
    old = meta(WordEmbedder())
    del old["embedder"]["modality"]
    assert from_meta(old, index="i") == contract(WordEmbedder())


@pytest.mark.parametrize("modality", ["", "sound", 7, None])
def test_a_contract_with_an_unknown_modality_is_damaged(modality):
    broken = meta(Colours())
    broken["embedder"]["modality"] = modality
    with pytest.raises(ContractError, match="damaged"):
        from_meta(broken, index="films")


def test_the_model_that_made_an_index_of_pictures_passes():
    check(contract(Colours()), Colours(), index="photos")


def test_another_model_for_pictures_is_refused():
    with pytest.raises(ContractMismatch, match=r"another model .* on the probe images"):
        check(contract(Colours()), Colours(seed=1), index="photos")


def test_a_model_for_texts_is_refused_by_an_index_of_pictures():
    with pytest.raises(ContractMismatch, match=r"'photos' holds vectors of images.*those of texts"):
        check(contract(Colours()), WordEmbedder(), index="photos")


def test_models_for_texts_and_for_pictures_are_never_the_same():
    assert not same_model(contract(Colours()), contract(WordEmbedder()))


def test_what_a_model_makes_is_text_unless_it_says_otherwise():
    assert EmbedderInfo("any", dims=2, revision="").modality == "text"
    assert replace(Colours().info, modality="text") != Colours().info
