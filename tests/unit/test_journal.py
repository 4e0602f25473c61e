"""A run that was stopped is gone on with: each record is counted once, no letter comes twice."""

import errno
import json
import os

import pytest

from es_hybrid.errors import SourceError, StateError
from es_hybrid.indexing import Indexer, dead_letters, durable, intake, journal
from es_hybrid.indexing.journal import About, Journal, fingerprint
from es_hybrid.indexing.report import Problem, Tally
from es_hybrid.sources import Delimited, JsonLines
from tests.cluster import Cluster
from tests.embedders import FailsOn


def line(number):
    """Of ten records, one repeats an id, one has no text, one is refused and one poisonous."""
    kinds = {
        3: {"_id": str(number - 1), "text": "another"},
        5: {"_id": str(number), "text": ""},
        7: {"_id": f"refused {number}", "text": "words"},
        9: {"_id": str(number), "text": "poison"},
    }
    return kinds.get(number % 10, {"_id": str(number), "text": f"word{number}"})


REFUSED = [f"refused {number}" for number in range(7, 60, 10)]
COUNTED = ("read", "indexed", "unchanged", "dead_lettered", "rejected", "embedded")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Small windows, each noted."""
    monkeypatch.setattr(intake, "WINDOW", 8)
    monkeypatch.setattr(journal, "EVERY", 0.0)
    monkeypatch.setattr(journal, "_SHARE", 0)


@pytest.fixture
def cluster():
    return Cluster(refuse=REFUSED)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(line(number)) + "\n" for number in range(60)))
    return path


def write(cluster, file, *, progress=lambda _: None, **options):
    indexer = Indexer(
        cluster,
        "films",
        embedder=FailsOn("poison"),
        dead_letters=file.with_name("dead"),
        state=file.with_name("state"),
        **options,
    )
    return indexer.write(JsonLines([file]), progress=progress)


def stopped(cluster, file, *, after=30, **options):
    """A run that ends by Ctrl-C when so many records are read."""

    def stop(told):
        if told.read >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(cluster, file, progress=stop, **options)


def numbers(report):
    return {name: getattr(report, name) for name in COUNTED}


def letters(file):
    """Of each letter where it was read, sorted; a letter that came twice stands there twice."""
    path = file.with_name("dead")
    told = [json.loads(one) for one in path.read_text().splitlines()] if path.exists() else []
    return sorted((one["where"], one["error"]) for one in told)


def whole(file):
    """What a run does that nobody stops: its numbers, letters and documents."""
    alone = file.parent / "alone"
    alone.mkdir()
    (alone / file.name).write_bytes(file.read_bytes())
    cluster = Cluster(refuse=REFUSED)
    report = write(cluster, alone / file.name)
    return numbers(report), letters(alone / file.name), set(cluster.documents)


def notes(file):
    return list(file.with_name("state").glob("runs/*.json"))


@pytest.mark.parametrize("after", [1, 9, 17, 33, 50, 57])
def test_two_runs_count_together_what_one_would_have_counted(cluster, file, after):
    stopped(cluster, file, after=after)
    report = write(cluster, file)
    counted, kept, documents = whole(file)
    known = {"indexed", "unchanged", "embedded"}  # what was written behind the last entry
    assert {n: v for n, v in numbers(report).items() if n not in known} == {
        n: v for n, v in counted.items() if n not in known
    }
    assert report.indexed + report.unchanged == counted["indexed"] + counted["unchanged"]
    assert (letters(file), set(cluster.documents)) == (kept, documents)


def test_what_is_settled_is_neither_asked_for_nor_sent_again(cluster, file):
    stopped(cluster, file, after=33)
    before = len(cluster.requests)
    report = write(cluster, file)
    assert report.resumed >= 24
    assert len([one for one in cluster.requests[before:] if "_mget" in one]) <= 4
    assert not notes(file)


def test_a_run_that_went_on_knows_the_ids_that_the_first_one_met(cluster, file):
    records = [{"_id": str(n), "text": f"word{n}"} for n in range(40)]
    records.append({"_id": "0", "text": "another"})
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    stopped(cluster, file, after=33)
    report = write(cluster, file)
    assert (report.rejected, report.problems[0].where) == (1, "docs.jsonl line 41")
    assert cluster.documents["0"]["text"] == "word0"


def test_restart_begins_with_the_first_record_and_doubles_no_letter(cluster, file):
    stopped(cluster, file)
    report = write(cluster, file, restart=True)
    assert (report.resumed, report.read) == (0, 60)
    assert letters(file) == whole(file)[1]


CHANGES = {
    "another line": lambda file, _: file.write_text(file.read_text() + '{"text": "new"}\n'),
    "another time": lambda file, _: os.utime(file, ns=(1, 1)),
    "another index": lambda _, cluster: setattr(cluster, "uuid", "the second"),
    "no such notes": lambda file, _: [one.unlink() for one in notes(file)],
    "broken notes": lambda file, _: notes(file)[0].write_text('{"schema": 1}'),
    "notes of a newer version": lambda file, _: notes(file)[0].write_text(
        notes(file)[0].read_text().replace('"schema": 1', '"schema": 2')
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_source_or_index_is_begun_anew(cluster, file, change):
    stopped(cluster, file)
    change(file, cluster)
    report = write(cluster, file)
    assert (report.resumed, report.read) == (0, len(file.read_text().splitlines()))


@pytest.mark.parametrize(
    "options",
    [{"duplicates": "last"}, {"columns": {"title": "t"}}, {"source": "x"}, {"id_field": "_id"}],
    ids=lambda options: next(iter(options)),
)
def test_another_way_to_read_the_records_is_begun_anew(cluster, file, options):
    stopped(cluster, file)
    assert write(cluster, file, **options).resumed == 0


def test_another_delimiter_is_another_source(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text;b,c\nx;y,z\n")
    told = {
        fingerprint(source.files(), reading=source.reading)
        for source in (Delimited(path, delimiter=";"), Delimited(path, delimiter=","))
    }
    assert len(told) == 2


def test_records_of_a_script_are_read_once_and_noted_nowhere(cluster, file):
    Indexer(cluster, "films", embedder=FailsOn("x"), state=file.with_name("state")).write(
        [{"text": "tea"}], progress=lambda _: None
    )
    assert not notes(file)


def full(monkeypatch, owner, name, *, after):
    """From its call number `after` on, this function meets a full disk."""
    real, calls = getattr(owner, name), []

    def meets(*arguments):
        calls.append(arguments)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(owner, name, meets)


@pytest.mark.parametrize("after", [0, 1, 4, 9])
def test_a_full_disk_under_the_notes_stops_the_run_and_loses_nothing(
    cluster, file, monkeypatch, after
):
    with monkeypatch.context() as patch:
        full(patch, durable.os, "fsync", after=after)
        with pytest.raises((StateError, SourceError), match=r"No space left on device.* goes on"):
            write(cluster, file)
    report = write(cluster, file)
    assert sum(numbers(report)[name] for name in COUNTED[1:5]) == report.read == 60
    assert letters(file) == whole(file)[1]


@pytest.mark.parametrize("after", [0, 1, 7, 13])
def test_a_full_disk_under_the_letters_stops_the_run_and_loses_nothing(
    cluster, file, monkeypatch, after
):
    with monkeypatch.context() as patch:
        full(patch, dead_letters, "_append", after=after)
        with pytest.raises(
            SourceError, match=r"cannot keep dead letters .*No space left.* goes on"
        ):
            write(cluster, file)
    report = write(cluster, file)
    assert report.read == 60
    assert letters(file) == whole(file)[1]


def test_a_device_that_is_full_is_named(cluster, file):
    if not os.path.exists("/dev/full"):  # noqa: PTH110 - a device
        pytest.skip("no such device here")
    file.with_name("dead").symlink_to("/dev/full")
    with pytest.raises(SourceError, match="No space left on device"):
        write(cluster, file)


ABOUT = About(source="files", options="as they are", index="id")


def test_an_entry_holds_all_numbers(tmp_path):
    problem = Problem("rejected", "line 3", "no text", None, "RecordError")
    tally = Tally(read=3, indexed=2, rejected=1, problems=[problem], unseen={"year"})
    first = Journal(tmp_path / "j", ABOUT)
    first.enter(tally)
    again = Journal(tmp_path / "j", ABOUT)
    assert (again.run, again.settled) == (first.run, tally)


def test_an_index_that_nobody_can_tell_from_others_is_begun_anew(tmp_path):
    unknown = About(source="files", options="as they are", index=None)
    first = Journal(tmp_path / "j", unknown)
    first.enter(Tally(read=3, indexed=3))
    again = Journal(tmp_path / "j", unknown)
    assert (again.settled, again.superseded) == (None, first.run)


def test_an_entry_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    first = Journal(tmp_path / "j", ABOUT)
    first.enter(Tally(read=1, indexed=1))
    full(monkeypatch, durable.os, "fsync", after=0)
    with pytest.raises(StateError, match="XDG_STATE_HOME"):
        first.enter(Tally(read=2, indexed=2))
    assert Journal(tmp_path / "j", ABOUT).settled.read == 1
    assert [one.name for one in tmp_path.iterdir()] == ["j"]
