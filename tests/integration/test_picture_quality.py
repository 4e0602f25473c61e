"""Words find pictures that no model has seen: through a real index and a real search."""

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.labelling import Options, classify
from es_hybrid.sources import Pictures
from tests.scenes import COLOURS, UNSEEN, draw

NAME = "t-gallery"
IDS = [f"{number:03}.png" for number in range(len(UNSEEN))]  # names that tell nothing


@pytest.fixture(scope="module")
def embedder(scenes_clip):
    return f"open_clip:{scenes_clip}?device=cpu"


@pytest.fixture(scope="module")
def gallery(es, embedder, tmp_path_factory):
    """A drawing of each of 200 scenes that were not trained on, without captions."""
    folder = tmp_path_factory.mktemp("gallery")
    for identifier, scene in zip(IDS, UNSEEN, strict=True):
        draw(scene, seed=0).save(folder / identifier)
    Indexer(es, NAME, embedder=embedder).write(Pictures(folder))
    yield NAME
    request(es, "DELETE", path(f"{NAME}-000001"), ok=(404,))


def right(es, gallery, embedder, searches):
    """Share of the searches whose first hit is the scene of the same number."""
    searcher = Searcher(es, gallery, embedder=embedder)
    found = searcher.search_many([{**one, "size": 1} for one in searches])
    return np.mean([result.hits[0].id == IDS[place] for place, result in enumerate(found)])


def test_four_of_five_captions_find_their_picture_first_among_200(es, gallery, embedder):
    searches = [{"query": scene.caption, "mode": "knn"} for scene in UNSEEN]
    assert right(es, gallery, embedder, searches) >= 0.8


def test_another_drawing_of_a_scene_finds_the_one_that_is_there(es, gallery, embedder):
    searches = [{"image": draw(scene, seed=1)} for scene in UNSEEN[:50]]
    assert right(es, gallery, embedder, searches) >= 0.7


def test_colours_are_told_by_their_names_alone(es, gallery, embedder):
    template = "one {} circle in the middle"
    options = Options(labels=tuple(COLOURS), templates=(template,))
    classify(es, gallery, options, embedder=embedder)
    body = {"size": len(UNSEEN), "_source": ["label"]}
    hits = request(es, "POST", path(gallery, "_search"), body=body)["hits"]["hits"]
    told = {hit["_id"]: hit["_source"]["label"]["name"] for hit in hits}
    colours = {identifier: scene.colour for identifier, scene in zip(IDS, UNSEEN, strict=True)}
    assert np.mean([told[one] == colours[one] for one in IDS]) >= 0.9
