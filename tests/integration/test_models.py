"""Models that anomalies and clusters keep: who uses them, and what nobody uses is deleted."""

from datetime import timedelta

import pytest

from es_hybrid import Indexer
from es_hybrid.anomalies import Options, anomalies
from es_hybrid.client import path, request
from es_hybrid.diagnosis.remedies import fit_transform
from es_hybrid.existing import rebuild, rollback
from es_hybrid.fitted import MODELS_INDEX, model_of
from es_hybrid.write_back import detach, kept_models, prune_models
from tests.commands import Terminal
from tests.embedders import WordEmbedder

WORDS = WordEmbedder()
NOW = timedelta(0)  # nothing is too young


@pytest.fixture
def texts(es, name):
    rows = [{"_id": str(row), "text": f"word{row % 7} tail{row}"} for row in range(40)]
    Indexer(es, name, embedder=WORDS).write(rows)
    return name


def fit(es, name, **options):
    """Fit a model, write back, and give its id."""
    return anomalies(es, name, Options(method="mean", **options), write=True).model


def users(es, model):
    return next(one.used_by for one in kept_models(es) if one.id == model)


def there(es):
    return {one.id for one in kept_models(es)}


def test_a_model_is_told_with_the_indices_that_use_it(es, texts):
    model = fit(es, texts)
    [found] = [one for one in kept_models(es) if one.id == model]
    assert (found.kind, found.method, found.field) == ("anomaly", "mean", "anomaly")
    assert found.used_by == (f"{texts}-000001",)


def test_a_model_that_another_one_followed_is_deleted(es, texts):
    old, new = fit(es, texts), fit(es, texts, contamination=0.1)
    assert old in {one.id for one in prune_models(es, young=NOW)}
    assert new in there(es)
    assert old not in there(es)


def test_a_model_that_was_forgotten_is_deleted(es, texts):
    model = fit(es, texts)
    detach(es, texts, "anomaly")
    prune_models(es, young=NOW)
    assert model not in there(es)


def test_what_a_rollback_brings_back_has_its_model_still(es, texts):
    old = fit(es, texts)
    rebuild(es, texts, embedder=WORDS)
    new = fit(es, texts, contamination=0.1)
    prune_models(es, young=NOW)
    rollback(es, texts)
    report = Indexer(es, texts, embedder=WORDS).write([{"_id": "new", "text": "new"}])
    assert {old, new} <= there(es)
    assert report.notes == ()
    document = request(es, "GET", path(f"{texts}-000001", "_doc", "new"))["_source"]
    assert document["anomaly"].keys() == {"score", "flag"}


@pytest.mark.parametrize("how", ["closed", "hidden", "named with dots"])
def test_a_model_that_any_other_index_refers_to_stays(es, texts, name, how):
    model = fit(es, texts)
    detach(es, texts, "anomaly")
    other = f".{name}.of.others" if how == "named with dots" else f"{name}-of-others"
    body = {"mappings": {"_meta": {"es_hybrid_models": {"anomaly": model}}}}
    if how != "closed":
        body["settings"] = {"hidden": True}
    request(es, "PUT", path(other), body=body)
    if how == "closed":
        request(es, "POST", path(other, "_close"))
    try:
        prune_models(es, young=NOW)
        assert users(es, model) == (other,)
    finally:
        request(es, "DELETE", path(other))


def test_a_young_model_stays_as_its_index_may_be_about_to_refer_to_it(es, texts):
    model = fit(es, texts)
    detach(es, texts, "anomaly")
    assert model not in {one.id for one in prune_models(es)}
    assert model in there(es)


def test_a_dry_run_deletes_nothing(es, texts):
    model = fit(es, texts)
    detach(es, texts, "anomaly")
    assert model in {one.id for one in prune_models(es, dry_run=True, young=NOW)}
    assert model in there(es)


def test_transforms_stay_as_an_embedder_may_name_them(es, texts):
    kept = fit_transform(es, texts, "centre")
    prune_models(es, young=NOW)
    where = path(MODELS_INDEX, "_doc", kept.embedder.split("transform=")[1])
    assert request(es, "GET", where)["found"]


def test_without_any_model_there_is_nothing_to_tell(es):
    request(es, "DELETE", path(MODELS_INDEX), ok=(404,))
    assert kept_models(es) == prune_models(es, young=NOW) == []


def test_the_commands_list_and_prune(es, url, texts, capsys, monkeypatch):
    typed, model = Terminal(capsys, monkeypatch), fit(es, texts)
    listed = typed("models", "list", "--url", url).out
    assert f"{model}: anomaly by mean in anomaly" in listed
    assert f"used by {texts}-000001" in listed
    assert typed("models", "prune", "--url", url, "--dry-run", "--json").json["deleted"] is False
    assert model_of(es, model).method == "mean"
