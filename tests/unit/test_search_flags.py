"""What is typed for a search becomes the options of one, before a server is asked."""

import pytest

from es_hybrid.cli.search_flags import Flags
from es_hybrid.errors import UsageError


def test_an_unknown_fusion_names_all_that_are_accepted():
    said = "unknown --fusion 'foo': choose one of auto, native, client, rrf, linear, adaptive"
    with pytest.raises(UsageError, match=f"^{said}$"):
        Flags(fusion="foo").options(None)


@pytest.mark.parametrize("fusion", ["auto", "native", "client"])
def test_who_fuses_is_said_beside_how(fusion):
    options = Flags(fusion=fusion, method="linear").options(None)
    assert (options["fusion"], options["method"]) == (fusion, "linear")


@pytest.mark.parametrize("method", ["rrf", "linear", "adaptive"])
def test_a_method_may_be_said_as_the_fusion(method):
    options = Flags(fusion=method).options(None)
    assert (options["fusion"], options["method"]) == ("auto", method)


def test_two_methods_contradict_each_other():
    with pytest.raises(UsageError, match="--fusion rrf and --method linear contradict each other"):
        Flags(fusion="rrf", method="linear").options(None)
