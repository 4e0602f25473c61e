"""What a search box needs of each analysis: the words that people type find what was written.

Nothing is asserted of Korean tokens, whose dictionary differs between the majors.
"""

import unicodedata

import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.mapping import analysis_profiles
from tests.embedders import WordEmbedder

TEXTS = {
    "fsync": "os.fsync(fd) writes the file",
    "code": "the server answered HTTP_404 twice",
    "sku": "order SKU-123/b, now",
    "cpp": "written in C++ and Fortran",
    "c": "a C program that copies its input to its output",
    "camel": "use csv.DictReader for rows",
    "mixed": "파이썬의 subprocess.Popen을 쓴다",
    "wide": "ＭＰ３ 파일",
    "accent": "a café in Orléans",
    "email": "write to ann.lee@example.org today",
    "version": "needs Python 3.11.4 at least",
    "cased": "The BLUE Whales",
    "stem": "bicycles were repaired",
    "compound": "삼성전자는 반도체를 만든다",
    "particle": "학교에서 도서관까지 걸었다",
    "verb": "날씨가 추웠다",
    "hanja": "大韓民國의 역사",
    "kanji": "東京都は日本の首都である",
    "half": "ｶﾒﾗのレンズ",
    "nfd": unicodedata.normalize("NFD", "한강 지도.pdf"),
}

# Found whatever the profile, by the parts of words.
EVERYWHERE = [
    ("os.fsync", "fsync"),
    ("FSYNC", "fsync"),
    ("fsync(fd)", "fsync"),
    ("HTTP_404", "code"),
    ("http_404", "code"),
    ("404", "code"),
    ("SKU-123/b", "sku"),
    ("sku-123/B", "sku"),
    ('"SKU-123/b"', "sku"),
    ("C++", "cpp"),
    ("DictReader", "camel"),
    ("csv.DictReader", "camel"),
    ("subprocess.Popen", "mixed"),
    ("popen", "mixed"),
    ("mp3", "wide"),
    ("ＨＴＴＰ_404", "code"),
    ("cafe", "accent"),
    ("CAFÉ", "accent"),
    ("ann.lee@example.org", "email"),
    ("3.11.4", "version"),
    ("blue", "cased"),
    ("한강", "nfd"),
    (unicodedata.normalize("NFD", "한강"), "nfd"),
]
BY_PROFILE = {
    "standard": [("whales", "cased"), ("bicycles", "stem")],
    "english": [("whale", "cased"), ("bicycle", "stem"), ("repairing", "stem")],
    "korean": [
        ("반도체", "compound"),
        ("전자", "compound"),
        ("학교", "particle"),
        ("도서관에", "particle"),
        ("추웠다", "verb"),
        ("대한민국", "hanja"),
        ("파이썬", "mixed"),
        ("whale", "cased"),
        ("repairing", "stem"),
    ],
    "cjk": [
        ("반도체", "compound"),
        ("학교", "particle"),
        ("首都", "kanji"),
        ("カメラ", "half"),
        ("ｶﾒﾗ", "half"),
        ("파이썬", "mixed"),
    ],
}
CASES = [
    (profile, query, wanted)
    for profile in analysis_profiles()
    for query, wanted in EVERYWHERE + BY_PROFILE[profile]
]


@pytest.fixture(scope="module")
def boxes(es):
    """An index of the same texts for each profile: its searcher, by the profile's name."""
    made = {}
    for profile in analysis_profiles():
        records = [{"_id": identifier, "text": text} for identifier, text in TEXTS.items()]
        Indexer(es, f"t-box-{profile}", embedder=WordEmbedder(), analysis=profile).write(records)
        made[profile] = Searcher(es, f"t-box-{profile}", embedder=WordEmbedder())
    yield made
    for profile in made:
        request(es, "DELETE", path(f"t-box-{profile}-000001"))


def test_each_profile_has_needs_of_its_own_to_meet():
    assert BY_PROFILE.keys() == set(analysis_profiles())


@pytest.mark.parametrize(("profile", "query", "wanted"), CASES)
def test_what_people_type_finds_first_what_was_written(boxes, profile, query, wanted):
    found = [hit.id for hit in boxes[profile].search(query, mode="bm25", size=1)]
    assert found == [wanted]


@pytest.mark.parametrize("profile", analysis_profiles())
def test_the_whole_value_can_be_filtered_by(boxes, profile):
    hits = boxes[profile].search("program", mode="bm25", filter=f"text={TEXTS['c']}")
    assert [hit.id for hit in hits] == ["c"]


def test_an_index_without_the_parts_is_searched_by_its_text_fields(es, name):
    body = {"properties": {"text": {"type": "text"}}}
    Indexer(es, name, embedder=WordEmbedder(), analysis="standard").write([{"text": "a sea"}])
    meta = request(es, "GET", path(name, "_mapping"))[f"{name}-000001"]["mappings"]["_meta"]
    request(es, "DELETE", path(f"{name}-000001"))
    request(es, "PUT", path(f"{name}-000001"), body={"mappings": body | {"_meta": meta}})
    request(es, "PUT", path(f"{name}-000001", "_alias", name))
    request(es, "PUT", path(name, "_doc", "1"), params={"refresh": "true"}, body={"text": "a sea"})
    found = Searcher(es, name, embedder=WordEmbedder()).search("sea", mode="bm25")
    assert [hit.id for hit in found] == ["1"]
