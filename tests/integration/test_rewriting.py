"""What changes, but not in its text, is written with the vectors that the index has already."""

import numpy as np
import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from tests.embedders import CountingEmbedder


class Uneven(CountingEmbedder):
    """As its parent, but no coordinate is a round number: each needs all bits of a float32."""

    def _vector(self, text):
        noise = np.random.default_rng(len(text)).normal(size=self.info.dims)
        return (super()._vector(text) + noise / 3).astype(np.float32)


LONG = " ".join(f"Sentence {number} tells of sharks and of the sea." for number in range(9))
OLD = [{"_id": str(n), "title": f"Film {n}", "text": LONG + f" {n}", "price": 1} for n in range(70)]
NEW = [{**record, "price": 2} for record in OLD]


def documents(es, name):
    """Every document, with the vectors as the server gives them back for searching."""
    body = {"query": {"match_all": {}}, "size": 1000, "sort": ["price", "es_hybrid.text_hash"]}
    params = {"_source_exclude_vectors": "false"}
    for given in (params, {}):  # a server that does not know the parameter leaves nothing out
        answer = request(es, "POST", path(name, "_search"), params=given, body=body, ok=(400,))
        if "hits" in answer:
            return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}
    raise AssertionError(answer)


def vectors(found):
    """All vectors of a document and their lengths."""
    whole = found | {"norm": found["es_hybrid"].get("norm")}
    return [(one["embedding"], one["norm"]) for one in found.get("passages", [whole])]


def write(es, name, records, **options):
    options.setdefault("embedder", Uneven())
    return Indexer(es, name, **options).write(records)


@pytest.mark.parametrize("refreshed", [True, False], ids=["refreshed", "not refreshed"])
@pytest.mark.parametrize(
    "options",
    [{}, {"passages": "16"}, {"similarity": "l2_norm"}, {"vector_index": "bbq_hnsw"}],
    ids=["whole texts", "passages", "as they come", "quantised"],
)
def test_another_price_is_written_with_bit_equal_vectors(es, name, monkeypatch, options, refreshed):
    with monkeypatch.context() as patch:
        if not refreshed:
            patch.setattr("es_hybrid.indexing.run.Run._refresh", lambda _: None)
        write(es, name, OLD, **options)
    report = write(es, name, NEW, **options)
    es.indices.refresh(index=name)
    after = documents(es, name)
    expected = documents_of(es, name + "-fresh", options)
    assert (report.indexed, report.rewritten, report.embedded) == (70, 70, 0)
    assert {found["price"] for found in after.values()} == {2}
    assert {key: vectors(one) for key, one in after.items()} == expected


def documents_of(es, name, options):
    """The vectors of the new records in an index that never knew the old ones."""
    try:
        write(es, name, NEW, **options)
        return {key: vectors(one) for key, one in documents(es, name).items()}
    finally:
        request(es, "DELETE", path(f"{name}-000001"), ok=(404,))


def test_a_title_that_moves_into_the_text_changes_what_passages_are_embedded_with(es, name):
    write(es, name, [{"_id": "1", "title": "The sea", "text": LONG}], passages="16")
    moved = {"_id": "1", "title": "The", "text": "sea " + LONG}
    report = write(es, name, [moved], passages="16")
    assert (report.indexed, report.rewritten, report.embedded) == (1, 0, 1)


def test_a_given_vector_is_written_as_it_is_given(es, name):
    given = [{"_id": "1", "text": "a shark", "price": 1, "v": [3.0, 4.0]}]
    write(es, name, given, embedder=None, vector_field="v")
    report = write(es, name, [{**given[0], "price": 2}], embedder=None, vector_field="v")
    assert (report.indexed, report.rewritten, report.embedded) == (1, 0, 0)
    assert vectors(documents(es, name)["1"]) == [([0.6, 0.8], 5.0)]


def test_a_document_of_somebody_else_is_embedded(es, name):
    write(es, name, OLD[:1])
    body = {"doc": {"es_hybrid": {"content_hash": "another"}, "embedding": None}}
    request(es, "POST", path(name, "_update", "0"), body=body)
    report = write(es, name, NEW[:1])
    assert (report.indexed, report.rewritten, report.embedded) == (1, 0, 1)


def test_what_others_changed_by_partial_updates_is_written_again_where_that_is_asked(es, name):
    write(es, name, OLD)
    change = {"doc": {"price": 99, "title": "Another"}}
    request(es, "POST", path(name, "_update", "7"), body=change)
    unseen, seen = write(es, name, OLD), write(es, name, OLD, rewrite=True)
    es.indices.refresh(index=name)
    found = documents(es, name)["7"]
    assert (unseen.unchanged, seen.rewritten, seen.embedded) == (70, 70, 0)
    assert (found["price"], found["title"]) == (1, "Film 7")
