"""A process that rebuilds an index and kills itself in the middle, at a chosen request.

``python -m tests.dying URL NAME REQUEST NUMBER WHEN``: which request, as a pattern such as
``"POST /films-000002.*/_bulk"``, the how many-th of them, and ``before`` or ``after`` its answer.
"""

import os
import re
import signal
import sys

from elastic_transport import Transport
from elasticsearch import Elasticsearch

from es_hybrid.existing import rebuild
from tests.embedders import OtherModel


def ending(request, number, when, end):
    """``Transport.perform_request``, that calls `end` before or after the answer to a request."""
    whole, seen = Transport.perform_request, []

    def perform(self, method, target, **options):
        hit = re.fullmatch(request, f"{method} {target.partition('?')[0]}")
        seen.extend([target] if hit else [])
        now = bool(hit) and len(seen) == number
        if now and when == "before":
            end()
        answer = whole(self, method, target, **options)
        if now and when == "after":
            end()
        return answer

    return perform


if __name__ == "__main__":
    url, name, request, number, when = sys.argv[1:]
    Transport.perform_request = ending(
        request, int(number), when, lambda: os.kill(os.getpid(), signal.SIGKILL)
    )
    with Elasticsearch(url) as client:
        rebuild(client, name, embedder=OtherModel(256))
