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


@pytest.fixture
def ships_and_seas(es, name):
    """Two texts with a genre each, one of which only kNN finds."""
    texts = {"1": ("hot <tea>", "drinks, hot"), "2": ("a ship at sea", "voyages")}
    records = [{"_id": one, "text": text, "kind": kind} for one, (text, kind) in texts.items()]
    Indexer(es, name, embedder=WordEmbedder(), fields={"kind": "keyword"}).write(records)


def table_of(written, title):
    """The cells of the table with this title: numbers in full, texts as they are shown."""
    (body,) = re.findall(rf"<caption>{title}</caption>.*?<tbody>(.*?)</tbody>", written, re.DOTALL)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")]
    return [
        [re.sub(r'<data value="([^"]*)">.*', r"\1", cell) for cell in row] for row in rows if row
    ]


def asked_both_ways(typed, name, tmp_path, *arguments):
    """What a search tells as JSON, and the page that is written beside it."""
    file = tmp_path / "hits.html"
    options = (*arguments, "--embedder", "words", "--json", "--report", str(file))
    return typed("search", name, "tea", *options).json, file.read_text("utf-8")


def test_facets_of_the_page_are_those_of_json(typed, name, tmp_path, ships_and_seas):
    told, written = asked_both_ways(typed, name, tmp_path, "--facet", "kind")
    buckets = told["aggregations"]["kind"]["buckets"]
    expected = [[bucket["key"], str(bucket["doc_count"])] for bucket in buckets]
    assert sorted(table_of(written, "values of kind")) == sorted(expected)
    assert len(expected) == 2


def test_what_each_leg_gave_is_on_the_page_as_in_json(typed, name, tmp_path, ships_and_seas):
    told, written = asked_both_ways(typed, name, tmp_path, "--explain")
    first, second = told["hits"]
    rows = table_of(written, "why: what each leg gave")
    given = [str(first["legs"]["bm25"][name]) for name in ("rank", "score")]
    assert rows[0] == ["1", "bm25", *given, "–", str(first["legs"]["bm25"]["contribution"])]
    assert rows[-1][-1] == second["missing"]["bm25"]["reason"] == "no match"


def test_a_page_with_facets_and_reasons_asks_nothing_of_a_network(
    typed, name, tmp_path, ships_and_seas
):
    _, written = asked_both_ways(typed, name, tmp_path, "--facet", "kind", "--explain")
    assert not re.search(r"<(script|link|iframe)|(src|href)=\"(?!data:)|url\(", written)


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
