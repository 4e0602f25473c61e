"""A library that only some jobs need is missed with the command that installs it."""

import sys

import numpy as np
import pytest

from es_hybrid import transforms
from es_hybrid.alignment import fitting
from es_hybrid.anomalies.drift import shift
from es_hybrid.clusters import kmeans, plane
from es_hybrid.cosine.similarities import same_cluster_auc
from es_hybrid.diagnosis.neighbours import nearest
from es_hybrid.diagnosis.statistics import hubs
from es_hybrid.errors import EsHybridError
from es_hybrid.evaluation import measures, significance
from es_hybrid.reports import Report, page

ROWS = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
ORDER = np.arange(50)

JOBS = {  # library -> extra, what needs it, and what is done with it
    "sklearn.manifold": ("analysis", "a map needs", lambda: plane.plane(ROWS)),
    "sklearn.cluster": ("analysis", "clusters need", lambda: kmeans.fit([ROWS], ROWS, clusters=2)),
    "sklearn.preprocessing": (
        "analysis",
        "a transform needs",
        lambda: transforms.fit([ROWS], "centre"),
    ),
    "sklearn.linear_model": (
        "analysis",
        "fitting a map needs scikit-learn",
        lambda: fitting.fitted(ROWS, ROWS, ORDER),
    ),
    "sklearn.neighbors": ("analysis", "comparing vectors needs", lambda: nearest(ROWS, k=2)),
    "sklearn.metrics": (
        "analysis",
        "the AUC needs",
        lambda: same_cluster_auc(ROWS @ ROWS.T, ORDER % 2),
    ),
    "ir_measures": ("eval", "evaluation needs", lambda: measures.parsed("nDCG@10")),
    "scipy.stats": ("eval", "a permutation test needs", lambda: shift(ROWS[:9], ROWS[9:])),
    "jinja2": ("report", "a report needs", lambda: page(Report("films"))),
}


@pytest.mark.parametrize("library", JOBS)
def test_a_job_whose_library_is_missing_names_the_extra_that_brings_it(library, monkeypatch):
    extra, needs, job = JOBS[library]
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EsHybridError) as missing:
        job()
    assert str(missing.value) == f"{needs}: pip install 'es_hybrid[{extra}]'"


def test_a_diagnosis_without_scipy_names_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(EsHybridError, match=r"^hubs need: pip install 'es_hybrid\[analysis\]'$"):
        hubs(ROWS)


def test_an_evaluation_without_scipy_names_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(EsHybridError, match=r"^evaluation needs: pip install 'es_hybrid\[eval\]'$"):
        significance.interval([0.1, 0.9])
