"""Inputs of every kind through the command line into a real node, and filters on typed fields."""

import gzip
import json
import tomllib
from uuid import uuid4

import pytest

from es_hybrid.client import path, request
from es_hybrid.indexing import Indexer
from es_hybrid.sources import open_source
from tests.embedders import WordEmbedder, ships

SHOPS = """sku;headline;text;open;place;since;price;stock;tags
001;Tea house;green tea and cakes;yes;37.5,127.0;31.05.2010;12.5;7;hot
002;카페;커피와 케이크;no;35.1,129.0;01.02.2020;007;9007199254740993;cold
003;Bar;cold beer;maybe;37.5,127.0;31.05.2010;1;1;cold
004;Pub;dark beer;yes;37.5,127.0;31.05.2010;12a;1;cold
005;Inn;dark beer;yes;137.5,127.0;31.05.2010;1;1;cold
006;Den;dark beer;yes;37.5,127.0;2010/05/31;1;1;cold
007;Hut;dark beer;yes;37.5,127.0;2012-05-31;1;1.5;cold
008;Zoo
"""
SETTINGS = """
embedder = "words-64"
id_field = "sku"

[map]
title = "headline"

[fields]
open = "boolean"
place = "geo"
since = "date:%d.%m.%Y"
price = "number"
stock = "integer"
tags = "keyword"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, node):
    """An empty folder to work in, the node to work with, and an embedder that needs no loading."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_URL", node.url)
    ships(monkeypatch, "words-64", WordEmbedder)
    (tmp_path / "shops.csv").write_text(SHOPS)
    (tmp_path / "shops.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def index(typed, name):
    def run(*arguments, **stdin):
        return typed("index", name, *arguments, "--embedder", "words-64", "--json", **stdin)

    return run


@pytest.fixture
def stored(es, name):
    """Reads a document back."""

    def read(identifier):
        return request(es, "GET", path(f"{name}-000001", "_doc", identifier))["_source"]

    return read


def test_each_csv_row_that_does_not_fit_is_rejected_with_line_and_reason(index):
    report = index("shops.csv", "--settings", "shops.toml").json
    assert (report["read"], report["indexed"], report["rejected"]) == (8, 2, 6)
    reasons = [f"{one['where']}: {one['reason']}" for one in report["problems"]]
    assert [reason[:45] for reason in reasons] == [
        "shops.csv line 4: field 'open' holds 'maybe':",
        "shops.csv line 5: field 'price' holds '12a': ",
        "shops.csv line 6: field 'place' holds '137.5,",
        "shops.csv line 7: field 'since' holds '2010/0",
        "shops.csv line 8: field 'stock' holds '1.5': ",
        "shops.csv line 9: 2 cells under 9 columns: qu",
    ]


def test_values_are_stored_with_their_types(index, stored):
    index("shops.csv", "--settings", "shops.toml")
    shop = stored("002")
    assert (shop["sku"], shop["title"], shop["tags"]) == ("002", "카페", "cold")
    assert (shop["price"], shop["stock"], shop["open"]) == (7, 2**53 + 1, False)
    assert (shop["place"], shop["since"]) == ({"lat": 35.1, "lon": 129.0}, "2020-02-01")


@pytest.fixture(scope="module")
def catalogue(es, tmp_path_factory):
    """The shops in an index that the tests only search, hence one for all of them."""
    made = f"t-{uuid4().hex[:12]}"
    file = tmp_path_factory.mktemp("shops") / "shops.csv"
    file.write_text(SHOPS)
    settings = tomllib.loads(SETTINGS)
    indexer = Indexer(
        es,
        made,
        embedder=WordEmbedder(),
        id_field=settings["id_field"],
        fields=settings["fields"],
        columns=settings["map"],
    )
    indexer.write(open_source([file]))
    yield made
    request(es, "DELETE", path(f"{made}-000001"))


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ({"range": {"price": {"gte": 10}}}, ["001"]),
        ({"range": {"price": {"gt": 6, "lt": 8}}}, ["002"]),
        ({"term": {"stock": 2**53 + 1}}, ["002"]),
        ({"range": {"since": {"lt": "2011-01-01"}}}, ["001"]),
        ({"range": {"since": {"gte": "2020||/y"}}}, ["002"]),
        ({"geo_distance": {"distance": "10km", "place": "37.5,127.05"}}, ["001"]),
        ({"geo_distance": {"distance": "1000km", "place": "37.5,127.05"}}, ["001", "002"]),
        ("open=true", ["001"]),
        ("open=false", ["002"]),
        ("tags=cold", ["002"]),
        ("since=2010-05-31", ["001"]),
    ],
    ids=str,
)
def test_typed_fields_can_be_filtered_by(typed, catalogue, clause, found):
    text = clause if isinstance(clause, str) else json.dumps(clause)
    hits = typed("search", catalogue, "tea 커피와", "--filter", text, "--json").json["hits"]
    assert sorted(hit["id"] for hit in hits) == found


@pytest.fixture
def shops(typed, name):
    typed("index", name, "shops.csv", "--settings", "shops.toml", "--json", "--allow-failures")
    return name


def test_a_second_run_needs_no_types_again(index, shops):
    report = index("shops.csv", "--map", "title=headline", "--id-field", "sku").json
    assert (report["indexed"], report["unchanged"]) == (0, 2)


def test_a_new_typed_field_is_added_to_a_live_index(index, shops, es, folder):
    (folder / "more.csv").write_text("_id,title,area\n9,Spa,12\n")
    assert index("more.csv", "--field", "area:integer").json["indexed"] == 1
    mapping = request(es, "GET", path(shops, "_mapping"))[f"{shops}-000001"]["mappings"]
    assert mapping["properties"]["area"] == {"type": "long", "meta": {"es_hybrid": "integer"}}
    assert "es_hybrid" in mapping["_meta"]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("price:keyword", "has field 'price' as double (--field price:number)"),
        ("place.x:number", "has field 'place' as geo_point"),
        ("sku:number", "has field 'sku' as keyword, and Elasticsearch cannot make it number"),
    ],
)
def test_another_type_than_that_of_the_index_is_refused_naming_both(index, shops, field, said):
    ended = index("shops.csv", "--field", field)
    assert (ended.code, ended.json["error"]["kind"]) == (1, "ContractMismatch")
    assert said in ended.json["error"]["message"]


def test_a_date_in_another_format_is_no_other_type(index, shops, folder, stored):
    (folder / "more.csv").write_text("_id,title,since\n9,Spa,2011-12-24\n")
    (folder / "us.csv").write_text("_id,title,since\n10,Gym,12/24/2011\n")
    assert index("more.csv").json["indexed"] == 1
    assert index("us.csv", "--field", "since:date:%m/%d/%Y").json["indexed"] == 1
    assert stored("10")["since"] == stored("9")["since"] == "2011-12-24"


ROWS = "_id,title,n\n1,Tea,007\n2,커피,8\n"


@pytest.mark.parametrize(
    ("name_", "data", "options"),
    [
        ("a.csv", ROWS.encode(), []),
        ("a.tsv", ROWS.replace(",", "\t").encode(), []),
        ("a.csv.gz", gzip.compress(ROWS.encode()), []),
        ("a.csv", ROWS.encode("cp949"), ["--encoding", "cp949"]),
        ("a.txt_", ROWS.replace(",", "|").encode(), ["--delimiter", "|"]),
        ("-", ROWS.encode(), ["--delimiter", ","]),
    ],
    ids=["csv", "tsv", "gz", "cp949", "named delimiter", "stdin"],
)
def test_csv_in_every_form_gives_the_same_documents(index, stored, folder, name_, data, options):
    if name_ != "-":
        (folder / name_).write_bytes(data)
    report = index(name_, *options, stdin=data if name_ == "-" else b"").json
    assert report["indexed"] == 2
    assert (stored("1")["n"], stored("2")["title"]) == ("007", "커피")


def test_parquet_keeps_its_types(index, stored, folder, es, name):
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    day = pa.array([1717149600123], pa.timestamp("ms"))
    columns = {"_id": [1], "title": ["Tea"], "n": [2**62], "f": [0.1], "b": [True], "d": day}
    parquet.write_table(pa.table(columns), folder / "a.parquet")
    assert index("a.parquet").json["indexed"] == 1
    read = stored("1")
    assert (read["n"], read["f"], read["b"]) == (2**62, 0.1, True)
    body = request(es, "GET", path(name, "_mapping"))[f"{name}-000001"]["mappings"]["properties"]
    kinds = [body[field]["type"] for field in "nfbd"]
    assert kinds == ["long", "double", "boolean", "date"]


def test_a_folder_of_texts_and_other_files_at_once(index, stored, folder):
    (folder / "docs/sub").mkdir(parents=True)
    (folder / "docs/a.md").write_text("---\nlang: en\n---\n# Tea\nhot")
    (folder / "docs/sub/b.html").write_text("<title>Milk</title><p>white")
    (folder / "docs/image.png").write_bytes(b"\x89PNG\0")
    (folder / "c.jsonl").write_text('{"_id": "c", "title": "Coffee"}\n')
    report = index("docs", "c.jsonl").json
    assert (report["indexed"], report["left_out"]) == (3, {".png files": 1})
    assert (stored("a.md")["lang"], stored("c")["title"]) == ("en", "Coffee")


def test_what_is_left_out_and_renamed_is_said_to_people(typed, name, folder):
    (folder / "a.csv").write_text(
        "_id,title,_index,_source,pipeline,routing,_op_type\n1,Tea,a,b,c,d,e"
    )
    ended = typed("index", name, "a.csv", "--embedder", "words-64")
    assert "column '_source' is kept as 'field_source'" in ended.err
    assert ended.code == 0


@pytest.mark.parametrize(
    ("value", "way_out"),
    [(7.9, "n:number"), ("9", "n:integer"), ("nine", "n:integer"), (True, "n:keyword")],
)
def test_what_does_not_fit_whole_numbers_before_it_is_set_aside_with_the_way_out(
    index, value, way_out
):
    lines = [{"_id": "1", "title": "Green tea", "n": 8}, {"_id": "2", "title": "Tea", "n": value}]
    report = index("-", stdin="\n".join(map(json.dumps, lines)).encode()).json
    assert (report["indexed"], report["dead_lettered"]) == (1, 1)
    assert way_out in report["problems"][0]["reason"]


def test_fractions_keep_all_their_digits_in_filters(typed, index, name):
    lines = [{"_id": str(n), "title": "Tea", "n": 1234567.5 + n / 100} for n in range(3)]
    index("-", stdin="\n".join(map(json.dumps, lines)).encode())
    found = typed("search", name, "tea", "--filter", "n=1234567.51", "--json").json
    assert [hit["id"] for hit in found["hits"]] == ["1"]


def test_a_column_that_no_record_has_is_told_when_the_index_is_made(folder, typed, name):
    (folder / "a.csv").write_text("_id,headline,text\n1,Tea,hot\n")
    ended = typed("index", name, "a.csv", "--map", "title=headlin", "--embedder", "words-64")
    assert "no record has 'headlin'" in ended.err
    assert "--map" in ended.err


def test_ids_made_from_the_content_are_told_when_the_index_is_made(folder, typed, name):
    (folder / "a.csv").write_text("title\nTea\nMilk\n")
    first, second = (typed("index", name, "a.csv", "--embedder", "words-64") for _ in range(2))
    assert "without an _id: 2 of 2 records." in first.err
    assert "--id-field" in first.err
    assert second.err == ""


def test_columns_named_like_metadata_stay_data_that_can_be_filtered_by(typed, index, name, stored):
    record = {"_id": "1", "title": "Tea", "pipeline": "p", "routing": "r", "_op_type": "delete"}
    own = dict.fromkeys(("_index", "_source", "_routing", "_version", "_seq_no", "_type"), "x")
    numbers = {"_primary_term": 1, "_doc_count": 5}
    report = index("-", stdin=json.dumps(record | own | numbers).encode()).json
    assert report["renamed"]["_doc_count"] == "field_doc_count"
    assert (stored("1")["_op_type"], stored("1")["field_index"]) == ("delete", "x")
    assert typed("search", name, "tea", "--filter", "field_source=x", "--json").json["hits"]


@pytest.mark.parametrize("size", [512, 513])
def test_an_id_has_at_most_512_bytes(index, size):
    line = json.dumps({"_id": "x" * size, "title": "Tea"}) + '\n{"_id": "y", "title": "Tea"}'
    report = index("-", stdin=line.encode()).json
    assert (report["indexed"], report["rejected"]) == ((2, 0) if size == 512 else (1, 1))


@pytest.mark.parametrize(
    ("duplicates", "numbers", "title"),
    [("reject", (1, 1, 1, 0), "one"), ("last", (1, 2, 0, 1), "two")],
)
def test_a_repeated_id_is_unchanged_rejected_or_the_last(index, stored, duplicates, numbers, title):
    rows = [("a", "one"), ("a", "one"), ("a", "two")]
    lines = "".join(json.dumps({"_id": i, "title": t}) + "\n" for i, t in rows)
    report = index("-", "--duplicates", duplicates, stdin=lines.encode()).json
    fates = ("indexed", "unchanged", "rejected", "superseded")
    assert tuple(report[fate] for fate in fates) == numbers
    assert stored("a")["title"] == title


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--field", "price:money"], "field type 'money' is not one of"),
        (["--field", "price"], "write it like year:number"),
        (["--map", "title"], "write it like title=headline"),
        (["--duplicates", "first"], "is not one of reject, last"),
        (["--delimiter", "::"], "give one character"),
        (["--encoding", "klingon"], "unknown encoding"),
        (["--settings", "shops.csv"], "is not TOML"),
    ],
)
def test_options_that_can_never_work_end_with_2_and_make_no_index(index, es, name, options, said):
    ended = index("shops.csv", *options)
    assert (ended.code, ended.json["error"]["kind"]) == (2, "UsageError")
    assert said in ended.json["error"]["message"]
    assert request(es, "GET", path(name), ok=(404,))["status"] == 404
