"""A rebuild that is killed anywhere is gone on with; nobody writes where nobody searches."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from elastic_transport import Transport

from es_hybrid import Indexer, Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import AliasMoved, ContractError, RequestRefused, UsageError
from es_hybrid.existing import enrich, rebuild, rollback, survey, versions
from tests.dying import ending
from tests.embedders import OtherModel, WordEmbedder
from tests.foreign import change, everything

CHECKOUT = Path(__file__).parents[2]
WORDS, OTHERS = WordEmbedder(256), OtherModel(256)
WINES = [
    {"_id": str(number), "title": f"Wine {number}", "text": f"from valley{number % 7}"}
    for number in range(200)
]
MOVE = "POST /_aliases"
POINTS = {  # request, which of them, before or after it, whether the alias is moved by then
    "half copied": ("POST /{0}-000002.*/_bulk", 2, "after", False),
    "copied, not moved": (MOVE, 1, "before", False),
    "moved, not closed": (MOVE, 1, "after", True),
    "closed, not caught up": ("PUT /{0}-000001/_block/write", 1, "after", True),
    "caught up, not noted": ("PUT /{0}-000002/_mapping", 2, "before", True),
}


@pytest.fixture
def wines(es, name):
    Indexer(es, name, embedder=WORDS, analysis="standard").write(WINES)
    yield name
    for number in (2, 3):
        request(es, "DELETE", path(f"{name}-00000{number}"), ok=(404,))


def behind(es, name):
    [index] = request(es, "GET", path(name))
    return index


def wrong(es, name):
    """Documents of the alias that lack the vector of their text by the new model, or are gone."""
    found = everything(es, name)
    lost = {one["_id"] for one in WINES} - found.keys()
    kept = {key: document["vector"] for key, document in found.items()}
    texts = [f"{document['title']} {document['text']}" for document in found.values()]
    made = OTHERS.embed_documents(texts)
    made /= (made**2).sum(axis=1, keepdims=True) ** 0.5
    other = {key for key, row in zip(kept, made, strict=True) if abs(row - kept[key]).max() > 1e-5}
    return lost | other


def meddle(es, index):
    """What reaches the old version in the moment of the death, where it is still open."""
    try:
        change(es, index, "1", title="Beer")
    except RequestRefused as error:
        return "Wine 1" if error.kind == "cluster_block_exception" else error.kind
    return "Beer"


def interrupted(es, wines, monkeypatch, *where):
    """A rebuild that Ctrl-C ends at a request."""

    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Transport, "perform_request", ending(*where, interrupt))
        with pytest.raises(KeyboardInterrupt):
            rebuild(es, wines, embedder=OTHERS)


@pytest.mark.parametrize("point", POINTS)
def test_after_kill_9_the_same_call_ends_it_and_nothing_is_lost_or_doubled(es, wines, url, point):
    what, number, when, moved = POINTS[point]
    arguments = [url, wines, what.format(wines), str(number), when]
    command = [sys.executable, "-m", "tests.dying", *arguments]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False, timeout=90)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert behind(es, wines) == f"{wines}-00000{2 if moved else 1}"
    title = meddle(es, f"{wines}-000001")
    report = rebuild(es, wines, embedder=OTHERS)
    assert (report.index, report.documents, report.conflicts) == (f"{wines}-000002", 200, 0)
    assert (wrong(es, wines), everything(es, wines)["1"]["title"]) == (set(), title)
    assert versions.versions(es, wines) == [f"{wines}-000001", f"{wines}-000002"]


@pytest.mark.parametrize("point", POINTS)
def test_after_ctrl_c_the_same_call_ends_it(es, wines, monkeypatch, point):
    what, number, when, _ = POINTS[point]
    interrupted(es, wines, monkeypatch, what.format(wines), number, when)
    report = rebuild(es, wines, embedder=OTHERS)
    assert (report.index, report.documents, wrong(es, wines)) == (f"{wines}-000002", 200, set())
    assert rollback(es, wines).index == f"{wines}-000001"


def killed_after_the_move(es, wines, monkeypatch):
    interrupted(es, wines, monkeypatch, MOVE, 1, "after")


def test_what_others_wrote_to_the_new_version_since_then_stays(es, wines, monkeypatch):
    killed_after_the_move(es, wines, monkeypatch)
    change(es, f"{wines}-000001", "1", title="Beer")
    change(es, f"{wines}-000001", "2", title="Lost")
    change(es, wines, "2", title="Cider")
    request(es, "DELETE", path(f"{wines}-000001", "_doc", "3"))
    report = rebuild(es, wines, embedder=OTHERS)
    found = everything(es, wines)
    assert (found["1"]["title"], found["2"]["title"], "3" in found) == ("Beer", "Cider", False)
    assert (report.conflicts, report.deleted) == (1, 1)


def test_another_rebuild_than_the_one_that_was_killed_ends_that_first(es, wines, monkeypatch):
    killed_after_the_move(es, wines, monkeypatch)
    change(es, f"{wines}-000001", "1", title="Beer")
    with pytest.raises(ContractError, match=r"was interrupted: end it.*--embedder other-256"):
        rebuild(es, wines, embedder=WORDS)
    report = rebuild(es, wines, embedder=OTHERS, vector_index="flat")
    assert (report.index, report.previous) == (f"{wines}-000003", f"{wines}-000002")
    assert everything(es, wines)["1"]["title"] == "Beer"


def test_after_a_rollback_nobody_goes_on_with_what_was_killed(es, wines, monkeypatch):
    killed_after_the_move(es, wines, monkeypatch)
    rollback(es, wines)
    assert rebuild(es, wines, embedder=OTHERS).index == f"{wines}-000003"


def test_who_writes_to_the_old_version_by_its_name_is_refused(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    with pytest.raises(RequestRefused, match="blocked by"):
        change(es, f"{wines}-000001", "1", title="Beer")
    change(es, wines, "1", title="Beer")


def test_a_rollback_opens_the_old_version_and_closes_the_new_one(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    rollback(es, wines)
    change(es, wines, "1", title="Beer")
    with pytest.raises(RequestRefused, match="blocked by"):
        change(es, f"{wines}-000002", "1", title="Beer")
    assert Indexer(es, wines, embedder=WORDS).write(WINES[2:4]).unchanged == 2


def test_a_version_that_somebody_else_had_closed_is_left_so(es, wines):
    body = {"index.blocks.write": True}
    request(es, "PUT", path(f"{wines}-000001", "_settings"), body=body)
    rebuild(es, wines, embedder=OTHERS)
    change(es, wines, "1", title="Beer")
    rollback(es, wines)
    with pytest.raises(RequestRefused, match="blocked by"):
        change(es, wines, "1", title="Beer")


def test_an_indexer_that_runs_meanwhile_stops_and_runs_again_with_the_new_version(es, wines):
    def records():
        for number in range(2000):
            if number == 1000:
                rebuild(es, wines, embedder=OTHERS)
            yield {"_id": f"new-{number}", "title": f"New {number}", "text": "wine"}

    with pytest.raises(AliasMoved, match=f"{wines}-000002.*run the same command again"):
        Indexer(es, wines, embedder=WORDS).write(records())
    before = survey(es, wines).documents
    again = Indexer(es, wines, embedder=OTHERS).write(
        {"_id": f"new-{number}", "title": f"New {number}", "text": "wine"} for number in range(2000)
    )
    assert (again.unchanged, again.unchanged + again.indexed) == (before - 200, 2000)
    assert survey(es, wines).current == 2200


def test_a_run_whose_alias_moved_behind_it_is_no_success(es, wines):
    def records():
        yield from WINES
        rebuild(es, wines, embedder=OTHERS)

    with pytest.raises(AliasMoved):
        Indexer(es, wines, embedder=WORDS).write(records())


def test_enriching_stops_as_well_when_the_alias_moved(es, wines):
    class Meddler(WordEmbedder):
        def embed_documents(self, texts):
            if any("Beer" in text for text in texts):
                rebuild(es, wines, embedder=OTHERS)
            return super().embed_documents(texts)

    change(es, wines, "1", title="Beer")
    with pytest.raises(AliasMoved):
        enrich(es, wines, embedder=Meddler(256))


def test_an_old_version_is_not_enriched(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    with pytest.raises(UsageError, match=f"was left for {wines}-000002"):
        enrich(es, f"{wines}-000001", embedder=WORDS)


def test_searches_of_the_alias_use_the_version_that_took_over(es, wines):
    rebuild(es, wines, embedder=OTHERS)
    [hit] = Searcher(es, wines, embedder=OTHERS).search("Wine 17", size=1)
    assert hit.index == f"{wines}-000002"
