"""The embedded Elasticsearch: the official server, fetched, started and stopped.

The story: a JDK is found (:mod:`java`), the server is fetched (:mod:`maven`,
:mod:`server`) and given an analysis plugin (:mod:`plugin`), its folders are prepared
(:mod:`folders`, :mod:`config`), with a certificate and a password where it shall be secured
(:mod:`security`, :mod:`access`), its process, or one for each of several servers (:mod:`seat`),
is started and awaited (:mod:`start`, :mod:`process`), and what runs is noted (:mod:`state`).
:class:`Node` tells it in this order.
"""

from es_hybrid.node.config import TEST_JAVA_OPTIONS
from es_hybrid.node.home import default_home
from es_hybrid.node.node import Node
from es_hybrid.node.server import DEFAULT_VERSION, SUPPORTED
from es_hybrid.node.state import Member, NodeState, running

__all__ = [
    "DEFAULT_VERSION",
    "SUPPORTED",
    "TEST_JAVA_OPTIONS",
    "Member",
    "Node",
    "NodeState",
    "default_home",
    "running",
]
