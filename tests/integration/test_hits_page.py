"""A search written as a page: its hits, and their pictures where they have some."""

import re

import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.sources import Pictures
from tests.drawn import BLUE, GREEN, RED, laid, plain, saved
from tests.embedders import Colours, WordEmbedder, ships

FILES = {
    "meadow.png": saved(plain(color=GREEN)),
    "road.png": saved(plain(color=RED)),
    "sea.png": saved(plain(color=BLUE)),
    "sea.txt": b"waves <at> noon",
}


@pytest.fixture(autouse=True)
def embedders(monkeypatch, url):
    monkeypatch.setenv("ES_HYBRID_URL", url)
    ships(monkeypatch, "colours", Colours)
    ships(monkeypatch, "words", WordEmbedder)


@pytest.fixture
def folder(es, name, tmp_path):
    """Of pictures, which are indexed."""
    made = laid(tmp_path / "photos", FILES)
    Indexer(es, name, embedder=Colours()).write(Pictures(made))
    return made


@pytest.fixture
def page(typed, name, tmp_path):
    """The page of a search with these arguments."""

    def written(*arguments, embedder="colours"):
        file = tmp_path / "hits.html"
        ended = typed("search", name, *arguments, "--embedder", embedder, "--report", str(file))
        assert ended.code == 0, ended.err
        return file.read_text("utf-8")

    return written


def thumbnail(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]["thumbnail"]


def shown(written):
    return re.findall(r'src="data:image/jpeg;base64,([^"]+)"', written)


def test_the_pictures_of_hits_stand_in_their_order(es, name, folder, page):
    written = page("blue", "--mode", "knn", "--size", "2")
    pictures = shown(written)
    assert (len(pictures), pictures[0]) == (2, thumbnail(es, name, "sea.png"))
    assert "waves &lt;at&gt; noon" in written
    assert "<td>sea.png</td>" in written


def test_the_picture_that_was_searched_with_stands_first(es, name, folder, page):
    by_file = shown(page("--image", str(folder / "road.png"), "--size", "1"))
    like = shown(page("--like", "road.png", "--size", "1"))
    assert by_file == [thumbnail(es, name, "road.png")] * 2
    assert (len(like), like[0]) == (2, thumbnail(es, name, "road.png"))


def test_what_somebody_else_wrote_for_a_picture_is_not_shown(es, name, folder, page):
    body = {"doc": {"thumbnail": "aGVsbG8="}}
    request(es, "POST", path(name, "_update", "sea.png"), params={"refresh": "true"}, body=body)
    assert len(shown(page("blue", "--mode", "knn"))) == 2


def test_hits_without_pictures_are_a_table(es, name, page):
    Indexer(es, name, embedder=WordEmbedder()).write([{"_id": "1", "text": "hot <tea>"}])
    written = page("tea", embedder="words")
    assert "hot &lt;tea&gt;" in written
    assert "<img" not in written


def test_nothing_found_is_a_page_too(folder, page):
    assert "nothing found" in page("submarine", "--mode", "bm25")


def test_with_json_the_page_is_written_as_well(typed, name, folder, tmp_path):
    file = tmp_path / "hits.html"
    arguments = ("search", name, "blue", "--embedder", "colours", "--json", "--report", str(file))
    assert typed(*arguments).json["hits"][0]["id"] == "sea.png"
    assert "<img" in file.read_text("utf-8")


def test_a_page_that_cannot_be_written_is_refused_before_the_search(typed, name, tmp_path):
    ended = typed("search", name, "blue", "--report", str(tmp_path / "none" / "hits.html"))
    assert (ended.code, "name a file in a folder that exists" in ended.err) == (2, True)
