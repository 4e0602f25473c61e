"""What the legs found, fused and collapsed."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.fusion import Fused
from es_hybrid.search.found import collapsed

ENTRIES = [Fused(("films", name), 1.0 - place / 10, ()) for place, name in enumerate("abcdef")]


def raw(**values):
    """Hits of these names, with the values of their field ``genre``."""
    return {("films", name): {"fields": {"genre": values[name]}} for name in values} | {
        entry.key: {} for entry in ENTRIES if entry.key[1] not in values
    }


def names(entries):
    return "".join(entry.key[1] for entry in entries)


def test_the_best_of_each_value_stays_in_its_place():
    hits = raw(a=["x"], b=["y"], c=["x"], d=["z"], e=["y"], f=["x"])
    assert names(collapsed(ENTRIES, hits, "genre")) == "abd"


def test_those_without_a_value_are_one_group():
    assert names(collapsed(ENTRIES, raw(a=["x"], d=["x"], f=[]), "genre")) == "ab"


@pytest.mark.parametrize("values", [[1, 1.5], [True, "True"]])
def test_values_of_any_kind_are_told_apart(values):
    hits = raw(**dict(zip("ab", ([one] for one in values), strict=True)))
    assert names(collapsed(ENTRIES[:2], hits, "genre")) == "ab"


def test_several_values_are_refused():
    with pytest.raises(UsageError, match="document 'b' has 2 values; take a field that has one"):
        collapsed(ENTRIES, raw(a=["x"], b=["x", "y"]), "genre")
