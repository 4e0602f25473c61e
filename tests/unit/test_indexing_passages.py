"""Indexing in passages: one bad passage costs one document, and names say what they hold."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.indexing import Indexer
from tests.cluster import Cluster
from tests.embedders import CountingEmbedder, WordEmbedder

LONG = "Sharks swim in the deep blue sea. The poison is in the old tea."


class Poisoned(CountingEmbedder):
    """A vector of length zero for each text that holds poison."""

    def _vector(self, text):
        return super()._vector(text) * ("poison" not in text)


def write(cluster, *texts, **options):
    records = [{"_id": str(number), "text": text} for number, text in enumerate(texts)]
    options = {"embedder": Poisoned(), "passages": "8"} | options
    return Indexer(cluster, "tales", **options).write(records)


def test_one_bad_passage_dead_letters_its_document_with_the_reason():
    cluster = Cluster()
    report = write(cluster, "tea", LONG)
    (problem,) = report.problems
    assert (report.indexed, report.embedded, report.dead_lettered) == (1, 1, 1)
    assert (problem.id, problem.fate) == ("1", "dead_lettered")
    assert problem.reason.startswith("passage at character 34: ")


def test_a_document_is_stored_with_its_passages_in_order_and_no_vector_of_its_own():
    cluster = Cluster()
    write(cluster, LONG, embedder=CountingEmbedder())
    stored = cluster.documents["0"]
    assert set(stored) == {"text", "passages", "es_hybrid"}
    assert [one["start"] for one in stored["passages"]] == [0, 34]
    assert "".join(one["text"] for one in stored["passages"]) == LONG


@pytest.mark.parametrize(("passages", "rejected"), [("8", 1), (None, 0)])
def test_a_field_called_passages_is_the_users_own_where_there_are_none(passages, rejected):
    records = [{"text": "tea"}, {"text": "hot", "passages": ["a"]}]
    indexer = Indexer(Cluster(), "tales", embedder=CountingEmbedder(), passages=passages)
    assert indexer.write(records).rejected == rejected


def test_texts_longer_than_the_model_reads_are_counted_without_passages():
    limited = CountingEmbedder(limit=8)
    report = write(Cluster(), "tea", LONG, LONG + "!", embedder=limited, passages=None)
    assert (report.truncated, report.passages, report.passage_size) == (2, 0, None)


def test_nothing_is_written_where_tokens_cannot_be_counted():
    cluster = Cluster()
    with pytest.raises(UsageError, match="cannot count tokens"):
        write(cluster, "tea", embedder=WordEmbedder())
    assert cluster.body is None
