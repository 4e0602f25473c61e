"""A real server analyses text as the reference says that a full cluster does.

The profiles in ``mappings/analysis`` all define the analyzer ``es_hybrid_text``:

- standard: words in lower case, for any language that puts spaces between words.
- english: Elasticsearch's own ``english``: possessives, stop words, Porter's stems.
- korean: nori's morphemes without particles and endings, compounds split ("discard": nDCG@10
  was 0.956 on KorQuAD's 5774 questions; "mixed" 0.954, "none" 0.952, ``cjk`` 0.943).
- cjk: Elasticsearch's own ``cjk``: pairs of characters, where nori is not installed.

Korean tokens are never compared as a whole: the dictionary differs between the majors.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

PROFILES = Path(__file__).parents[2] / "mappings" / "analysis"
ENGLISH = "The QUICK foxes' jumping over the lazy dog's bone"
JAPANESE = "東京都は、日本のＡＰＩ of ｼｰ"
# The stop words that Elasticsearch documents for cjk: more than those of english.
CJK_STOP = """a and are as at be but by for if in into is it no not of on or s such t that the
    their then there these they this to was will with www"""


def call(node, path, body=None, *, method="POST"):
    """Return status and answer of one request."""
    request = urllib.request.Request(
        f"{node.url}/{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def tokens(node, **request):
    status, answer = call(node, "_analyze", request)
    assert status == 200, answer
    return [token["token"] for token in answer["tokens"]]


def refusal(node, **request):
    status, answer = call(node, "_analyze", request)
    assert status == 400, answer
    return answer["error"]["reason"]


@pytest.fixture
def index(node, request):
    """Make an index with the given settings and a text field; it goes away afterwards."""
    name = "analysis-test"

    def make(settings, field):
        body = {"settings": settings, "mappings": {"properties": {"text": field}}}
        status, answer = call(node, name, body, method="PUT")
        assert status == 200, answer
        request.addfinalizer(lambda: call(node, name, method="DELETE"))
        return name

    return make


def hits(node, index, query):
    status, answer = call(node, f"{index}/_search", {"query": query})
    assert status == 200, answer
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.parametrize(
    ("name", "settings", "text", "expected"),
    [
        ("cjk_width", {}, "ｼｰｻｲﾄﾞ", "シーサイド"),
        ("stemmer", {}, "running jumped", "run jump"),
        ("stemmer", {"language": "english"}, "organizations dog's", "organ dog'"),
        ("stemmer", {"name": "porter2"}, "organizations dog's", "organ dog"),
        ("stemmer", {"language": "light_english"}, "jumped ponies", "jump pony"),
        ("stemmer", {"language": "minimal_english"}, "jumped ponies", "jumped pony"),
        ("stemmer", {"language": "possessive_english"}, "dog's ponies", "dog ponies"),
        ("porter_stem", {}, "the foxes jumping quickly", "the fox jump quickli"),
        ("kstem", {}, "the foxes jumping quickly", "the fox jump quick"),
        ("asciifolding", {}, "açaí à la carte", "acai a la carte"),
        ("asciifolding", {"preserve_original": True}, "açaí", "acai açaí"),
        ("apostrophe", {}, "Istanbul'a veya Istanbul'dan", "Istanbul veya Istanbul"),
        ("decimal_digit", {}, "१-one two-२ ३", "1-one two-2 3"),
        ("length", {"max": 4}, "the quick brown fox", "the fox"),
        ("reverse", {}, "quick fox", "kciuq xof"),
        ("truncate", {}, "the quinquennial", "the quinquenni"),
        ("truncate", {"length": 5}, "the quinquennial", "the quinq"),
        ("unique", {}, "the fox jumps the fox", "the fox jumps"),
        ("unique", {"only_on_same_position": True}, "a a", "a a"),
        ("ngram", {}, "fox", "f fo o ox x"),
        ("ngram", {"min_gram": 3, "max_gram": 4}, "Quick", "Qui Quic uic uick ick"),
        ("edge_ngram", {}, "the quick", "t q"),
        ("edge_ngram", {"min_gram": 1}, "the quick", "t th q qu"),
        ("edge_ngram", {"side": "back"}, "quick", "k ck"),
        ("edge_ngram", {"preserve_original": True}, "quick", "q qu quick"),
        ("word_delimiter_graph", {}, "XL-500--42+AutoCoder's", "XL 500 42 Auto Coder"),
        ("word_delimiter_graph", {"catenate_all": True}, "wi-fi-4", "wifi4 wi fi 4"),
        ("word_delimiter_graph", {"split_on_numerics": False}, "SD500-x", "SD500 x"),
        ("word_delimiter_graph", {"protected_words": ["a-b"]}, "a-b c-d", "a-b c d"),
        ("pattern_capture", {"patterns": ["(\\d+)", "@(.+)"]}, "a1@b", "a1@b 1 b"),
        ("pattern_capture", {"patterns": ["(b)"], "preserve_original": False}, "ab", "b"),
    ],
)
def test_a_token_filter_does_what_the_reference_says(node, name, settings, text, expected):
    component = {"type": name} | settings if settings else name
    assert tokens(node, tokenizer="whitespace", filter=[component], text=text) == expected.split()


@pytest.mark.parametrize(
    ("name", "settings", "text", "expected"),
    [
        ("keyword", {}, "New York", ["New York"]),
        ("whitespace", {}, "Brown-Foxes dog's bone.", ["Brown-Foxes", "dog's", "bone."]),
        ("whitespace", {"max_token_length": 3}, "quick", ["qui", "ck"]),
        ("letter", {}, "2 Brown-Foxes dog's", ["Brown", "Foxes", "dog", "s"]),
        ("uax_url_email", {}, "j.s@g-i.com: http://x.org/a", ["j.s@g-i.com", "http://x.org/a"]),
        ("ngram", {"min_gram": 2, "token_chars": ["letter"]}, "2 Fox", ["Fo", "ox"]),
        ("edge_ngram", {}, "Quick Fox", ["Q", "Qu"]),
        ("edge_ngram", {"token_chars": ["custom"], "custom_token_chars": "+-"}, "c++", ["+", "++"]),
        ("pattern", {}, "The foo_bar's 5.", ["The", "foo_bar", "s", "5"]),
        ("pattern", {"pattern": "X", "flags": "CASE_INSENSITIVE"}, "1x2X3", ["1", "2", "3"]),
        ("pattern", {"pattern": "'([^']+)'", "group": 1}, "'a b', 'c'", ["a b", "c"]),
        ("path_hierarchy", {}, "/one/two", ["/one", "/one/two"]),
        ("path_hierarchy", {"replacement": "-", "skip": 1}, "a/b/c", ["-b", "-b-c"]),
        ("path_hierarchy", {"delimiter": ".", "reverse": True}, "a.b.c", ["a.b.c", "b.c", "c"]),
    ],
)
def test_a_tokenizer_does_what_the_reference_says(node, name, settings, text, expected):
    assert tokens(node, tokenizer={"type": name} | settings, text=text) == expected


@pytest.mark.parametrize(
    ("name", "settings", "text", "expected"),
    [
        ("html_strip", {}, "I&apos;m <b>happy</b>", "I'm happy"),
        ("html_strip", {"escaped_tags": ["b"]}, "I&apos;m <b>happy</b>", "I'm <b>happy</b>"),
        ("mapping", {"mappings": ["٢ => 2", "\\u002B => plus", "x =>"]}, "٢+x", "2plus"),
        ("pattern_replace", {"pattern": "(\\d)-(?=\\d)", "replacement": "$1_"}, "1-2-x", "1_2-x"),
    ],
)
def test_a_char_filter_does_what_the_reference_says(node, name, settings, text, expected):
    char_filter = [{"type": name} | settings]
    assert tokens(node, tokenizer="keyword", char_filter=char_filter, text=text) == [expected]


def test_trim_takes_the_spaces_around_a_token(node):
    assert tokens(node, tokenizer="keyword", filter=["trim"], text="  red fox ") == ["red fox"]


def test_flatten_graph_keeps_the_tokens_of_a_graph(node):
    filters = [{"type": "word_delimiter_graph", "catenate_all": True}, "flatten_graph"]
    assert tokens(node, tokenizer="keyword", filter=filters, text="wi-fi") == ["wifi", "wi", "fi"]


def test_english_stems_and_drops_stop_words(node):
    expected = ["quick", "fox", "jump", "over", "lazi", "dog", "bone"]
    assert tokens(node, analyzer="english", text=ENGLISH) == expected


def test_english_is_the_chain_that_the_reference_documents(node):
    possessive = {"type": "stemmer", "language": "possessive_english"}
    stem = {"type": "stemmer", "language": "english"}
    chain = [possessive, "lowercase", {"type": "stop", "stopwords": "_english_"}, stem]
    expected = tokens(node, analyzer="english", text=ENGLISH)
    assert tokens(node, tokenizer="standard", filter=chain, text=ENGLISH) == expected


def test_cjk_is_the_chain_that_the_reference_documents(node):
    stop = {"type": "stop", "stopwords": CJK_STOP.split()}
    chain = ["cjk_width", "lowercase", "cjk_bigram", stop]
    expected = tokens(node, analyzer="cjk", text=JAPANESE)
    assert expected == ["東京", "京都", "都は", "日本", "本の", "api", "シー"]
    assert tokens(node, tokenizer="standard", filter=chain, text=JAPANESE) == expected


def test_cjk_bigram_leaves_out_scripts_and_adds_single_characters(node):
    ignored = ["hangul", "katakana", "hiragana"]
    bigrams = {"type": "cjk_bigram", "ignored_scripts": ignored, "output_unigrams": True}
    expected = ["東", "東京", "京", "は"]
    assert tokens(node, tokenizer="standard", filter=[bigrams], text="東京は") == expected


@pytest.mark.parametrize(
    ("stopwords", "expected"),
    [
        (["fox"], ["the", "a"]),
        (["_english_", "fox"], []),
        ("_none_", ["the", "fox", "a"]),
        ([], ["the", "fox", "a"]),
    ],
)
@pytest.mark.parametrize("analyzer", ["english", "cjk"])
def test_stop_words_can_be_given(node, index, analyzer, stopwords, expected):
    mine = {"type": analyzer, "stopwords": stopwords}
    name = index({"analysis": {"analyzer": {"mine": mine}}}, {"type": "text"})
    _, answer = call(node, f"{name}/_analyze", {"analyzer": "mine", "text": "the fox a"})
    assert [token["token"] for token in answer["tokens"]] == expected


def test_nori_drops_particles(node):
    found = tokens(node, analyzer="nori", text="뿌리가 깊은 나무는")
    assert {"뿌리", "나무"} <= set(found)
    assert not {"가", "는", "나무는"} & set(found)


@pytest.mark.parametrize(
    ("mode", "whole", "parts"), [("none", 1, 0), ("discard", 0, 2), ("mixed", 1, 2)]
)
def test_compounds_are_split_as_asked(node, mode, whole, parts):
    tokenizer = {"type": "nori_tokenizer", "decompound_mode": mode}
    found = tokens(node, tokenizer=tokenizer, text="가곡역")
    assert (found.count("가곡역"), found.count("가곡") + found.count("역")) == (whole, parts)


def test_a_user_dictionary_is_obeyed(node):
    rules = ["c++", "해오름시 해오름 시"]
    tokenizer = {"type": "nori_tokenizer", "user_dictionary_rules": rules}
    assert tokens(node, tokenizer=tokenizer, text="해오름시 c++") == ["해오름", "시", "c++"]


def test_stop_tags_are_obeyed_and_an_empty_list_keeps_everything(node):
    def kept(tags):
        filters = [{"type": "nori_part_of_speech", "stoptags": tags}]
        return tokens(node, tokenizer="nori_tokenizer", filter=filters, text="여섯 나무")

    assert "여섯" not in kept(["NR", "MM"])
    assert {"여섯", "나무"} <= set(kept([]))


def test_hanja_are_read_and_numbers_are_normalised(node):
    tokenizer = {"type": "nori_tokenizer", "discard_punctuation": False}
    assert tokens(node, tokenizer="nori_tokenizer", filter=["nori_readingform"], text="鄕歌") == [
        "향가"
    ]
    assert tokens(node, tokenizer=tokenizer, filter=["nori_number"], text="３.２천") == ["3200"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"tokenizer": {"type": "nori_tokenizer", "decompound_mode": "mix"}}, "mixed, none"),
        ({"tokenizer": {"type": "nori_tokenizer", "user_dictionary": "k.txt"}}, "use user_dict"),
        (
            {"tokenizer": {"type": "nori_tokenizer", "user_dictionary_rules": ["a", "a"]}},
            "Found dup",
        ),
        ({"tokenizer": {"type": "ngram", "token_chars": ["leter"]}}, "letter, punctuation"),
        ({"tokenizer": {"type": "pattern", "flags": "NOPE"}}, "CASE_INSENSITIVE"),
        ({"tokenizer": {"type": "path_hierarchy", "delimiter": "--"}}, "one character"),
        ({"filter": [{"type": "nori_part_of_speech", "stoptags": ["XY"]}]}, "leave stoptags out"),
        ({"filter": [{"type": "stemmer", "language": "german"}]}, "light_english"),
        ({"filter": ["pattern_capture"]}, "[patterns] is required"),
        ({"filter": [{"type": "word_delimiter_graph", "type_table": ["$ => DIGIT"]}]}, "mapping"),
        ({"char_filter": ["mapping"]}, "[mappings] is required"),
        ({"char_filter": [{"type": "mapping", "mappings": ["x"]}]}, "from => to"),
        ({"char_filter": ["pattern_replace"]}, "[pattern] is required"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_the_way_out(node, request_, reason):
    assert reason in refusal(node, **({"tokenizer": "keyword", "text": "a"} | request_))


def test_a_stable_plugin_cannot_serve_custom_normalizers(node):
    assert "may not use filter [asciifolding]" in refusal(node, filter=["asciifolding"], text="a")


@pytest.mark.parametrize(
    ("profile", "text", "query"),
    [
        ("standard", "A Quick fox", "quick"),
        ("english", "A quick fox jumps", "jumping foxes"),
        ("korean", "뿌리가 깊은 나무는 흔들리지 않는다", "나무에게"),
        ("cjk", "東京都は日本の首都", "首都"),
    ],
)
def test_every_profile_makes_an_index_that_finds(node, index, profile, text, query):
    settings = json.loads((PROFILES / f"{profile}.json").read_text())
    name = index(settings, {"type": "text", "analyzer": "es_hybrid_text"})
    for identifier, content in (("right", text), ("wrong", "something else / 다른 말")):
        call(node, f"{name}/_doc/{identifier}?refresh=true", {"text": content}, method="PUT")
    assert hits(node, name, {"match": {"text": query}}) == ["right"]


def test_prefixes_are_folded_as_the_text_was(node, index):
    analyzer = {"type": "custom", "tokenizer": "standard", "filter": ["lowercase", "asciifolding"]}
    name = index(
        {"analysis": {"analyzer": {"folded": analyzer}}}, {"type": "text", "analyzer": "folded"}
    )
    call(node, f"{name}/_doc/1?refresh=true", {"text": "Éclair"}, method="PUT")
    assert hits(node, name, {"simple_query_string": {"query": "Écl*"}}) == ["1"]
