"""Indices of pictures on a real node: what is written, what is not, and what is wrong."""

import asyncio
import json
from base64 import b64decode
from io import BytesIO

import pytest
from elasticsearch import AsyncElasticsearch
from PIL import Image

from es_hybrid import AsyncSearcher, Indexer, Searcher, capabilities
from es_hybrid.client import path, request
from es_hybrid.errors import ContractMismatch, EmbedderError, UsageError
from es_hybrid.existing import enrich, rebuild, survey
from es_hybrid.sources import Pictures
from tests.commands import Terminal
from tests.drawn import BAD, BLUE, GREEN, ODD, RED, SIXTEEN_BITS, described, laid, plain, saved
from tests.embedders import Colours, CountingEmbedder, WordEmbedder, ships

FILES = {
    "fields/poppies.jpg": saved(plain(color=RED), "JPEG", exif=described()),
    "fields/meadow.png": saved(plain(color=GREEN)),
    "sea.png": saved(plain((400, 200), color=BLUE)),
}


class Counting(Colours):
    """Keeps how many pictures it has seen; the probes of a contract are not counted."""

    seen = 0

    def embed_images(self, pictures):
        if pictures[0].size != (320, 240):
            self.seen += len(pictures)
        return super().embed_images(pictures)


@pytest.fixture
def folder(tmp_path):
    return laid(tmp_path / "photos", FILES)


@pytest.fixture
def cli(capsys, monkeypatch, url):
    monkeypatch.setenv("ES_HYBRID_URL", url)
    ships(monkeypatch, "colours", Colours)
    return Terminal(capsys, monkeypatch)


def write(es, name, folder, **options):
    sources = {key: options.pop(key) for key in ("captions",) if key in options}
    indexer = Indexer(es, name, **{"embedder": Colours()} | options)
    return indexer.write(Pictures(folder, **sources))


def stored(es, name, identifier):
    leaves_out = capabilities.read(es).leaves_vectors_out
    params = {"_source_exclude_vectors": "false"} if leaves_out else {}
    return request(es, "GET", path(name, "_doc", identifier), params=params)["_source"]


def count(es, name, query):
    return request(es, "POST", path(name, "_count"), body={"query": query})["count"]


def test_pictures_are_documents_that_can_be_read_and_filtered(es, name, folder):
    report = write(es, name, folder)
    assert (report.read, report.indexed, report.embedded) == (3, 3, 3)
    assert count(es, name, {"range": {"taken_at": {"gte": "2024-05-01", "lt": "2024-05-02"}}}) == 1
    near = {"geo_distance": {"distance": "5km", "location": {"lat": 37.57, "lon": 126.98}}}
    assert count(es, name, near) == 1


def test_a_document_holds_a_thumbnail_and_no_larger_picture(es, name, folder):
    write(es, name, folder)
    source = stored(es, name, "sea.png")
    small = Image.open(BytesIO(b64decode(source["thumbnail"])))
    assert (small.size, source["width"], source["height"]) == ((128, 64), 400, 200)
    mapping = request(es, "GET", path(name, "_mapping"))[f"{name}-000001"]["mappings"]
    assert mapping["properties"]["thumbnail"]["type"] == "binary"


def test_the_second_run_embeds_and_writes_nothing(es, name, folder):
    write(es, name, folder)
    report = write(es, name, folder)
    assert (report.indexed, report.embedded, report.unchanged) == (0, 0, 3)


def test_a_new_caption_is_written_and_its_picture_not_embedded_again(es, name, folder):
    write(es, name, folder)
    before = stored(es, name, "sea.png")
    laid(folder, {"sea.txt": b"water without end"})
    seeing = Counting()
    report = write(es, name, folder, embedder=seeing)
    after = stored(es, name, "sea.png")
    assert (report.indexed, report.rewritten, seeing.seen) == (1, 1, 0)
    assert after["caption"] == "water without end"
    assert [after[field] for field in ("thumbnail", "embedding")] == [
        before[field] for field in ("thumbnail", "embedding")
    ]


def test_another_picture_under_the_same_name_is_embedded(es, name, folder):
    write(es, name, folder)
    laid(folder, {"sea.png": saved(plain((400, 200), color=GREEN))})
    report = write(es, name, folder)
    assert (report.indexed, report.embedded, report.unchanged) == (1, 1, 2)


def test_a_picture_that_is_gone_is_pruned(es, name, folder):
    write(es, name, folder)
    (folder / "sea.png").unlink()
    report = write(es, name, folder, prune=1.0)
    assert (report.pruned, report.unchanged) == (1, 2)


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_picture_is_kept_with_its_reason_and_its_neighbours_get_in(
    es, name, folder, tmp_path, bad
):
    data, why = BAD[bad]
    laid(folder, {bad: data})
    letters = tmp_path / "letters.ndjson"
    report = write(es, name, folder, dead_letters=letters)
    (problem,) = report.problems
    assert (report.indexed, problem.where) == (3, bad)
    assert why in problem.reason
    assert why in json.loads(letters.read_text())["reason"]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_picture_is_seen_as_it_looks(es, name, tmp_path, odd):
    report = write(es, name, laid(tmp_path / "photos", {odd: ODD[odd], "red.png": saved(plain())}))
    one, other = (stored(es, name, identifier)["embedding"] for identifier in (odd, "red.png"))
    assert report.indexed == 2
    assert one == other


def test_sixteen_bits_are_not_cut_off(es, name, tmp_path):
    white = saved(plain(color=(255, 255, 255)))
    write(es, name, laid(tmp_path / "p", {"deep.png": SIXTEEN_BITS, "white.png": white}))
    one, other = (stored(es, name, each)["embedding"] for each in ("deep.png", "white.png"))
    assert one == other


def test_a_picture_that_changes_while_it_is_indexed_is_told(es, name, folder, tmp_path):
    class Late(Pictures):
        def __iter__(self):
            yield from super().__iter__()
            laid(folder, {"sea.png": saved(plain())})

    report = Indexer(es, name, embedder=Colours()).write(Late(folder))
    (problem,) = report.problems
    assert (problem.where, report.indexed) == ("sea.png", 2)
    assert "changed while it was indexed" in problem.reason


def test_pictures_without_an_embedder_are_told_which_there_are(es, name, folder):
    with pytest.raises(UsageError, match=r"open_clip:ARCH/PRETRAINED or aligned:"):
        write(es, name, folder, embedder=None)


def test_an_embedder_of_texts_is_refused_for_pictures(es, name, folder):
    with pytest.raises(UsageError, match="words-64 reads texts: name one that sees"):
        write(es, name, folder, embedder=WordEmbedder())


def test_an_embedder_of_pictures_is_refused_for_texts(es, name):
    with pytest.raises(UsageError, match=r"colours-0 sees pictures: .*--mapping images"):
        Indexer(es, name, embedder=Colours()).write([{"text": "tea"}])


def test_texts_do_not_go_into_an_index_of_pictures(es, name, folder):
    write(es, name, folder)
    with pytest.raises(ContractMismatch, match="holds vectors of pictures, by colours-0"):
        Indexer(es, name, embedder=Colours()).write([{"text": "tea"}])


def test_pictures_do_not_go_into_an_index_of_texts(es, name, folder):
    Indexer(es, name, embedder=WordEmbedder()).write([{"_id": "1", "text": "tea"}])
    with pytest.raises(ContractMismatch, match="holds vectors of texts, by words-64"):
        write(es, name, folder, embedder=WordEmbedder())


@pytest.fixture
def searcher(es, name, folder):
    write(es, name, laid(folder, {"sea.txt": b"waves without end"}))
    return Searcher(es, name, embedder=Colours())


def ids(result):
    return [hit.id for hit in result]


def test_words_find_pictures_by_what_is_seen(searcher):
    assert ids(searcher.search("green", mode="knn"))[0] == "fields/meadow.png"
    assert ids(searcher.search("blue", mode="knn"))[0] == "sea.png"


def test_words_find_pictures_by_captions_names_and_folders(searcher):
    assert ids(searcher.search("waves", mode="bm25")) == ["sea.png"]
    assert set(ids(searcher.search("fields", mode="bm25"))) == {
        "fields/meadow.png",
        "fields/poppies.jpg",
    }


def test_hybrid_fuses_captions_and_what_is_seen(searcher):
    best = searcher.search("red waves").hits[:2]
    assert {hit.id for hit in best} == {"sea.png", "fields/poppies.jpg"}
    assert {hit.id: hit.bm25 is not None for hit in best} == {
        "sea.png": True,
        "fields/poppies.jpg": False,
    }


def test_a_picture_finds_pictures_like_it(searcher, tmp_path):
    file = tmp_path / "asked.webp"
    file.write_bytes(saved(plain((900, 1200), GREEN), "WEBP", lossless=True))
    for image in (file, str(file), file.read_bytes(), Image.open(file)):
        result = searcher.search(image=image)
        assert (result.mode, result.hits[0].id) == ("knn", "fields/meadow.png")


def test_a_picture_and_words_are_fused(searcher):
    found = searcher.search("waves", image=saved(plain(color=RED)))
    assert set(ids(found)[:2]) == {"sea.png", "fields/poppies.jpg"}


def test_a_document_finds_others_and_not_itself(searcher):
    result = searcher.search(like="sea.png")
    assert set(ids(result)) == {"fields/meadow.png", "fields/poppies.jpg"}
    assert ids(searcher.search("waves", like="sea.png")) != ["sea.png"]


def test_thumbnails_come_only_where_they_are_named(searcher):
    plainly = searcher.search(like="sea.png").hits[0].source
    named = searcher.search(like="sea.png", source=["title", "thumbnail"]).hits[0].source
    assert "thumbnail" not in plainly
    assert set(named) == {"title", "thumbnail"}


def test_a_bad_picture_is_no_query(searcher):
    with pytest.raises(
        UsageError, match=r"that was given cannot be searched with: .*no picture of"
    ):
        searcher.search(image=b"hello, world")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"like": "gone"}, "there is no document 'gone'"),
        ({"like": ""}, "give the id of a document"),
        ({"image": 7}, "give a file, its bytes"),
        ({"like": "sea.png", "image": b"x"}, "image and like are both given"),
        ({"like": "sea.png", "mode": "bm25"}, "searches for words"),
    ],
)
def test_an_example_that_is_none_is_refused(searcher, options, said):
    with pytest.raises(UsageError, match=said):
        searcher.search(**options)


def test_a_bound_searcher_takes_no_example_that_it_may_not_see(es, name, searcher):
    hidden = Searcher(es, name, embedder=Colours(), filter="tags=fields")
    with pytest.raises(UsageError, match=r"there is no document 'sea\.png'"):
        hidden.search(like="sea.png")


def test_several_searches_by_example_share_a_round(searcher):
    found = searcher.search_many([{"like": "sea.png"}, {"query": "green"}, {"query": "blue"}])
    assert [result.hits[0].id for result in found][1:] == ["fields/meadow.png", "sea.png"]


def test_documents_of_texts_are_examples_too(es, name):
    texts = {"1": "hot tea", "2": "hot tea at noon", "3": "a storm at sea"}
    records = [{"_id": key, "text": text} for key, text in texts.items()]
    Indexer(es, name, embedder=WordEmbedder()).write(records)
    assert ids(Searcher(es, name).search(like="1"))[0] == "2"


def test_of_passages_the_middle_is_the_example(es, name):
    records = [
        {"_id": "1", "text": "Hot tea is served at noon. Green tea is served at night."},
        {"_id": "2", "text": "Black tea is served at noon as well."},
        {"_id": "3", "text": "Storms are loud."},
    ]
    embedder = CountingEmbedder(limit=8)
    Indexer(es, name, embedder=embedder, passages="8").write(records)
    assert ids(Searcher(es, name).search(like="1")) == ["2", "3"]


def test_a_model_of_texts_sees_no_picture(es, name):
    Indexer(es, name, embedder=WordEmbedder()).write([{"_id": "1", "text": "tea"}])
    with pytest.raises(EmbedderError, match="words-64 reads texts, no pictures"):
        Searcher(es, name, embedder=WordEmbedder()).search(image=saved(plain()))


def test_the_same_search_can_be_awaited(searcher, url, name):
    async def found():
        async with AsyncElasticsearch(url) as client:
            one = AsyncSearcher(client, name, embedder=Colours())
            return await one.search(image=saved(plain(color=BLUE)))

    assert asyncio.run(found()).hits[0].id == "sea.png"


def test_the_command_searches_by_a_picture_and_by_a_document(cli, searcher, name, folder):
    found = cli("search", name, "--image", str(folder / "sea.png"), "--embedder", "colours")
    like = cli("search", name, "--like", "sea.png", "--json").json
    assert f"like the picture {folder}/sea.png" in " ".join(found.out.split())
    assert len(like["hits"]) == 2


def test_vectors_of_pictures_are_copied_into_a_new_version(es, name, folder):
    write(es, name, folder)
    try:
        rebuild(es, name, analysis="english")
        report = write(es, name, folder)
        found = Searcher(es, name, embedder=Colours()).search("blue", mode="knn")
        assert (report.index, report.unchanged) == (f"{name}-000002", 3)
        assert ids(found)[0] == "sea.png"
    finally:
        request(es, "DELETE", path(f"{name}-000002"), ok=(404,))


def test_the_vector_of_a_picture_is_not_stale_for_having_another_hash_than_its_caption(
    es, name, folder
):
    write(es, name, folder)
    found = survey(es, name)
    assert (found.documents, found.current, found.complete) == (3, 3, True)


def test_no_texts_are_embedded_into_an_index_of_pictures(es, name, folder):
    write(es, name, folder)
    with pytest.raises(UsageError, match="colours-0 sees pictures"):
        enrich(es, name, embedder=Colours())


def test_the_command_indexes_a_folder(cli, name, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    captions = tmp_path / "captions.csv"
    captions.write_text("image,caption\nsea.png,water without end\n")
    arguments = ("index", name, str(folder), "--mapping", "images", "--embedder", "colours")
    report = cli(*arguments, "--captions", str(captions), "--json").json
    assert (report["indexed"], report["embedder"]) == (3, "colours-0")


def test_the_command_indexes_pictures_that_records_name(cli, name, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    laid(folder, {"films.csv": b"image,price\nsea.png,7\nhttp.png,8\n"})
    arguments = ("--mapping", "images", "--embedder", "colours", "--field", "price:number")
    ended = cli("index", name, str(folder / "films.csv"), *arguments, "--json")
    assert (ended.json["indexed"], ended.json["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "b", "--mapping", "images"), "name that folder"),
        (("a", "--mapping", "films"), "not one of documents, images"),
        (("a", "--captions", "c.csv"), "add --mapping images"),
        (("a", "--allow-urls"), "add --mapping images"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli, name, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    ended = cli("index", name, *arguments)
    assert ended.code == 2
    assert said in ended.err
