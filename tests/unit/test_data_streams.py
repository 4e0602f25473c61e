"""A data stream takes no document twice. The node has none, so a script stands for the server."""

import pytest

from es_hybrid.errors import NoContract, RequestRefused
from es_hybrid.indexing import Indexer
from tests.cluster import Cluster
from tests.embedders import WordEmbedder
from tests.fakes import FakeServer

BACKING = ".ds-logs-2026.11.23-000001"


@pytest.mark.parametrize(
    ("name", "said"),
    [("logs", "'logs' is a data stream"), ("all", "'all' leads to the data stream 'logs'")],
)
def test_a_data_stream_or_an_alias_of_one_is_refused_with_another_way(name, said):
    found = {BACKING: {"mappings": {}, "data_stream": "logs"}}
    with FakeServer({("GET", f"/{name}"): found}) as server:
        indexer = Indexer(server.client(), name, embedder=WordEmbedder())
        with pytest.raises(NoContract, match=rf"{said}.* under another name"):
            indexer.write([{"text": "tea"}])
        assert {one.method for one in server.requests} == {"GET"}


class OnlyStreams(Cluster):
    """A cluster whose templates make data streams of all names."""

    def create(self, index, body):
        reason = "cannot create index, because it matches with template [x] that creates data "
        reason += "streams only, use create data stream api instead"
        return 400, {"error": {"type": "illegal_argument_exception", "reason": reason}}


def test_a_name_that_a_template_makes_data_streams_of_is_refused_with_another_way():
    indexer = Indexer(OnlyStreams(), "films", embedder=WordEmbedder())
    with pytest.raises(RequestRefused, match=r"template \[x\].* a name that the template does not"):
        indexer.write([{"text": "tea"}])
