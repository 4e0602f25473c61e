"""Anomalies of real indices: what was planted is found, flagged, written back and kept up with."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.anomalies import METHODS, Options, anomalies
from es_hybrid.client import path, request
from es_hybrid.errors import NoContract, UsageError
from es_hybrid.existing import enrich
from es_hybrid.fitted import MODELS_INDEX, model_of
from tests.commands import Terminal
from tests.embedders import WordEmbedder
from tests.foreign import TEXT_FIELDS, bulk, foreign_index, wine

DIMS, USUAL, ODD = 16, 200, 4
START = datetime(2026, 1, 1, tzinfo=UTC)


def around(axis, count, seed):
    """Vectors near one axis."""
    rows = 0.15 * np.random.default_rng(seed).normal(size=(count, DIMS))
    rows[:, axis] += 1
    return rows.astype(np.float32)


def records(vectors, prefix="d", day=0):
    return [
        {
            "_id": f"{prefix}{row}",
            "text": f"document {row}",
            "vector": vector.tolist(),
            "day": (START + timedelta(days=day, hours=row / 10)).isoformat(),
        }
        for row, vector in enumerate(vectors)
    ]


def write(es, name, rows):
    indexer = Indexer(es, name, vector_field="vector", label="toy", fields={"day": "date"})
    return indexer.write(rows)


@pytest.fixture
def planted(es, name):
    """Two hundred documents near two axes, and four far from both."""
    usual = np.concatenate([around(0, USUAL // 2, 1), around(1, USUAL // 2, 2)])
    write(es, name, records(usual) + records(around(5, ODD, 3), prefix="odd", day=30))
    return name


def source(es, name, identifier):
    return request(es, "GET", path(name, "_doc", identifier))["_source"]


def look(es, name, method="neighbours", **options):
    said = {"contamination": ODD / (USUAL + ODD), **options}
    keys = {key: said.pop(key) for key in ("write", "dry_run", "filter") if key in said}
    if method == "recent":
        said |= {"time_field": "day", "window": "10d"}
    return anomalies(es, name, Options(method=method, **said), **keys)


@pytest.mark.parametrize("method", ["neighbours", "mean", "clusters"])
def test_documents_far_from_all_others_are_the_oddest(es, planted, method):
    options = {"clusters": 2} if method == "clusters" else {}
    found = look(es, planted, method, **options)
    assert {one.id for one in found.odd[:ODD]} == {f"odd{row}" for row in range(ODD)}
    assert found.documents == USUAL + ODD
    assert found.flagged == ODD


def test_a_window_that_drifted_is_told_from_what_was_before(es, name):
    write(es, name, records(around(0, 100, 1)) + records(around(1, 50, 2), prefix="new", day=60))
    found = look(es, name, "recent")
    assert found.shift.p_value < 0.01
    assert found.shift.distance > 3 * found.shift.by_chance
    assert all(one.id.startswith("new") for one in found.odd)


def test_a_window_like_what_was_before_is_not_called_another(es, name):
    write(es, name, records(around(0, 100, 1)) + records(around(0, 50, 2), prefix="new", day=60))
    assert look(es, name, "recent").shift.p_value > 0.05


def test_without_write_nothing_is_written(es, planted):
    before = request(es, "GET", path(planted, "_mapping"))
    assert look(es, planted).written is None
    assert request(es, "GET", path(planted, "_mapping")) == before


def test_a_dry_run_writes_nothing_either(es, planted):
    before = request(es, "GET", path(planted, "_mapping"))
    assert look(es, planted, write=True, dry_run=True).written is None
    assert request(es, "GET", path(planted, "_mapping")) == before


@pytest.mark.parametrize("method", METHODS)
def test_score_and_flag_are_written_and_can_be_filtered_by(es, planted, method):
    if method == "recent":
        write(es, planted, records(around(0, 30, 7), prefix="late", day=31))
    found = look(es, planted, method, write=True)
    flagged = {"query": {"term": {"anomaly.flag": True}}, "size": 100}
    hits = request(es, "POST", path(planted, "_search"), body=flagged)["hits"]["hits"]
    assert (found.written.written, len(hits)) == (found.documents, found.flagged)
    assert {f"odd{row}" for row in range(ODD)} <= {hit["_id"] for hit in hits}
    assert source(es, planted, "odd0")["anomaly"]["score"] > found.threshold


def test_a_second_pass_finds_all_as_it_is(es, planted):
    look(es, planted, write=True)
    again = look(es, planted, write=True).written
    assert (again.written, again.unchanged) == (0, USUAL + ODD)


def test_documents_that_move_within_the_index_become_no_other_clusters(es, name):
    rows = np.random.default_rng(5).normal(size=(300, DIMS)).astype(np.float32)
    write(es, name, records(rows))
    first = look(es, name, "clusters", clusters=6)
    write(es, name, [{**one, "text": "another"} for one in records(rows)[::3]])
    second = look(es, name, "clusters", clusters=6)
    # Not quite: centres move by batches, which are read in another order.
    assert np.sort(second.scores) == pytest.approx(np.sort(first.scores), abs=0.02)


def test_a_field_of_somebody_elses_is_not_written_over(es, name):
    rows = [{**record, "anomaly": "mine"} for record in records(around(0, 30, 1))]
    write(es, name, rows)
    with pytest.raises(UsageError, match=r"'anomaly' of its own.*--field"):
        look(es, name, write=True)
    assert look(es, name, write=True, field="odd").written.written == 30


def test_what_others_write_meanwhile_is_never_overwritten(es, planted, monkeypatch):
    from es_hybrid.write_back import run

    prepare, meddled = run.update, threading.Event()

    def meddle(document, found, added):
        if not meddled.is_set():
            meddled.set()
            change = {"doc": {"price": 7}}
            request(es, "POST", path(planted, "_update", found.id), body=change)
            planted_id.append(found.id)
        return prepare(document, found, added)

    planted_id = []
    monkeypatch.setattr(run, "update", meddle)
    written = look(es, planted, write=True).written
    found = source(es, planted, planted_id[0])
    assert (written.conflicts, written.written) == (1, USUAL + ODD)
    assert found["price"] == 7
    assert "score" in found["anomaly"]


def test_a_document_that_is_deleted_meanwhile_is_counted_and_stays_away(es, planted, monkeypatch):
    from es_hybrid.write_back import run

    prepare = run.update

    def meddle(document, found, added):
        if found.id == "d1":
            request(es, "DELETE", path(planted, "_doc", "d1"), ok=(404,))
        return prepare(document, found, added)

    monkeypatch.setattr(run, "update", meddle)
    written = look(es, planted, write=True).written
    assert (written.gone, written.written) == (1, USUAL + ODD - 1)
    assert request(es, "GET", path(planted, "_doc", "d1"), ok=(404,))["found"] is False


def test_a_filter_limits_what_is_scored(es, planted):
    ids = [f"d{row}" for row in range(50)]
    assert look(es, planted, "mean", filter={"ids": {"values": ids}}).documents == 50


@pytest.fixture
def mislabelled(es, name):
    """Of each kind a hundred documents near one axis, and four "red" ones that lie with the blue.

    In the whole index these are near to many others: only among the red ones they are odd.
    """
    red, blue = around(0, 100, 1), around(1, 100, 2)
    rows = [
        *({**one, "kind": "red"} for one in records(red, prefix="red")),
        *({**one, "kind": "blue"} for one in records(blue, prefix="blue")),
        *({**one, "kind": "red"} for one in records(around(1, ODD, 3), prefix="odd")),
    ]
    coloured(es, name).write(rows)
    return name


def coloured(es, name):
    return Indexer(es, name, vector_field="vector", label="toy", fields={"kind": "keyword"})


def test_neighbours_are_looked_for_among_the_documents_that_match(es, mislabelled):
    found = look(es, mislabelled, filter="kind=red", contamination=0.03)
    assert {one.id for one in found.odd[:ODD]} == {f"odd{row}" for row in range(ODD)}
    assert (found.documents, found.flagged, found.facts["k"]) == (104, ODD, 20)


def test_a_document_that_comes_in_is_compared_with_those_that_match(es, mislabelled):
    look(es, mislabelled, filter="kind=red", contamination=0.03, write=True)
    odd = records(around(1, 1, 8), prefix="new")[0] | {"kind": "red"}
    usual = records(around(0, 1, 9), prefix="fine")[0] | {"kind": "red"}
    assert coloured(es, mislabelled).write([odd, usual]).notes == ()
    assert source(es, mislabelled, "new0")["anomaly"]["flag"] is True
    assert source(es, mislabelled, "fine0")["anomaly"]["flag"] is False


def test_passages_make_one_score_for_each_document(es, name):
    indexer = Indexer(es, name, embedder=Counting(), passages="8:0")
    texts = [f"one two three four five six seven eight nine ten {row % 3}." for row in range(40)]
    indexer.write([{"_id": str(row), "text": text * 3} for row, text in enumerate(texts)])
    for method in ("mean", "neighbours"):
        assert look(es, name, method).documents == 40
    some = look(es, name, filter={"ids": {"values": [str(row) for row in range(0, 40, 2)]}})
    assert (len(some.scores), np.isfinite(some.scores).all()) == (20, True)


class Counting(WordEmbedder):
    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "median"}, "'median': choose one of mean, clusters, recent, neighbours"),
        ({"contamination": 0.0}, "contamination 0.0 must be above 0"),
        ({"contamination": 0.7}, "contamination 0.7 must be above 0"),
        ({"k": 0}, "k 0 must be 1 to 9,999"),
        ({"k": 500}, "k 500 must be below the 204 documents"),
        ({"method": "clusters", "clusters": 1}, "clusters 1 must be 2 or more"),
        ({"method": "recent"}, "recent needs the date.*has day"),
        ({"method": "recent", "time_field": "text"}, "--time-field text: a field of type text"),
        ({"method": "recent", "time_field": "no"}, "--time-field no: no such field"),
        ({"method": "recent", "time_field": "day", "window": "soon"}, "window 'soon': write a"),
        ({"method": "recent", "time_field": "day", "window": "9w"}, "0 are older"),
    ],
)
def test_what_can_never_work_is_refused(es, planted, options, said):
    with pytest.raises(UsageError, match=said):
        anomalies(es, planted, Options(**options))


def test_of_too_few_documents_none_is_odd(es, name):
    write(es, name, records(around(0, 5, 1)))
    with pytest.raises(UsageError, match=r"has 5 documents.*fewer than 20"):
        look(es, name)


def lengthy(seed=1, count=60):
    """Vectors of all lengths from 1 to 5."""
    rows = np.random.default_rng(seed)
    directions = around(0, count, seed) / 1.1
    return (directions * rows.uniform(1, 5, (count, 1))).astype(np.float32)


def by(es, name, similarity, vectors):
    indexer = Indexer(es, name, vector_field="vector", label="toy", similarity=similarity)
    indexer.write(records(vectors))
    return indexer


def farthest(one, others, k):
    """Euclidean distance of one vector to the k-th of others."""
    return np.sort(np.linalg.norm(others - one, axis=1))[k - 1]


@pytest.mark.parametrize("similarity", ["cosine", "dot_product", "l2_norm"])
def test_the_score_is_the_distance_to_the_kth_neighbour_by_what_the_index_compares(
    es, name, similarity
):
    vectors, k = lengthy(), 5
    by(es, name, similarity, vectors)
    rows = vectors
    if similarity != "l2_norm":
        rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [farthest(one, np.delete(rows, at, 0), k) for at, one in enumerate(rows)]
    look(es, name, k=k, write=True)
    found = [source(es, name, f"d{row}")["anomaly"]["score"] for row in range(len(rows))]
    assert found == pytest.approx(expected, abs=2e-4)


def test_a_document_that_comes_into_an_index_of_distances_is_scored_by_them(es, name):
    vectors, new = lengthy(), lengthy(2, 1)
    indexer = by(es, name, "l2_norm", vectors)
    look(es, name, k=5, write=True)
    indexer.write(records(new, prefix="new"))
    assert source(es, name, "new0")["anomaly"]["score"] == pytest.approx(
        farthest(new[0], vectors, 5), abs=2e-4
    )


def test_where_there_are_fewer_neighbours_the_last_counts(es, name):
    vectors = lengthy(count=30)
    indexer = by(es, name, "l2_norm", vectors)
    look(es, name, k=29, write=True)
    for row in range(20, 30):
        request(es, "DELETE", path(name, "_doc", f"d{row}"), params={"refresh": "true"})
    indexer.write(records(lengthy(2, 1), prefix="new"))
    assert source(es, name, "new0")["anomaly"]["score"] == pytest.approx(
        farthest(lengthy(2, 1)[0], vectors[:20], 20), abs=2e-4
    )


def test_neighbours_are_not_measured_by_inner_products(es, name):
    by(es, name, "max_inner_product", around(0, 30, 1))
    with pytest.raises(UsageError, match="choose --method mean or clusters"):
        look(es, name)
    assert look(es, name, "mean").documents == 30


def test_an_index_without_vectors_is_refused(es, name):
    es.indices.create(index=name)
    with pytest.raises(NoContract, match=name):
        look(es, name)


def test_the_command_prints_tables_json_and_a_page(es, url, planted, capsys, monkeypatch, tmp_path):
    typed, page = Terminal(capsys, monkeypatch), tmp_path / "out.html"
    typed_in = ("anomalies", planted, "--url", url, "--contamination", "0.02")
    told = typed(*typed_in, "--report", str(page), "--json").json
    assert told["documents"] == USUAL + ODD
    assert "odd0" in page.read_text()
    assert "The oddest documents" in typed(*typed_in).out


def test_models_are_hidden_from_searches_over_everything(es, planted):
    look(es, planted, write=True)
    found = request(es, "GET", path("*", "_search"))
    assert MODELS_INDEX not in {hit["_index"] for hit in found["hits"]["hits"]}
    assert Searcher(es, planted).search("document", mode="bm25", filter="anomaly.flag=true").total


@pytest.mark.parametrize("method", METHODS)
def test_documents_that_come_in_are_scored_as_well(es, planted, method):
    if method == "recent":
        write(es, planted, records(around(0, 30, 7), prefix="late", day=31))
    look(es, planted, method, write=True)
    usual, odd = around(0, 1, 8), around(9, 1, 9)
    report = write(es, planted, records(usual, prefix="in") + records(odd, prefix="out"))
    assert (report.indexed, report.notes) == (2, ())
    assert source(es, planted, "in0")["anomaly"]["flag"] is False
    assert source(es, planted, "out0")["anomaly"]["flag"] is True


def test_a_score_at_ingestion_is_that_of_a_later_pass(es, planted):
    look(es, planted, "mean", write=True)
    write(es, planted, records(around(0, 30, 7), prefix="late"))
    model = request(es, "GET", path(planted, "_mapping"))[f"{planted}-000001"]["mappings"]["_meta"]
    kept = model_of(es, model["es_hybrid_models"]["anomaly"])
    vectors = around(0, 30, 7)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [one["score"] for one in kept.values(units.astype(np.float32))]
    found = [source(es, planted, f"late{row}")["anomaly"]["score"] for row in range(30)]
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def texts(es, name):
    """Sixty texts, whose scores are written."""
    rows = [{"_id": str(row), "text": f"word{row % 7} tail{row}", "price": 1} for row in range(60)]
    Indexer(es, name, embedder=WORDS).write(rows)
    look(es, name, "mean", write=True)
    return name, rows


WORDS = WordEmbedder()


def test_what_is_written_back_changes_nothing_for_the_next_run(es, texts):
    name, rows = texts
    report = Indexer(es, name, embedder=WORDS).write(rows)
    assert (report.unchanged, report.indexed) == (60, 0)
    assert "score" in source(es, name, "7")["anomaly"]


@pytest.mark.parametrize("change", [{"price": 2}, {"text": "another text"}])
def test_a_changed_document_keeps_a_score(es, texts, change):
    name, rows = texts
    report = Indexer(es, name, embedder=WORDS).write([{**rows[7], **change}])
    found = source(es, name, "7")
    assert report.indexed == 1
    assert change.items() <= found.items()
    assert found["anomaly"].keys() == {"score", "flag"}


def test_a_record_with_a_field_of_that_name_is_refused(es, texts):
    name, rows = texts
    report = Indexer(es, name, embedder=WORDS).write([{**rows[0], "anomaly": 3}, rows[1]])
    assert report.rejected == 1
    assert "written by es_hybrid itself" in report.problems[0].reason


def test_a_model_of_another_embedder_scores_nothing_and_says_so(es, texts):
    name, _ = texts
    index = f"{name}-000001"
    meta = request(es, "GET", path(index))[index]["mappings"]["_meta"]
    model = meta["es_hybrid_models"]["anomaly"]
    request(es, "POST", path(MODELS_INDEX, "_update", model), body={"doc": {"embedder": "other"}})
    report = Indexer(es, name, embedder=WORDS).write([{"_id": "new", "text": "new"}])
    assert "fitted on vectors of other" in report.notes[0]
    assert "anomaly" not in source(es, name, "new")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"centres": "AAAA"}, "is damaged"),
        ({"schema": 9}, "has schema 9"),
        ({"threshold": None}, "threshold None"),
    ],
)
def test_a_damaged_model_scores_nothing_and_says_so(es, texts, change, said):
    name, _ = texts
    index = f"{name}-000001"
    meta = request(es, "GET", path(index))[index]["mappings"]["_meta"]
    model = meta["es_hybrid_models"]["anomaly"]
    request(es, "POST", path(MODELS_INDEX, "_update", model), body={"doc": change})
    report = Indexer(es, name, embedder=WORDS).write([{"_id": "new", "text": "new"}])
    assert said in report.notes[0]
    assert report.indexed == 1


def test_a_model_that_is_gone_scores_nothing_and_says_so(es, texts):
    name, _ = texts
    index = f"{name}-000001"
    meta = request(es, "GET", path(index))[index]["mappings"]["_meta"]
    request(es, "DELETE", path(MODELS_INDEX, "_doc", meta["es_hybrid_models"]["anomaly"]))
    report = Indexer(es, name, embedder=WORDS).write([{"_id": "new", "text": "new"}])
    assert "there is no model" in report.notes[0]


def test_an_index_that_others_write_to_is_scored_and_kept_up_with(es):
    with foreign_index(es, 60) as wines:
        enrich(es, wines, text_fields=TEXT_FIELDS, embedder=WORDS)
        written = look(es, wines, "mean", write=True).written
        bulk(es, wines, {"new": wine(999)})
        report = enrich(es, wines, text_fields=TEXT_FIELDS, embedder=WORDS)
        assert (written.written, report.enriched, report.notes) == (60, 1, ())
        assert source(es, wines, "new")["anomaly"].keys() == {"score", "flag"}


def test_what_is_forgotten_is_written_no_more(es, url, texts, capsys, monkeypatch):
    name, _ = texts
    typed = Terminal(capsys, monkeypatch)
    assert typed("anomalies", name, "--url", url, "--forget").code == 0
    Indexer(es, name, embedder=WORDS).write([{"_id": "new", "text": "new"}])
    assert "anomaly" not in source(es, name, "new")
    assert typed("anomalies", name, "--url", url, "--forget").code == 2
