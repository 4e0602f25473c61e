"""The embedded Elasticsearch: the official server, fetched, started and stopped.

The story: a JDK is found (:mod:`java`), the server is fetched (:mod:`maven`,
:mod:`server`) and given an analysis plugin (:mod:`plugin`), its folders are prepared
(:mod:`folders`, :mod:`config`), its process is started and awaited (:mod:`start`,
:mod:`process`), and what runs is noted (:mod:`state`). :class:`Node` tells it in this order.
"""

from es_hybrid.node.config import TEST_JAVA_OPTIONS
from es_hybrid.node.home import default_home
from es_hybrid.node.node import Node
from es_hybrid.node.server import DEFAULT_VERSION, SUPPORTED
from es_hybrid.node.state import NodeState, running

__all__ = [
    "DEFAULT_VERSION",
    "SUPPORTED",
    "TEST_JAVA_OPTIONS",
    "Node",
    "NodeState",
    "default_home",
    "running",
]
