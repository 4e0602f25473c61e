"""Records in, a report out whose numbers add up, whatever happens on the way."""

import json
from types import SimpleNamespace

import pytest

from es_hybrid.errors import AccessDenied, ContractMismatch, SourceError, UsageError
from es_hybrid.indexing import Indexer, indexer
from es_hybrid.sources import JsonLines
from tests.cluster import Cluster
from tests.embedders import FailsOn, OtherModel, WordEmbedder

FILMS = [
    {"_id": "1", "title": "Jaws", "text": "a shark in the sea", "year": 1975},
    {"_id": "2", "title": "Alien", "text": "a monster in a spaceship", "year": 1979},
    {"_id": "3", "title": "기생충", "text": "반지하에 사는 가족", "year": 2019},
]


@pytest.fixture
def cluster():
    return Cluster()


def write(cluster, records=FILMS, *, progress=lambda _: None, **options):
    options.setdefault("embedder", WordEmbedder())
    return Indexer(cluster, "films", **options).write(records, progress=progress)


def numbers(report):
    return (report.indexed, report.unchanged, report.dead_lettered, report.rejected)


def test_all_is_indexed_at_first_and_nothing_the_second_time(cluster):
    first, second = write(cluster), write(cluster)
    assert numbers(first) == (3, 0, 0, 0)
    assert numbers(second) == (0, 3, 0, 0)
    assert (first.embedded, second.embedded) == (3, 0)


def test_only_what_changed_is_embedded_and_written(cluster):
    write(cluster)
    report = write(cluster, [FILMS[0], {**FILMS[1], "year": 1980}])
    assert numbers(report) == (1, 1, 0, 0)
    assert (report.embedded, report.rewritten) == (0, 1)
    assert cluster.documents["2"]["year"] == 1980


def test_another_text_is_embedded_again(cluster):
    write(cluster)
    report = write(cluster, [FILMS[0], {**FILMS[1], "text": "a cat in a spaceship"}])
    assert (report.indexed, report.embedded, report.rewritten) == (1, 1, 0)


def test_a_document_that_changes_elsewhere_keeps_its_vector_bit_by_bit(cluster):
    write(cluster)
    before = cluster.documents["2"]
    write(cluster, [{**FILMS[1], "year": 1980}])
    after = cluster.documents["2"]
    assert after["embedding"] == before["embedding"]
    assert after["es_hybrid"]["norm"] == before["es_hybrid"]["norm"]
    assert after["es_hybrid"]["content_hash"] != before["es_hybrid"]["content_hash"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("embedding"),
        lambda d: d.update(embedding=[1.0, 2.0]),
        lambda d: d.update(embedding="no base64"),
        lambda d: d["es_hybrid"].pop("norm"),
    ],
    ids=["none", "of another size", "broken", "without its length"],
)
def test_a_vector_that_cannot_be_taken_over_is_made_again(cluster, damage):
    write(cluster)
    damage(cluster.documents["2"])
    report = write(cluster, [{**FILMS[1], "year": 1980}])
    assert (report.indexed, report.embedded, report.rewritten) == (1, 1, 0)


@pytest.mark.parametrize(
    ("version", "asked"), [("9.2.0", True), ("9.1.9", False), ("8.19.21", False)]
)
def test_vectors_are_asked_for_where_the_server_would_leave_them_out(version, asked):
    cluster = Cluster(version=version)
    write(cluster)
    write(cluster, [{**FILMS[1], "year": 1980}])
    told = [given for given in cluster.params["_mget"] if "embedding" in given["_source_includes"]]
    assert [given.get("_source_exclude_vectors") for given in told] == ["false" if asked else None]


def test_the_index_is_made_once_by_the_first_run(cluster):
    reports = [write(cluster), write(cluster)]
    assert [report.created for report in reports] == [True, False]
    assert cluster.sent("films-000001") == ["PUT /films-000001"]
    assert cluster.body["aliases"] == {
        "films": {"is_write_index": True},
        "films-000001-writes": {"is_hidden": True},
    }


def test_an_index_that_somebody_else_just_made_is_written_to(cluster, monkeypatch):
    write(cluster, FILMS[:1])
    target = indexer.find(cluster, "films", indexer.Wanted(WordEmbedder()), default_text=("text",))
    absent = SimpleNamespace(
        **{n: getattr(target, n) for n in target.__slots__} | {"exists": False}
    )
    monkeypatch.setattr(indexer, "find", lambda *_, **__: absent)
    report = write(cluster, FILMS[1:])
    assert (report.created, report.indexed) == (False, 2)


MIXED = [
    FILMS[0],
    FILMS[0],
    {**FILMS[0], "year": 1},
    {"_id": "4", "text": ""},
    ["no record"],
    {"_id": "5", "text": "poison"},
    {"_id": "6", "text": "refused"},
    FILMS[1],
]


def mixed(**options):
    cluster = Cluster(refuse=("6",))
    write(cluster, FILMS[1:2])
    return write(cluster, MIXED, embedder=FailsOn("poison"), **options)


def test_every_record_ends_in_exactly_one_number():
    report = mixed()
    assert numbers(report) == (1, 2, 2, 3)
    assert report.read == len(MIXED) == sum(numbers(report))
    assert not report.complete


def test_the_report_names_place_id_and_reason_of_what_was_lost():
    problems = {one.where: one for one in mixed().problems}
    assert problems["record 3"].reason.startswith("id '1' stood before in this run")
    assert problems["record 6"].reason == "words-64 failed: RuntimeError: cannot read 'poison'"
    assert (problems["record 7"].id, problems["record 7"].fate) == ("6", "dead_lettered")


def test_the_dead_letters_hold_every_lost_record(tmp_path):
    mixed(dead_letters=tmp_path / "dead.jsonl")
    letters = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert sorted(letter["where"] for letter in letters) == [f"record {n}" for n in (3, 4, 5, 6, 7)]
    records = {letter["where"]: letter["record"] for letter in letters}
    assert records["record 3"] == {**FILMS[0], "year": 1}


def test_a_report_names_the_first_problems_and_counts_them_all(cluster):
    report = write(cluster, [*FILMS, *[{"text": ""}] * 50])
    assert (report.rejected, len(report.problems)) == (50, 20)


def test_a_report_is_json(cluster):
    report = json.loads(json.dumps(write(cluster).to_dict()))
    assert (report["name"], report["index"], report["embedder"]) == (
        "films",
        "films-000001",
        "words-64",
    )


def test_the_first_of_two_records_with_one_id_wins(cluster):
    report = write(cluster, [FILMS[0], {**FILMS[0], "title": "Jaws 2"}])
    assert numbers(report) == (1, 0, 0, 1)
    assert cluster.documents["1"]["title"] == "Jaws"


def test_records_without_ids_are_the_same_in_every_run(cluster):
    anonymous = [{"text": "a"}, {"text": "b"}, {"text": "a"}]
    assert numbers(write(cluster, anonymous)) == (2, 1, 0, 0)
    assert numbers(write(cluster, anonymous)) == (0, 3, 0, 0)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "no record to index: the source is empty"),
        (
            [{"text": ""}],
            r"none of the 1 records .* nothing was written; the first: record 1: no text",
        ),
        ([1, "x"], "none of the 2 records"),
    ],
)
def test_where_nothing_is_readable_nothing_is_sent(cluster, records, said):
    with pytest.raises(SourceError, match=said):
        write(cluster, records)
    assert all(request.startswith("GET ") for request in cluster.requests)


@pytest.mark.parametrize("forbid", [(), ("_refresh",)])
def test_one_refresh_ends_a_run_and_need_not_be_allowed(forbid):
    cluster = Cluster(forbid=forbid)
    assert write(cluster).indexed == 3
    writing = [request for request in cluster.requests if not request.startswith("GET ")]
    assert cluster.sent("_refresh") == [writing[-1]] == ["POST /films-000001/_refresh"]


def test_nothing_written_needs_no_refresh(cluster):
    write(cluster)
    write(cluster)
    assert len(cluster.sent("_refresh")) == 1


@pytest.mark.parametrize(("version", "kind"), [("9.3.0", str), ("9.2.9", list), ("8.19.21", list)])
def test_vectors_are_packed_where_the_server_can_read_it(version, kind):
    cluster = Cluster(version=version)
    write(cluster)
    assert type(cluster.documents["1"]["embedding"]) is kind


def test_what_is_written_is_the_users_fields_and_two_of_ours(cluster):
    write(cluster)
    stored = cluster.documents["1"]
    assert set(stored) == {"title", "text", "year", "embedding", "es_hybrid"}
    assert stored["es_hybrid"]["norm"] == pytest.approx(6**0.5)
    assert stored["es_hybrid"]["source"] == "records"


def test_the_given_records_stay_as_they_were(cluster):
    records = [dict(film) for film in FILMS]
    write(cluster, records)
    assert records == FILMS


def many(count):
    return [{"_id": str(n), "text": f"word{n}"} for n in range(count)]


def test_many_records_are_planned_and_sent_in_parts(cluster):
    report = write(cluster, many(1100))
    assert report.indexed == len(cluster.documents) == 1100
    assert not cluster.sent("_mget")  # whatever is in a new index, this run wrote
    assert len(cluster.sent("_bulk")) == 3  # windows of 512, 512 and 76
    assert write(cluster, many(1100)).unchanged == 1100
    assert len(cluster.sent("_mget")) == 3


def test_progress_never_falls_and_ends_where_all_is_known(cluster, tmp_path):
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in many(700)))
    told = []
    write(cluster, JsonLines([path]), progress=told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[-1].read, told[-1].done) == (700, 700)
    assert told[-1].position == told[-1].size == path.stat().st_size


def test_a_source_that_breaks_off_leaves_what_was_written_searchable(cluster):
    def breaking():
        yield from many(600)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(cluster, breaking())
    assert len(cluster.documents) == 512
    assert len(cluster.sent("_refresh")) == 1


def test_a_missing_right_to_write_stops_the_run_and_closes_what_is_open(tmp_path):
    with pytest.raises(AccessDenied):
        write(Cluster(forbid=("_bulk",)), [*FILMS, {"text": ""}], dead_letters=tmp_path / "dead")
    assert (tmp_path / "dead").read_text().count("\n") == 1


def test_another_model_is_refused_before_anything_is_written(cluster):
    write(cluster)
    with pytest.raises(ContractMismatch, match=r"words-64.*other-64"):
        write(cluster, FILMS, embedder=OtherModel())
    assert len(cluster.sent("_bulk")) == 1


@pytest.mark.parametrize(
    "options",
    [{"analysis": "klingon"}, {"vector_index": "ivf"}],
    ids=lambda options: next(iter(options)),
)
def test_an_option_that_can_never_work_is_refused_before_anything_is_written(cluster, options):
    with pytest.raises(UsageError):
        write(cluster, **options)
    assert not cluster.sent("_bulk")


def test_one_text_field_may_be_given_as_a_string(cluster):
    write(cluster, [{"_id": "1", "body": "shark"}], text_fields="body")
    assert cluster.body["mappings"]["_meta"]["es_hybrid"]["text_fields"] == ["body"]


def test_a_named_id_field_is_used(cluster):
    write(cluster, [{"sku": 7, "text": "shark"}], id_field="sku")
    assert list(cluster.documents) == ["7"]
