"""A new index gets the analysis of its first documents, or the next best that the server can do."""

import json

import pytest

from es_hybrid.errors import ContractMismatch, PluginMissing
from es_hybrid.indexing import Indexer
from tests.cluster import Cluster
from tests.embedders import WordEmbedder

KOREAN = [{"_id": "1", "text": "서울의 봄에는 벚꽃이 핀다"}]
ENGLISH = [{"_id": "1", "text": "The tide of the sea is high"}]


class Lacks(Cluster):
    """A server without some components: their names are refused as a real server refuses them."""

    def __init__(self, *components, **options):
        super().__init__(**options)
        self.components = components

    def answer(self, method, last, body):
        lacking = [name for name in self.components if method == "PUT" and name in str(body)]
        if lacking:
            reason = f"Unknown tokenizer type [{lacking[0]}] for [es_hybrid_korean]"
            return 400, {"error": {"type": "illegal_argument_exception", "reason": reason}}
        return super().answer(method, last, body)


def write(cluster, records=KOREAN, **options):
    return Indexer(cluster, "films", embedder=WordEmbedder(), **options).write(records)


@pytest.mark.parametrize("asked", [None, "auto"])
@pytest.mark.parametrize(("records", "analysis"), [(KOREAN, "korean"), (ENGLISH, "english")])
def test_the_analysis_is_detected_reported_and_stored(records, analysis, asked):
    cluster = Cluster()
    report = write(cluster, records, analysis=asked)
    assert (report.analysis, report.analysis_detected) == (analysis, True)
    assert cluster.body["mappings"]["_meta"]["es_hybrid"]["analysis"] == analysis


def test_an_analysis_that_was_asked_for_is_not_called_detected():
    report = write(Cluster(), analysis="cjk")
    assert (report.analysis, report.analysis_detected) == ("cjk", False)


def test_a_live_index_keeps_its_analysis():
    cluster = Cluster()
    write(cluster, analysis="cjk")
    report = write(cluster, ENGLISH, analysis="auto")
    assert (report.analysis, report.analysis_detected) == ("cjk", False)


def test_korean_without_nori_is_served_by_cjk_and_the_way_to_nori_is_told():
    report = write(Lacks("nori_tokenizer"))
    assert (report.analysis, report.analysis_detected) == ("cjk", True)
    assert "elasticsearch-plugin install analysis-nori" in report.notes[0]


def test_a_server_without_any_plugin_is_told_apart_from_one_without_nori():
    report = write(Lacks("nori_tokenizer", '"cjk"'))
    assert report.analysis == "standard"
    assert ["analysis-nori" in report.notes[0], "analysis-common" in report.notes[1]] == [True] * 2


def test_an_analysis_that_was_asked_for_is_never_replaced():
    with pytest.raises(PluginMissing, match=r"analysis-nori.*--analysis cjk"):
        write(Lacks("nori_tokenizer"), analysis="korean")


class Late(Cluster):
    """Somebody else creates the index between our look at it and our attempt to create it."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def create(self, name, body):
        self.body = self.other
        return super().create(name, body)


def made(**options):
    cluster = Cluster()
    write(cluster, ENGLISH, **options)
    return json.loads(json.dumps(cluster.body))


def test_an_index_that_somebody_else_just_made_is_written_as_they_made_it():
    report = write(Late(made(analysis="cjk")))
    assert (report.created, report.analysis, report.indexed) == (False, "cjk", 1)


def test_an_index_that_somebody_else_just_made_otherwise_than_asked_is_left_alone():
    late = Late(made(analysis="cjk"))
    with pytest.raises(ContractMismatch, match="made with --analysis cjk"):
        write(late, analysis="korean")
    assert late.sent("_bulk") == []
