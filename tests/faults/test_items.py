"""Faults of single documents in a request."""

from contextlib import suppress

import orjson
import pytest

from es_hybrid.client import path, request
from es_hybrid.errors import IndexNotFound, ServerError
from tests.faults import acts
from tests.faults.checks import letters, plan
from tests.faults.proxy import Rule

BUSY = (429, acts.BUSY)
PASSING = {
    "429 for 1 item": acts.items_refused({7: BUSY}),
    "429 for all": acts.items_refused({0: BUSY}, others=False),
    "503 for 1 item": acts.items_refused(
        {2: (503, {"type": "unavailable_shards_exception", "reason": "primary is not active"})}
    ),
}


@pytest.mark.parametrize("fault", PASSING)
def test_items_that_were_not_taken_are_sent_again_alone(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)
    report = scene.ingest(planned, Rule(fault, PASSING[fault], at=range(3 + seed, 6 + seed)))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []


def test_429_for_1_item_of_500_sends_no_other_again(scene, monkeypatch, seed):
    monkeypatch.setattr("es_hybrid.indexing.intake.WINDOW", 500)
    monkeypatch.setattr("es_hybrid.indexing.bulk.MAX_DOCUMENTS", 500)
    planned = plan(seed, 2200)
    scene.client = scene.patient
    scene.begin(planned)
    rule = Rule("429 for 1 item of 500", PASSING["429 for 1 item"], at={3})
    report = scene.ingest(planned, rule)
    assert scene.in_mid_run(rule.fault, planned)
    assert scene.wrong(planned, report) == []
    assert sorted(scene.proxy.bulks)[0] == 1 < sorted(scene.proxy.bulks)[1]


def spoiled(planned, numbers, **fields):
    """These records get fields that the index will not take."""
    for record in planned.records:
        if record["n"] in numbers:
            record.update(fields)
            planned.lost.add(record["n"])
    return planned


def test_mixed_201_400_429_each_find_their_own_end(scene, seed):
    planned = spoiled(plan(seed), range(40, 240, 9), n_too={"an": "object"})
    planned.records[0]["n_too"] = 1
    scene.begin(planned)
    rule = Rule("mixed 201/400/429", acts.items_refused({1: BUSY, 4: BUSY}), at=range(5, 30))
    report = scene.ingest(planned, rule)
    assert scene.in_mid_run(rule.fault, planned)
    assert scene.wrong(planned, report) == []
    assert letters(scene.dead).keys() == planned.lost | planned.rejected


SPOILED = {
    "mapper_parsing_exception": ({"year": {"of": "an object"}}, {}),
    "strict_dynamic_mapping_exception": ({"unheard_of": 1}, {"dynamic": "strict"}),
}


def kinds(scene, fate="dead_lettered"):
    lines = map(orjson.loads, scene.dead.read_bytes().splitlines())
    return {line["error"] for line in lines if line["fate"] == fate}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("mapper_parsing_exception", {"document_parsing_exception", "mapper_parsing_exception"}),
        ("strict_dynamic_mapping_exception", {"strict_dynamic_mapping_exception"}),
    ],
)
def test_what_the_mapping_refuses_is_a_dead_letter_and_all_else_is_written(
    scene, fault, kind, seed
):
    fields, mapping = SPOILED[fault]
    planned = spoiled(plan(seed), {60 + seed, 100, 150}, **fields)
    planned.records[0]["year"] = 1999
    scene.begin(planned)
    request(scene.es, "PUT", path(scene.index, "_mapping"), body=mapping or {"dynamic": True})
    report = scene.ingest(planned)
    assert scene.wrong(planned, report) == []
    assert letters(scene.dead).keys() == planned.lost | planned.rejected
    assert kinds(scene) <= kind


def three_dimensions(document):
    return orjson.dumps({**orjson.loads(document), "embedding": [1.0, 2.0, 3.0]}) + b"\n"


def test_wrong_dimensions_are_a_dead_letter_document_parsing_exception(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    act = acts.documents_changed([2, 5], three_dimensions)
    report = scene.ingest(planned, Rule("document_parsing_exception", act, at={3 + seed}))
    planned.lost = set(letters(scene.dead)) - planned.rejected
    assert scene.in_mid_run("document_parsing_exception", planned)
    assert (len(planned.lost), scene.wrong(planned, report)) == (2, [])
    assert kinds(scene) <= {"document_parsing_exception", "mapper_parsing_exception"}


def test_a_version_conflict_is_a_dead_letter_and_hides_no_other(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    act = acts.items_refused({3: (409, acts.CONFLICT)})
    report = scene.ingest(planned, Rule("version_conflict", act, at={3 + seed}))
    planned.lost = set(letters(scene.dead)) - planned.rejected
    assert scene.in_mid_run("version_conflict", planned)
    assert (len(planned.lost), scene.wrong(planned, report)) == (1, [])
    assert kinds(scene) == {"version_conflict_engine_exception"}


def test_an_index_that_is_deleted_mid_run_is_not_made_anew_without_its_mapping(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    act = acts.meanwhile(lambda: request(scene.es, "DELETE", path(scene.index)))
    with pytest.raises(IndexNotFound, match=f"{scene.index}.*run the same command again"):
        scene.ingest(planned, Rule("404 index deleted", act, at={3 + seed}))
    assert scene.in_mid_run("404 index deleted", planned)
    assert request(scene.es, "GET", path(f"{scene.name}*")) == {}
    scene.proxy.acknowledged.clear()  # deleted on purpose
    assert scene.wrong(planned, scene.ingest(planned)) == []


def without_alias(scene):
    """As an index that another version or another program made."""
    alias = path(scene.index, "_alias", f"{scene.index}-writes")
    request(scene.es, "DELETE", alias)


def test_an_index_without_an_alias_of_its_own_that_is_made_anew_by_chance_is_no_success(scene):
    planned = plan(0)
    scene.begin(planned)
    without_alias(scene)
    act = acts.meanwhile(lambda: request(scene.es, "DELETE", path(scene.index)))
    with pytest.raises(IndexNotFound, match=scene.name):
        scene.ingest(planned, Rule("404 index deleted", act, at={3}))
    assert scene.in_mid_run("404 index deleted", planned)


@pytest.fixture
def nothing_made_by_chance(es):
    """A cluster whose administrator allows no index that nobody asked for."""
    name = "action.auto_create_index"
    request(es, "PUT", "/_cluster/settings", body={"persistent": {name: "false"}})
    yield
    request(es, "PUT", "/_cluster/settings", body={"persistent": {name: None}})


def test_an_index_without_one_that_is_deleted_mid_run_is_made_good_by_the_same_command(
    scene, nothing_made_by_chance, seed
):
    planned = plan(seed)
    scene.begin(planned)
    without_alias(scene)
    act = acts.meanwhile(lambda: request(scene.es, "DELETE", path(scene.index)))
    with suppress(ServerError):
        scene.ingest(planned, Rule("404 index deleted", act, at={3 + seed}))
    assert scene.in_mid_run("404 index deleted", planned)
    scene.proxy.acknowledged.clear()  # deleted on purpose
    assert scene.wrong(planned, scene.ingest(planned)) == []


BLOCKS = {
    "read-only": {"index.blocks.write": True},
    "flood stage": {"index.blocks.read_only_allow_delete": True},
}


@pytest.mark.parametrize("fault", BLOCKS)
def test_a_block_is_waited_for_and_blames_no_document_cluster_block(scene, fault, seed):
    planned = plan(seed)
    scene.begin(planned)

    def put(settings):
        return lambda: request(scene.es, "PUT", path(scene.index, "_settings"), body=settings)

    lifted = put(dict.fromkeys(BLOCKS[fault]))
    act = acts.meanwhile(put(BLOCKS[fault]), undo=lifted, after=0.8)
    report = scene.ingest(planned, Rule(fault, act, at={3 + seed}))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []
    assert not planned.lost
