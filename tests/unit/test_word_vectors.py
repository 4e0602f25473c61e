"""Word vectors: files that are read, texts that are averaged, and a corpus that is trained on."""

import gzip
import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from es_hybrid import contract
from es_hybrid.documents import Fields, document
from es_hybrid.embedders import document_vectors, load_embedder, query_vector
from es_hybrid.embedders.words import Training, train
from es_hybrid.embedders.words.averages import common_direction, weights, without
from es_hybrid.embedders.words.tokens import suited, tokenizer
from es_hybrid.errors import ContractMismatch, EmbedderError, SourceError, UsageError, VectorError
from es_hybrid.indexing.embedding import embedded
from es_hybrid.vectors import unit

# Ship and sea lie on one axis, bank and money on another; "the" is in all texts.
AXES = {
    "ship": [3, 0, 0],
    "sea": [1, 0, 0],
    "bank": [0, 2, 0],
    "money": [0, 1, 0],
    "the": [0, 0, 5],
}
TEXT = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in AXES.items())
BINARY = b"".join(
    word.encode() + b" " + np.array(row, "<f4").tobytes() for word, row in AXES.items()
)
FILES = {
    "text": f"5 3\n{TEXT}".encode(),
    "binary": b"5 3\n" + BINARY,
    "glove": TEXT.encode(),
    "gzipped": gzip.compress(f"5 3\n{TEXT}".encode()),
}


@pytest.fixture
def words(tmp_path):
    """The spec of a file with `AXES`."""
    (tmp_path / "words.txt").write_bytes(FILES["text"])
    return f"words:{tmp_path / 'words.txt'}"


def beside(spec, **said):
    """The same, with notes in a file beside it."""
    notes = Path(spec.removeprefix("words:") + ".json")
    notes.write_text(json.dumps({"tokenizer": "simple", "schema": 1} | said))
    return spec


@pytest.mark.parametrize("form", FILES)
def test_each_format_gives_the_same_vectors(form, tmp_path):
    ending = ".gz" if form == "gzipped" else ""
    (tmp_path / f"words.vec{ending}").write_bytes(FILES[form])
    embedder = load_embedder(f"words:{tmp_path}/words.vec{ending}")
    assert embedder.embed_documents(["The ship", "money"]).tolist() == [[1.5, 0, 2.5], [0, 1, 0]]


def test_unknown_words_count_for_nothing(words):
    embedder = load_embedder(words)
    assert embedder.embed_queries(["a ship at sea"]).tolist() == [[2, 0, 0]]


def test_words_that_are_frequent_weigh_little(words):
    embedder = load_embedder(beside(words, counts=[1, 1, 1, 1, 96], a=0.01))
    made = embedder.embed_documents(["the ship"])
    weighed = [0.01 / (0.01 + 0.01), 0.01 / (0.01 + 0.96)]
    assert made[0] == pytest.approx([3 * weighed[0] / 2, 0, 5 * weighed[1] / 2], rel=1e-5)
    assert embedder.info.pooling == "sif"


def test_the_direction_that_all_texts_have_in_common_is_taken_away(words):
    embedder = load_embedder(beside(words, counts=[1] * 5, direction=[0, 0, 1]))
    assert embedder.embed_documents(["the ship"])[0, 2] == 0
    assert load_embedder(f"{words}?weighting=mean").embed_documents(["the ship"])[0, 2] == 2.5


def test_the_common_direction_is_the_first_singular_vector():
    means = np.random.default_rng(0).normal([3, 0, 0, 1], size=(50, 4)).astype(np.float32)
    singular = np.linalg.svd(means)[2][0]
    assert abs(common_direction(iter(means)) @ singular) == pytest.approx(1, abs=1e-5)
    assert np.abs(without(means, singular) @ singular).max() < 1e-5


def test_weights_fall_with_the_share_of_a_word():
    assert (np.diff(weights(np.array([1, 10, 100, 1000]))) < 0).all()


def test_a_text_without_known_words_has_a_reason_and_no_vector(words):
    with pytest.raises(VectorError, match=r"none of the words of 'xyz' is among the 5 of "):
        document_vectors(load_embedder(words), ["a ship", "xyz"])


def test_a_query_without_known_words_offers_bm25(words):
    with pytest.raises(
        VectorError, match=r"'xyz' is among .*: search by its words alone with --mode bm25"
    ):
        query_vector(load_embedder(words), "xyz")


def test_only_the_text_without_known_words_is_refused_of_a_batch(words):
    documents = [
        document({"_id": text, "text": text}, Fields()) for text in ("a ship", "xyz", "the bank")
    ]
    faults = {one.document.id: one.fault for one in embedded(load_embedder(words), documents)}
    assert faults.pop("xyz").startswith("none of the words of 'xyz'")
    assert faults == {"a ship": None, "the bank": None}


def test_a_contract_is_proven_with_words_that_the_model_knows(words):
    embedder = load_embedder(words)
    made = contract.Contract(
        embedder.info, ("text",), "korean", "int8_hnsw", contract.probe(embedder)
    )
    contract.check(made, load_embedder(words), index="films")
    assert contract.from_meta(made.to_meta(), index="films") == made


def test_another_file_of_the_same_size_is_another_model(words, tmp_path):
    embedder = load_embedder(words)
    made = contract.Contract(
        embedder.info, ("text",), "korean", "int8_hnsw", contract.probe(embedder)
    )
    turned = "".join(f"{word} {' '.join(map(str, row[::-1]))}\n" for word, row in AXES.items())
    (tmp_path / "other.txt").write_text(turned)
    with pytest.raises(ContractMismatch, match="is another model"):
        contract.check(made, load_embedder(f"words:{tmp_path}/other.txt"), index="films")


def test_the_revision_is_that_of_the_contents(words, tmp_path):
    (tmp_path / "copy.txt").write_bytes(FILES["text"])
    first, copy = load_embedder(words), load_embedder(f"words:{tmp_path}/copy.txt")
    assert first.info.revision == copy.info.revision
    assert load_embedder(beside(words, counts=[1] * 5)).info.revision != copy.info.revision


def test_options_that_change_vectors_are_part_of_the_name(words):
    info = load_embedder(f"{words}?weighting=mean&tokenizer=simple").info
    assert info.id == f"{words}?tokenizer=simple&weighting=mean"


def test_weights_without_counts_are_refused(words):
    with pytest.raises(UsageError, match=r"no words.txt.json says it: take weighting=mean"):
        load_embedder(f"{words}?weighting=sif").embed_documents(["ship"])


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('the pickle was run')",)


@pytest.mark.parametrize("name", ["words.kv", "words.model", "words.bin"])
def test_a_pickle_is_refused_with_the_way_out_and_never_run(name, tmp_path):
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(EmbedderError, match=r"is a pickle.*save_word2vec_format"):
        load_embedder(f"words:{tmp_path / name}").info  # noqa: B018 - reads the file


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is no file of word vectors"),
        (b"# a readme\n", "is no file of word vectors"),
        (b"5 3\nship 1 2 3\nsea 1", "is damaged"),
        (b"5 3\nship \0\0", "is damaged"),
    ],
)
def test_what_is_no_file_of_word_vectors_is_refused(content, complaint, tmp_path):
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(EmbedderError, match=complaint):
        load_embedder(f"words:{tmp_path / 'words'}").info  # noqa: B018 - reads the file


def test_a_missing_file_is_named_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(EmbedderError, match="es-hybrid words train"):
        load_embedder(f"words:{tmp_path / 'none'}").info  # noqa: B018 - reads the file


@pytest.mark.parametrize(
    "said",
    [
        {"counts": [1, 2]},
        {"counts": [1, 1, 1, 1, -1]},
        {"tokenizer": "mecab"},
        {"schema": 2},
        {"a": 0},
        {"direction": [1, 1, 1]},
        {"direction": [1]},
        {"surplus": 1},
    ],
)
def test_notes_that_do_not_fit_to_their_file_are_refused(said, words):
    with pytest.raises(EmbedderError, match=r"does not fit to 'words\.txt'"):
        load_embedder(beside(words, **said)).info  # noqa: B018 - reads the file


def test_korean_is_cut_into_the_morphemes_that_mean_something():
    cut = tokenizer("kiwi")
    assert cut("서울의 봄에는 벚꽃이 핀다.") == ["서울", "봄", "벚꽃", "피"]
    assert cut("A Ship, at sea!") == ["a", "ship", "at", "sea"]


def test_a_tenth_of_korean_texts_asks_for_the_korean_tokenizer():
    assert suited(["바다"] + ["sea"] * 9) == "kiwi"
    assert suited(["바다"] + ["sea"] * 10) == "simple"
    assert suited([]) == "simple"


def topics(count=300):
    """Texts of one of two topics, whose words never meet."""
    draw = random.Random(0)
    sea, money = (
        ["ship", "sea", "storm", "sail", "harbour"],
        ["bank", "money", "rate", "loan", "credit"],
    )
    return [" ".join(draw.choices(draw.choice((sea, money)), k=8)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "topics.bin"
    return train(topics(), out, training=Training(dims=16, epochs=20, workers=1))


def test_words_that_stand_together_come_near_each_other(trained):
    embedder = load_embedder(f"words:{trained.file}")
    made = unit(embedder.embed_documents(["ship storm", "harbour sail", "bank loan"])).vectors
    assert made[0] @ made[1] > made[0] @ made[2] + 0.5


def test_a_training_says_what_it_read(trained):
    assert (trained.texts, trained.tokens, trained.words) == (300, 2400, 10)
    assert trained.tokenizer == "simple"


def test_the_same_corpus_and_one_worker_give_the_same_file(trained, tmp_path):
    again = train(
        topics(), tmp_path / "again.bin", training=Training(dims=16, epochs=20, workers=1)
    )
    infos = [load_embedder(f"words:{one.file}").info for one in (trained, again)]
    assert infos[0].revision == infos[1].revision


def test_what_is_saved_is_read_back_by_gensim(trained):
    from gensim.models import KeyedVectors

    read = KeyedVectors.load_word2vec_format(trained.file, binary=True)
    assert sorted(read.index_to_key) == sorted({word for text in topics() for word in text.split()})


@pytest.mark.parametrize("texts", [[], ["one two three"]])
def test_a_corpus_that_is_too_small_is_refused(texts, tmp_path):
    with pytest.raises(SourceError, match="give more text, or a smaller --min-count"):
        train(texts, tmp_path / "none.bin")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["dims", "window", "min_count", "epochs", "a"])
def test_a_number_that_cannot_work_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=r"it must be above 0"):
        train(topics(), tmp_path / "none.bin", training=Training(**{name: 0}))
