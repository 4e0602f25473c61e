"""The few lines of a long start log that say why the server did not start."""

import re
from pathlib import Path

LINES = 12
WIDTH = 400

# Ordinary progress, the JVM's remarks, and the frames of a stack trace: the rest is trouble.
_NOISE = re.compile(r"\[(INFO|WARN|DEBUG) *\]|^WARNING: |^\s+at |^\s+\.\.\. \d+ more|^\s*$")


def excerpt(text: str) -> str:
    r"""Return the lines that matter, the last 12 when there are more.

    >>> excerpt("[..][INFO ] starting ...\nCaused by: it is broken\n\tat a.b.C\n")
    'Caused by: it is broken'
    """
    lines = text.splitlines()
    telling = [line for line in lines if not _NOISE.search(line)] or lines
    return "\n".join(line[:WIDTH] for line in telling[-LINES:])


def read(path: Path) -> str:
    """Return a log's text, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
