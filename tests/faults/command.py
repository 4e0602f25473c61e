"""``es-hybrid`` in a process of its own, with small requests and an embedder of eight axes.

The environment says what else it does: ``FAULT_JOURNAL_KILL=n`` ends it, as kill -9 does, when
half of the n-th entry of its journal is written.
"""

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from es_hybrid.cli import main
from es_hybrid.indexing import bulk, durable, intake, journal
from tests.embedders import WordEmbedder, ships


def dying_at(entry: int) -> None:
    """Let the process die in the middle of this entry of the journal."""
    whole, entries = durable.replaced, iter(range(1, 1 << 30))

    def half(path: Path, chunks: Iterable[bytes]) -> None:
        if next(entries) < entry:
            whole(path, chunks)
            return
        written = b"".join(chunks)
        path.with_name(path.name + ".new").write_bytes(written[: len(written) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    journal.replaced = half


if __name__ == "__main__":
    ships(pytest.MonkeyPatch(), "words-8", lambda: WordEmbedder(8))
    intake.WINDOW, bulk.MAX_DOCUMENTS = 40, 10
    journal.EVERY, journal._SHARE = 0.0, 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run behind "&"
    if "FAULT_JOURNAL_KILL" in os.environ:
        dying_at(int(os.environ["FAULT_JOURNAL_KILL"]))
    main(sys.argv[1:])
