"""Faults of the model that makes the vectors."""

import numpy as np
import pytest

from es_hybrid.errors import ContractMismatch
from tests.embedders import WordEmbedder
from tests.faults.checks import letters, plan

WORD = "poison"


class Spoiled(WordEmbedder):
    """As its parent, but for batches that hold a certain word; tells when it met the first."""

    def __init__(self, spoil, met):
        super().__init__(8)
        self.spoil, self.met = spoil, met

    def embed_documents(self, texts):
        vectors = super().embed_documents(texts)
        bad = [WORD in text for text in texts]
        if not any(bad):
            return vectors
        self.met()
        return self.spoil(vectors, np.array(bad))


def raises(vectors, bad):
    raise RuntimeError("out of memory")


def gives_nan(vectors, bad):
    vectors[bad, 3] = np.nan
    return vectors


def gives_fewer_rows(vectors, bad):
    return vectors[~bad]


def gives_other_dimensions(vectors, bad):
    return vectors[:, :5]


FAULTS = {
    "embedder raises on one text": raises,
    "returns NaN": gives_nan,
    "returns fewer rows": gives_fewer_rows,
    "model dims differ from mapping in mid-run": gives_other_dimensions,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_text_that_the_model_fails_on_is_a_dead_letter_and_spoils_no_other(scene, fault, seed):
    planned = plan(seed)
    planned.lost = {120 + seed, 200}
    for record in planned.records:
        record["text"] += f" {WORD}" if record["n"] in planned.lost else ""
    scene.begin(planned)
    met = []
    scene.options["embedder"] = Spoiled(FAULTS[fault], lambda: met.append(scene.acknowledged))
    report = scene.ingest(planned)
    assert 0 < met[0] < planned.documents
    assert scene.wrong(planned, report) == []
    assert letters(scene.dead).keys() == planned.lost | planned.rejected


def test_a_model_whose_dims_differ_from_the_mapping_is_refused_before_anything_is_sent(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    scene.options["embedder"] = WordEmbedder(16)
    with pytest.raises(ContractMismatch, match=r"words-8.*words-16"):
        scene.ingest(planned)
    assert not scene.proxy.written
    scene.options.clear()
    assert scene.wrong(planned, scene.ingest(planned)) == []
