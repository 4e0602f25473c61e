"""Options of indexing: from a settings file, and on the command line, which wins."""

import pytest

from es_hybrid.cli.index_options import IndexOptions, pairs, read_settings
from es_hybrid.errors import UsageError

ALL = """
embedder = "usem3"
text_fields = ["title", "text"]
id_field = "sku"
shards = 2
replicas = 0
duplicates = "last"

[fields]
year = "number"
released = "date:%d.%m.%Y"

[map]
title = "headline"
"""


@pytest.fixture
def read(tmp_path):
    def settings(text):
        (tmp_path / "films.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_settings(tmp_path / "films.toml")

    return settings


def test_a_settings_file_holds_options_under_their_names(read):
    assert read(ALL) == IndexOptions(
        embedder="usem3",
        text_fields=["title", "text"],
        id_field="sku",
        shards=2,
        replicas=0,
        duplicates="last",
        fields={"year": "number", "released": "date:%d.%m.%Y"},
        map={"title": "headline"},
    )


@pytest.mark.parametrize("said", ["500", '"5%"', '"none"'])
def test_a_limit_may_be_a_number_or_a_text(read, said):
    assert str(read(f"max_rejected = {said}").max_rejected) == said.strip('"')


def test_the_command_line_wins_option_by_option_and_field_by_field(read):
    said = IndexOptions(id_field="nr", fields={"year": "integer", "open": "boolean"})
    chosen = said.over(read(ALL))
    assert (chosen.id_field, chosen.shards) == ("nr", 2)
    assert chosen.fields == {"year": "integer", "released": "date:%d.%m.%Y", "open": "boolean"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "has 'colour', which is not one of embedder, text_fields"),
        ("shards = 0", "shards is 0, not a whole number from 1"),
        ("max_rejected = true", "max_rejected is True, not a text"),
        ("shards = true", "shards is True, not a whole number"),
        ('replicas = "1"', "replicas is '1', not a whole number from 0"),
        ('text_fields = "title"', "text_fields is 'title', not a list of texts"),
        ("text_fields = []", "not a list of texts"),
        ("text_fields = [1]", "not a list of texts"),
        ("id_field = 1", "id_field is 1, not a text"),
        ("[fields]\nyear = 1", "not a table of texts"),
        ('map = "title=headline"', "not a table of texts"),
        ("id_field =", "is not TOML"),
        (b"id_field = '\xb1'", "is not TOML"),
    ],
)
def test_a_settings_file_with_a_mistake_is_refused(read, text, said):
    with pytest.raises(UsageError, match=said):
        read(text)


def test_pairs_may_hold_the_mark_again():
    found = pairs("--field", ["at:date:%H:%M", "year:number"], mark=":", like="year:number")
    assert found == {"at": "date:%H:%M", "year": "number"}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["year"], "--field 'year': write it like year:number"),
        ([":number"], "write it like"),
        (["year:"], "write it like"),
        (["year:number", "year:date"], "--field year: is said twice: number and date"),
    ],
)
def test_what_is_no_pair_is_refused(texts, said):
    with pytest.raises(UsageError, match=said):
        pairs("--field", texts, mark=":", like="year:number")
