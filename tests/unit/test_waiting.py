"""A run waits for a server that takes nothing just now, and loses nothing when it gives up."""

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.indexing import Indexer, patience
from tests.cluster import Cluster
from tests.embedders import WordEmbedder

BLOCK = {
    "type": "cluster_block_exception",
    "reason": "index [films] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage "
    "watermark, index has read-only-allow-delete block]",
}
FILMS = [{"_id": str(number), "text": f"word{number}"} for number in range(30)]


class Blocked(Cluster):
    """Answers so many bulk requests with a block on every item."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def one(self, action, source):
        if self.times > 0:
            return {"status": 429, "error": BLOCK}
        return super().one(action, source)

    def bulk(self, body):
        answer = super().bulk(body)
        self.times -= 1
        return answer


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(patience, "_LONGEST_WAIT", 0.01)


def write(cluster, **options):
    return Indexer(cluster, "films", embedder=WordEmbedder(), **options)


def test_a_block_that_is_lifted_costs_no_document(tmp_path):
    cluster = Blocked(times=12)
    report = write(cluster, dead_letters=tmp_path / "dead").write(FILMS)
    assert (report.indexed, report.dead_lettered) == (30, 0)
    assert len(cluster.documents) == 30
    assert not (tmp_path / "dead").exists()


def test_a_block_is_told_in_the_progress_and_in_the_log(monkeypatch, caplog):
    told = []
    monkeypatch.setattr(patience, "_LONGEST_WAIT", 5)
    monkeypatch.setattr("random.uniform", lambda _, longest: 3 if longest > 1 else longest)
    write(Blocked(times=3)).write(FILMS, progress=lambda one: told.append(one.waiting))
    assert any("flood-stage" in waiting for waiting in told)
    assert told[-1] == ""
    assert "waiting for up to 300 s: POST /films-000001-writes/_bulk" in caplog.text


def test_after_its_patience_a_run_stops_and_the_next_one_writes_all(tmp_path):
    cluster = Blocked(times=10**6)
    with pytest.raises(RequestRefused, match=r"flood-stage.*written when it is run again"):
        write(cluster, patience=0.2, dead_letters=tmp_path / "dead").write(FILMS)
    assert not cluster.documents
    assert not (tmp_path / "dead").exists()
    cluster.times = 0
    assert write(cluster).write(FILMS).indexed == 30


def test_an_interrupted_run_does_not_wait_for_a_block():
    def breaking():
        yield from FILMS
        yield from ({"_id": f"b{number}", "text": "word"} for number in range(600))
        raise KeyboardInterrupt

    cluster = Blocked(times=10**6)
    with pytest.raises((KeyboardInterrupt, RequestRefused)):
        write(cluster).write(breaking())
    assert not cluster.documents
