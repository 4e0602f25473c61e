"""How well vectors keep labels apart, worked out by hand; and the command on drawn folders."""

import numpy as np
import pytest

from es_hybrid.comparison import separation
from tests.scenes import Scene, draw


def circle(*degrees):
    """Unit vectors at these angles: neighbours are the next ones on the circle."""
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_labels_that_lie_apart_are_told_apart():
    found = separation(circle(0, 1, 2, 3, 90, 91, 92, 93), ["a"] * 4 + ["b"] * 4)
    assert (found.accuracy, found.mean_average_precision) == (1.0, 1.0)
    assert found.recall == {1: 1.0, 5: 1.0, 10: 1.0}


def test_average_precision_is_that_of_each_ranking():
    # b lies between both a: each a finds b first, the other a second; b has one b far away.
    found = separation(circle(0, 10, 25, 120), ["a", "b", "a", "b"])
    assert found.mean_average_precision == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 2) / 4)
    assert found.recall[1] == 0.0


def test_nearer_neighbours_have_more_votes():
    # five voters: two of a very near, three of b nearly at right angles
    found = separation(circle(0, 1, 2, 80, 85, 89), ["a"] * 3 + ["b"] * 3)
    assert found.accuracy == 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Circles and crosses of a colour each; one file is damaged, one label has one picture."""
    made = tmp_path_factory.mktemp("labelled")
    for label, colour, count in (("circle", "red", 6), ("cross", "blue", 6), ("ring", "green", 1)):
        (made / label).mkdir()
        for seed in range(count):
            scene = Scene("one", colour, label, "in the middle")
            draw(scene, seed=seed).save(made / label / f"{seed}.png")
    (made / "cross" / "bad.png").write_bytes(b"no picture")
    return made


def test_a_comparison_tells_its_measures_and_what_was_left_out(typed, folder):
    found = typed("compare", str(folder), "--json").json
    (one,) = found["embedders"]
    assert (found["pictures"], found["labels"]) == (12, {"circle": 6, "cross": 6})
    assert (one["dims"], one["megabytes"], one["separation"]["accuracy"]) == (1280, 5120.0, 1.0)
    assert {name.rpartition("/")[2] for name in found["left_out"]} == {"bad.png", "0.png"}


def test_a_comparison_is_a_table_and_a_page(typed, folder, tmp_path):
    ended = typed("compare", str(folder), "--report", str(tmp_path / "page.html"))
    assert "efficientnet-lite2" in ended.out
    assert "alone with its label" in ended.out
    assert "<svg" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("/nowhere",), "is no folder: name one with a folder for each label"),
        (("{}/ring",), "needs two folders with pictures"),
        (("{}", "--embedders", "usem3"), "embedder 'usem3' is for texts"),
        (("{}", "--embedders", "usem3,"), "empty or doubled part"),
    ],
)
def test_what_cannot_be_compared_is_refused(typed, folder, arguments, complaint):
    ended = typed("compare", *(one.format(folder) for one in arguments))
    assert ended.code in (1, 2)
    assert complaint in ended.err
