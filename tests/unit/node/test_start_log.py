"""The lines of a start log that are shown when a server does not start."""

import pytest

from es_hybrid.node import log

ORDINARY = "[2026-01-01T00:00:00,000][INFO ][o.e.n.Node] [a] starting ...\n"
UNKNOWN_SETTING = (
    "[2026-01-01T00:00:01,000][ERROR][o.e.b.Elasticsearch] [a] fatal exception while booting "
    "java.lang.IllegalArgumentException: unknown setting [no.such]"
)
FRAME = "\tat org.elasticsearch.server/org.elasticsearch.Some.method(Some.java:1)\n"
CAUSE = "Caused by: java.net.BindException: Address already in use"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (ORDINARY + UNKNOWN_SETTING + "\n" + FRAME * 30, [UNKNOWN_SETTING]),
        (ORDINARY + FRAME + CAUSE + "\n" + FRAME + "\t... 4 more\n\n", [CAUSE]),
        ("Error: Could not create the Java Virtual Machine.\n", None),
        (ORDINARY, None),
        ("", []),
    ],
)
def test_only_what_tells_is_kept(text, lines):
    assert log.excerpt(text).splitlines() == (text.splitlines() if lines is None else lines)


def test_an_excerpt_stays_short():
    shown = log.excerpt("x" * 10_000 + "\n" + "Caused by: y\n" * 100)
    assert len(shown.splitlines()) == log.LINES


def test_a_missing_log_is_empty(tmp_path):
    assert log.read(tmp_path / "none") == ""
