"""A run over the wrong file ends soon; what it did stays, and the same command goes on."""

import json
from collections import Counter

import pytest

from es_hybrid.errors import TooManyRejected, UsageError
from es_hybrid.indexing import Indexer
from es_hybrid.indexing.limit import Limit, limit
from es_hybrid.sources.jsonl import JsonLines
from tests.cluster import Cluster
from tests.embedders import WordEmbedder

GOOD, MANY = 200, 20_000


def record(number, *, good):
    return {"_id": str(number), "text": f"word{number}" if good else " "}


@pytest.fixture
def source(tmp_path):
    """Some records that can be indexed, then a great many that have no text."""
    file = tmp_path / "films.jsonl"
    lines = (record(number, good=number < GOOD) for number in range(MANY))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def write(cluster, source, tmp_path):
    """A run with notes and dead letters."""

    def run(**options):
        places = {"dead_letters": tmp_path / "dead", "state": tmp_path / "state"}
        indexer = Indexer(cluster, "films", embedder=WordEmbedder(), **places, **options)
        return indexer.write(JsonLines([source]))

    return run


def letters(tmp_path):
    lines = (tmp_path / "dead").read_text().splitlines()
    return Counter(json.loads(line)["record"]["_id"] for line in lines)


def fates(report):
    return report.indexed + report.unchanged + report.dead_lettered + report.rejected


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 1000),
        ({"max_rejected": 0}, 0),
        ({"max_rejected": 300}, 300),
        ({"max_rejected": "5%"}, 50),
    ],
)
def test_the_wrong_file_ends_soon_and_what_could_be_indexed_stays(
    write, cluster, tmp_path, options, most
):
    with pytest.raises(TooManyRejected, match=r"cannot be indexed.*--max-rejected") as stopped:
        write(**options)
    report = stopped.value.report
    assert (report.indexed, len(cluster.documents)) == (GOOD, GOOD)
    assert most < report.rejected == len(letters(tmp_path)) <= most + 512
    assert report.read == fates(report) < MANY


def test_without_a_limit_the_file_is_read_to_its_end(write, tmp_path):
    report = write(max_rejected="none")
    assert (report.read, report.indexed, report.rejected) == (MANY, GOOD, MANY - GOOD)
    assert len(letters(tmp_path)) == MANY - GOOD


def test_with_a_higher_limit_the_same_run_goes_on_where_it_stopped(write, cluster, tmp_path):
    with pytest.raises(TooManyRejected) as stopped:
        write()
    report = write(max_rejected=None)
    assert (report.resumed, report.read) == (stopped.value.report.read, MANY)
    assert fates(report) == MANY
    assert set(letters(tmp_path).values()) == {1}


def test_with_the_same_limit_it_stops_again_and_writes_no_letter_twice(write, tmp_path):
    for _ in range(2):
        with pytest.raises(TooManyRejected):
            write()
    assert set(letters(tmp_path).values()) == {1}


def test_the_corrected_file_is_indexed_whole(write, source):
    with pytest.raises(TooManyRejected):
        write()
    lines = (record(number, good=True) for number in range(3000))
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = write()
    assert (report.indexed, report.unchanged, report.complete) == (3000 - GOOD, GOOD, True)


def test_what_the_server_refuses_counts_as_well(source, tmp_path):
    source.write_text("".join(json.dumps(record(n, good=True)) + "\n" for n in range(5000)))
    cluster = Cluster(refuse=[str(number) for number in range(GOOD, 5000)])
    indexer = Indexer(cluster, "films", embedder=WordEmbedder(), dead_letters=tmp_path / "dead")
    with pytest.raises(TooManyRejected, match="document_parsing_exception") as stopped:
        indexer.write(JsonLines([source]))
    report = stopped.value.report
    assert 1000 < report.dead_lettered == len(letters(tmp_path)) < 5000 - GOOD
    assert (report.read, len(cluster.documents)) == (fates(report), GOOD)


def test_a_tenth_that_cannot_be_indexed_is_put_up_with(cluster):
    records = [record(number, good=number % 11 != 0) for number in range(12_100)]
    report = Indexer(cluster, "films", embedder=WordEmbedder()).write(records)
    assert (report.read, report.rejected) == (12_100, 1100)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (500, Limit(500)),
        ("500", Limit(500)),
        ("2.5%", Limit(25, 0.025)),
        ("100 %", Limit(1000, 1.0)),
        (None, None),
        ("None", None),
    ],
)
def test_a_limit_is_a_number_a_share_or_none(said, found):
    assert limit(said) == found


@pytest.mark.parametrize("said", ["-1", -1, "101%", "5.5", "many", "", "5%%", True])
def test_what_is_no_limit_is_refused(said):
    with pytest.raises(UsageError, match="max_rejected"):
        limit(said)
