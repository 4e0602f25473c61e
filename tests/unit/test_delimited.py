"""CSV and TSV as people have them: every row is a record, or says why it is none."""

import gzip
import io
import sys

import pytest

from es_hybrid.errors import RecordError, SourceError, UsageError
from es_hybrid.sources import files
from es_hybrid.sources.delimited import Delimited

ROWS = "id,title,year\n1,Jaws,1975\n2,기생충,2019\n"
ALL = [
    {"id": "1", "title": "Jaws", "year": "1975"},
    {"id": "2", "title": "기생충", "year": "2019"},
]


@pytest.fixture
def read(tmp_path):
    """Writes a file and gives the items that are read from it."""

    def items(data, name="films.csv", **options):
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return list(Delimited(tmp_path / name, **options))

    return items


def records(items):
    return [item.record for item in items]


def reasons(items):
    return {item.where: str(item.record) for item in items if isinstance(item.record, RecordError)}


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        ROWS.rstrip(),
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("\n", "\r"),
        ROWS.replace("\n", "\n\n"),
        ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace(",", "|"),
        ROWS.replace("title", " title "),
        ROWS.replace("Jaws", '"Jaws"').replace("title", '"title"'),
        ROWS.encode("utf-16"),
        gzip.compress(ROWS.encode()),
        gzip.compress(("\ufeff" + ROWS).encode()),
    ],
    ids=[
        *("plain", "no end", "BOM", "CRLF", "CR", "blanks", "semicolons", "tabs", "bars"),
        *("spaces", "quotes", "utf-16", "gz", "gz BOM"),
    ],
)
def test_every_form_of_the_same_rows_gives_the_same_records(read, data):
    assert records(read(data)) == ALL


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16-le"])
def test_a_named_encoding_is_used(read, encoding):
    assert records(read(ROWS.encode(encoding), encoding=encoding)) == ALL


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("007", "007"),
        ("=SUM(A1)", "=SUM(A1)"),
        ('"a, b"', "a, b"),
        ('"say ""hi"""', 'say "hi"'),
        ('"two\nlines"', "two\nlines"),
        ("true", "true"),
        (" x ", " x "),
        ("a\u2028b\x85c", "a\u2028b\x85c"),
        ("x" * 200_000, "x" * 200_000),
    ],
)
def test_a_cell_stays_the_text_that_it_is(read, cell, text):
    assert records(read(f"id,title\n1,{cell}\n")) == [{"id": "1", "title": text}]


def test_an_empty_cell_is_a_missing_value(read):
    assert records(read('id,title\n1,\n2,""\n')) == [{"id": "1"}, {"id": "2"}]


def test_a_named_delimiter_wins_over_the_one_that_looks_right(read):
    items = read("a,b;c\n1,2;3\n", delimiter=";")
    assert records(items) == [{"a,b": "1,2", "c": "3"}]
    assert records(read("a,b\tc\n1,2\t3\n", delimiter="tab")) == [{"a,b": "1,2", "c": "3"}]


def test_a_column_without_a_name_gets_one(read):
    assert records(read(",title\n0,Jaws\n")) == [{"column_1": "0", "title": "Jaws"}]


def test_tsv_without_quoting_may_begin_a_cell_with_a_quote(read):
    data = 'id\ttitle\n1\t"Hello" he said\n2\t5" disk\n3\t"open\n'
    assert [one["title"] for one in records(read(data))] == ['"Hello" he said', '5" disk', '"open']


def test_a_broken_quote_does_not_turn_quoting_off(read):
    items = read('id,title\n1,"Jaws"\n2,"Alien"x\n3,"Up"\n')
    assert list(reasons(items)) == ["films.csv line 3"]
    assert [one["title"] for one in records(items)[::2]] == ["Jaws", "Up"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2", "1 cells under 3 columns: quote a cell"),
        ("2,a,b,c", "4 cells under 3 columns"),
        ('2,"a"b,c', "expected after"),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_its_line_and_the_others_are_read(read, row, said):
    items = read(f'id,title,year\n"1","two\nlines",x\n{row}\n3,c,d\n')
    assert said in reasons(items)["films.csv line 4"]
    assert len(items) == 3


def test_a_quote_that_is_never_closed_is_named_where_it_opens(read):
    items = read('id,title\n1,"a"\n2,"b\n3,c\n')
    assert "unexpected end of data" in reasons(items)["films.csv line 3"]
    assert records(items)[0] == {"id": "1", "title": "a"}


@pytest.mark.parametrize("before", [0, 10_000], ids=["at the start", "behind what is sampled"])
def test_a_row_that_is_too_long_is_left_out_alone(read, monkeypatch, before):
    monkeypatch.setattr(files, "LARGEST", 1000)
    rows = ["id,title", *["0,Jaws"] * before, "1," + "x" * 200_000, "2,Jaws"]
    items = read("\n".join(rows))
    assert list(reasons(items)) == [f"films.csv line {before + 2}"]
    assert "longer than 1,000, which is more than Elasticsearch takes" in str(reasons(items))
    assert (items[-1].where, items[-1].record["id"]) == (f"films.csv line {before + 3}", "2")


def test_one_row_in_another_encoding_spoils_no_other(read):
    items = read(ROWS.encode() + "3,괴물,2006\n".encode("cp949") + b"4,Up,2009\n")
    assert "byte 0xb1 is not utf-8: name the encoding" in reasons(items)["films.csv line 4"]
    assert records(items)[3]["title"] == "Up"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty: it needs a line with the names"),
        (b"\n\n", "the first line must name the columns"),
        (b"1,2,3.5\n4,5,6\n", "the first line must name the columns, and it is '1 2 3.5'"),
        (b"a,b,a\n1,2,3\n", "two columns are called 'a'"),
        (b"PK\x03\x04\x00\x00,x\n", "binary, no text"),
        ("번호,제목\n1,가\n".encode("cp949"), "is not utf-8: name the encoding"),
        (b'"a,b\n1,2\n', "line 1: unexpected end of data"),
        (gzip.compress(ROWS.encode())[:-12], "cannot read"),
    ],
    ids=["empty", "blank", "numbers", "twice", "zip", "cp949", "quote", "cut gzip"],
)
def test_a_file_without_names_of_columns_is_refused_before_it_is_read(tmp_path, data, said):
    (tmp_path / "films.csv").write_bytes(data)
    with pytest.raises(SourceError, match=said):
        Delimited(tmp_path / "films.csv")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimiter": ",,"}, "delimiter ',,': give one character"),
        ({"delimiter": '"'}, "give one character"),
        ({"delimiter": ""}, "give one character"),
        ({"encoding": "klingon"}, "unknown encoding 'klingon'"),
        ({"encoding": "base64"}, "unknown encoding 'base64'"),
    ],
)
def test_an_option_that_can_never_work_is_the_callers_mistake(read, options, said):
    with pytest.raises(UsageError, match=said):
        read(ROWS, **options)


def test_a_gzip_that_breaks_off_says_so_behind_the_rows_that_could_be_read(read):
    many = "id,title\n" + "".join(f"{n},title {n * 7919}\n" for n in range(60_000))
    items = read(gzip.compress(many.encode())[:-5000])
    assert "breaks off here" in str(items[-1].record)
    assert len(items) > 20_000


def test_positions_grow_to_the_size_of_the_file(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text("id,title\n" + "1,Jaws\n" * 50_000)
    source = Delimited(path)
    positions = [item.position for item in source]
    assert positions == sorted(positions)
    assert positions[0] < positions[-1] == source.size == path.stat().st_size


@pytest.mark.parametrize("data", [ROWS.encode(), gzip.compress(ROWS.encode())], ids=["plain", "gz"])
def test_standard_input_is_read_and_left_open(monkeypatch, data):
    typed = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
    monkeypatch.setattr(sys, "stdin", typed)
    source = Delimited("-")
    assert records(source) == ALL
    assert (source.name, source.size, typed.closed) == ("stdin", None, False)
