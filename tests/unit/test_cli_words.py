"""``es-hybrid words train``: from a source to a file that an embedder reads."""

import json

import pytest

from es_hybrid.embedders import load_embedder

RECORDS = [
    {"title": "Ships", "text": "the ship at sea"},
    {"text": "a sea without a ship"},
    {"note": "no text"},
]
OPTIONS = ("--min-count", "2", "--dims", "4", "--workers", "1")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return str(path)


def test_what_index_reads_is_trained_on(typed, corpus, tmp_path):
    out = tmp_path / "words.bin"
    code, said, complaint = typed("words", "train", corpus, "--out", str(out), *OPTIONS)
    assert (code, said.split(",")[0]) == (0, f"{out}: 3 words of 10 in 2 texts (simple tokenizer)")
    assert "1 record was left out: corpus.jsonl line 3: no text in title, text" in complaint
    assert load_embedder(f"words:{out}").embed_documents(["ship"]).shape == (1, 4)


def test_as_json_the_numbers_stand_alone_on_stdout(typed, corpus, tmp_path):
    ended = typed("words", "train", corpus, "--out", str(tmp_path / "w"), *OPTIONS, "--json")
    assert (ended.json["words"], ended.json["texts"], ended.json["left_out"]) == (3, 2, 1)


def test_other_fields_are_read_on_request(typed, corpus, tmp_path):
    ended = typed(
        *(
            "words",
            "train",
            corpus,
            "--out",
            str(tmp_path / "w"),
            "--text-fields",
            "note",
            "--json",
        ),
        *OPTIONS[2:],
        *("--min-count", "1"),
    )
    assert ended.json["tokens"] == 2


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (("--tokenizer", "mecab"), 2, "--tokenizer 'mecab' is not one of simple, kiwi"),
        (("--min-count", "9"), 1, "the most frequent one comes 2 times"),
        (("--dims", "0"), 2, "--dims"),
    ],
)
def test_a_training_that_cannot_work_leaves_no_file(
    options, code, complaint, typed, corpus, tmp_path
):
    ended = typed("words", "train", corpus, "--out", str(tmp_path / "w"), *options)
    assert ended.code == code
    assert complaint in ended.err
    assert [file.name for file in tmp_path.iterdir()] == ["corpus.jsonl"]
