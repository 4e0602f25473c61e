"""What the progress bar says while the cluster lets a run wait."""

import pytest

from es_hybrid.cli.progress import Bar
from es_hybrid.indexing import Progress


class Drawing:
    """Keeps what it is told instead of drawing it."""

    def __init__(self):
        self.told = []

    def update(self, task, *, description, **numbers):
        self.told.append(description)


def described(*waits):
    """What the bar says; each of the waits is 6 seconds behind the one before."""
    drawing, moments = Drawing(), [0.0]
    bar = Bar(drawing, 0, title="indexing", now=lambda: moments[-1])
    for waiting in waits:
        bar.update(Progress(1, 1, 1, 2, waiting))
        moments.append(moments[-1] + 6)
    return drawing.told


REFUSED = "POST /films/_bulk at http://here: the queue is full [429 es_rejected_exception]. Wait"


@pytest.mark.parametrize(
    ("waiting", "why"),
    [(REFUSED, "429 es_rejected_exception"), ("cannot reach http://here", "cannot reach http")],
)
def test_a_wait_is_shown_with_its_reason_and_how_long_it_lasts(waiting, why):
    shown = described("", waiting, waiting, waiting)
    assert shown[0] == "indexing"
    assert shown[3].startswith(f"waiting for the cluster: {why}")
    assert shown[3].endswith(" for 12 s")


def test_once_a_wait_is_over_the_next_one_begins_anew():
    shown = described(REFUSED, "", REFUSED)
    assert shown[1] == "indexing"
    assert shown[2].endswith(" for 0 s")
