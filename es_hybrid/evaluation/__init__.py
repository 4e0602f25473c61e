"""Evaluation: is the search good? Judged collections in, measures out."""

from es_hybrid.evaluation.collection import Collection, Qrels, read_collection
from es_hybrid.evaluation.measures import MEASURES, Run, all_measured, measured
from es_hybrid.evaluation.significance import Interval, Paired, interval, paired

__all__ = [
    "MEASURES",
    "Collection",
    "Interval",
    "Paired",
    "Qrels",
    "Run",
    "all_measured",
    "interval",
    "measured",
    "paired",
    "read_collection",
]
