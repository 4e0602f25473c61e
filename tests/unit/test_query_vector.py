"""``--vector``: typed, or in a file."""

import numpy as np
import pytest

from es_hybrid.cli.query_vector import read_vector
from es_hybrid.errors import UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Has a vector as .npy and as JSON, and files that are neither."""
    monkeypatch.chdir(tmp_path)
    np.save("q.npy", np.array([1.0, 0.5]))
    np.save("pickle.npy", np.array([{"a": 1}], object))
    (tmp_path / "q.json").write_text("[1, 0.5]")
    (tmp_path / "words.json").write_text("tea")
    (tmp_path / "empty.npy").write_text("")
    return tmp_path


@pytest.mark.parametrize("text", ["[1, 0.5]", " [1,0.5]", "q.npy", "q.json"])
def test_a_vector_is_typed_or_read_from_a_file(folder, text):
    assert list(read_vector(text)) == [1, 0.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 0.5", "is no JSON list"),
        ("[" + "1," * 99, "…' is no JSON list"),
        ("missing.npy", r"nor a file that can be read \(No such file"),
        (".", "nor a file that can be read"),
        ("pickle.npy", r"is no \.npy file"),
        ("empty.npy", r"is no \.npy file"),
        ("words.json", "is no JSON list"),
    ],
)
def test_anything_else_is_refused(folder, text, said):
    with pytest.raises(UsageError, match=said):
        read_vector(text)
