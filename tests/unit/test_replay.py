"""A replay changes the file of dead letters once, at its end, or not at all."""

import errno

import pytest

from es_hybrid.errors import AccessDenied, RunInProgress, SourceError
from es_hybrid.indexing import Indexer, durable
from es_hybrid.indexing.lock import locked
from es_hybrid.indexing.replay import replay
from es_hybrid.indexing.state import Places, cluster_of
from tests.cluster import Cluster
from tests.embedders import FailsOn, WordEmbedder

RECORDS = [{"_id": str(n), "text": "poison" if n % 2 else "tea"} for n in range(8)]


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def file(cluster, tmp_path):
    made = tmp_path / "dead.ndjson"
    Indexer(cluster, "films", embedder=FailsOn("poison"), dead_letters=made).write(RECORDS)
    return made


class Interrupted(WordEmbedder):
    """Ctrl-C as soon as it is to embed what was poisonous."""

    def embed_documents(self, texts):
        if "poison" in texts:
            raise KeyboardInterrupt
        return super().embed_documents(texts)


def test_a_replay_that_is_interrupted_leaves_the_file_as_it_was(cluster, file):
    before = file.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        replay(cluster, "films", file, state=None, embedder=Interrupted())
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert file.read_bytes() == before


def test_a_replay_that_may_not_write_leaves_the_file_as_it_was(cluster, file):
    before = file.read_bytes()
    cluster.forbid = ("_bulk",)
    with pytest.raises(AccessDenied):
        replay(cluster, "films", file, state=None, embedder=WordEmbedder())
    assert file.read_bytes() == before


def test_a_full_disk_leaves_the_file_as_it_was_and_the_next_replay_empties_it(
    cluster, file, monkeypatch
):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fsync", full)
        with pytest.raises(SourceError, match="No space left"):
            replay(cluster, "films", file, state=None, embedder=WordEmbedder())
    assert file.read_bytes() == before
    done = replay(cluster, "films", file, state=None, embedder=WordEmbedder())
    assert (done.letters, done.unchanged + done.overtaken, file.exists()) == (4, 4, False)


def test_letters_that_all_fail_again_all_stay(cluster, file):
    done = replay(cluster, "films", file, state=None, embedder=FailsOn("poison"))
    assert (done.letters, done.failed, done.left) == (4, 4, 4)


def test_no_replay_begins_while_a_run_lasts(cluster, file, tmp_path):
    held = Places(tmp_path / "runs", cluster_of(cluster), "films").lock
    with locked(held, name="films"), pytest.raises(RunInProgress):
        replay(cluster, "films", file, state=tmp_path)
