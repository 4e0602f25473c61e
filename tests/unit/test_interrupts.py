"""What commands say at Ctrl-C: what was done until then, and what that is worth."""

import pytest

from es_hybrid.cli import evaluation, recall
from es_hybrid.cli.output import Interrupted
from es_hybrid.cli.write_back import writing
from es_hybrid.indexing import Progress


def interrupt(command, updates):
    """Ctrl-C after these updates."""
    with command as progress:
        for update in updates:
            progress(*update)
        raise KeyboardInterrupt


def stopped(command, *updates):
    """The line at Ctrl-C after these updates."""
    with pytest.raises(Interrupted) as line:
        interrupt(command, updates)
    return str(line.value)


@pytest.mark.parametrize(
    ("updates", "came"),
    [([], "before the first queries"), ([(1, 7), (2, 7)], "after 2 of 7 queries")],
)
def test_an_evaluation_says_how_far_it_came(updates, came):
    assert stopped(evaluation._stoppable(), *updates) == (
        f"interrupted {came}: nothing was changed, and a part of them says nothing"
    )


def test_recall_says_what_was_being_done():
    line = stopped(recall._stoppable(), ("comparing", 1, 2))
    assert line == "interrupted while comparing: nothing was changed"


@pytest.mark.parametrize(
    ("updates", "told"),
    [
        ([], "interrupted: nothing was written to any document"),
        (
            [(Progress(1, 1, 1, 4000),), (Progress(2, 2, 2, 4000),)],
            "interrupted after 2 documents were written to: run the same command again",
        ),
    ],
)
def test_what_writes_back_says_whether_anything_was_written(updates, told):
    assert stopped(writing("anomalies", "films", wanted=False), *updates) == told
