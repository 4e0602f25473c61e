"""Tuning: legs are asked once, and thousands of ways to fuse them are tried without a server."""

from es_hybrid.evaluation.tuning.known_items import KnownItems, tune_by_itself
from es_hybrid.evaluation.tuning.stored import store
from es_hybrid.evaluation.tuning.tune import Report, tune

__all__ = ["KnownItems", "Report", "store", "tune", "tune_by_itself"]
