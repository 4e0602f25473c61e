"""Evaluation: is the search good? Judged collections in, measures out."""

from es_hybrid.evaluation.collection import Collection, read_collection
from es_hybrid.evaluation.measures import measured

__all__ = ["Collection", "measured", "read_collection"]
