"""Recall of kNN on a real node, against numpy; and where the server compares all vectors."""

import re
from hashlib import blake2s

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher, capabilities
from es_hybrid.client import path, request
from es_hybrid.errors import SourceError, UsageError
from es_hybrid.recall import Sampled, measure, of_documents
from es_hybrid.recall.nearest import nearest
from es_hybrid.recall.segments import read_segments
from es_hybrid.vector_index import VECTOR_INDEX_TYPES
from es_hybrid.vector_stream import batches, vector_index
from tests.commands import Terminal
from tests.embedders import CountingEmbedder, WordEmbedder, ships

DIMS, DOCUMENTS, K = 64, 2500, 10


class Scattered(WordEmbedder):
    """Each text has a random direction, and a length between 0.5 and 1.5: few are really near."""

    name = "scattered"

    def _vector(self, text):
        seed = int.from_bytes(blake2s(text.encode()).digest()[:8], "big")
        chance = np.random.default_rng(seed)
        return chance.normal(size=self.info.dims) / 8 * chance.uniform(0.5, 1.5)


SCATTERED = Scattered(DIMS)
TEXTS = [f"text {number}" for number in range(DOCUMENTS)]
ASKED = SCATTERED.embed_queries([f"query {number}" for number in range(40)])


@pytest.fixture(scope="module")
def made(es):
    """Makes an index of one segment; all are deleted at the end."""
    names = []

    def make(**options):
        name = f"t-recall-{len(names)}"
        names.append(name)
        records = [
            {"_id": str(row), "text": text, "even": row % 2 == 0} for row, text in enumerate(TEXTS)
        ]
        Indexer(es, name, embedder=SCATTERED, analysis="standard", **options).write(records)
        merge = {"max_num_segments": "1"}
        request(es, "POST", path(name, "_forcemerge"), params=merge, timeout=300)
        request(es, "POST", path(name, "_refresh"))
        return vector_index(es, name)

    yield make
    for name in names:
        request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


@pytest.fixture(scope="module")
def index(made):
    return made(vector_index="hnsw")


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ranked(similarity, queries, documents):
    """Rows of the documents, nearest first, for each query."""
    if similarity == "cosine":
        near = unit(queries) @ unit(documents).T
    elif similarity == "max_inner_product":
        near = queries @ documents.T
    else:
        near = -((queries[:, None] - documents[None]) ** 2).sum(axis=2)
    return np.argsort(-near, axis=1, kind="stable")


@pytest.mark.parametrize("similarity", ["cosine", "max_inner_product", "l2_norm"])
def test_recall_is_the_share_of_the_nearest_that_searches_find(es, made, similarity):
    index = made(vector_index="hnsw", similarity=similarity)
    asked = unit(ASKED) if similarity == "cosine" else ASKED.astype(np.float32)
    found = measure(es, index, Sampled(asked), candidates=[K])
    searcher = Searcher(es, index.name, embedder=SCATTERED)
    truth = ranked(similarity, ASKED, SCATTERED.embed_documents(TEXTS))[:, :K]
    options = {"mode": "knn", "num_candidates": K, "size": K}
    hits = [{int(hit.id) for hit in searcher.search(vector=one, **options)} for one in asked]
    shares = [len(one & set(row)) / K for one, row in zip(hits, truth.tolist(), strict=True)]
    assert found.settings[0].recall.mean == pytest.approx(np.mean(shares))
    assert 0.2 < np.mean(shares) < 0.99


@pytest.mark.parametrize("kind", ["int8_hnsw", "int4_hnsw", "bbq_hnsw", "int8_flat"])
def test_each_type_finds_more_with_more_candidates_scored_again(es, made, kind):
    index = made(vector_index=kind)
    found = measure(es, index, Sampled(unit(ASKED)), candidates=[15, 500], oversamples=[1, 10])
    means = {(one.oversample, one.num_candidates): one.recall.mean for one in found.settings}
    assert means[10, 500] >= means[1, 15]
    assert means[10, 500] > 0.75


@pytest.fixture(scope="module")
def rounded(made):
    return made(vector_index="bbq_hnsw")


@pytest.mark.parametrize(("candidates", "oversample"), [(15, 1), (100, 1), (100, 5)])
def test_a_search_finds_what_recall_measured_for_its_setting(es, rounded, candidates, oversample):
    asked = unit(ASKED)
    found = measure(es, rounded, Sampled(asked), candidates=[candidates], oversamples=[oversample])
    setting = next(one for one in found.settings if one.num_candidates == candidates)
    depths = {"num_candidates": candidates, "oversample": oversample}
    each = [{"vector": one, "mode": "knn", "size": K, **depths} for one in asked]
    hits = Searcher(es, rounded.name, embedder=SCATTERED).search_many(each)
    truth = ranked("cosine", ASKED, SCATTERED.embed_documents(TEXTS))[:, :K].tolist()
    shares = [
        len({int(hit.id) for hit in one} & set(row)) / K
        for one, row in zip(hits, truth, strict=True)
    ]
    assert setting.recall.mean == pytest.approx(np.mean(shares))


def test_scores_are_exact_only_where_candidates_are_scored_again(es, rounded):
    searcher, documents = (
        Searcher(es, rounded.name, embedder=SCATTERED),
        unit(SCATTERED.embed_documents(TEXTS)),
    )
    off = {}
    for oversample in (0, 1, 10):
        asked = unit(ASKED)[0]
        hits = searcher.search(vector=asked, mode="knn", size=K, oversample=oversample)
        off[oversample] = max(abs(hit.knn.cosine - documents[int(hit.id)] @ asked) for hit in hits)
    assert off[0] > 1e-3
    assert max(off[1], off[10]) < 1e-6


def test_the_truth_is_what_an_exact_search_finds(es, index):
    asked = unit(ASKED)
    truth = nearest(batches(es, index), asked, k=K, similarity="cosine")
    searcher = Searcher(es, index.name, embedder=SCATTERED)
    last = [searcher.search(vector=one, exact=True, size=K).hits[-1].knn.cosine for one in asked]
    assert truth.least == pytest.approx(last, abs=1e-6)
    assert truth.vectors == DOCUMENTS


def test_a_document_is_not_its_own_neighbour(es, index):
    sample = of_documents(es, index, most=30)
    found = measure(es, index, sample, k=1, candidates=[1000])
    assert found.settings[0].recall.mean == 1.0
    assert any("harder to find" in note for note in found.notes)


def test_filters_and_shares_at_random_are_measured_beside_everything(es, index):
    even = [{"term": {"even": True}}]
    queries = Sampled(unit(ASKED)[:5])
    found = measure(es, index, queries, candidates=[1000], filters={"even": even}, shares=[0.1])
    shares = {one.filter: one.share for one in found.settings}
    assert shares["even"] == 0.5
    assert shares["10.00% at random"] == pytest.approx(0.1, abs=0.03)
    assert all(one.recall.mean == 1.0 for one in found.settings if one.exhaustive)


def test_a_filter_that_leaves_fewer_than_k_asks_for_these_alone(es, index):
    few = {"few": [{"ids": {"values": ["1", "2", "3"]}}]}
    found = measure(es, index, Sampled(unit(ASKED)[:3]), candidates=[15], filters=few)
    assert [one.recall.mean for one in found.settings if one.filter == "few"] == [1.0, 1.0]


def test_of_passages_the_best_one_of_each_document_counts(es, name):
    texts = [" ".join(f"w{row * 7 % 50}x{place}" for place in range(20)) for row in range(60)]
    records = [{"_id": str(row), "text": text} for row, text in enumerate(texts)]
    counting = CountingEmbedder(128)
    Indexer(es, name, embedder=counting, analysis="standard", passages="8").write(records)
    index = vector_index(es, name)
    found = measure(es, index, of_documents(es, index, most=20), k=5, candidates=[1000])
    assert [one.recall.mean for one in found.settings] == [1.0]
    assert found.settings[0].exhaustive


def compared(es, name, candidates):
    """How many vectors the server says it compared with one query."""
    knn = {"field": "embedding", "query_vector": unit(ASKED)[0].tolist(), "k": K}
    body = {"knn": knn | {"num_candidates": candidates}, "profile": True}
    shards = request(es, "POST", path(name, "_search"), body=body)["profile"]["shards"]
    return sum(knn["vector_operations_count"] for one in shards for knn in one["dfs"]["knn"])


@pytest.mark.parametrize("candidates", [15, 100, 319, 321, 1000, 2499, 2500])
def test_where_all_vectors_are_compared_is_known_without_asking(es, index, candidates):
    kind, release = VECTOR_INDEX_TYPES["hnsw"], capabilities.read(es).release
    segments = read_segments(es, index.index, kind=kind, vectors=DOCUMENTS, release=release)
    assert segments.vectors == [DOCUMENTS]
    everything = compared(es, index.name, candidates) == DOCUMENTS
    assert segments.exhaustive(candidates) == everything


def test_the_command_prints_the_smallest_setting_and_writes_a_page(
    es, index, url, capsys, monkeypatch, tmp_path
):
    typed, page = Terminal(capsys, monkeypatch), tmp_path / "out.html"
    told = typed("recall", index.name, "--url", url, "--json", "--report", str(page)).json
    shown = typed("recall", index.name, "--url", url, "--sample", "20").out
    written = set(map(float, re.findall(r'<data value="([^"]*)"', page.read_text())))
    smallest = told["smallest"]["no filter"]
    assert {one["recall"] for one in told["settings"]} <= written
    assert smallest["recall"] >= told["target"] == 0.95
    assert smallest["options"] == f"--num-candidates {smallest['num_candidates']}"
    assert ("* proves nothing" in shown) == any(one["exhaustive"] for one in told["settings"])


def test_the_options_of_the_smallest_setting_are_those_of_a_search(
    es, rounded, url, capsys, monkeypatch
):
    typed = Terminal(capsys, monkeypatch)
    measured = ("--oversample", "1,5", "--candidates", "50", "--target", "0.1", "--sample", "20")
    shown = typed("recall", rounded.name, "--url", url, *measured).out
    told = typed("recall", rounded.name, "--url", url, *measured, "--json").json
    options = told["smallest"]["no filter"]["options"]
    ships(monkeypatch, SCATTERED.info.id, lambda: SCATTERED)
    found = typed("search", rounded.name, "text 7", "--url", url, *options.split(), "--json")
    assert options == "--num-candidates 50 --oversample 1"
    assert options in shown
    assert len(found.json["hits"]) == 10


BAD = {
    "k of zero": {"k": 0},
    "k of a fraction": {"k": 1.5},
    "no candidate": {"candidates": [0]},
    "too many candidates": {"candidates": [10_001]},
    "fewer candidates than k": {"candidates": [5]},
    "an oversample below one": {"oversamples": [0.5]},
    "an oversample of nothing": {"oversamples": [0]},
    "a share of nothing": {"shares": [0.0]},
    "a target above one": {"target": 1.2},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_a_number_that_can_never_work_is_refused(es, index, options):
    with pytest.raises(UsageError):
        measure(es, index, Sampled(unit(ASKED)), **options)


def test_an_index_without_vectors_has_no_recall(es, name):
    Indexer(es, name, embedder=SCATTERED).write([{"_id": "a", "text": "one"}])
    request(es, "DELETE", path(name, "_doc", "a"), params={"refresh": "true"})
    with pytest.raises(SourceError, match="has no vector"):
        of_documents(es, vector_index(es, name), most=5)
